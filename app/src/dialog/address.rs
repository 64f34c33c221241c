//! What a NIC is set to inside its guest.

use leptos::{ev::SubmitEvent, prelude::*};
use model::{Mac, nic};

use super::{edit, list};
use crate::{
    draft::Draft,
    live::Live,
    parts::{
        dialog::{Buttons, Modal},
        field::TextField,
    },
    texts::{fill, later::texts},
    ui::Ui,
    view::{IntoPart, component, view},
};

#[component]
pub fn Address(guest: String, mac: Mac) -> impl IntoPart {
    let ui = Ui::here();
    let live = Live::here();
    let draft = Draft::here();
    let texts = texts();
    let entry = untrack(|| draft.cluster()).nic(mac).cloned();
    let joined = entry.as_ref().map(|nic| nic.address.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    let address = RwSignal::new(joined.unwrap_or_default());
    let hop = entry.and_then(|nic| nic.default_route).map(|hop| hop.to_string());
    let route = RwSignal::new(hop.unwrap_or_default());
    let bad_address =
        Memo::new(move |_| list::<ipnet::IpNet>(&address.get()).err().map(|word| fill(texts.not_an_address, &[&word])));
    let bad_route = Memo::new(move |_| {
        let text = route.get();
        let text = text.trim();
        (!text.is_empty() && text.parse::<std::net::IpAddr>().is_err()).then(|| fill(texts.not_an_ip, &[text]))
    });
    let name = live.topology.with_untracked(|topology| topology.socket(mac).and_then(|(_, nic)| nic.name.clone()));
    let title = fill(texts.address_title, &[&name.unwrap_or_else(|| mac.to_string()), &guest]);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let addresses = list(&address.get_untracked()).unwrap_or_default();
        let hop = route.get_untracked().trim().parse().ok();
        let inside = |observed: &model::Observed, cluster: &model::Cluster| {
            nic::set_inside(observed, cluster, mac, addresses, hop)
        };
        if edit::edit(live, draft, inside) {
            ui.dialog.set(None);
        }
    };
    view! {
        <Modal title>
            <form on:submit=submit>
                <TextField
                    label=texts.address_optional
                    name="address"
                    value=address
                    hint=texts.leave_empty
                    example="192.168.48.20/24"
                    error=bad_address
                />
                <TextField
                    label=texts.route_optional
                    name="default_route"
                    value=route
                    hint=texts.leave_empty
                    example="192.168.48.10"
                    error=bad_route
                />
                <Buttons blocked=Signal::derive(move || bad_address.with(Option::is_some) || bad_route.with(Option::is_some))/>
            </form>
        </Modal>
    }
}
