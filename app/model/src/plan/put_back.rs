//! What puts single objects back: of all that is not as the document says, the part that touches them.

use crate::{Cluster, Observed, note::Subject, step::Step};

use super::{Plan, nic::reseat, plan};

/// The steps that make these objects again what the document says. A NIC that no document names is at home where libvirt
/// says that it is.
pub fn put_back(observed: &Observed, cluster: &Cluster, subjects: &[Subject]) -> Plan {
    let mut plan = plan(observed, cluster, cluster);
    plan.promises.clear();
    if plan.is_blocked() {
        return plan;
    }
    let concerned = |step: &Step| subjects.iter().any(|subject| concerns(observed, step, subject));
    let seats: Vec<Step> = subjects.iter().filter_map(|subject| seat(observed, subject)).collect();
    let others = std::mem::take(&mut plan.steps).into_iter().filter(|step| concerned(step) && !seats.contains(step));
    plan.set(others.chain(seats.iter().cloned()).collect());
    plan
}

fn seat(observed: &Observed, subject: &Subject) -> Option<Step> {
    let Subject::Nic(mac) = subject else { return None };
    let mut nics = observed.domains.values().flat_map(|domain| &domain.nics);
    reseat(observed, &Cluster::default(), nics.find(|nic| nic.mac.to_string() == *mac)?)
}

/// Whether a step is about an object: for a network, also where its guests' taps are plugged in.
pub fn concerns(observed: &Observed, step: &Step, subject: &Subject) -> bool {
    let bridge = match subject {
        Subject::Network(name) => observed.networks.get(name).and_then(|network| network.bridge.as_ref()),
        _ => None,
    };
    let seats = bridge.is_some() && matches!(step, Step::SetMaster { master, .. } if master.as_ref() == bridge);
    seats || step.touches().contains(subject)
}
