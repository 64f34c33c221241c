//! Making a guest, or the host, the gateway of a private bridge. Prefilled as well as can be guessed.

use leptos::{ev::SubmitEvent, prelude::*};
use model::{
    cluster::Translation,
    gateway::{About, GatewayRequest, draft as drafted, suggest},
};

use super::{
    destinations::{Destinations, Reach},
    edit,
    forward::{self, Forwards},
};
use crate::{
    draft::Draft,
    live::Live,
    parts::{
        dialog::{Buttons, Modal},
        field::{Check, Choice, TextField},
        trouble::Trouble,
    },
    texts::{fill, later::texts},
    ui::Ui,
    view::{IntoPart, Part, component, view},
};

/// What the choice of gateway says for the host: no guest can have this name.
const HOST: &str = "/";

#[component]
pub fn Gateway(bridge: Option<String>, guest: Option<String>, outside: Option<String>) -> impl IntoPart {
    let ui = Ui::here();
    let live = Live::here();
    let draft = Draft::here();
    let texts = texts();
    let cluster = untrack(|| draft.cluster());
    let about = About { bridge: bridge.as_deref(), guest: guest.as_deref() };
    let guess = live.observed.with_untracked(|observed| suggest(observed, &cluster, about));
    let old = guess.as_ref().and_then(|guess| cluster.gateway(&guess.bridge)).is_some_and(|old| old.host);
    let name = RwSignal::new(guess.as_ref().map(|guess| guess.bridge.to_string()).or(bridge).unwrap_or_default());
    let subnet =
        RwSignal::new(guess.as_ref().and_then(|guess| guess.subnet).map(|net| net.to_string()).unwrap_or_default());
    let via = guess.as_ref().and_then(|guess| guess.guest.as_ref()).map(ToString::to_string);
    let via = RwSignal::new(if old { HOST.to_owned() } else { via.unwrap_or_else(|| HOST.to_owned()) });
    let leaves = ways(live);
    let outside =
        outside.and_then(|rail| network_of(live, &rail)).filter(|name| leaves.iter().any(|(way, _)| way == name));
    let first = leaves.first().map(|(name, _)| name.clone());
    let way = guess.as_ref().and_then(|guess| guess.outside.as_ref()).map(ToString::to_string);
    let way = RwSignal::new(outside.or(way).or(first).unwrap_or_default());
    let masquerade = guess.as_ref().is_some_and(|guess| guess.translation == Translation::Masquerade);
    let translation = RwSignal::new(if masquerade { "masquerade" } else { "snat" }.to_owned());
    let detach = RwSignal::new(guess.as_ref().is_some_and(|guess| guess.detach_outside));
    let probe = RwSignal::new(guess.as_ref().and_then(|g| g.probe).map(|probe| probe.to_string()).unwrap_or_default());
    let chosen = guess.as_ref().map(|guess| guess.members.iter().map(ToString::to_string).collect::<Vec<_>>());
    let chosen = chosen.unwrap_or_default();
    let had = guess.as_ref().and_then(|guess| cluster.gateway(&guess.bridge));
    let rows = live.observed.with_untracked(|observed| forward::rows(observed, &cluster, had));
    let reach = Reach::of(had);
    let guests: Vec<String> = live.topology.with_untracked(|topology| topology.guests.keys().cloned().collect());
    let members: Vec<(String, RwSignal<bool>)> =
        guests.iter().map(|guest| (guest.clone(), RwSignal::new(chosen.contains(guest)))).collect();

    let bad_name = wrong(name, |text| text.parse::<model::name::LinkName>().err().map(|error| error.to_string()));
    let bad_subnet = wrong(subnet, move |text| {
        (!text.is_empty() && text.parse::<ipnet::IpNet>().is_err()).then(|| fill(texts.not_an_address, &[text]))
    });
    let bad_probe = wrong(probe, move |text| {
        (!text.is_empty() && text.parse::<std::net::IpAddr>().is_err()).then(|| fill(texts.not_an_ip, &[text]))
    });
    let listed = members.clone();
    let chosen = Memo::new(move |_| {
        let gateway = via.get();
        let on = listed.iter().filter(|(name, on)| on.get() && *name != gateway);
        on.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    });
    let nobody = move || chosen.with(Vec::is_empty);
    let blocked = move || {
        nobody()
            || forward::is_wrong(rows, texts)
            || reach.is_wrong()
            || [bad_name, bad_subnet, bad_probe].iter().any(|wrong| wrong.with(Option::is_some))
    };

    let mut vias: Vec<(String, String)> = guests.into_iter().map(|guest| (guest.clone(), guest)).collect();
    vias.push((HOST.to_owned(), texts.gateway_host.to_owned()));
    let boxes = members.clone().into_iter().map(|(guest, on)| {
        let shown = guest.clone();
        view! { <div hidden=move || via.get() == shown><Check label=guest name="member" value=on/></div> }
    });
    let boxes = boxes.collect::<Part>();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let gateway = via.get_untracked();
        let Ok(bridge) = name.get_untracked().trim().parse() else { return };
        let members = members.iter().filter(|(name, on)| *name != gateway && on.get_untracked());
        let request = GatewayRequest {
            bridge,
            guest: gateway.parse().ok(),
            host: gateway == HOST,
            subnet: subnet.get_untracked().trim().parse().ok(),
            members: members.filter_map(|(name, _)| name.parse().ok()).collect(),
            outside: way.get_untracked().parse().ok(),
            translation: match translation.get_untracked().as_str() {
                "masquerade" => Translation::Masquerade,
                _ => Translation::Snat,
            },
            detach_outside: detach.get_untracked(),
            probe: probe.get_untracked().trim().parse().ok(),
            forwards: None,
            destinations: reach.written(),
        };
        let edited = edit::edit(live, draft, |observed, cluster| {
            Ok(forward::written(observed, drafted(observed, cluster, &request)?, &request.bridge, rows))
        });
        if edited {
            ui.dialog.set(None);
        }
    };
    view! {
        <Modal title=texts.gateway_title.to_owned()>
            <form on:submit=submit>
                <Choice label=texts.gateway_guest name="guest" value=via options=vias/>
                <TextField label=texts.gateway_bridge name="bridge" value=name hint="" example="mybr0" error=bad_name/>
                <TextField label=texts.gateway_subnet name="subnet" value=subnet hint="" example="192.168.48.0/24" error=bad_subnet/>
                <fieldset class="members">
                    <legend>{texts.gateway_members}</legend>
                    {boxes}
                    {move || nobody().then(|| view! { <p class="soft">{texts.choose_members}</p> })}
                </fieldset>
                <Choice label=texts.gateway_outside name="outside" value=way options=leaves/>
                <Choice
                    label=texts.gateway_translation
                    name="translation"
                    value=translation
                    options=vec![
                        ("snat".to_owned(), texts.snat.to_owned()),
                        ("masquerade".to_owned(), texts.masq.to_owned()),
                    ]
                />
                <Destinations reach/>
                <Forwards rows members=chosen/>
                <TextField label=texts.probe name="probe" value=probe hint=texts.leave_empty example="10.0.0.9" error=bad_probe/>
                <Check label=texts.detach.to_owned() name="detach_outside" value=detach/>
                <Trouble refusal=draft.refusal/>
                <Buttons blocked=Signal::derive(blocked)/>
            </form>
        </Modal>
    }
}

fn wrong(
    value: RwSignal<String>,
    check: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
) -> Memo<Option<String>> {
    Memo::new(move |_| value.with(|text| check(text.trim())))
}

/// Networks, and bridges that no network uses: by what a gateway can leave.
fn ways(live: Live) -> Vec<(String, String)> {
    live.topology.with_untracked(|topology| {
        let networks = topology.networks.values().filter(|network| network.active).map(|network| network.name.clone());
        let bridges = topology.bridges.values().filter(|rail| rail.network.is_none()).map(|rail| rail.name.clone());
        let uplinks = topology.uplinks.values().filter(|link| link.way_out).map(|link| link.name.clone());
        networks.chain(bridges).chain(uplinks).map(|name| (name.clone(), name)).collect()
    })
}

/// The libvirt network of a rail, or the rail itself.
fn network_of(live: Live, rail: &str) -> Option<String> {
    live.topology.with_untracked(|topology| {
        let bridge = topology.bridges.get(rail)?;
        Some(bridge.network.clone().unwrap_or_else(|| bridge.name.clone()))
    })
}
