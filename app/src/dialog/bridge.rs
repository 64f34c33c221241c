//! A new bridge, or other settings for one of ours.

use leptos::{ev::SubmitEvent, prelude::*};
use model::{cluster::Bridge, name::LinkName, nic};

use super::{
    dhcp::{Fields, Served},
    list, not_a_number,
};
use crate::{
    draft::Draft,
    live::Live,
    parts::{
        dialog::{Buttons, Modal},
        field::{Check, TextField},
    },
    texts::{fill, later::texts},
    ui::Ui,
    view::{IntoPart, component, view},
};

#[component]
pub fn BridgeForm(name: Option<String>) -> impl IntoPart {
    let ui = Ui::here();
    let live = Live::here();
    let draft = Draft::here();
    let texts = texts();
    let cluster = untrack(|| draft.cluster());
    let old = name.as_deref().and_then(|name| cluster.bridge(name)).cloned();
    let is_new = old.is_none();
    let title =
        old.as_ref().map_or_else(|| texts.bridge_title.to_owned(), |old| fill(texts.bridge_edit_title, &[&old.name]));
    // A new one begins as the next free name and subnet.
    let guess = live.observed.with_untracked(|observed| nic::suggest_bridge(observed, &cluster));
    let shown = old.clone().or(guess);
    let name = RwSignal::new(shown.as_ref().map(|shown| shown.name.to_string()).unwrap_or_default());
    let joined = |old: &Bridge| old.address.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let address = RwSignal::new(shown.as_ref().map(joined).unwrap_or_default());
    let mtu = RwSignal::new(old.as_ref().and_then(|old| old.mtu).map(|mtu| mtu.to_string()).unwrap_or_default());
    let talk = RwSignal::new(old.as_ref().is_none_or(|old| old.ports_talk));
    let stp = RwSignal::new(old.as_ref().is_some_and(|old| old.stp));
    let dhcp = Fields::of(old.as_ref().and_then(|old| old.dhcp.as_ref()));
    let bad_name = Memo::new(move |_| name.get().trim().parse::<LinkName>().err().map(|error| error.to_string()));
    let bad_address =
        Memo::new(move |_| list::<ipnet::IpNet>(&address.get()).err().map(|word| fill(texts.not_an_address, &[&word])));
    let bad_mtu = not_a_number(mtu);
    let was = old;
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Ok(name) = name.get_untracked().trim().parse::<LinkName>() else { return };
        let bridge = Bridge {
            address: list(&address.get_untracked()).unwrap_or_default(),
            mtu: mtu.get_untracked().trim().parse().ok(),
            stp: stp.get_untracked(),
            ports_talk: talk.get_untracked(),
            dhcp: dhcp.written(),
            ..was.clone().unwrap_or_else(|| Bridge::new(name))
        };
        draft.put(nic::with_bridge(&untrack(|| draft.cluster()), bridge));
        ui.dialog.set(None);
    };
    let blocked =
        move || [bad_name, bad_address, bad_mtu].iter().any(|wrong| wrong.with(Option::is_some)) || dhcp.is_wrong();
    view! {
        <Modal title>
            <form on:submit=submit>
                {is_new.then(|| view! {
                    <TextField label=texts.name name="name" value=name hint="" example="mybr0" error=bad_name/>
                })}
                <TextField
                    label=texts.bridge_address
                    name="address"
                    value=address
                    hint=""
                    example="192.168.48.1/24"
                    error=bad_address
                />
                <TextField label=texts.bridge_mtu name="mtu" value=mtu hint=texts.leave_empty example="1500" error=bad_mtu/>
                <Check label=texts.let_ports_talk.to_owned() name="ports_talk" value=talk/>
                <Check label=texts.use_stp.to_owned() name="stp" value=stp/>
                <Served fields=dhcp address/>
                <Buttons blocked=Signal::derive(blocked)/>
            </form>
        </Modal>
    }
}
