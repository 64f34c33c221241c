//! What a guest's own system is told, so that its next start is as the document says, with nobody's help.
//!
//! Files of ours, in the folders where the system itself looks; a NIC is named in them by its MAC. Only what the document
//! says is written: a NIC of which it says neither address nor DHCP is left to whoever sets it up, source validation aside.

mod filter;
mod gateway;
mod ifupdown;
mod netplan;
mod networkd;
mod networkmanager;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use ipnet::IpNet;

use crate::{
    Mac, RpFilter,
    cluster::Route,
    observed::{DhcpClient, Folder, GuestFacts, ManagerKind},
    plan::wishes::Wishes,
    step::{TableEntry, command::word},
};

/// Where files of ours may be inside a guest.
pub const FOLDERS: [&str; 9] = [
    "/etc/netplan",
    "/etc/systemd/network",
    "/etc/network/interfaces.d",
    "/etc/NetworkManager/system-connections",
    "/etc/sysctl.d",
    gateway::TABLES,
    "/etc/systemd/system",
    gateway::DROP_IN,
    filter::RULES,
];

/// Folders that are made for files of ours, and go with the last of them.
pub const MADE: [&str; 2] = [gateway::TABLES, gateway::DROP_IN];

/// The metric of a default route of ours where the manager's DHCP client sets one too, with 100 and more, and again with
/// each renewal of its lease: ours wins beside it.
pub fn metric(manager: ManagerKind) -> Option<u32> {
    (manager != ManagerKind::Ifupdown).then_some(10)
}

/// Whether a file in a guest is one that is written here. A guest that has a Bridgehead of its own has others.
pub fn is_ours(path: &str) -> bool {
    let Some((folder, name)) = path.rsplit_once('/') else { return false };
    let name = if folder == filter::RULES { name.strip_prefix(filter::LATE) } else { Some(name) };
    let Some(rest) = name.and_then(|name| name.strip_prefix(Folder::OURS)) else { return false };
    let of_nic = |rest: &str| {
        let (mac, suffix) = rest.split_at_checked(12).unwrap_or_default();
        mac.chars().all(|c| c.is_ascii_hexdigit())
            && ["", ".network", ".yaml", ".nmconnection", ".rules"].contains(&suffix)
            && !mac.is_empty()
    };
    FOLDERS.contains(&folder)
        && ([".conf", ".nft", "-nftables.service"].contains(&rest) || rest.strip_prefix('-').is_some_and(of_nic))
}

/// What is to be so inside a guest at its next start.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    nics: BTreeMap<Mac, Nic>,
    filters: BTreeMap<Mac, RpFilter>,
    gateway: Option<Vec<TableEntry>>,
}

#[derive(Debug, Clone, Default)]
struct Nic {
    addresses: Vec<IpNet>,
    dhcp: bool,
    accept_ra: bool,
    /// The next hop of the default route.
    via: Option<IpAddr>,
    /// Of the default route, if it was said.
    metric: Option<u32>,
    mtu: Option<u32>,
    further: Vec<Route>,
}

impl Settings {
    pub fn of(wishes: &Wishes, guest: &str) -> Self {
        let own = || wishes.nics.iter().filter(|(_, wish)| wish.guest == guest && wish.attachment.is_some());
        let filters = own().filter_map(|(mac, wish)| Some((*mac, wish.rp_filter?)));
        let own = own().filter(|(_, wish)| wish.dhcp || !wish.addresses.is_empty());
        let route = wishes.routes.get(guest);
        let further = wishes.further.get(guest).map(Vec::as_slice).unwrap_or_default();
        let nics = own.map(|(mac, wish)| {
            let route = route.filter(|route| route.mac == *mac);
            let own = further.iter().filter(|route| route.mac == *mac);
            let nic = Nic {
                addresses: wish.addresses.clone(),
                dhcp: wish.dhcp,
                accept_ra: wish.accept_ra,
                via: route.map(|route| route.via),
                metric: route.and_then(|route| route.metric),
                mtu: wish.mtu,
                further: own.map(|route| Route { to: route.destination(), via: route.via }).collect(),
            };
            (*mac, nic)
        });
        let given: BTreeSet<IpAddr> = own_addresses(wishes, guest).collect();
        let lasting = |entries: &Vec<TableEntry>| entries.iter().map(|entry| gateway::lasting(entry, &given)).collect();
        let gateway = wishes.gateways.get(guest).map(lasting);
        Self { nics: nics.collect(), filters: filters.collect(), gateway }
    }

    /// The files that say so, by path, for a system as it was found.
    pub fn files(&self, facts: &GuestFacts) -> BTreeMap<String, String> {
        let Some(manager) = facts.manager() else { return BTreeMap::new() };
        let write = match manager {
            ManagerKind::Netplan => netplan::write,
            ManagerKind::Networkd => networkd::write,
            ManagerKind::NetworkManager => networkmanager::write,
            ManagerKind::Ifupdown => ifupdown::write,
        };
        let mut files: BTreeMap<String, String> = self.nics.iter().map(|(mac, nic)| write(*mac, nic)).collect();
        if facts.systemd {
            files.extend(self.filters.iter().map(|(mac, mode)| filter::write(*mac, *mode)));
        }
        if let Some(entries) = &self.gateway {
            files.extend(gateway::write(entries, facts.systemd));
        }
        files
    }
}

#[cfg(feature = "toml")]
impl Settings {
    /// Its NICs as one network configuration of version 2, as cloud-init takes it; these others are set up by DHCP.
    pub fn network_config(&self, others: &BTreeSet<Mac>) -> String {
        // As the plan has it once the guest is there.
        let ranked = |nic: &Nic| Nic { metric: nic.metric.or(metric(ManagerKind::Netplan)), ..nic.clone() };
        let own = self.nics.iter().map(|(mac, nic)| netplan::ethernet(*mac, &ranked(nic)));
        let others = others.iter().filter(|mac| !self.nics.contains_key(mac)).map(|mac| netplan::dhcp(*mac));
        let ethernets: String = own.chain(others).collect();
        let lines: String =
            ethernets.lines().map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line))).collect();
        if lines.is_empty() { "version: 2\n".to_owned() } else { format!("version: 2\nethernets:\n{lines}") }
    }

    /// The files that make it a gateway, by path, where systemd starts its services.
    pub fn gateway_files(&self) -> Vec<(String, String)> {
        self.gateway.as_ref().map(|entries| gateway::write(entries, true)).unwrap_or_default()
    }
}

/// What the document says that the guest has at every start.
fn own_addresses(wishes: &Wishes, guest: &str) -> impl Iterator<Item = IpAddr> {
    let own = wishes.nics.values().filter(move |wish| wish.guest == guest && wish.attachment.is_some());
    own.flat_map(|wish| &wish.addresses).map(|net| net.addr())
}

/// The process id of a DHCP client that runs by itself. AppArmor's profile of dhclient knows such names.
pub fn pid(mac: Mac, client: DhcpClient) -> String {
    format!("/run/{client}.{}.pid", name(mac))
}

/// `90-bridgehead-525400480010`.
pub(crate) fn name(mac: Mac) -> String {
    format!("{}-{}", Folder::OURS, mac.to_string().replace(':', ""))
}

/// Paths and texts of what is to be written, and the paths that are to go.
pub fn changes<'a>(
    files: &'a BTreeMap<String, String>,
    was: &'a BTreeMap<String, String>,
) -> (Vec<(&'a String, &'a String)>, Vec<&'a String>) {
    let written = files.iter().filter(|(path, text)| was.get(*path) != Some(text));
    (written.collect(), was.keys().filter(|path| !files.contains_key(*path)).collect())
}

/// How a manager is told to read its files again, without touching the NICs of which they say nothing new.
pub fn reload(manager: ManagerKind) -> Option<&'static [&'static str]> {
    match manager {
        // For those that read what it makes of its own, and come after it.
        ManagerKind::Netplan => Some(&["netplan", "generate"]),
        ManagerKind::Networkd => Some(&["networkctl", "reload"]),
        ManagerKind::NetworkManager => Some(&["nmcli", "connection", "reload"]),
        // It reads them when an interface is brought up.
        ManagerKind::Ifupdown => None,
    }
}

/// The same, for somebody to type.
pub(crate) fn commands(
    managers: &BTreeSet<ManagerKind>,
    files: &BTreeMap<String, String>,
    was: &BTreeMap<String, String>,
) -> Vec<String> {
    let (written, gone) = changes(files, was);
    let write = |(path, text): (&String, &String)| {
        format!("printf %s {} | install -D -m {:o} /dev/stdin {path}", word(text), Folder::mode(path))
    };
    let mut commands: Vec<String> = written.into_iter().map(write).collect();
    commands.extend(gone.into_iter().map(|path| format!("rm {}", word(path))));
    commands.extend(managers.iter().copied().filter_map(reload).map(|words| words.join(" ")));
    commands
}
