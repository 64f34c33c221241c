//! What a NIC is set to inside its guest, addresses aside: MTU, source validation, metric, further routes.

use std::{collections::BTreeSet, ops::RangeInclusive};

use crate::{
    Observed, RpFilter,
    cluster::{Nic, Route},
    note::{Note, Sentence, Severity, Subject},
};

use super::note;

/// What the kernel takes (`ETH_MIN_MTU`, `ETH_MAX_MTU`).
const MTU: RangeInclusive<u32> = 68..=65535;

pub fn check(observed: &Observed, nic: &Nic, block: &mut impl FnMut(&str, &str, Sentence)) {
    if let Some(mtu) = nic.mtu.filter(|mtu| !MTU.contains(mtu)) {
        let (least, most) = (MTU.start(), MTU.end());
        let text = Sentence::new(
            format!("An MTU is between {least} and {most} bytes, not {mtu}."),
            format!("MTU 应在 {least} 到 {most} 字节之间，不能是 {mtu}。"),
        );
        block("bad-mtu", "mtu", text);
    }
    if let Some(metric) = nic.metric.filter(|_| nic.default_route.is_none()) {
        let text = Sentence::new(
            format!("The metric {metric} is of no default route: say default_route too."),
            format!("跃点数 {metric} 没有对应的默认路由：请同时写明 default_route。"),
        );
        block("metric-alone", "metric", text);
    }
    let mut seen = BTreeSet::new();
    for route in &nic.routes {
        if let Some(text) = wrong(nic, route).or_else(|| taken(observed, nic, route)) {
            block("bad-route", "route", text);
        } else if !seen.insert(route.to) {
            let to = route.to;
            block("bad-route", "route", Sentence::new(format!("{to} is there twice."), format!("{to} 出现了两次。")));
        }
    }
}

fn wrong(nic: &Nic, Route { to, via }: &Route) -> Option<Sentence> {
    if to.prefix_len() == 0 {
        return Some(Sentence::new(
            format!("{to} is everywhere: that is default_route."),
            format!("{to} 指任何地方：请用 default_route。"),
        ));
    }
    if *to != to.trunc() {
        let network = to.trunc();
        return Some(Sentence::new(
            format!(
                "{to} is an address in {network}: a route leads to {network}, or to {}/{}.",
                to.addr(),
                to.max_prefix_len()
            ),
            format!(
                "{to} 是 {network} 内的一个地址：路由的目的地应写 {network} 或 {}/{}。",
                to.addr(),
                to.max_prefix_len()
            ),
        ));
    }
    let reached = nic.address.is_empty() || nic.address.iter().any(|net| net.contains(via) && net.addr() != *via);
    if to.addr().is_ipv4() != via.is_ipv4() || via.is_unspecified() || via.is_multicast() || !reached {
        return Some(Sentence::new(
            format!("The next hop {via} of the route to {to} is no other machine's address in the NIC's subnets."),
            format!("到 {to} 的下一跳 {via} 不是这块网卡所在网段内另一台机器的地址。"),
        ));
    }
    None
}

/// The kernel takes the greater of a NIC's own `rp_filter` and that of all, which is never changed.
pub fn overruled(observed: &Observed, nic: &Nic) -> Option<Note> {
    let (wanted, guest) = (nic.rp_filter?, &nic.guest);
    let all = RpFilter::of(observed.guests.get(&**guest)?.rp_filter_all?).filter(|all| *all > wanted)?;
    let (mac, number) = (nic.mac, all.number());
    let text = Sentence::new(
        format!(
            "In {guest}, net.ipv4.conf.all.rp_filter is {number} ({all}), and the kernel takes the greater: {mac} stays \
             {all}, not {wanted}, until {guest}'s own administrator lowers it."
        ),
        format!(
            "{guest} 内 net.ipv4.conf.all.rp_filter 为 {number}（{all}），内核取两者中较大的：在 {guest} 的管理员调低它之前，\
             {mac} 仍是 {all}，而不是 {wanted}。"
        ),
    );
    let field = Some(format!("nic.{mac}.rp_filter"));
    Some(note(Severity::Warn, Subject::Nic(mac.to_string()), "filter-overruled", text, field))
}

/// A way to the same place that somebody else has set is not ours to take away.
fn taken(observed: &Observed, nic: &Nic, Route { to, via }: &Route) -> Option<Sentence> {
    let facts = observed.guests.get(&*nic.guest)?;
    let name = &facts.interface(nic.mac)?.name;
    let other = facts
        .routes
        .iter()
        .flatten()
        .find(|there| there.destination == *to && there.metric == 0 && there.interface.as_ref() != Some(name))?;
    let (guest, by) = (&nic.guest, other.interface.as_deref().unwrap_or("?"));
    Some(Sentence::new(
        format!("{guest} reaches {to} by {by} already; with a way by {via} it would have two."),
        format!("{guest} 已经由 {by} 到达 {to}；再经 {via} 就有两条路了。"),
    ))
}
