//! A guest: its NICs, what routes it has inside, what it translates.

use leptos::prelude::*;
use model::{note::Subject, observed::DomainState, step::TableEntry, topology};

use super::{
    Notes, autostart::Autostart, channel::NoChannel, hand::Hand, nic::NicCard, resolver::Resolver, ssh::Ssh, ways::Ways,
};
use crate::{
    dialog::edit,
    draft::Draft,
    explain::Ask,
    facts,
    live::Live,
    parts::{
        facts::{Fact, Table},
        tabs::Tabs,
    },
    survival::AfterReboot,
    texts::{
        fill,
        later::{Texts, texts},
    },
    ui::{Dialog, Ui},
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Guest(name: String) -> impl IntoPart {
    let live = Live::here();
    let ui = Ui::here();
    let texts = texts();
    let key = name.clone();
    let guest = Memo::new(move |_| live.topology.with(|topology| topology.guests.get(&key).cloned()));
    let subjects = Memo::new(move |_| guest.with(|guest| guest.as_ref().map(subjects)).unwrap_or_default());
    let tab = RwSignal::new(0);
    let gateway = name.clone();
    let head = move || guest.with(|guest| guest.as_ref().map(|guest| standing(guest, texts)));
    view! {
        <div class="drawer-head">
            <h2>{name.clone()}</h2>
            <button
                class="button"
                on:click=move |_| {
                    ui.open(Dialog::Gateway { bridge: None, guest: Some(gateway.clone()), outside: None });
                }
            >
                {texts.make_gateway}
            </button>
        </div>
        <p class="sub">{move || head().unwrap_or_else(|| texts.gone.to_owned())}</p>
        <Ask from=Subject::Guest(name)/>
        <Tabs names=vec![texts.nics, texts.routes, texts.nat] chosen=tab label=texts.details/>
        <div id="panel" role="tabpanel" aria-labelledby=move || format!("tab-{}", tab.get())>
            {move || match tab.get() {
                0 => view! { <Nics guest/> },
                1 => view! { <Routes guest/> },
                _ => view! { <Nat guest/> },
            }}
        </div>
        <Notes subjects/>
    }
}

/// `guest · running · agent answers · Alpine · ifupdown`.
fn standing(guest: &topology::Guest, texts: &Texts) -> String {
    let mut words =
        vec![texts.guest.to_owned(), facts::standing(guest.state, guest.agent, guest.trouble.is_some(), texts)];
    words.extend(guest.os.clone());
    words.extend(guest.manager.map(|manager| manager.to_string()));
    words.extend(guest.title.clone());
    words.join(" · ")
}

fn subjects(guest: &topology::Guest) -> Vec<Subject> {
    let nics = guest.nics.iter().map(|nic| Subject::Nic(nic.mac.to_string()));
    nics.chain([Subject::Guest(guest.name.clone())]).collect()
}

type Known = Memo<Option<topology::Guest>>;

#[component]
fn Nics(guest: Known) -> impl IntoPart {
    let ui = Ui::here();
    let draft = Draft::here();
    let texts = texts();
    let name =
        Memo::new(move |_| guest.with(|guest| guest.as_ref().map(|guest| guest.name.clone())).unwrap_or_default());
    // NICs that are only in the draft have their card too.
    let macs = Memo::new(move |_| {
        let name = name.get();
        let facts = guest.with(|guest| guest.as_ref().map(|g| g.nics.iter().map(|nic| nic.mac).collect::<Vec<_>>()));
        let mut macs = facts.unwrap_or_default();
        draft.drafted.with(|drafted| {
            let then = drafted.as_ref().and_then(|drafted| drafted.guests.get(&name));
            let new = then.into_iter().flat_map(|guest| &guest.nics).map(|nic| nic.mac);
            let new: Vec<_> = new.filter(|mac| !macs.contains(mac)).collect();
            macs.extend(new);
        });
        macs
    });
    let runs =
        Memo::new(move |_| guest.with(|guest| guest.as_ref().is_some_and(|guest| guest.state == DomainState::Running)));
    view! {
        <For each=move || macs.get() let:mac>
            <NicCard guest=name mac/>
        </For>
        <button class="button wide" on:click=move |_| ui.open(Dialog::Attach { guest: name.get_untracked() })>
            {texts.add_nic}
        </button>
        {move || guest.get().map(|guest| view! { <Standing guest/> })}
        <Ways guest=name/>
        {move || runs.get().then(|| view! { <Ssh name=name.get()/> })}
    }
}

#[component]
fn Standing(guest: topology::Guest) -> impl IntoPart {
    let ui = Ui::here();
    let texts = texts();
    let role = guest.gateway.clone();
    let serves = role.as_ref().map(|role| role.inside.join(", "));
    let leaves = role.and_then(|role| role.outside);
    let (name, resolved) = (guest.name.clone(), guest.name.clone());
    view! {
        <dl class="facts">
            {serves.map(|serves| view! { <Fact word=texts.serves>{serves}</Fact> })}
            {leaves.map(|leaves| view! { <Fact word=texts.leaves_by>{leaves}</Fact> })}
            {guest.forwards.map(|on| view! { <Fact word=texts.forwarding>{facts::on(on, texts)}</Fact> })}
            <Resolver guest=guest.name.clone()/>
            {guest.free_slots.map(|slots| view! { <Fact word=texts.free_slots>{slots}</Fact> })}
            <Fact word=texts.autostart>{facts::yes(guest.autostart, texts)}</Fact>
            <AfterReboot subject=Subject::Guest(guest.name.clone())/>
        </dl>
        <div class="actions">
            <Autostart subject=Subject::Guest(guest.name.clone())/>
            <NoChannel guest=guest.name.clone()/>
            <button class="button" on:click=move |_| ui.open(Dialog::Resolver(resolved.clone()))>
                {texts.set_resolver}
            </button>
        </div>
        <Hand guest=name/>
    }
}

#[component]
fn Routes(guest: Known) -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    move || {
        let name = guest.with(|guest| guest.as_ref().map(|guest| guest.name.clone())).unwrap_or_default();
        let routes = live.observed.with(|observed| observed.guests.get(&name).and_then(|facts| facts.routes.clone()));
        let Some(routes) = routes else { return view! { <p class="soft">{texts.not_asked}</p> } };
        let row = |route: &model::observed::GuestRoute| {
            vec![
                if route.is_default() { texts.default_word.to_owned() } else { route.destination.to_string() },
                route.via.map(|via| via.to_string()).unwrap_or_default(),
                route.interface.clone().unwrap_or_default(),
                route.metric.to_string(),
            ]
        };
        let rows = routes.iter().map(row).collect();
        let heads = vec![texts.destination, texts.via, texts.interface, texts.metric];
        view! { <Table label=texts.routes heads rows empty=texts.no_routes/> }
    }
}

#[component]
fn Nat(guest: Known) -> impl IntoPart {
    let ui = Ui::here();
    let draft = Draft::here();
    let texts = texts();
    move || {
        let Some(guest) = guest.get() else { return Part::Nothing };
        let row = |entry: &TableEntry| match entry {
            TableEntry::Source(source) => {
                let to = source.to.map_or_else(|| texts.masquerade.to_owned(), |to| to.to_string());
                Some(vec![source.subnet.to_string(), to])
            }
            TableEntry::Destination(asked) => {
                Some(vec![format!("{} {}", asked.protocol, asked.port), asked.to.to_string()])
            }
            TableEntry::Hairpin { .. } | TableEntry::Accept { .. } | TableEntry::Reject { .. } => None,
        };
        let rows = guest.translations.iter().filter_map(row).collect();
        let cluster = draft.cluster();
        let served = cluster.gateways.iter().filter(|g| g.guest.as_deref() == Some(guest.name.as_str()));
        let remove = served.map(|gateway| {
            let bridge = gateway.bridge.to_string();
            let words = format!("{}: {bridge}", texts.remove_gateway);
            view! {
                <button
                    class="button wide"
                    on:click=move |_| edit::remove_gateway(draft, &bridge)
                >
                    {words}
                </button>
            }
        });
        let remove = remove.collect::<Part>();
        let others = guest.other_tables.join(", ");
        let name = guest.name.clone();
        view! {
            <Table label=texts.nat heads=vec![texts.translates, texts.address] rows empty=texts.no_nat/>
            {(!others.is_empty()).then(|| view! { <p class="soft">{fill("nft: {}", &[&others])}</p> })}
            {remove}
            <button
                class="button wide"
                on:click=move |_| {
                    ui.open(Dialog::Gateway { bridge: None, guest: Some(name.clone()), outside: None });
                }
            >
                {texts.make_gateway}
            </button>
        }
    }
}
