//! One request, one gateway: what the button, the API and the command line turn into a draft.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    Cluster, Observed,
    cluster::{Bridge, Forward, Gateway, Translation},
    name::{GuestName, LinkName, NetworkName},
    nic,
    note::{Note, Sentence, Severity, Subject},
    observed::{AgentChannel, Attachment},
    pool, resolve,
    topology::mac_of,
};

/// Make a guest, or the host, the gateway of a bridge; with whatever is missing for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GatewayRequest {
    /// Made if it is not there.
    pub bridge: LinkName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<GuestName>,
    #[serde(default)]
    pub host: bool,
    /// The bridge's own if absent; of a new bridge the next free one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub subnet: Option<IpNet>,
    #[serde(default)]
    pub members: Vec<GuestName>,
    /// Where the gateway's own default route leaves, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<NetworkName>,
    #[serde(default)]
    pub translation: Translation,
    #[serde(default)]
    pub detach_outside: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub probe: Option<IpAddr>,
    /// As they are if absent.
    #[serde(default, rename = "forward", skip_serializing_if = "Option::is_none")]
    pub forwards: Option<Vec<Forward>>,
}

/// The document with that gateway: bridge, NICs and addresses that are missing are added, those that are there are used.
pub fn draft(observed: &Observed, cluster: &Cluster, request: &GatewayRequest) -> Result<Cluster, Note> {
    if request.guest.is_some() == request.host {
        let text = Sentence::new(
            "A gateway is a guest or the host: name one of them.",
            "网关是虚拟机或主机之一：请指定其中一个。",
        );
        return Err(refuse(&request.bridge, "no-gateway", text, "guest"));
    }
    let mut draft = cluster.clone();
    let subnet = bridge(observed, &mut draft, request)?;
    for guest in request.guest.iter().chain(&request.members) {
        socket(observed, &mut draft, request, guest, subnet)?;
    }
    let outside = match &request.outside {
        Some(outside) => outside.clone(),
        None => outside(observed, request.guest.as_deref()).ok_or_else(|| {
            let text = Sentence::new("Say by what the gateway leaves: outside.", "请指定网关的出口：outside。");
            refuse(&request.bridge, "no-outside", text, "outside")
        })?,
    };
    let old = draft.gateway(&request.bridge);
    let forwards = request.forwards.clone().or_else(|| old.map(|old| old.forwards.clone()));
    let gateway = Gateway {
        bridge: request.bridge.clone(),
        guest: request.guest.clone(),
        host: request.host,
        outside,
        translation: request.translation,
        members: request.members.clone(),
        detach_outside: request.detach_outside,
        probe: request.probe,
        forwards: forwards.unwrap_or_default(),
    };
    match draft.gateways.iter_mut().find(|there| there.bridge == request.bridge) {
        Some(there) => *there = gateway,
        None => draft.gateways.push(gateway),
    }
    Ok(draft)
}

/// Sees to the bridge and gives its subnet.
fn bridge(observed: &Observed, draft: &mut Cluster, request: &GatewayRequest) -> Result<IpNet, Note> {
    let name = &request.bridge;
    let asked = request.subnet.map(|net| net.trunc());
    if let Some(net) = asked.filter(|net| !net.addr().is_ipv4() || net.prefix_len() > 29 || net.prefix_len() < 8) {
        let text = Sentence::new(
            format!("{net} is not an IPv4 subnet with room for guests: /8 to /29."),
            format!("{net} 不是能容纳虚拟机的 IPv4 网段：应为 /8 到 /29。"),
        );
        return Err(refuse(name, "bad-subnet", text, "subnet"));
    }
    let own = resolve::bridge_addresses(observed, draft, name).into_iter().find(|net| net.addr().is_ipv4());
    if let Some(own) = own.map(|net| net.trunc()) {
        if let Some(asked) = asked.filter(|asked| *asked != own) {
            let text = Sentence::new(
                format!("{name} has the subnet {own}, not {asked}."),
                format!("{name} 的网段是 {own}，不是 {asked}。"),
            );
            return Err(refuse(name, "other-subnet", text, "subnet"));
        }
        adopt(observed, draft, name);
        return Ok(own);
    }
    let subnet = asked.or_else(|| pool::subnet(observed, draft)).ok_or_else(|| {
        let text = Sentence::new("No private subnet is free: name one.", "没有空闲的私有网段：请指定一个。");
        refuse(name, "no-subnet", text, "subnet")
    })?;
    let address = pool::first(subnet);
    match draft.bridges.iter_mut().find(|bridge| bridge.name == *name) {
        Some(bridge) => bridge.address.extend(address),
        // A bridge of somebody else's stays as it is: its guests have the subnet among themselves.
        None if observed.link(name).is_some_and(|link| !link.is_ours()) => {}
        None => draft.bridges.push(Bridge { address: address.into_iter().collect(), ..Bridge::new(name.clone()) }),
    }
    Ok(subnet)
}

/// A bridge of ours that no document names any more is written down again.
fn adopt(observed: &Observed, draft: &mut Cluster, name: &LinkName) {
    let ours = observed.link(name).filter(|link| link.is_ours() && draft.bridge(name).is_none());
    if let Some(stp) = ours.and_then(|link| link.bridge.as_ref()).map(|bridge| bridge.stp) {
        let address = resolve::bridge_addresses(observed, draft, name);
        draft.bridges.push(Bridge { address, stp, ..Bridge::new(name.clone()) });
    }
}

/// Sees to a guest's NIC on the bridge, and its address.
fn socket(
    observed: &Observed,
    draft: &mut Cluster,
    request: &GatewayRequest,
    guest: &GuestName,
    subnet: IpNet,
) -> Result<(), Note> {
    if !observed.domains.contains_key(&**guest) {
        let field = if request.guest.as_ref() == Some(guest) { "guest" } else { "members" };
        return Err(nic::no_guest(guest).field(field));
    }
    let next = |draft: &Cluster| {
        pool::address(observed, draft, subnet).ok_or_else(|| {
            let text = Sentence::new(format!("No address of {subnet} is free."), format!("{subnet} 中没有空闲地址。"));
            refuse(&request.bridge, "subnet-full", text, "subnet")
        })
    };
    let Some(mac) = resolve::nic_at(observed, draft, guest, &request.bridge) else {
        let address = next(draft)?;
        let mut entry = nic::blank(guest.clone(), pool::mac(observed, draft, Some(address)));
        entry.bridge = Some(request.bridge.clone());
        entry.address.push(address);
        draft.nics.push(entry);
        return Ok(());
    };
    let own = resolve::addresses(observed, draft, guest, mac);
    if !own.iter().any(|net| subnet.contains(&net.addr())) {
        let address = next(draft)?;
        let at = nic::entry(observed, draft, mac)?;
        draft.nics[at].address.push(address);
    }
    Ok(())
}

/// Where the default route of a guest, or of the host, leaves.
fn outside(observed: &Observed, guest: Option<&str>) -> Option<NetworkName> {
    let Some(guest) = guest else {
        return resolve::way_out(observed)?.parse().ok();
    };
    let domain = observed.domains.get(guest)?;
    let routes = observed.guests.get(guest).and_then(|facts| Some((facts, facts.routes.as_ref()?)));
    let mac = routes.and_then(|(facts, routes)| {
        let best = routes.iter().filter(|route| route.is_default()).min_by_key(|route| route.metric)?;
        mac_of(facts, best.interface.as_deref()?)
    });
    let nic = domain.nics.iter().find(|nic| Some(nic.mac) == mac).or(domain.nics.first())?;
    match nic.attachment()? {
        Attachment::Network { network } => network.parse().ok(),
        Attachment::Bridge { bridge } => bridge.parse().ok(),
        Attachment::Direct { .. } | Attachment::Other { .. } => None,
    }
}

/// What a request is about before anything is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct About<'a> {
    pub bridge: Option<&'a str>,
    pub guest: Option<&'a str>,
}

/// A request filled in as well as can be guessed. `None` if there is no guest that could be the gateway.
pub fn suggest(observed: &Observed, cluster: &Cluster, about: About<'_>) -> Option<GatewayRequest> {
    let bridge: LinkName = match about.bridge {
        Some(bridge) => bridge.parse().ok()?,
        None => waiting_bridge(observed, cluster, about.guest).or_else(|| pool::bridge_name(observed, cluster))?,
    };
    let old = cluster.gateway(&bridge);
    let on_bridge = |guest: &str| resolve::nic_at(observed, cluster, guest, &bridge).is_some();
    let able = |guest: &&String| {
        let domain = observed.domains.get(*guest);
        domain.is_some_and(|domain| {
            let ready = matches!(resolve::Inside::of(observed, domain), resolve::Inside::Ready(_));
            resolve::runs(domain) && (domain.agent == AgentChannel::Connected || ready)
        })
    };
    let names = || observed.domains.keys().filter(able);
    let guest = about.guest.map(str::to_owned);
    let guest = guest.or_else(|| old.and_then(|old| old.guest.as_ref().map(ToString::to_string)));
    let guest = guest.or_else(|| names().find(|name| on_bridge(name)).cloned()).or_else(|| names().next().cloned())?;
    let others = || names().filter(|name| **name != guest);
    let mut members: Vec<GuestName> =
        others().filter(|name| on_bridge(name)).filter_map(|name| name.parse().ok()).collect();
    if members.is_empty() {
        members = others().filter_map(|name| name.parse().ok()).collect();
    }
    let own = resolve::bridge_addresses(observed, cluster, &bridge).into_iter().find(|net| net.addr().is_ipv4());
    Some(GatewayRequest {
        subnet: own.map(|net| net.trunc()).or_else(|| pool::subnet(observed, cluster)),
        outside: old.map(|old| old.outside.clone()).or_else(|| outside(observed, Some(&guest))),
        guest: guest.parse().ok(),
        host: false,
        members: old.map_or(members, |old| old.members.clone()),
        translation: old.map(|old| old.translation).unwrap_or_default(),
        detach_outside: old.is_some_and(|old| old.detach_outside),
        probe: old.and_then(|old| old.probe),
        forwards: old.map(|old| old.forwards.clone()),
        bridge,
    })
}

/// The members with their IPv4 addresses on the bridge: where ports can be forwarded to.
pub fn members(observed: &Observed, cluster: &Cluster, gateway: &Gateway) -> Vec<(GuestName, IpAddr)> {
    let members = gateway.members.iter().filter_map(|member| {
        let mac = resolve::nic_at(observed, cluster, member, &gateway.bridge)?;
        let mut own = resolve::addresses(observed, cluster, member, mac).into_iter().map(|net| net.addr());
        Some((member.clone(), own.find(IpAddr::is_ipv4)?))
    });
    members.collect()
}

/// A bridge of the document without a gateway, best one that the guest is on already.
fn waiting_bridge(observed: &Observed, cluster: &Cluster, guest: Option<&str>) -> Option<LinkName> {
    let free = || cluster.bridges.iter().filter(|bridge| cluster.gateway(&bridge.name).is_none());
    let here = free()
        .find(|bridge| guest.is_some_and(|guest| resolve::nic_at(observed, cluster, guest, &bridge.name).is_some()));
    here.or_else(|| free().next()).map(|bridge| bridge.name.clone())
}

/// Without the gateway of this bridge; its bridge and NICs stay.
#[must_use]
pub fn remove_gateway(cluster: &Cluster, bridge: &str) -> Cluster {
    let mut draft = cluster.clone();
    draft.gateways.retain(|gateway| &*gateway.bridge != bridge);
    draft
}

/// Without this bridge and everything on it.
#[must_use]
pub fn remove_bridge(cluster: &Cluster, bridge: &str) -> Cluster {
    let mut draft = remove_gateway(cluster, bridge);
    draft.bridges.retain(|there| &*there.name != bridge);
    draft.nics.retain(|nic| nic.bridge.as_deref() != Some(bridge));
    draft
}

fn refuse(bridge: &str, code: &str, text: Sentence, field: &str) -> Note {
    Note::new(Severity::Block, Subject::Gateway(bridge.to_owned()), code, text).field(field)
}
