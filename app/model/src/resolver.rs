//! How a guest resolves names, and what it is called: the files of ours by which its own system is told, and drafts that
//! say so.
//!
//! systemd-resolved and NetworkManager read a file of ours beside their own. Elsewhere `/etc/resolv.conf` itself is ours;
//! what was there is kept beside it under a second name, and put back in its place.

use std::net::IpAddr;

use crate::{
    Cluster,
    name::GuestName,
    observed::{Folder, GuestFacts, Resolver},
    step::{Hostname, command::word},
};

/// The most name servers that resolv.conf(5) takes.
pub const MOST: usize = 3;
/// The longest hostname of Linux, in bytes (`HOST_NAME_MAX`).
pub const LONGEST: usize = 64;

pub const RESOLV_CONF: &str = "/etc/resolv.conf";
pub const HOSTNAME: &str = "/etc/hostname";
/// What each of them was before it became ours.
pub const RESOLV_CONF_BEFORE: &str = "/etc/90-bridgehead-resolv.conf";
pub const HOSTNAME_BEFORE: &str = "/etc/90-bridgehead-hostname";
/// What `/etc/resolv.conf` was before a DHCP client of ours may have written a lease's name servers there.
pub const RESOLV_CONF_UNLEASED: &str = "/etc/90-bridgehead-unleased-resolv.conf";

/// Where systemd-resolved writes the name servers that it asks.
pub const RESOLVED_SERVERS: &str = "/run/systemd/resolve/resolv.conf";
/// The folder that is there where dhclient runs hooks, and ours in it (dhclient-script(8)).
pub const HOOKS: &str = "/etc/dhcp/dhclient-enter-hooks.d";
pub const HOOK: &str = "/etc/dhcp/dhclient-enter-hooks.d/90-bridgehead";
pub const HOOK_TEXT: &str = "make_resolv_conf() { :; }\n";

/// How a file of ours begins that stands in somebody else's place.
pub const OURS: &str = "# Written by Bridgehead.";

/// Files of which lines tell who resolves names, and by which servers.
pub const TELLING: [&str; 6] = [
    RESOLV_CONF,
    RESOLVED_SERVERS,
    "/etc/systemd/resolved.conf.d/90-bridgehead.conf",
    "/etc/NetworkManager/conf.d/90-bridgehead.conf",
    RESOLV_CONF_BEFORE,
    HOOK,
];

impl Resolver {
    /// The file that is ours.
    pub fn file(self) -> &'static str {
        match self {
            Self::Resolved => TELLING[2],
            Self::NetworkManager => TELLING[3],
            Self::Dhclient | Self::File => RESOLV_CONF,
        }
    }

    /// What it says: resolved.conf(5), NetworkManager.conf(5), resolv.conf(5).
    pub fn text(self, servers: &[IpAddr]) -> String {
        let joined = |by: &str| servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(by);
        match self {
            // Without the domain, servers that came with a NIC's own settings would be asked as well.
            Self::Resolved => format!("[Resolve]\nDNS={}\nDomains=~.\n", joined(" ")),
            Self::NetworkManager => format!("[global-dns-domain-*]\nservers={}\n", joined(",")),
            Self::Dhclient | Self::File => {
                let lines = servers.iter().map(|server| format!("nameserver {server}\n")).collect::<String>();
                format!("{OURS} What was here before is {RESOLV_CONF_BEFORE}.\n{lines}")
            }
        }
    }

    /// How it is told to read its files again; `None` if whoever resolves names does so anyway.
    pub fn reload(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Resolved => Some(&["systemctl", "reload-or-restart", "systemd-resolved"]),
            Self::NetworkManager => Some(&["nmcli", "general", "reload"]),
            Self::Dhclient | Self::File => None,
        }
    }

    /// The folder that is made for the file, and goes with it.
    pub fn made(self) -> Option<&'static str> {
        (self == Self::Resolved).then_some("/etc/systemd/resolved.conf.d")
    }

    /// The servers that are asked when a file of ours says these, and the guest has others besides.
    pub fn effective(self, ours: Option<&[IpAddr]>, others: &[IpAddr]) -> Vec<IpAddr> {
        match ours {
            None => others.to_vec(),
            Some(ours) if self == Self::Resolved => {
                let more = others.iter().filter(|server| !ours.contains(server));
                ours.iter().chain(more).copied().collect()
            }
            Some(ours) => ours.to_vec(),
        }
    }
}

/// Whether a guest asks these servers because a file of ours says so; with `None`, whether there is no file of ours.
pub fn is_so(facts: &GuestFacts, servers: Option<&[IpAddr]>) -> bool {
    let asked = facts.nameservers.as_deref().unwrap_or_default();
    facts.dns.as_deref() == servers && servers.is_none_or(|servers| asked.starts_with(servers))
}

/// A draft in which a guest has these name servers and this hostname; an entry that says nothing is none.
#[must_use]
pub fn set(draft: &Cluster, name: &GuestName, dns: Vec<IpAddr>, hostname: Option<String>) -> Cluster {
    draft.with_guest(name, |guest| (guest.dns, guest.hostname) = (dns, hostname))
}

/// A step on the name servers, for somebody to type.
pub(crate) fn dns_commands(resolver: Resolver, servers: Option<&[IpAddr]>, was: Option<&[IpAddr]>) -> Vec<String> {
    let path = resolver.file();
    let mut commands = Vec::new();
    match (resolver, servers) {
        (Resolver::Resolved | Resolver::NetworkManager, Some(servers)) => {
            commands.push(install(path, &resolver.text(servers)));
        }
        (Resolver::Resolved | Resolver::NetworkManager, None) => commands.push(format!("rm -f {path}")),
        (_, Some(servers)) => {
            commands.extend((resolver == Resolver::Dhclient).then(|| install(HOOK, HOOK_TEXT)));
            commands.extend(was.is_none().then(|| set_aside(path, RESOLV_CONF_BEFORE)));
            commands.push(replace(path, &resolver.text(servers)));
        }
        (_, None) => {
            commands.push(put_back(path, RESOLV_CONF_BEFORE));
            commands.push(format!("if grep -qs '^{OURS}' {path}; then rm {path}; fi"));
            commands.extend((resolver == Resolver::Dhclient).then(|| format!("rm -f {HOOK}")));
        }
    }
    commands.extend(resolver.reload().map(|words| words.join(" ")));
    commands
}

/// The same for the hostname.
pub(crate) fn hostname_commands(hostname: &Hostname, was: &Hostname) -> Vec<String> {
    let mut commands = Vec::new();
    if !hostname.same_file(was) {
        match &hostname.file {
            _ if hostname.found => {
                commands.push(put_back(HOSTNAME, HOSTNAME_BEFORE));
                commands.extend(hostname.file.is_none().then(|| format!("rm -f {HOSTNAME}")));
            }
            Some(text) => {
                commands.extend(was.found.then(|| set_aside(HOSTNAME, HOSTNAME_BEFORE)));
                commands.push(replace(HOSTNAME, &format!("{text}\n")));
            }
            None => commands.push(format!("rm -f {HOSTNAME}")),
        }
    }
    commands.push(format!("printf '%s\\n' {} > /proc/sys/kernel/hostname", word(&hostname.name)));
    commands
}

fn install(path: &str, text: &str) -> String {
    format!("printf %s {} | install -D -m {:o} /dev/stdin {path}", word(text), Folder::mode(path))
}

/// A second name, so that there is always a whole file.
fn set_aside(path: &str, before: &str) -> String {
    format!("if ls -d {path} && ! ls -d {before}; then ln {path} {before}; fi >/dev/null 2>&1")
}

/// Not written through: it may be a link, and has a second name.
fn replace(path: &str, text: &str) -> String {
    format!("printf %s {} > {path}~ && chmod 644 {path}~ && mv -f {path}~ {path}", word(text))
}

fn put_back(path: &str, before: &str) -> String {
    format!("if ls -d {before}; then mv -f {before} {path}; fi >/dev/null 2>&1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    #[test]
    fn each_resolver_is_told_in_its_own_words() {
        let two = servers(&["10.0.0.9", "fd00::9"]);
        assert_eq!(Resolver::Resolved.text(&two), "[Resolve]\nDNS=10.0.0.9 fd00::9\nDomains=~.\n");
        assert_eq!(Resolver::NetworkManager.text(&two), "[global-dns-domain-*]\nservers=10.0.0.9,fd00::9\n");
        assert!(Resolver::File.text(&two).ends_with(".\nnameserver 10.0.0.9\nnameserver fd00::9\n"));
        assert!(Resolver::File.text(&two).starts_with(OURS));
    }

    #[test]
    fn only_resolved_asks_others_too() {
        let (ours, others) = (servers(&["10.0.0.9"]), servers(&["192.168.122.1", "10.0.0.9"]));
        assert_eq!(Resolver::Resolved.effective(Some(&ours), &others), servers(&["10.0.0.9", "192.168.122.1"]));
        assert_eq!(Resolver::File.effective(Some(&ours), &others), ours);
        assert_eq!(Resolver::Resolved.effective(None, &others), others);
    }

    #[test]
    fn an_entry_that_says_nothing_is_none() {
        let name: GuestName = "node1".parse().expect("a name");
        let nothing = Cluster::default();
        let named = set(&nothing, &name, servers(&["10.0.0.9"]), Some("db".to_owned()));
        assert_eq!(named.guests[0].hostname.as_deref(), Some("db"));
        let starts = named.with_guest(&name, |guest| guest.autostart = Some(true));
        assert_eq!(starts.guests.len(), 1);
        assert_eq!(set(&starts, &name, Vec::new(), None).guests[0].autostart, Some(true));
        assert_eq!(set(&named, &name, Vec::new(), None), nothing);
    }
}
