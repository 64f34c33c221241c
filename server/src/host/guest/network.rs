//! Changes inside a guest: one function for each step. A NIC is named by its MAC; its name inside is looked up each time.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;
use model::{
    Mac, RpFilter,
    observed::WayKind,
    step::{GuestRoute, GuestTool, TableEntry},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    error::Error,
    exec::{ExecOutput, Process, agent},
    parse, translation,
    way::Reach,
};
use crate::host::libvirt::{Lane, clean};

/// How long a NIC that was just plugged in may take to appear.
const APPEAR: Duration = Duration::from_secs(5);
const PROGRAM: Duration = Duration::from_secs(10);
/// Nothing tells when something changes inside: it is looked again after this.
pub(super) const LOOK: Duration = Duration::from_millis(100);
/// Stands in a command for the name that a NIC has in its guest.
pub(super) const NIC: &str = "{nic}";
/// A NIC is followed to a new name so often.
const RENAMED: usize = 2;

/// Sets an interface up or down.
pub async fn set_link(reach: &Reach, domain: &str, mac: Mac, up: bool) -> Result<(), Error> {
    let guest =
        Guest::new(reach, domain, format!("set NIC {mac} {} in guest {domain}", if up { "up" } else { "down" }));
    let state = if up { "up" } else { "down" };
    guest.run_on(mac, &["ip", "link", "set", "dev", NIC, state]).await.1
}

/// `mtu` in bytes.
pub async fn set_mtu(reach: &Reach, domain: &str, mac: Mac, mtu: u32) -> Result<(), Error> {
    let guest = Guest::new(reach, domain, format!("set the MTU of NIC {mac} to {mtu} in guest {domain}"));
    guest.run_on(mac, &["ip", "link", "set", "dev", NIC, "mtu", &mtu.to_string()]).await.1
}

/// Of the NIC itself, in the kernel's number.
pub async fn set_filter(reach: &Reach, domain: &str, mac: Mac, mode: RpFilter) -> Result<(), Error> {
    let guest = Guest::new(reach, domain, format!("set rp_filter of NIC {mac} to {mode} in guest {domain}"));
    let (path, input) = (format!("/proc/sys/net/ipv4/conf/{NIC}/rp_filter"), format!("{}\n", mode.number()));
    guest.run_with(mac, &["tee", &path], Some(input.as_bytes())).await.1
}

pub async fn add_address(reach: &Reach, domain: &str, mac: Mac, address: IpNet) -> Result<(), Error> {
    let guest = Guest::new(reach, domain, format!("add {address} to NIC {mac} in guest {domain}"));
    let text = address.to_string();
    let (name, added) = guest.run_on(mac, &["ip", "addr", "add", &text, "dev", NIC]).await;
    guest.or_already(added, async || guest.has_address(&name, address).await == Some(true)).await
}

pub async fn remove_address(reach: &Reach, domain: &str, mac: Mac, address: IpNet) -> Result<(), Error> {
    let guest = Guest::new(reach, domain, format!("remove {address} from NIC {mac} in guest {domain}"));
    let text = address.to_string();
    let (name, removed) = guest.run_on(mac, &["ip", "addr", "del", &text, "dev", NIC]).await;
    guest.or_already(removed, async || guest.has_address(&name, address).await == Some(false)).await
}

pub async fn add_route(reach: &Reach, domain: &str, route: &GuestRoute) -> Result<(), Error> {
    change_route(reach, domain, route, "add").await
}

pub async fn remove_route(reach: &Reach, domain: &str, route: &GuestRoute) -> Result<(), Error> {
    change_route(reach, domain, route, "del").await
}

async fn change_route(reach: &Reach, domain: &str, route: &GuestRoute, verb: &str) -> Result<(), Error> {
    let GuestRoute { mac, via, metric, .. } = *route;
    let to = route.to_word();
    let doing = format!("{verb} the route to {to} via {via} on NIC {mac} in guest {domain}");
    let guest = Guest::new(reach, domain, doing);
    let (via_text, metric_text) = (via.to_string(), metric.to_string());
    let mut argv = vec!["ip", family(via), "route", verb, &to, "via", &via_text, "dev", NIC];
    if metric != 0 {
        argv.extend(["metric", &metric_text]);
    }
    let (name, changed) = guest.run_on(mac, &argv).await;
    guest.or_already(changed, async || guest.has_route(&name, route).await == Some(verb == "add")).await
}

/// Whether the guest routes IPv4 between its interfaces.
pub async fn set_forwarding(reach: &Reach, domain: &str, on: bool) -> Result<(), Error> {
    let guest =
        Guest::new(reach, domain, format!("turn forwarding {} in guest {domain}", if on { "on" } else { "off" }));
    guest.run(&["tee", "/proc/sys/net/ipv4/ip_forward"], Some(if on { b"1\n" } else { b"0\n" })).await
}

/// Makes our own table hold exactly these translations; with none, it is gone.
pub async fn replace_table(reach: &Reach, domain: &str, tool: GuestTool, entries: &[TableEntry]) -> Result<(), Error> {
    let guest = Guest::new(reach, domain, format!("set the translations in guest {domain}"));
    let unsupported = |reason| Error::Unsupported { doing: guest.doing.clone(), reason };
    match tool {
        GuestTool::Nft => {
            let text = translation::nft(entries).map_err(unsupported)?;
            guest.run(&["nft", "-f", "-"], Some(text.as_bytes())).await
        }
        GuestTool::Iptables => {
            let mut jumped = [false; 3];
            for (jumped, ask) in jumped.iter_mut().zip(translation::JUMPS) {
                *jumped = guest.exec(&ask, None).await?.status == 0;
            }
            let text = translation::iptables(entries, jumped).map_err(unsupported)?;
            guest.run(&["iptables-restore", "--noflush", "--wait"], Some(text.as_bytes())).await
        }
    }
}

/// One piece of work in one guest.
pub(super) struct Guest<'a> {
    reach: &'a Reach,
    domain: &'a str,
    pub doing: String,
    /// How long one program may take.
    limit: Duration,
}

impl<'a> Guest<'a> {
    pub fn new(reach: &'a Reach, domain: &'a str, doing: String) -> Self {
        Self { reach, domain, doing, limit: PROGRAM }
    }

    /// The same, with programs that may take so long.
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    pub async fn exec(&self, argv: &[&str], input: Option<&[u8]>) -> Result<ExecOutput, Error> {
        Process::start(self.reach, self.domain, argv, input, Lane::Step).await?.wait(self.limit).await
    }

    pub async fn run(&self, argv: &[&str], input: Option<&[u8]>) -> Result<(), Error> {
        let output = self.exec(argv, input).await?;
        if output.status == 0 {
            return Ok(());
        }
        Err(Error::Failed {
            doing: self.doing.clone(),
            program: argv.first().copied().unwrap_or_default().to_owned(),
            status: output.status,
            stderr: clean(String::from_utf8_lossy(&output.stderr).trim(), 300),
        })
    }

    /// Runs a command on the NIC with this MAC, [`NIC`] in it, and gives the name that it had. udev names one that was just
    /// plugged in anew: what failed meanwhile is tried again under the new name.
    pub async fn run_on(&self, mac: Mac, argv: &[&str]) -> (String, Result<(), Error>) {
        self.run_with(mac, argv, None).await
    }

    pub async fn run_with(&self, mac: Mac, argv: &[&str], input: Option<&[u8]>) -> (String, Result<(), Error>) {
        let mut name = match self.interface(mac).await {
            Ok(name) => name,
            Err(error) => return (String::new(), Err(error)),
        };
        for _ in 0..RENAMED {
            let outcome = self.run_named(argv, &name, input).await;
            if outcome.is_ok() {
                return (name, outcome);
            }
            match self.find(mac).await {
                Ok(Some(now)) if now != name => name = now,
                _ => return (name, outcome),
            }
        }
        let outcome = self.run_named(argv, &name, input).await;
        (name, outcome)
    }

    async fn run_named(&self, argv: &[&str], name: &str, input: Option<&[u8]>) -> Result<(), Error> {
        let words: Vec<String> = argv.iter().map(|word| word.replace(NIC, name)).collect();
        self.run(&words.iter().map(String::as_str).collect::<Vec<_>>(), input).await
    }

    /// A program that failed because there was nothing to change is told apart by looking, not by its words.
    async fn or_already(&self, outcome: Result<(), Error>, is_so: impl AsyncFnOnce() -> bool) -> Result<(), Error> {
        match outcome {
            Err(Error::Failed { .. }) if is_so().await => Err(Error::Already { doing: self.doing.clone() }),
            outcome => outcome,
        }
    }

    /// The name of the interface with this MAC. One that was just plugged in may need a moment, and there is no event.
    async fn interface(&self, mac: Mac) -> Result<String, Error> {
        let deadline = Instant::now() + APPEAR;
        loop {
            if let Some(name) = self.find(mac).await? {
                return Ok(name);
            }
            if Instant::now() > deadline {
                return Err(Error::NoInterface { doing: self.doing.clone(), mac });
            }
            sleep(LOOK).await;
        }
    }

    /// The agent's own list costs the guest no process; by other ways `ip` is asked. Where several interfaces have the MAC (a VLAN or a bridge borrows
    /// that of its NIC), `ip` tells which is the NIC.
    async fn find(&self, mac: Mac) -> Result<Option<String>, Error> {
        if self.reach.way(self.domain).await?.kind() != WayKind::Agent {
            let argv = ["ip", "-j", "-d", "link", "show"];
            let links = self.printed(&argv).await.ok_or_else(|| Error::Nonsense {
                doing: self.doing.clone(),
                reason: format!("{} prints no JSON", argv.join(" ")),
            })?;
            return Ok(parse::name_of(&links, mac));
        }
        let command = json!({ "execute": "guest-network-get-interfaces" });
        let listed = agent(&self.reach.libvirt, self.domain, &command, PROGRAM, Lane::Step).await;
        let mut found: Vec<String> = listed
            .as_ref()
            .map(|answer| parse::agent_interfaces(answer).into_iter().filter(|it| it.mac == Some(mac)))
            .map(|interfaces| interfaces.map(|interface| interface.name).collect())
            .unwrap_or_default();
        if listed.is_ok() && found.len() < 2 {
            return Ok(found.pop());
        }
        match self.printed(&["ip", "-j", "-d", "link", "show"]).await {
            Some(links) => Ok(parse::name_of(&links, mac)),
            None => listed.map(|_| found.into_iter().next()),
        }
    }

    async fn has_address(&self, name: &str, address: IpNet) -> Option<bool> {
        Some(self.addresses(name).await?.contains(&address))
    }

    /// Whether an interface has an IPv4 address that somebody has to renew.
    pub async fn has_dynamic(&self, name: &str) -> bool {
        let printed = self.printed(&["ip", "-j", "-4", "addr", "show", "dev", name, "dynamic"]).await;
        let interfaces = printed.map(|printed| parse::interfaces(&printed)).unwrap_or_default();
        interfaces.iter().any(|interface| !interface.addresses.is_empty())
    }

    async fn addresses(&self, name: &str) -> Option<Vec<IpNet>> {
        let printed = self.printed(&["ip", "-j", "addr", "show", "dev", name]).await?;
        Some(parse::interfaces(&printed).into_iter().flat_map(|interface| interface.addresses).collect())
    }

    async fn has_route(&self, name: &str, wanted: &GuestRoute) -> Option<bool> {
        let printed = self.printed(&["ip", "-j", family(wanted.via), "route", "show", &wanted.to_word()]).await?;
        let routes = parse::routes(&printed, wanted.via.is_ipv6());
        Some(routes.iter().any(|route| {
            route.via == Some(wanted.via)
                && route.interface.as_deref() == Some(name)
                && (wanted.metric == 0 || route.metric == wanted.metric)
        }))
    }

    async fn printed(&self, argv: &[&str]) -> Option<Value> {
        let output = self.exec(argv, None).await.ok().filter(|output| output.status == 0)?;
        parse::json(&output.stdout).ok()
    }
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv6() { "-6" } else { "-4" }
}

/// The way from a guest to an address, hop by hop; a hop that did not answer is `None`.
pub async fn traceroute(
    reach: &Reach,
    domain: &str,
    target: IpAddr,
    limit: Duration,
) -> Result<Vec<Option<IpAddr>>, Error> {
    const HOPS: usize = 8;
    let target_text = target.to_string();
    let argv = ["traceroute", "-n", "-q", "1", "-w", "1", "-m", &HOPS.to_string(), &target_text];
    let output = Process::start(reach, domain, &argv, None, Lane::Step).await?.wait(limit).await?;
    let hops = parse::hops(&output.text(), HOPS);
    if hops.is_empty() {
        return Err(Error::Failed {
            doing: format!("trace the way from guest {domain} to {target}"),
            program: "traceroute".to_owned(),
            status: output.status,
            stderr: clean(String::from_utf8_lossy(&output.stderr).trim(), 300),
        });
    }
    Ok(hops)
}

#[cfg(test)]
impl Error {
    /// Whether the guest's agent is the trouble: absent, silent, or the guest is off.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Libvirt(
                crate::host::libvirt::Error::AgentSilent { .. }
                    | crate::host::libvirt::Error::Timeout { .. }
                    | crate::host::libvirt::Error::GuestOff { .. }
            )
        )
    }
}
