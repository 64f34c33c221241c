//! Gateways: forwarding and translation, in a guest or on the host.

use std::collections::BTreeSet;

use crate::{
    Cluster,
    firewall::translation,
    note::{Note, Sentence, Severity, Subject},
    observed::GuestFacts,
    resolve::Inside,
    step::{GuestTool, Step, TableEntry},
};

use super::{Phase, Planner};

pub(super) const FORWARD: &str = "net.ipv4.ip_forward";

pub(super) fn plan(planner: &mut Planner<'_>) {
    let guests: BTreeSet<String> = planner.old.gateways.keys().chain(planner.new.gateways.keys()).cloned().collect();
    for guest in guests {
        let Some(domain) = planner.observed.domains.get(&guest) else { continue };
        match Inside::of(planner.observed, domain) {
            Inside::Ready(facts) => {
                forwarding(planner, &guest, facts);
                translations(planner, &guest, facts);
            }
            // It starts as it was: there is nothing to give back.
            Inside::Off if !planner.new.gateways.contains_key(&guest) => planner.marks(&guest).last_forward = true,
            Inside::Off | Inside::NoAgent | Inside::Silent(_) => {}
        }
    }
    host(planner);
}

fn forwarding(planner: &mut Planner<'_>, guest: &str, facts: &GuestFacts) {
    let step = |on| Step::SetGuestForwarding { guest: guest.to_owned(), on };
    if planner.new.gateways.contains_key(guest) {
        if facts.ip_forward == Some(false) {
            planner.marks(guest).plus.ip_forward.get_or_insert(false);
            planner.push(Phase::GatewayOn, step(true));
        }
    } else if planner.marks(guest).plus.ip_forward.is_some() {
        if planner.marks(guest).plus.ip_forward == Some(false) && facts.ip_forward == Some(true) {
            planner.push(Phase::GatewayOff, step(false));
        }
        planner.marks(guest).last_forward = true;
    }
}

fn translations(planner: &mut Planner<'_>, guest: &str, facts: &GuestFacts) {
    let wanted = planner.new.gateways.get(guest).cloned().unwrap_or_default();
    let ours = facts.tables.iter().flatten().filter(|table| table.name == translation::TABLE);
    let was: Vec<TableEntry> = ours.flat_map(translation::entries).collect();
    if same(&wanted, &was) {
        return;
    }
    let Some(tool) = tool(facts) else { return };
    let phase = phase(&wanted, &was);
    planner.push(phase, Step::ReplaceGuestTable { guest: guest.to_owned(), tool, translations: wanted, was });
}

/// nftables where there is one; iptables otherwise.
pub fn tool(facts: &GuestFacts) -> Option<GuestTool> {
    if facts.programs.contains("nft") {
        Some(GuestTool::Nft)
    } else {
        facts.programs.contains("iptables").then_some(GuestTool::Iptables)
    }
}

fn same(a: &[TableEntry], b: &[TableEntry]) -> bool {
    let sorted = |entries: &[TableEntry]| entries.iter().cloned().collect::<BTreeSet<_>>();
    sorted(a) == sorted(b)
}

/// Translation comes before the routes that need it, and goes after them.
fn phase(wanted: &[TableEntry], was: &[TableEntry]) -> Phase {
    if wanted.iter().all(|entry| was.contains(entry)) { Phase::GatewayOff } else { Phase::GatewayOn }
}

fn host(planner: &mut Planner<'_>) {
    let was = planner.observed.tables.get(translation::HOST).map(translation::entries).unwrap_or_default();
    let wanted = planner.new.host.clone();
    // A way that has gone since is still to be taken out of the table.
    let concerns = |cluster: &Cluster| cluster.gateways.iter().any(|own| own.host || !own.forwards.is_empty());
    if !concerns(planner.committed) && !concerns(planner.draft) {
        return;
    }
    let routes = !planner.new.host_ways.is_empty() || !planner.new.doors.is_empty();
    let on = planner.observed.sysctls.get(FORWARD).is_some_and(|value| value != "0");
    if routes && !on {
        let was = planner.observed.sysctls.get(FORWARD).cloned().unwrap_or_else(|| "0".to_owned());
        let step = Step::SetSysctl { name: FORWARD.to_owned(), value: "1".to_owned(), was };
        // Not twice: a network that starts has it on too.
        if !planner.steps.iter().any(|(_, planned)| *planned == step) {
            planner.push(Phase::GatewayOn, step);
        }
    }
    if !routes && on {
        let text = Sentence::new(
            format!("{FORWARD} stays 1 on the host: other networks may rely on it."),
            format!("主机的 {FORWARD} 保持为 1：其他网络可能依赖它。"),
        );
        planner.notes.push(Note::new(Severity::Tell, Subject::Host, "forwarding-stays", text));
    }
    if !same(&wanted, &was) {
        planner.push(phase(&wanted, &was), Step::ReplaceTable { translations: wanted, was });
    }
}
