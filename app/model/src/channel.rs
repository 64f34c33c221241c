//! The guest agent's channel: what it is for libvirt, drafts that give it to a guest, and what is to be installed inside.

use crate::{
    Cluster, Observed,
    name::GuestName,
    note::{Fix, Sentence},
    observed::AgentChannel,
    resolve::runs,
};

/// The name of its virtio-serial port (qemu-ga(8)).
pub const NAME: &str = "org.qemu.guest_agent.0";

/// As libvirt is to make it.
pub const ELEMENT: &str = "<channel type=\"unix\"><source mode=\"bind\"/>\
     <target type=\"virtio\" name=\"org.qemu.guest_agent.0\"/></channel>";

/// With the channel for this guest, or without what a document says of it.
#[must_use]
pub fn set(draft: &Cluster, guest: &GuestName, there: bool) -> Cluster {
    draft.with_guest(guest, |guest| guest.agent = there)
}

/// The draft that gives a running guest the channel that it lacks; `None` if it has one, or if the draft says so already.
pub fn offer(observed: &Observed, draft: &Cluster, guest: &str) -> Option<Cluster> {
    let domain = observed.domains.get(guest)?;
    let lacks = runs(domain) && domain.agent == AgentChannel::Missing;
    let said = draft.guest(guest).is_some_and(|guest| guest.agent);
    let name: GuestName = guest.parse().ok()?;
    (lacks && !said).then(|| set(draft, &name, true))
}

/// The same as a note's fix.
pub fn fix(observed: &Observed, draft: &Cluster, guest: &str) -> Option<Box<Fix>> {
    let label = Sentence::new("add the agent’s channel", "添加 agent 通道");
    offer(observed, draft, guest).map(|draft| Box::new(Fix { label, draft }))
}

/// How to install the agent, by what a system's os-release begins with. Debian's family has it started by itself.
const SYSTEMS: [(&[&str], &str); 4] = [
    (
        &["Debian", "Ubuntu", "Linux Mint"],
        "apt-get install qemu-guest-agent && systemctl enable --now qemu-guest-agent",
    ),
    (
        &["Fedora", "Red Hat", "CentOS", "Rocky", "AlmaLinux", "Oracle"],
        "dnf install qemu-guest-agent && systemctl enable --now qemu-guest-agent",
    ),
    (&["openSUSE", "SUSE", "SLES"], "zypper install qemu-guest-agent && systemctl enable --now qemu-guest-agent"),
    (&["Alpine"], "apk add qemu-guest-agent && rc-update add qemu-guest-agent && rc-service qemu-guest-agent start"),
];

/// The commands that install and start the agent in a guest, one for each kind of system; only the one that fits, if its
/// system is known (`PRETTY_NAME` of its os-release).
pub fn install(os: Option<&str>) -> Vec<&'static str> {
    let fits = |(names, command): &(&[&str], &'static str)| {
        names.iter().any(|name| os.is_some_and(|os| os.starts_with(name))).then_some(*command)
    };
    match SYSTEMS.iter().find_map(fits) {
        Some(command) => vec![command],
        None => SYSTEMS.iter().map(|(_, command)| *command).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observed::{Domain, DomainState};

    fn host(agent: AgentChannel) -> Observed {
        let domain = Domain { name: "node1".to_owned(), state: DomainState::Running, agent, ..Domain::default() };
        Observed { domains: [("node1".to_owned(), domain)].into(), ..Observed::default() }
    }

    #[test]
    fn only_a_guest_without_it_is_offered_one_and_only_once() {
        let nothing = Cluster::default();
        let observed = host(AgentChannel::Missing);
        let draft = offer(&observed, &nothing, "node1").expect("an offer");
        assert!(draft.guest("node1").is_some_and(|guest| guest.agent));
        assert_eq!(offer(&observed, &draft, "node1"), None);
        assert_eq!(offer(&observed, &nothing, "node2"), None);
        assert_eq!(offer(&host(AgentChannel::Disconnected), &nothing, "node1"), None);
        let name = "node1".parse().expect("a name");
        assert_eq!(set(&draft, &name, false), nothing);
    }

    #[test]
    fn the_command_is_that_of_the_system() {
        let [apk] = install(Some("Alpine Linux v3.20"))[..] else { panic!("one command") };
        assert!(apk.starts_with("apk add qemu-guest-agent"));
        assert!(install(Some("Debian GNU/Linux 12 (bookworm)"))[0].starts_with("apt-get"));
        assert_eq!(install(None).len(), SYSTEMS.len());
        assert_eq!(install(Some("Plan 9")).len(), SYSTEMS.len());
    }
}
