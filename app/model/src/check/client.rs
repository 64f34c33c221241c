//! A DHCP client on a guest's NIC, and router advertisements: who would do it, and what it would bring.

use crate::{
    Cluster, Observed,
    cluster::Nic,
    note::{Note, Sentence, Severity, Subject},
    observed::DhcpClient,
    plan::wishes::Wishes,
};

use super::note;

pub fn check(observed: &Observed, draft: &Cluster, notes: &mut Vec<Note>) {
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
    let facts = observed.guests.get(&*nic.guest).filter(|facts| facts.manager().is_some())?;
    if nic.dhcp || !nic.address.is_empty() {
        return None;
    }
    let said = [
        ("accept_ra", nic.accept_ra),
        ("default_route", nic.default_route.is_some()),
        ("mtu", nic.mtu.is_some()),
        ("route", !nic.routes.is_empty()),
    ];
    let fields: Vec<&str> = said.into_iter().filter_map(|(field, said)| said.then_some(field)).collect();
    let first = fields.first()?;
    let (guest, mac, list) = (&nic.guest, nic.mac, fields.join(", "));
    let by_itself = facts.dhcp_client().is_some_and(DhcpClient::is_told_by_file);
    let (en, zh) = match fields.as_slice() {
        ["accept_ra"] if by_itself => ("That manager decides.", "由该程序决定。"),
        _ => ("Bridgehead puts it back after each start.", "每次启动后由 Bridgehead 恢复。"),
    };
    let text = Sentence::new(
        format!(
            "{list} of {mac} is not written down in {guest}: a file that says neither address nor dhcp would take away what \
             the guest's own manager gives this NIC. {en}"
        ),
        format!(
            "{mac} 的 {list} 不会写入 {guest}：没有 address 和 dhcp 的文件会取代其网络管理程序给这块网卡的配置。{zh}"
        ),
    );
    let field = Some(format!("nic.{mac}.{first}"));
    Some(note(Severity::Tell, Subject::Nic(mac.to_string()), "not-kept", text, field))
}

fn blocked(nic: &Nic, code: &str, text: Sentence) -> Note {
    let field = Some(format!("nic.{}.dhcp", nic.mac));
    note(Severity::Block, Subject::Nic(nic.mac.to_string()), code, text, field)
}
