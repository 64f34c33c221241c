//! A DHCP client on a guest's NIC, and router advertisements: who would do it, and what it would bring.

use crate::{
    Cluster, Observed,
    cluster::Nic,
    note::{Note, Sentence, Severity, Subject},
    observed::GuestFacts,
    plan::wishes::Wishes,
};

use super::note;

pub fn check(observed: &Observed, draft: &Cluster, notes: &mut Vec<Note>) {
    if !draft.nics.iter().any(|nic| nic.dhcp || nic.accept_ra) {
        return;
    }
    let wishes = Wishes::of(observed, draft);
    for nic in draft.nics.iter().filter(|nic| nic.plugged) {
        if nic.dhcp {
            notes.extend(nobody(observed, nic));
            notes.extend(another_route(&wishes, nic));
        }
        notes.extend(not_kept(observed, nic));
    }
}

fn nobody(observed: &Observed, nic: &Nic) -> Option<Note> {
    let facts = observed.guests.get(&*nic.guest).filter(|facts| facts.runs_programs())?;
    if facts.dhcp_client().is_some() {
        return None;
    }
    let guest = &nic.guest;
    let text = Sentence::new(
        format!(
            "{guest} has no DHCP client that Bridgehead knows: systemd-networkd, NetworkManager, dhclient or udhcpc. \
             Install one, or say address."
        ),
        format!(
            "{guest} 中没有 Bridgehead 认识的 DHCP 客户端（systemd-networkd、NetworkManager、dhclient 或 udhcpc）。\
             请安装其中之一，或写明 address。"
        ),
    );
    Some(blocked(nic, "no-dhcp-client", text))
}

/// Every lease brings a default route, so that another cannot be the only one for long.
fn another_route(wishes: &Wishes, nic: &Nic) -> Option<Note> {
    let route = wishes.routes.get(&*nic.guest).filter(|route| route.metric.is_none() && route.via.is_ipv4())?;
    let (guest, via) = (&nic.guest, route.via);
    let text = Sentence::new(
        format!(
            "DHCP brings {guest} a default route, and the one by way of {via} is to be its only one: say the metric of \
             that one, or leave dhcp out."
        ),
        format!("DHCP 会给 {guest} 带来默认路由，而经 {via} 的应是唯一的默认路由：请写明后者的 metric，或去掉 dhcp。"),
    );
    Some(blocked(nic, "dhcp-route", text))
}

/// A file of ours stands before those of others: one that says no address would take theirs away.
fn not_kept(observed: &Observed, nic: &Nic) -> Option<Note> {
    let stands = nic.dhcp || !nic.address.is_empty();
    if stands || !nic.accept_ra || observed.guests.get(&*nic.guest).and_then(GuestFacts::manager).is_none() {
        return None;
    }
    let (guest, mac) = (&nic.guest, nic.mac);
    let text = Sentence::new(
        format!(
            "accept_ra of {mac} is not written down for the next start of {guest}: without address or dhcp, whoever sets \
             the NIC up now would be told nothing else. Its own manager decides."
        ),
        format!(
            "{mac} 的 accept_ra 不会写入 {guest} 供下次启动使用：没有 address 或 dhcp，写入的文件会取代现在配置这块网卡的内容。\
             由其网络管理程序决定。"
        ),
    );
    let field = Some(format!("nic.{mac}.accept_ra"));
    Some(note(Severity::Tell, Subject::Nic(mac.to_string()), "not-kept", text, field))
}

fn blocked(nic: &Nic, code: &str, text: Sentence) -> Note {
    let field = Some(format!("nic.{}.dhcp", nic.mac));
    note(Severity::Block, Subject::Nic(nic.mac.to_string()), code, text, field)
}
