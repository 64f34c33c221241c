//! Hosts, and edits of documents, made at random.

use std::{collections::BTreeSet, net::IpAddr};

use model::{
    Cluster, Mac, Observed, RpFilter, autostart, channel,
    cluster::{Dhcp, Forward, Gateway, Lease, Protocol, Range, Route, Translation},
    dhcp,
    gateway::{self, GatewayRequest},
    lease::collide,
    nic::{self, Place, Setting},
    note::Subject,
    observed::{AgentChannel, DomainState, Link, ManagerKind, Resolver},
    resolver,
};
use proptest::prelude::*;

use super::world::{self, filter, lab};

const GUESTS: [&str; 4] = ["master", "node1", "node2", "node3"];
const BRIDGES: [&str; 3] = ["mybr0", "mybr1", "br0"];

/// One edit of a document, as a person would make it.
#[derive(Debug, Clone)]
pub enum Edit {
    AddBridge(usize),
    TakeOver(usize),
    RemoveBridge(usize),
    Silent(usize),
    Serve { bridge: usize, last: u8, router: bool },
    Renumber(usize, u8),
    Attach { guest: usize, place: usize },
    Move { nic: usize, place: usize },
    Unplug(usize),
    Cable(usize, bool),
    Inside { nic: usize, last: u8, mtu: Option<u32>, filter: Option<usize>, dhcp: bool, accept_ra: bool, route: bool },
    Gateway { bridge: usize, guest: Option<usize>, members: usize, masquerade: bool, detach: bool },
    RemoveGateway(usize),
    Forward { bridge: usize, member: usize, port: u16, udp: bool },
    Destinations { bridge: usize, nets: Option<Vec<u8>> },
    Autostart { guest: Option<usize>, on: bool },
    Channel { guest: usize, there: bool },
    Resolver { guest: usize, servers: usize, hostname: Option<u8> },
    Keep(Option<ManagerKind>),
    Lease { nic: usize, last: u8, named: bool },
    Release(usize),
}

pub fn edit() -> impl Strategy<Value = Edit> {
    let (guest, bridge, nic) = (0..GUESTS.len(), 0..BRIDGES.len(), 0..8usize);
    prop_oneof![
        bridge.clone().prop_map(Edit::AddBridge),
        bridge.clone().prop_map(Edit::TakeOver),
        bridge.clone().prop_map(Edit::RemoveBridge),
        bridge.clone().prop_map(Edit::Silent),
        (bridge.clone(), 150..160u8, any::<bool>()).prop_map(|(bridge, last, router)| Edit::Serve {
            bridge,
            last,
            router
        }),
        (bridge.clone(), 1..9u8).prop_map(|(bridge, last)| Edit::Renumber(bridge, last)),
        (guest.clone(), 0..4usize).prop_map(|(guest, place)| Edit::Attach { guest, place }),
        (nic.clone(), 0..4usize).prop_map(|(nic, place)| Edit::Move { nic, place }),
        nic.clone().prop_map(Edit::Unplug),
        (nic.clone(), any::<bool>()).prop_map(|(nic, cable)| Edit::Cable(nic, cable)),
        (nic.clone(), 40..60u8, any::<bool>()).prop_map(|(nic, last, named)| Edit::Lease { nic, last, named }),
        nic.clone().prop_map(Edit::Release),
        (
            nic,
            100..140u8,
            proptest::option::of(1300..1500u32),
            proptest::option::of(0..3usize),
            proptest::bool::weighted(0.3),
            any::<bool>(),
            any::<bool>()
        )
            .prop_map(|(nic, last, mtu, filter, dhcp, accept_ra, route)| {
                Edit::Inside { nic, last, mtu, filter, dhcp, accept_ra, route }
            }),
        (bridge.clone(), proptest::option::weighted(0.8, guest), 0..16usize, any::<bool>(), any::<bool>()).prop_map(
            |(bridge, guest, members, masquerade, detach)| Edit::Gateway { bridge, guest, members, masquerade, detach }
        ),
        bridge.clone().prop_map(Edit::RemoveGateway),
        (bridge.clone(), proptest::option::of(proptest::collection::vec(0..4u8, 0..3)))
            .prop_map(|(bridge, nets)| Edit::Destinations { bridge, nets }),
        (bridge, 0..4usize, 79..82u16, any::<bool>()).prop_map(|(bridge, member, port, udp)| Edit::Forward {
            bridge,
            member,
            port,
            udp
        }),
        (proptest::option::of(0..GUESTS.len()), any::<bool>()).prop_map(|(guest, on)| Edit::Autostart { guest, on }),
        (0..GUESTS.len(), proptest::bool::weighted(0.7)).prop_map(|(guest, there)| Edit::Channel { guest, there }),
        (0..GUESTS.len(), 0..4usize, proptest::option::of(0..3u8))
            .prop_map(|(guest, servers, hostname)| Edit::Resolver { guest, servers, hostname }),
        proptest::option::weighted(0.8, 0..4usize).prop_map(|kind| Edit::Keep(kind.map(|kind| ManagerKind::ALL[kind]))),
    ]
}

fn place(n: usize) -> Place {
    match BRIDGES.get(n) {
        Some(name) => Place::Bridge(name.parse().expect("a name")),
        None => Place::Network("default".parse().expect("a name")),
    }
}

/// The document after one edit; as it was if the edit makes no sense.
pub fn edited(observed: &Observed, committed: &Cluster, cluster: &Cluster, edit: &Edit) -> Cluster {
    let mut macs: Vec<Mac> = observed.domains.values().flat_map(|domain| &domain.nics).map(|nic| nic.mac).collect();
    macs.extend(cluster.nics.iter().map(|nic| nic.mac));
    let mac = |n: usize| macs.get(n % macs.len().max(1)).copied().unwrap_or(world::mac(0));
    let result = match edit {
        Edit::AddBridge(n) => {
            let mut bridge = nic::suggest_bridge(observed, cluster).expect("a bridge");
            bridge.name = BRIDGES[*n].parse().expect("a name");
            Ok(if cluster.bridge(BRIDGES[*n]).is_some() { cluster.clone() } else { nic::with_bridge(cluster, bridge) })
        }
        Edit::TakeOver(n) => {
            let uplink = "eno1".parse().expect("a name");
            let bridge = nic::bridge_over(observed, cluster, &uplink);
            let taken = cluster.bridge(BRIDGES[*n]).is_some() || cluster.bridges.iter().any(|own| own.uplink.is_some());
            Ok(match bridge {
                Some(mut bridge) if !taken && !bridge.address.is_empty() => {
                    bridge.name = BRIDGES[*n].parse().expect("a name");
                    nic::with_bridge(cluster, bridge)
                }
                _ => cluster.clone(),
            })
        }
        Edit::RemoveBridge(n) => Ok(gateway::remove_bridge(cluster, BRIDGES[*n])),
        Edit::Silent(n) => {
            let mut draft = cluster.clone();
            draft.bridges.iter_mut().filter(|bridge| &*bridge.name == BRIDGES[*n]).for_each(|bridge| {
                bridge.ports_talk = !bridge.ports_talk;
                bridge.stp = !bridge.stp;
                bridge.mtu = if bridge.mtu.is_some() { None } else { Some(1400) };
            });
            Ok(draft)
        }
        Edit::Serve { bridge: n, last, router } => {
            let mut draft = cluster.clone();
            for bridge in draft.bridges.iter_mut().filter(|bridge| &*bridge.name == BRIDGES[*n]) {
                let suggested = bridge.address.first().copied().and_then(dhcp::suggest);
                bridge.dhcp = match (&bridge.dhcp, suggested) {
                    // Every third edit takes it back.
                    (Some(_), _) if last % 3 == 0 => None,
                    (_, Some(range)) if bridge.uplink.is_none() => {
                        let [a, b, c, _] = range.end.octets();
                        let end = [a, b, c, *last].into();
                        Some(Dhcp { range: Range { end, ..range }, router: router.then(|| [a, b, c, 9].into()) })
                    }
                    _ => None,
                };
            }
            Ok(draft)
        }
        Edit::Renumber(n, last) => {
            let mut draft = cluster.clone();
            for bridge in draft.bridges.iter_mut().filter(|bridge| &*bridge.name == BRIDGES[*n]) {
                let text = bridge.address.first().map(|net| net.network().to_string()).unwrap_or_default();
                let prefix = text.strip_suffix('0').unwrap_or("192.168.77.").to_owned();
                bridge.address = vec![format!("{prefix}{last}/24").parse().expect("a prefix")];
            }
            Ok(draft)
        }
        Edit::Attach { guest, place: at } => {
            nic::attach(observed, cluster, &GUESTS[*guest].parse().expect("a name"), &place(*at))
        }
        Edit::Move { nic, place: at } => nic::move_nic(observed, cluster, mac(*nic), &place(*at)),
        Edit::Unplug(nic) => nic::unplug(observed, cluster, mac(*nic)),
        Edit::Cable(nic, cable) => nic::set_cable(observed, cluster, mac(*nic), *cable),
        Edit::Inside { nic, last, mtu, filter, dhcp, accept_ra, route } => {
            let address: Vec<_> = (last % 3 != 0)
                .then(|| format!("192.168.99.{last}/24").parse().expect("a prefix"))
                .into_iter()
                .collect();
            let route = (*route && !address.is_empty()).then(|| {
                let to = format!("10.{last}.0.0/16").parse().expect("a prefix");
                Route { to, via: "192.168.99.9".parse().expect("an address") }
            });
            let rp_filter = filter.map(|nth| RpFilter::ALL[nth]);
            let routes = route.into_iter().collect();
            let (dhcp, accept_ra, mtu) = (*dhcp, *accept_ra, *mtu);
            let setting = Setting { address, dhcp, accept_ra, mtu, rp_filter, routes, ..Setting::default() };
            nic::set_inside(observed, cluster, mac(*nic), setting)
        }
        Edit::Gateway { bridge, guest, members, masquerade, detach } => {
            let member = |(n, _): &(usize, &&str)| members >> n & 1 == 1 && Some(*n) != *guest;
            let request = GatewayRequest {
                bridge: BRIDGES[*bridge].parse().expect("a name"),
                guest: guest.map(|guest| GUESTS[guest].parse().expect("a name")),
                host: guest.is_none(),
                subnet: None,
                members: GUESTS
                    .iter()
                    .enumerate()
                    .filter(member)
                    .map(|(_, name)| name.parse().expect("a name"))
                    .collect(),
                outside: None,
                translation: if *masquerade { Translation::Masquerade } else { Translation::Snat },
                detach_outside: *detach,
                probe: None,
                forwards: None,
                destinations: None,
            };
            gateway::draft(observed, cluster, &request)
        }
        Edit::Resolver { guest, servers, hostname } => {
            // The first is what they ask already.
            let all = ["192.168.122.1", "10.0.0.9", "fd00::9"].map(|text| text.parse().expect("an address"));
            let dns = all.into_iter().skip(servers % 2).take(*servers).collect();
            let hostname = hostname.map(|number| format!("node{number}"));
            Ok(resolver::set(cluster, &GUESTS[*guest].parse().expect("a name"), dns, hostname))
        }
        Edit::Keep(manager) => Ok(Cluster { manager: *manager, ..cluster.clone() }),
        Edit::Lease { nic, last, named } => {
            let mut draft = cluster.clone();
            // On a bridge that is served, if there is one.
            let served = draft.bridges.iter().find(|bridge| bridge.dhcp.is_some());
            let (network, subnet) = match served {
                Some(bridge) => (bridge.name.to_string(), bridge.address[0].network().to_string()),
                None => ("default".to_owned(), "192.168.122.0".to_owned()),
            };
            let lease = Lease {
                network: network.parse().expect("a name"),
                mac: mac(*nic),
                address: format!("{}.{last}", subnet.trim_end_matches(".0")).parse().expect("an address"),
                name: named.then(|| format!("node{}", last % 4)),
            };
            draft.leases.retain(|own| own.mac != lease.mac);
            let free = draft.leases.iter().all(|own| !collide(&own.host(), &lease.host()));
            draft.leases.extend(free.then_some(lease));
            Ok(draft)
        }
        Edit::Release(nic) => {
            let mut draft = cluster.clone();
            draft.leases.retain(|lease| lease.mac != mac(*nic));
            Ok(draft)
        }
        Edit::RemoveGateway(n) => Ok(gateway::remove_gateway(cluster, BRIDGES[*n])),
        Edit::Forward { bridge, member, port, udp } => {
            let mut draft = cluster.clone();
            for gateway in draft.gateways.iter_mut().filter(|gateway| &*gateway.bridge == BRIDGES[*bridge]) {
                let members = gateway::members(observed, cluster, gateway);
                let nobody = IpAddr::from([192, 168, 48, 77]);
                let to = members.get(*member).map_or(nobody, |(_, address)| *address);
                let protocol = if *udp { Protocol::Udp } else { Protocol::Tcp };
                let forward = Forward { port: *port, protocol, to, to_port: udp.then_some(8080) };
                let there = gateway.forwards.iter().position(|own| (own.port, own.protocol) == (*port, protocol));
                match there {
                    Some(at) => drop(gateway.forwards.remove(at)),
                    None => gateway.forwards.push(forward),
                }
            }
            Ok(draft)
        }
        Edit::Channel { guest, there } => Ok(channel::set(cluster, &GUESTS[*guest].parse().expect("a name"), *there)),
        Edit::Destinations { bridge, nets } => {
            let mut draft = cluster.clone();
            let named = |gateway: &&mut Gateway| &*gateway.bridge == BRIDGES[*bridge];
            for gateway in draft.gateways.iter_mut().filter(named) {
                let nets = nets.as_ref().map(BTreeSet::from_iter);
                let net = |third: &u8| format!("10.0.{third}.0/24").parse().expect("a prefix");
                gateway.destinations = nets.map(|nets| nets.into_iter().map(net).collect());
            }
            Ok(draft)
        }
        Edit::Autostart { guest, on } => {
            let guest = guest.map(|guest| Subject::Guest(GUESTS[guest].to_owned()));
            let subject = guest.unwrap_or_else(|| Subject::Network("default".to_owned()));
            Ok(autostart::set(observed, committed, cluster, &subject, *on))
        }
    };
    result.unwrap_or_else(|_| cluster.clone())
}

/// A host, with what differs from one to the next.
pub fn host() -> impl Strategy<Value = Observed> {
    let accept = proptest::bool::weighted(0.3);
    let shut = proptest::option::of((0..4usize, any::<bool>(), any::<bool>()));
    (1..=GUESTS.len(), accept, any::<bool>(), any::<bool>(), proptest::option::of(0..4usize), any::<bool>(), shut)
        .prop_map(|(guests, accept, filtered, forwards, off, spare, shut)| {
            let mut observed = lab(&GUESTS[..guests]);
            if accept {
                observed.tables.insert("ip filter".to_owned(), filter("accept"));
            }
            let set = |on: bool| if on { "1" } else { "0" }.to_owned();
            observed.sysctls.insert("net.bridge.bridge-nf-call-iptables".to_owned(), set(filtered));
            observed.sysctls.insert("net.ipv4.ip_forward".to_owned(), set(forwards));
            for (nth, facts) in observed.guests.values_mut().enumerate() {
                let managers = [None, Some(ManagerKind::Networkd), Some(ManagerKind::Ifupdown)];
                facts.managers = managers[nth % managers.len()].into_iter().collect();
                facts.systemd = nth == 1;
                facts.interfaces.iter_mut().for_each(|interface| interface.accept_ra = Some(u8::from(nth < 2)));
                let resolvers = [Resolver::File, Resolver::Resolved, Resolver::Dhclient, Resolver::NetworkManager];
                facts.resolver = resolvers.get(nth).copied();
                facts.static_hostname = (nth != 2).then(|| format!("node{nth}"));
            }
            if let Some((guest, live, controller)) = shut
                && let Some(domain) = GUESTS[..guests].get(guest).and_then(|name| observed.domains.get_mut(*name))
            {
                (domain.agent_config, domain.virtio_serial) = (false, controller);
                if !live {
                    domain.agent = AgentChannel::Missing;
                    observed.guests.remove(GUESTS[guest]);
                }
            }
            if let Some(off) = off.and_then(|n| GUESTS[..guests].get(n)) {
                switch_off(&mut observed, off);
            }
            if spare {
                let link = Link {
                    index: 40,
                    name: "br0".to_owned(),
                    kind: Some("bridge".to_owned()),
                    mtu: 1500,
                    up: true,
                    bridge: Some(Default::default()),
                    ..Link::default()
                };
                observed.links.insert(40, link);
            }
            observed
        })
}

fn switch_off(observed: &mut Observed, guest: &str) {
    observed.guests.remove(guest);
    let domain = observed.domains.get_mut(guest).expect("a guest");
    domain.state = DomainState::Off;
    domain.virtio_serial = false;
    domain.agent = if domain.agent_config { AgentChannel::Disconnected } else { AgentChannel::Missing };
    for nic in &mut domain.nics {
        nic.live = None;
        nic.alias = None;
        let tap = nic.tap.take();
        observed.links.retain(|_, link| Some(&link.name) != tap.as_ref());
    }
}
