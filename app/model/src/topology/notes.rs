//! What deserves a look before anybody changes anything: conflicts, drift, silence.

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::{
    Mac, gather,
    note::{Note, Sentence, Severity, Subject},
    observed::{AgentChannel, DomainState, Observed, SourceState},
};

use super::{Talk, Topology, rail::natural};

pub fn notes(observed: &Observed, topology: &Topology) -> Vec<Note> {
    let mut notes = Vec::new();
    silent(observed, &mut notes);
    duplicates(topology, &mut notes);
    overlaps(observed, &mut notes);
    disagreements(topology, &mut notes);
    taps(topology, &mut notes);
    guests(topology, &mut notes);
    trapped(topology, &mut notes);
    contended(observed, &mut notes);
    notes
}

fn silent(observed: &Observed, notes: &mut Vec<Note>) {
    for (source, state) in &observed.sources {
        if let SourceState::Silent { reason, .. } = state {
            let text = Sentence::new(
                format!("No answer from {source}: {reason}. What is drawn of it is the last that it said."),
                format!("{source} 没有应答：{reason}。图中是它最后一次给出的内容。"),
            );
            notes.push(Note::new(Severity::Warn, Subject::Source(source.to_string()), "source-silent", text));
        }
    }
}

fn duplicates(topology: &Topology, notes: &mut Vec<Note>) {
    let mut owners: BTreeMap<Mac, Vec<&str>> = BTreeMap::new();
    for guest in topology.guests.values() {
        for nic in &guest.nics {
            owners.entry(nic.mac).or_default().push(&guest.name);
        }
    }
    for (mac, guests) in owners.into_iter().filter(|(_, guests)| guests.len() > 1) {
        let list = guests.join(", ");
        let text = Sentence::new(
            format!("{list} have a NIC with the same MAC {mac}: on one bridge, neither will be reached reliably."),
            format!("{list} 的网卡 MAC 相同（{mac}）：接到同一网桥时，谁都无法可靠通信。"),
        );
        notes.push(Note::new(Severity::Warn, Subject::Nic(mac.to_string()), "duplicate-mac", text));
    }
}

/// Subnets that meet, each said once.
fn overlaps(observed: &Observed, notes: &mut Vec<Note>) {
    let mut nets: Vec<(IpNet, String, Subject)> = Vec::new();
    for link in observed.links.values().filter(|link| !link.loopback) {
        for address in link.addresses.iter().filter(|address| address.scope == "global") {
            let net = address.net.trunc();
            if net.prefix_len() < net.max_prefix_len() {
                nets.push((net, link.name.clone(), Subject::Link(link.name.clone())));
            }
        }
    }
    for network in observed.networks.values() {
        let drawn = network.bridge.as_deref().and_then(|bridge| observed.link(bridge));
        for subnet in &network.subnets {
            let there = drawn.is_some_and(|link| link.addresses.iter().any(|own| own.net == subnet.address));
            if !there {
                nets.push((subnet.address.trunc(), network.name.clone(), Subject::Network(network.name.clone())));
            }
        }
    }
    for (at, (net, name, subject)) in nets.iter().enumerate() {
        for (other, other_name, _) in nets.iter().take(at).filter(|(_, _, other)| other != subject) {
            if net.contains(other) || other.contains(net) {
                let text = Sentence::new(
                    format!("{net} of {name} and {other} of {other_name} overlap: some addresses are in two places."),
                    format!("{name} 的 {net} 与 {other_name} 的 {other} 重叠：有些地址同时属于两处。"),
                );
                notes.push(Note::new(Severity::Warn, subject.clone(), "subnets-overlap", text));
            }
        }
    }
}

fn disagreements(topology: &Topology, notes: &mut Vec<Note>) {
    for guest in topology.guests.values() {
        for nic in &guest.nics {
            let (Some(said), Some(tap)) = (&nic.disagrees, &nic.tap) else { continue };
            let subject = Subject::Nic(nic.mac.to_string());
            let (tap, name) = (&tap.name, &guest.name);
            let note = match &nic.bridge {
                Some(real) => Note::new(
                    Severity::Warn,
                    subject,
                    "bridge-disagrees",
                    Sentence::new(
                        format!(
                            "{tap} of {name} is a port of {real}, but libvirt says {said}: it was moved behind libvirt's back."
                        ),
                        format!(
                            "{name} 的 {tap} 实际接在 {real}，而 libvirt 记录的是 {said}：它被绕过 libvirt 移动了。"
                        ),
                    ),
                ),
                None => Note::new(
                    Severity::Warn,
                    subject,
                    "tap-without-master",
                    Sentence::new(
                        format!("{tap} of {name} is in no bridge, but libvirt says {said}: the NIC reaches nothing."),
                        format!("{name} 的 {tap} 不在任何网桥上，而 libvirt 记录的是 {said}：这块网卡不通。"),
                    ),
                ),
            };
            notes.push(note);
        }
    }
}

fn taps(topology: &Topology, notes: &mut Vec<Note>) {
    for guest in topology.guests.values() {
        for nic in guest.nics.iter().filter(|nic| nic.live) {
            let Some(tap) = nic.tap.as_ref().filter(|tap| tap.index == 0) else { continue };
            let text = Sentence::new(
                format!(
                    "libvirt says that {} of {} has the tap {}, but no such link is there.",
                    nic.mac, guest.name, tap.name
                ),
                format!("libvirt 记录 {} 的网卡 {} 使用 {}，但主机上没有这个接口。", guest.name, nic.mac, tap.name),
            );
            notes.push(Note::new(Severity::Warn, Subject::Nic(nic.mac.to_string()), "nic-without-link", text));
        }
    }
    for other in topology.others.values().filter(|other| other.kind.as_deref() == Some("tun")) {
        let text = Sentence::new(
            format!("{} is in no bridge and no guest's.", other.name),
            format!("{} 不在任何网桥上，也不属于任何虚拟机。", other.name),
        );
        notes.push(Note::new(Severity::Tell, Subject::Link(other.name.clone()), "tap-without-master", text));
    }
}

fn guests(topology: &Topology, notes: &mut Vec<Note>) {
    let mut names: Vec<&String> = topology.guests.keys().collect();
    gather::sort_by(&mut names, |a, b| natural(a, b));
    for guest in names.into_iter().filter_map(|name| topology.guests.get(name)) {
        let name = &guest.name;
        let subject = Subject::Guest(name.clone());
        if guest.state == DomainState::Crashed {
            let text = Sentence::new(format!("{name} has crashed."), format!("{name} 已崩溃。"));
            notes.push(Note::new(Severity::Warn, subject, "guest-crashed", text));
            continue;
        }
        if guest.state != DomainState::Running {
            continue;
        }
        let (code, text) = match (guest.agent, &guest.trouble) {
            // By whatever way it was asked.
            (_, None) if guest.default_routes.is_some() => continue,
            (AgentChannel::Missing, _) => (
                "agent-missing",
                Sentence::new(
                    format!("{name} has no channel for the guest agent: its inside is not known."),
                    format!("{name} 没有 guest agent 通道：无法得知其内部状态。"),
                ),
            ),
            (AgentChannel::Disconnected, _) => (
                "agent-silent",
                Sentence::new(
                    format!("The guest agent of {name} is not running: its inside is not known."),
                    format!("{name} 的 guest agent 没有运行：无法得知其内部状态。"),
                ),
            ),
            (AgentChannel::Connected, Some(trouble)) => (
                "guest-trouble",
                Sentence::new(
                    format!("{name} did not answer in full: {trouble}."),
                    format!("{name} 的应答不完整：{trouble}。"),
                ),
            ),
            (AgentChannel::Connected, None) => continue,
        };
        notes.push(Note::new(Severity::Tell, subject, code, text));
    }
}

/// The article's trap: ports of a bridge that cannot talk to each other because the firewall sees their frames.
fn trapped(topology: &Topology, notes: &mut Vec<Note>) {
    for rail in topology.bridges.values().filter(|rail| rail.ports.len() > 1) {
        if let Talk::Dropped(chains) = &rail.talk {
            let (name, chains) = (&rail.name, chains.join(", "));
            let text = Sentence::new(
                format!("The ports of {name} cannot talk to each other: {chains} drops what goes between them."),
                format!("{name} 的端口之间不通：{chains} 会丢弃它们之间的流量。"),
            );
            notes.push(Note::new(Severity::Warn, Subject::Link(name.clone()), "ports-dropped", text));
        }
    }
}

/// Links that several programs set up: at each start, the last of them has its way.
fn contended(observed: &Observed, notes: &mut Vec<Note>) {
    for link in observed.links.values().filter(|link| link.managers.len() > 1) {
        let managers: Vec<String> = link.managers.iter().map(ToString::to_string).collect();
        let (name, list) = (&link.name, managers.join(", "));
        let text = Sentence::new(
            format!("{name} is set up by more than one program: {list}. Whichever comes last has its way."),
            format!("{name} 由不止一个程序配置：{list}。最后执行的那个说了算。"),
        );
        notes.push(Note::new(Severity::Warn, Subject::Link(name.clone()), "managers-contend", text));
    }
}
