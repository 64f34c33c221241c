//! What a NIC is set to inside its guest.

use std::net::IpAddr;

use leptos::{ev::SubmitEvent, prelude::*};
use model::{
    Mac, RpFilter,
    cluster::{Nic, Route},
    nic::{self, Setting},
};

use super::{edit, joined, list, not_a_number};
use crate::{
    draft::Draft,
    live::Live,
    parts::{
        dialog::{Buttons, Modal},
        field::{Check, Choice, TextField},
    },
    texts::{
        fill,
        later::{Texts, texts},
    },
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
    let signal = |text: Option<String>| RwSignal::new(text.unwrap_or_default());
    let address = signal(entry.as_ref().map(|nic| joined(&nic.address)));
    let hop = signal(entry.as_ref().and_then(|nic| nic.default_route).map(|hop| hop.to_string()));
    let metric = signal(entry.as_ref().and_then(|nic| nic.metric).map(|metric| metric.to_string()));
    let mtu = signal(entry.as_ref().and_then(|nic| nic.mtu).map(|mtu| mtu.to_string()));
    let filter = signal(entry.as_ref().and_then(|nic| nic.rp_filter).map(|mode| mode.to_string()));
    let switch = |of: fn(&Nic) -> bool| RwSignal::new(entry.as_ref().is_some_and(of));
    let (dhcp, accept_ra) = (switch(|nic| nic.dhcp), switch(|nic| nic.accept_ra));
    let routes = signal(entry.as_ref().map(|nic| joined(&nic.routes)));
    let bad_address =
        Memo::new(move |_| list::<ipnet::IpNet>(&address.get()).err().map(|word| fill(texts.not_an_address, &[&word])));
    let bad_hop = Memo::new(move |_| {
        let text = hop.get();
        let text = text.trim();
        (!text.is_empty() && text.parse::<IpAddr>().is_err()).then(|| fill(texts.not_an_ip, &[text]))
    });
    let (bad_metric, bad_mtu) = (not_a_number(metric), not_a_number(mtu));
    let bad_routes = Memo::new(move |_| route_list(&routes.get()).err().map(|text| fill(texts.not_a_route, &[&text])));
    let name = live.topology.with_untracked(|topology| topology.socket(mac).and_then(|(_, nic)| nic.name.clone()));
    let title = fill(texts.address_title, &[&name.unwrap_or_else(|| mac.to_string()), &guest]);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let setting = Setting {
            address: list(&address.get_untracked()).unwrap_or_default(),
            dhcp: dhcp.get_untracked(),
            accept_ra: accept_ra.get_untracked(),
            default_route: hop.get_untracked().trim().parse().ok(),
            metric: metric.get_untracked().trim().parse().ok(),
            mtu: mtu.get_untracked().trim().parse().ok(),
            rp_filter: filter.with_untracked(|word| RpFilter::ALL.into_iter().find(|mode| mode.word() == word)),
            routes: route_list(&routes.get_untracked()).unwrap_or_default(),
        };
        let inside =
            |observed: &model::Observed, cluster: &model::Cluster| nic::set_inside(observed, cluster, mac, setting);
        if edit::edit(live, draft, inside) {
            ui.dialog.set(None);
        }
    };
    let wrong = [bad_address, bad_hop, bad_metric, bad_mtu, bad_routes];
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
                <Check label=texts.dhcp_inside.to_owned() name="dhcp" value=dhcp/>
                <Check label=texts.accept_ra.to_owned() name="accept_ra" value=accept_ra/>
                <TextField
                    label=texts.route_optional
                    name="default_route"
                    value=hop
                    hint=texts.leave_empty
                    example="192.168.48.10"
                    error=bad_hop
                />
                <TextField
                    label=texts.metric_optional
                    name="metric"
                    value=metric
                    hint=texts.metric_hint
                    example="100"
                    error=bad_metric
                />
                <TextField
                    label=texts.routes_optional
                    name="route"
                    value=routes
                    hint=texts.leave_empty
                    example="10.0.0.0/8 via 192.168.48.1"
                    error=bad_routes
                />
                <TextField
                    label=texts.mtu_inside
                    name="mtu"
                    value=mtu
                    hint=texts.leave_empty
                    example="1500"
                    error=bad_mtu
                />
                <Choice label=texts.rp_filter name="rp_filter" value=filter options=filters(texts)/>
                <Buttons blocked=Signal::derive(move || wrong.iter().any(|wrong| wrong.with(Option::is_some)))/>
            </form>
        </Modal>
    }
}

fn filters(texts: &Texts) -> Vec<(String, String)> {
    let words = |mode| match mode {
        RpFilter::Off => texts.rp_filter_off,
        RpFilter::Strict => texts.rp_filter_strict,
        RpFilter::Loose => texts.rp_filter_loose,
    };
    let modes = RpFilter::ALL.map(|mode| (mode.to_string(), words(mode).to_owned()));
    std::iter::once((String::new(), texts.rp_filter_as_is.to_owned())).chain(modes).collect()
}

/// What the reader wrote that is no route, and those that are.
fn route_list(text: &str) -> Result<Vec<Route>, String> {
    let parts = text.split([',', ';']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().map_err(|()| part.to_owned())).collect()
}
