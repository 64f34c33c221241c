//! Routes inside a guest, what its kernel says of its links, and whether it forwards.

use std::net::IpAddr;

use ipnet::IpNet;
use model::observed::GuestFacts;

use super::{
    error::Error,
    exec::Process,
    facts::{finish, json_of, keep},
    parse,
    way::Reach,
};
use crate::host::libvirt::{Lane, clean};

const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";
const BOOT: &str = "/proc/sys/kernel/random/boot_id";
/// The kernel takes the greater of this and the link's own (Documentation/networking/ip-sysctl.rst).
const FILTER: &str = "/proc/sys/net/ipv4/conf/all/rp_filter";

/// Programs in the guest that have been started.
pub struct Routes<'a> {
    routes: Result<Process<'a>, Error>,
    routes6: Option<Result<Process<'a>, Error>>,
    values: Result<Process<'a>, Error>,
}

impl<'a> Routes<'a> {
    /// Of the interfaces that are known.
    pub async fn ask(reach: &'a Reach, domain: &'a str, facts: &GuestFacts) -> Self {
        let names = facts.interfaces.iter().map(|interface| &interface.name);
        let files: Vec<String> =
            names.flat_map(|name| [filter(name), link(name, "flags"), link(name, "mtu")]).collect();
        let mut grep = vec!["grep", "-sH", ".", FORWARD, FILTER, BOOT];
        grep.extend(files.iter().map(String::as_str));
        let addresses = facts.interfaces.iter().flat_map(|interface| &interface.addresses);
        let has_v6 = addresses.map(IpNet::addr).any(|it| matches!(it, IpAddr::V6(v6) if !v6.is_unicast_link_local()));
        let start = async |argv: &[&str]| Process::start(reach, domain, argv, None, Lane::Watch).await;
        let routes = start(&["ip", "-j", "route", "show"]).await;
        let routes6 = if has_v6 { Some(start(&["ip", "-j", "-6", "route", "show"]).await) } else { None };
        Self { routes, routes6, values: start(&grep).await }
    }

    pub async fn answer(self, facts: &mut GuestFacts, trouble: &mut Option<String>) {
        facts.routes = json_of(finish(self.routes).await).map(|printed| parse::routes(&printed, false));
        if let (Some(routes), Some(routes6)) = (&mut facts.routes, self.routes6) {
            let printed = json_of(finish(routes6).await);
            routes.extend(printed.map(|printed| parse::routes(&printed, true)).unwrap_or_default());
        }
        let Some(output) = keep(finish(self.values).await, trouble) else { return };
        let values = parse::files(&output.text());
        let number = |path: &str| values.get(path).and_then(|value| value.parse::<u32>().ok());
        facts.boot = values.get(BOOT).map(|boot| clean(boot, 64));
        facts.ip_forward = number(FORWARD).map(|value| value != 0);
        for interface in &mut facts.interfaces {
            let name = &interface.name;
            interface.up = values.get(&link(name, "flags")).and_then(|flags| parse::is_up(flags));
            interface.mtu = number(&link(name, "mtu"));
            let effective = number(&filter(name)).max(number(FILTER));
            interface.rp_filter = effective.and_then(|value| u8::try_from(value).ok());
        }
    }
}

fn filter(name: &str) -> String {
    format!("/proc/sys/net/ipv4/conf/{name}/rp_filter")
}

fn link(name: &str, file: &str) -> String {
    format!("/sys/class/net/{name}/{file}")
}
