//! Drafts that change where NICs are plugged in: what a drag, a form and the command line have in common.
//!
//! Each takes a document and gives the edited copy. Nothing is checked here but what the edit itself needs; see
//! [`check`](crate::check).

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    Cluster, Mac, Observed, RpFilter,
    cluster::{Bridge, Nic, Route},
    name::{GuestName, LinkName, NetworkName},
    note::{Note, Sentence, Severity, Subject},
    observed::{Attachment, Domain, NicMark},
    pool,
    resolve::{self, Inside},
    topology,
};

/// Where a NIC can be plugged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Place {
    Bridge(LinkName),
    Network(NetworkName),
}

impl Place {
    fn attachment(&self) -> Attachment {
        match self {
            Self::Bridge(name) => Attachment::Bridge { bridge: name.to_string() },
            Self::Network(name) => Attachment::Network { network: name.to_string() },
        }
    }

    /// The place of an attachment that a document can name.
    fn of(attachment: &Attachment) -> Option<Self> {
        match attachment {
            Attachment::Bridge { bridge } => bridge.parse().ok().map(Self::Bridge),
            Attachment::Network { network } => network.parse().ok().map(Self::Network),
            Attachment::Direct { .. } | Attachment::Other { .. } => None,
        }
    }

    fn put(&self, nic: &mut Nic) {
        (nic.bridge, nic.network) = match self {
            Self::Bridge(name) => (Some(name.clone()), None),
            Self::Network(name) => (None, Some(name.clone())),
        };
    }
}

/// A new bridge with the next free name and subnet, to be added or edited first.
pub fn suggest_bridge(observed: &Observed, cluster: &Cluster) -> Option<Bridge> {
    let address = pool::subnet(observed, cluster).and_then(pool::first);
    Some(Bridge { address: address.into_iter().collect(), ..Bridge::new(pool::bridge_name(observed, cluster)?) })
}

/// A new bridge that takes over this NIC of the host, with the addresses and the default route that the NIC has.
pub fn bridge_over(observed: &Observed, cluster: &Cluster, uplink: &LinkName) -> Option<Bridge> {
    let link = observed.link(uplink)?;
    let global = link.addresses.iter().map(|address| address.net).filter(resolve::is_global);
    let default = observed.routes.iter().find(|route| {
        route.table == topology::MAIN && route.is_default() && route.link == Some(link.index) && route.gateway.is_some()
    });
    let taken =
        |name: &str| observed.link(name).is_some() || cluster.bridges.iter().any(|bridge| &*bridge.name == name);
    let name = (0..).map(|n| format!("br{n}")).find(|name| !taken(name))?;
    Some(Bridge {
        address: global.collect(),
        uplink: Some(uplink.clone()),
        default_route: default.and_then(|route| route.gateway),
        ..Bridge::new(name.parse().ok()?)
    })
}

/// With a bridge added, or replaced if one of that name is there.
#[must_use]
pub fn with_bridge(cluster: &Cluster, bridge: Bridge) -> Cluster {
    let mut draft = cluster.clone();
    match draft.bridges.iter_mut().find(|there| there.name == bridge.name) {
        Some(there) => *there = bridge,
        None => draft.bridges.push(bridge),
    }
    draft
}

/// With a new NIC of `guest` at `place`; its entry is the last one. On a bridge with a subnet it has the next address.
pub fn attach(observed: &Observed, cluster: &Cluster, guest: &GuestName, place: &Place) -> Result<Cluster, Note> {
    let domain = observed.domains.get(&**guest).ok_or_else(|| no_guest(guest))?;
    let mut draft = cluster.clone();
    let nic = new_nic(observed, cluster, domain, guest, place);
    draft.nics.push(nic);
    Ok(draft)
}

fn new_nic(observed: &Observed, cluster: &Cluster, domain: &Domain, guest: &GuestName, place: &Place) -> Nic {
    let address = next_address(observed, cluster, domain, place);
    let mut nic = blank(guest.clone(), pool::mac(observed, cluster, address));
    nic.address.extend(address);
    place.put(&mut nic);
    nic
}

pub(crate) fn blank(guest: GuestName, mac: Mac) -> Nic {
    Nic {
        guest,
        mac,
        bridge: None,
        network: None,
        plugged: true,
        cable: true,
        address: Vec::new(),
        dhcp: false,
        accept_ra: false,
        default_route: None,
        metric: None,
        mtu: None,
        rp_filter: None,
        routes: Vec::new(),
        put_back: false,
    }
}

/// The next address on a bridge that has a subnet, if it can be set inside the guest. Networks have DHCP.
fn next_address(observed: &Observed, cluster: &Cluster, domain: &Domain, place: &Place) -> Option<IpNet> {
    let Place::Bridge(bridge) = place else { return None };
    if matches!(Inside::of(observed, domain), Inside::NoAgent | Inside::Silent(_)) {
        return None;
    }
    let subnets = resolve::bridge_addresses(observed, cluster, bridge);
    let subnet = subnets.into_iter().find(|net| net.addr().is_ipv4())?;
    pool::address(observed, cluster, subnet)
}

/// With this NIC plugged in at `place`. Where it was found: its entry goes.
pub fn move_nic(observed: &Observed, cluster: &Cluster, mac: Mac, place: &Place) -> Result<Cluster, Note> {
    let mut draft = cluster.clone();
    let target = place.attachment();
    let there = found(observed, mac);
    if let Some((domain, nic)) = there {
        let home = match domain.marks.nics.get(&mac) {
            Some(NicMark::Made) => None,
            Some(NicMark::Found { attachment, .. }) => Some(attachment),
            None => nic.attachment(),
        };
        if home == Some(&target) {
            draft.nics.retain(|nic| nic.mac != mac);
            return Ok(draft);
        }
    }
    let at = entry(observed, &mut draft, mac)?;
    let guest = draft.nics[at].guest.clone();
    if draft.nics[at].attachment() == Some(target) {
        draft.nics[at].plugged = true;
        return Ok(draft);
    }
    let domain = observed.domains.get(&*guest).ok_or_else(|| no_guest(&guest))?;
    clear_inside(&mut draft.nics[at]);
    let address = next_address(observed, &draft, domain, place);
    let nic = &mut draft.nics[at];
    nic.plugged = true;
    nic.address.extend(address);
    place.put(nic);
    Ok(draft)
}

/// With this NIC out of its guest. One that Bridgehead made, or that is only a draft, is forgotten.
pub fn unplug(observed: &Observed, cluster: &Cluster, mac: Mac) -> Result<Cluster, Note> {
    let mut draft = cluster.clone();
    let made = |domain: &Domain| domain.marks.nics.get(&mac) == Some(&NicMark::Made);
    match found(observed, mac) {
        Some((domain, _)) if !made(domain) => {
            let at = entry(observed, &mut draft, mac)?;
            let nic = &mut draft.nics[at];
            nic.plugged = false;
            clear_inside(nic);
        }
        _ => {
            let before = draft.nics.len();
            draft.nics.retain(|nic| nic.mac != mac);
            if draft.nics.len() == before {
                return Err(no_nic(mac));
            }
        }
    }
    Ok(draft)
}

/// What was set for its old place means nothing elsewhere.
fn clear_inside(nic: &mut Nic) {
    nic.address.clear();
    (nic.dhcp, nic.accept_ra) = (false, false);
    (nic.default_route, nic.metric, nic.mtu, nic.rp_filter) = (None, None, None, None);
    nic.routes.clear();
}

/// With the cable of this NIC in or out.
pub fn set_cable(observed: &Observed, cluster: &Cluster, mac: Mac, cable: bool) -> Result<Cluster, Note> {
    let mut draft = cluster.clone();
    let at = entry(observed, &mut draft, mac)?;
    draft.nics[at].cable = cable;
    let idle = draft.nics[at].is_idle_inside() && draft.nics[at].plugged;
    if let Some((domain, nic)) = found(observed, mac)
        && !domain.marks.nics.contains_key(&mac)
        && idle
        && nic.link_up == cable
        && nic.attachment() == draft.nics[at].attachment().as_ref()
    {
        draft.nics.remove(at);
    }
    Ok(draft)
}

/// What a NIC is set to inside its guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Setting {
    pub address: Vec<IpNet>,
    pub dhcp: bool,
    pub accept_ra: bool,
    /// The next hop of the guest's default route, and the route's metric.
    pub default_route: Option<IpAddr>,
    pub metric: Option<u32>,
    /// Bytes.
    pub mtu: Option<u32>,
    pub rp_filter: Option<RpFilter>,
    pub routes: Vec<Route>,
}

/// With this NIC set so inside its guest.
pub fn set_inside(observed: &Observed, cluster: &Cluster, mac: Mac, setting: Setting) -> Result<Cluster, Note> {
    let mut draft = cluster.clone();
    let at = entry(observed, &mut draft, mac)?;
    let nic = &mut draft.nics[at];
    let Setting { address, dhcp, accept_ra, default_route, metric, mtu, rp_filter, routes } = setting;
    (nic.address, nic.dhcp, nic.accept_ra) = (address, dhcp, accept_ra);
    (nic.default_route, nic.metric) = (default_route, metric);
    (nic.mtu, nic.rp_filter, nic.routes) = (mtu, rp_filter, routes);
    Ok(draft)
}

fn found(observed: &Observed, mac: Mac) -> Option<(&Domain, &crate::observed::Nic)> {
    observed.domains.values().find_map(|domain| Some((domain, domain.nics.iter().find(|nic| nic.mac == mac)?)))
}

/// The NIC's entry, made from what is there if there is none.
pub(crate) fn entry(observed: &Observed, draft: &mut Cluster, mac: Mac) -> Result<usize, Note> {
    if let Some(at) = draft.nics.iter().position(|nic| nic.mac == mac) {
        return Ok(at);
    }
    let (domain, nic) = found(observed, mac).ok_or_else(|| no_nic(mac))?;
    let guest: GuestName = domain.name.parse().map_err(|_| odd_name(&domain.name))?;
    let place = nic.attachment().and_then(Place::of).ok_or_else(|| unchangeable(mac))?;
    let mut entry = blank(guest, mac);
    entry.cable = nic.link_up;
    place.put(&mut entry);
    draft.nics.push(entry);
    Ok(draft.nics.len() - 1)
}

pub fn no_guest(guest: &str) -> Note {
    let text = Sentence::new(format!("There is no guest {guest}."), format!("没有名为 {guest} 的虚拟机。"));
    Note::new(Severity::Block, Subject::Guest(guest.to_owned()), "unknown-guest", text).field("guest")
}

fn no_nic(mac: Mac) -> Note {
    let text = Sentence::new(format!("There is no NIC {mac}."), format!("没有网卡 {mac}。"));
    Note::new(Severity::Block, Subject::Nic(mac.to_string()), "unknown-nic", text).field("mac")
}

fn odd_name(guest: &str) -> Note {
    let text = Sentence::new(
        format!("The name of {guest} cannot be written in a document: letters, digits, '-', '_' and '.' are allowed."),
        format!("{guest} 的名字无法写入文档：只能用字母、数字、“-”、“_”和“.”。"),
    );
    Note::new(Severity::Block, Subject::Guest(guest.to_owned()), "odd-name", text).field("guest")
}

fn unchangeable(mac: Mac) -> Note {
    let text = Sentence::new(
        format!("{mac} is neither on a bridge nor on a libvirt network: Bridgehead shows it and does not change it."),
        format!("{mac} 既不在网桥上也不在 libvirt 网络上：Bridgehead 只显示，不更改。"),
    );
    Note::new(Severity::Block, Subject::Nic(mac.to_string()), "unchangeable", text).field("mac")
}
