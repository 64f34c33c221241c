//! Routes and routing rules inside a guest, what its kernel says of its links, and whether it forwards.

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;
use model::{
    observed::{DhcpClient, GuestFacts, GuestInterface},
    persist,
    wire::Sealed,
};

use super::{
    error::Error,
    exec::Process,
    facts::{finish, keep},
    parse, policy, resolver,
    way::Reach,
};
use crate::host::libvirt::{Lane, clean};

const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";
const FORWARD6: &str = "/proc/sys/net/ipv6/conf/all/forwarding";
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// networkd's, a file for each by the interface's index.
const LEASES: &str = "/run/systemd/netif/leases";
/// NetworkManager's, by the same index; a lease is a section in it.
const DEVICES: &str = "/run/NetworkManager/devices";
const DEVICE_LEASED: &str = "dhcp4.ip_address=";

const HOSTNAME: &str = "/proc/sys/kernel/hostname";
/// So many lines of a file are read: what is longer is no file that is meant here.
const LINES: &str = "64";

/// Programs in the guest that have been started.
pub struct Routes<'a> {
    reach: &'a Reach,
    domain: &'a str,
    routes: Result<Process<'a>, Error>,
    routes6: Option<Result<Process<'a>, Error>>,
    values: Result<Process<'a>, Error>,
}

impl<'a> Routes<'a> {
    /// Of the interfaces that are known.
    pub async fn ask(reach: &'a Reach, domain: &'a str, facts: &GuestFacts) -> Self {
        let names = facts.interfaces.iter().map(|interface| &interface.name);
        let files = names.flat_map(|name| {
            [filter(name), accept_ra(name), link(name, "flags"), link(name, "mtu"), link(name, "ifindex")]
        });
        let files: Vec<String> = files.chain(facts.interfaces.iter().flat_map(pids)).collect();
        let mut grep = vec!["grep", "-rsHm", LINES, ".", FORWARD, FORWARD6, BOOT, HOSTNAME];
        let settings = [filter("all"), filter("default")];
        grep.extend(settings.iter().chain(&files).map(String::as_str));
        grep.extend([LEASES, DEVICES, model::resolver::HOSTNAME]);
        grep.extend(model::resolver::TELLING);
        let addresses = facts.interfaces.iter().flat_map(|interface| &interface.addresses);
        let has_v6 = addresses.map(IpNet::addr).any(|it| matches!(it, IpAddr::V6(v6) if !v6.is_unicast_link_local()));
        let start = async |argv: &[&str], input| Process::start(reach, domain, argv, input, Lane::Watch).await;
        let lists = Some(policy::LISTS);
        let routes = start(&["ip", "-j", "-batch", "-"], lists).await;
        let routes6 = if has_v6 { Some(start(&["ip", "-j", "-6", "-batch", "-"], lists).await) } else { None };
        Self { reach, domain, routes, routes6, values: start(&grep, None).await }
    }

    pub async fn answer(self, facts: &mut GuestFacts, trouble: &mut Option<String>) {
        let (routes, mut rules) = policy::lists(finish(self.routes).await, false, trouble);
        facts.routes = routes;
        if let (Some(routes), Some(routes6)) = (&mut facts.routes, self.routes6) {
            let (more, rules6) = policy::lists(finish(routes6).await, true, trouble);
            routes.extend(more.unwrap_or_default());
            rules = rules.zip(rules6).map(|(rules, rules6)| [rules, rules6].concat());
        }
        forget_plain_sources(facts);
        let policy = match rules {
            Some(rules) => policy::of(self.reach, self.domain, rules, trouble).await,
            None => None,
        };
        facts.policy = Sealed::of(&policy);
        let Some(output) = keep(finish(self.values).await, trouble) else { return };
        let printed = output.text();
        let values = parse::files(&printed);
        let number = |path: &str| values.get(path).and_then(|value| value.parse::<u32>().ok());
        let small = |path: &str| number(path).and_then(|value| u8::try_from(value).ok());
        (facts.rp_filter_all, facts.rp_filter_default) = (small(&filter("all")), small(&filter("default")));
        facts.boot = values.get(BOOT).map(|boot| clean(boot, 64));
        facts.hostname = values.get(HOSTNAME).cloned().or(facts.hostname.take());
        resolver::tell(facts, &|path| Some(parse::lines_of(&printed, path)));
        facts.ip_forward = number(FORWARD).map(|value| value != 0);
        facts.ip6_forward = number(FORWARD6).map(|value| value != 0);
        let routes = facts.routes.iter().flatten().filter(|route| route.protocol.as_deref() == Some("dhcp"));
        let leased: BTreeSet<String> = routes.filter_map(|route| route.interface.clone()).collect();
        for interface in &mut facts.interfaces {
            let name = &interface.name;
            interface.up = values.get(&link(name, "flags")).and_then(|flags| parse::is_up(flags));
            interface.mtu = number(&link(name, "mtu"));
            interface.rp_filter = small(&filter(name));
            interface.accept_ra = small(&accept_ra(name));
            let index = number(&link(name, "ifindex"));
            let mut signs = pids(interface).into_iter().chain(index.map(|index| format!("{LEASES}/{index}")));
            let is_leased = |index| {
                let lines = parse::lines_of(&printed, &format!("{DEVICES}/{index}"));
                lines.iter().any(|line| line.starts_with(DEVICE_LEASED))
            };
            interface.dhcp =
                leased.contains(name) || signs.any(|path| values.contains_key(&path)) || index.is_some_and(is_leased);
        }
    }
}

/// A route's source says nothing where its interface has no other address to speak by.
fn forget_plain_sources(facts: &mut GuestFacts) {
    for route in facts.routes.iter_mut().flatten() {
        let interface = facts.interfaces.iter().find(|own| Some(&own.name) == route.interface.as_ref());
        let v4 = route.destination.addr().is_ipv4();
        let addresses = interface.into_iter().flat_map(|own| &own.addresses).filter(|own| own.addr().is_ipv4() == v4);
        if addresses.count() < 2 {
            route.source = None;
        }
    }
}

/// What DHCP clients that run by themselves leave while they do: ours, and those that ifupdown starts.
fn pids(interface: &GuestInterface) -> Vec<String> {
    let clients = [DhcpClient::Udhcpc, DhcpClient::Dhclient];
    let ours = interface.mac.into_iter().flat_map(|mac| clients.map(|client| persist::pid(mac, client)));
    ours.chain(clients.map(|client| format!("/run/{client}.{}.pid", interface.name))).collect()
}

fn accept_ra(name: &str) -> String {
    format!("/proc/sys/net/ipv6/conf/{name}/accept_ra")
}

fn filter(name: &str) -> String {
    format!("/proc/sys/net/ipv4/conf/{name}/rp_filter")
}

fn link(name: &str, file: &str) -> String {
    format!("/sys/class/net/{name}/{file}")
}
