//! A new NIC, or another place for one that is there.

use leptos::{ev::SubmitEvent, prelude::*};
use model::{Mac, nic};

use super::{edit, list, places};
use crate::{
    draft::Draft,
    live::Live,
    parts::{
        dialog::{Buttons, Modal},
        field::{Choice, TextField},
    },
    texts::{fill, later::texts},
    ui::Ui,
    view::{IntoPart, component, view},
};

#[component]
pub fn Attach(guest: String, mac: Option<Mac>) -> impl IntoPart {
    let ui = Ui::here();
    let live = Live::here();
    let draft = Draft::here();
    let texts = texts();
    let places = places();
    // The last one is the bridge that was made last: most often the one that is meant.
    let place = RwSignal::new(places.last().map(|(value, _)| value.clone()).unwrap_or_default());
    let address = RwSignal::new(String::new());
    let wrong =
        Memo::new(move |_| list::<ipnet::IpNet>(&address.get()).err().map(|word| fill(texts.not_an_address, &[&word])));
    let title = fill(if mac.is_some() { texts.move_title } else { texts.attach_title }, &[&guest]);
    let empty = places.is_empty();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(place) = edit::place(&place.get_untracked()) else { return };
        let addresses: Vec<ipnet::IpNet> = list(&address.get_untracked()).unwrap_or_default();
        let done = edit::edit(live, draft, |observed, cluster| match mac {
            Some(mac) => nic::move_nic(observed, cluster, mac, &place),
            None => {
                let guest = guest.parse().map_err(|_| nic::no_guest(&guest))?;
                let mut cluster = nic::attach(observed, cluster, &guest, &place)?;
                if let Some(nic) = cluster.nics.last_mut().filter(|_| !addresses.is_empty()) {
                    nic.address = addresses;
                }
                Ok(cluster)
            }
        });
        if done {
            ui.dialog.set(None);
        }
    };
    view! {
        <Modal title>
            <form on:submit=submit>
                {empty.then(|| view! { <p class="soft">{texts.nowhere}</p> })}
                <Choice label=texts.plug_into name="place" value=place options=places/>
                {mac.is_none().then(|| view! {
                    <TextField
                        label=texts.address_optional
                        name="address"
                        value=address
                        hint=texts.leave_empty
                        example="192.168.48.10/24"
                        error=wrong
                    />
                })}
                <Buttons blocked=Signal::derive(move || empty || wrong.with(Option::is_some))/>
            </form>
        </Modal>
    }
}
