//! `Observed` as a person reads it: outside to inside, each thing under what it belongs to.

use std::fmt::Display;

use model::{
    Observed,
    observed::{Attachment, Chain, Domain, GuestFacts, Link, Network, Nic, Rule, SourceState},
    topology::Topology,
};

/// The whole outline, a line for each fact. Words from guests are stripped of control characters.
pub fn outline(observed: &Observed) -> String {
    let mut lines = Lines::default();
    lines.add(0, format!("host {}", observed.host.hostname));
    for (source, state) in &observed.sources {
        match state {
            SourceState::Answers => lines.add(1, format!("{source}: answers")),
            SourceState::Silent { reason, .. } => lines.add(1, format!("{source}: SILENT: {reason}")),
        }
    }
    for (name, value) in &observed.sysctls {
        lines.add(1, format!("{name} = {value}"));
    }
    routes(&mut lines, observed);
    links(&mut lines, observed);
    if !observed.networks.is_empty() {
        lines.add(0, "networks");
        observed.networks.values().for_each(|found| network(&mut lines, found));
    }
    if !observed.domains.is_empty() {
        lines.add(0, "guests");
        observed.domains.values().for_each(|domain| guest(&mut lines, observed, domain));
    }
    if !observed.tables.is_empty() {
        lines.add(0, "firewall");
        for table in observed.tables.values() {
            lines.add(1, table.key());
            table.chains.iter().for_each(|found| chain(&mut lines, found));
        }
    }
    let notes = Topology::of(observed).notes;
    if !notes.is_empty() {
        lines.add(0, "notes");
        for note in notes {
            lines.add(1, format!("{}: {}", note.subject, note.text.en));
        }
    }
    lines.0
}

fn routes(lines: &mut Lines, observed: &Observed) {
    let name = |index: Option<u32>| index.and_then(|index| observed.links.get(&index)).map(|link| link.name.as_str());
    let leaving = observed.routes.iter().filter(|route| route.gateway.is_some());
    for route in leaving {
        let mut line = format!("route {}", route.destination);
        word(&mut line, "via", route.gateway);
        word(&mut line, "dev", name(route.link));
        word(&mut line, "metric", Some(route.metric).filter(|metric| *metric > 0));
        lines.add(1, line);
    }
}

/// Bridges with their ports; then all that is no port of a bridge.
fn links(lines: &mut Lines, observed: &Observed) {
    let (bridges, others): (Vec<&Link>, Vec<_>) =
        observed.links.values().filter(|link| !link.loopback).partition(|link| link.is_bridge());
    let (ports, free): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|link| bridges.iter().any(|bridge| link.master == Some(bridge.index)));
    if !free.is_empty() {
        lines.add(0, "links");
        free.into_iter().for_each(|link| lines.add(1, described(observed, link)));
    }
    if !bridges.is_empty() {
        lines.add(0, "bridges");
    }
    for bridge in bridges {
        let mut line = described(observed, bridge);
        if let Some(network) = observed.networks.values().find(|network| network.bridge.as_ref() == Some(&bridge.name))
        {
            line += &format!(" (network {})", network.name);
        }
        lines.add(1, line);
        for port in ports.iter().filter(|port| port.master == Some(bridge.index)) {
            let mut line = described(observed, port);
            if let Some(state) = &port.port {
                line += &format!(" {}", state.state);
                line += if state.isolated { " isolated" } else { "" };
                line += if state.hairpin { " hairpin" } else { "" };
            }
            let tap = |nic: &&Nic| nic.tap.as_ref() == Some(&port.name);
            let plugged = observed.domains.values().find_map(|domain| Some((domain, domain.nics.iter().find(tap)?)));
            if let Some((domain, nic)) = plugged {
                line += &format!(" — {} {}", domain.name, nic.mac);
            }
            lines.add(2, line);
        }
    }
}

fn described(observed: &Observed, link: &Link) -> String {
    let mut line = link.name.clone();
    line += &format!(" {}", link.kind.as_deref().unwrap_or("device"));
    line += if link.up { " up" } else { " down" };
    line += if link.up && !link.carrier { " no-carrier" } else { "" };
    word(&mut line, "", link.mac);
    word(&mut line, "mtu", Some(link.mtu));
    link.addresses.iter().for_each(|address| word(&mut line, "", Some(address.net)));
    line += if observed.is_ours(link) { " (ours)" } else { "" };
    line
}

fn network(lines: &mut Lines, network: &Network) {
    let mut line = network.name.clone();
    line += &format!(" {}", network.forward.as_deref().unwrap_or("isolated"));
    line += if network.active { " active" } else { " inactive" };
    word(&mut line, "bridge", network.bridge.as_ref());
    lines.add(1, line);
    for subnet in &network.subnets {
        lines.add(2, format!("subnet {}", subnet.address));
        for range in &subnet.ranges {
            lines.add(3, format!("range {} to {}", range.start, range.end));
        }
        for host in &subnet.hosts {
            let mut line = format!("reserved {}", host.address);
            word(&mut line, "", host.mac);
            word(&mut line, "", host.name.as_ref());
            lines.add(3, line);
        }
    }
    for lease in &network.leases {
        let mut line = format!("lease {}", lease.address);
        word(&mut line, "", lease.mac);
        word(&mut line, "", lease.hostname.as_ref());
        lines.add(2, line);
    }
}

fn guest(lines: &mut Lines, observed: &Observed, domain: &Domain) {
    let facts = observed.guests.get(&domain.name);
    let mut line = format!("{} {} agent {}", domain.name, lower(&domain.state), lower(&domain.agent));
    word(&mut line, "", facts.and_then(|facts| facts.os.as_ref()));
    lines.add(1, line);
    if let Some(trouble) = facts.and_then(|facts| facts.trouble.as_ref()) {
        lines.add(2, format!("trouble: {trouble}"));
    }
    domain.nics.iter().for_each(|found| nic(lines, found, facts));
    for route in facts.and_then(|facts| facts.routes.as_ref()).into_iter().flatten() {
        let mut line = format!("route {}", route.destination);
        word(&mut line, "via", route.via);
        word(&mut line, "dev", route.interface.as_ref());
        lines.add(2, line);
    }
}

fn nic(lines: &mut Lines, nic: &Nic, facts: Option<&GuestFacts>) {
    let mut line = format!("nic {}", nic.mac);
    match nic.attachment() {
        Some(Attachment::Network { network }) => word(&mut line, "network", Some(network)),
        Some(Attachment::Bridge { bridge }) => word(&mut line, "bridge", Some(bridge)),
        Some(Attachment::Direct { dev, mode }) => line += &format!(" direct {dev} {mode}"),
        Some(Attachment::Other { kind }) => word(&mut line, "", Some(kind)),
        None => {}
    }
    word(&mut line, "tap", nic.tap.as_ref());
    line += if nic.link_up { "" } else { " cable out" };
    if let Some(inside) = facts.and_then(|facts| facts.interface(nic.mac)) {
        word(&mut line, "inside", Some(&inside.name));
        inside.addresses.iter().for_each(|address| word(&mut line, "", Some(address)));
    }
    lines.add(2, line);
}

fn chain(lines: &mut Lines, chain: &Chain) {
    let mut line = format!("chain {}", chain.name);
    word(&mut line, "hook", chain.hook.as_ref());
    word(&mut line, "priority", chain.priority);
    word(&mut line, "policy", chain.policy.as_ref());
    lines.add(2, line);
    chain.rules.iter().map(Rule::text).for_each(|rule| lines.add(3, rule));
}

/// A value after its name, if there is one.
fn word(line: &mut String, name: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        let name = if name.is_empty() { String::new() } else { format!("{name} ") };
        *line += &format!(" {name}{value}");
    }
}

/// `Running` as `running`: the word that the JSON has, too.
fn lower(state: &impl serde::Serialize) -> String {
    serde_json::to_value(state).ok().and_then(|state| state.as_str().map(str::to_owned)).unwrap_or_default()
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, depth: usize, line: impl Display) {
        let line: String = line.to_string().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        self.0 += &"  ".repeat(depth);
        self.0 += &line;
        self.0.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::observed::{Bridge, Lease, Port, Source};

    use super::*;

    #[test]
    fn puts_each_thing_under_what_it_belongs_to() {
        let mut observed = Observed::default();
        observed.host.hostname = "lab".to_owned();
        let reason = "cannot connect to libvirt".to_owned();
        observed.sources = BTreeMap::from([
            (Source::Kernel, SourceState::Answers),
            (Source::Libvirt, SourceState::Silent { reason, since: 1 }),
        ]);
        let link = |index, name: &str| Link { index, name: name.to_owned(), mtu: 1500, ..Link::default() };
        let bridge = Link { bridge: Some(Bridge::default()), kind: Some("bridge".to_owned()), ..link(2, "virbr0") };
        let port = Port { state: "forwarding".to_owned(), isolated: true, ..Port::default() };
        let tap =
            Link { master: Some(2), port: Some(port), kind: Some("tun".to_owned()), up: true, ..link(3, "vnet0") };
        observed.links = BTreeMap::from([(1, link(1, "eno1")), (2, bridge), (3, tap)]);
        let lease = Lease {
            mac: None,
            address: "192.168.122.9/24".parse().expect("an address"),
            hostname: Some("evil\u{1b}[2J".to_owned()),
            client_id: None,
            expires: 0,
        };
        let network = Network { name: "default".to_owned(), leases: vec![lease], ..Network::default() };
        observed.networks.insert("default".to_owned(), network);
        assert_eq!(
            outline(&observed),
            "host lab\n  kernel: answers\n  libvirt: SILENT: cannot connect to libvirt\n\
             links\n  eno1 device down mtu 1500\n\
             bridges\n  virbr0 bridge down mtu 1500\n    vnet0 tun up no-carrier mtu 1500 forwarding isolated\n\
             networks\n  default isolated inactive\n    lease 192.168.122.9/24 evil\u{fffd}[2J\n\
             notes\n  source:libvirt: No answer from libvirt: cannot connect to libvirt. What is drawn of it is the last that \
             it said.\n"
        );
    }
}
