//! What is asked for, table by table, and how the answers are put together.

use std::collections::BTreeMap;

use model::observed::{Address, Counters, FdbEntry, Link, Neighbour, PolicyRule, Route};
use rtnetlink::{
    packet_core::{DecodeError, Parseable},
    packet_route::{
        AddressFamily, RouteNetlinkMessage,
        address::AddressMessage,
        link::{LinkAttribute, LinkExtentMask, LinkMessage},
        neighbour::NeighbourMessage,
        route::RouteMessage,
        rule::RuleMessage,
        stats::{StatsAttribute, StatsFilterMask, StatsMessage},
    },
};

use super::{Error, address, dump::Dumps, link, neighbour, route, rule};

/// So many MACs that a bridge has learnt behind one port are told. Whoever is there may send from as many as it likes.
const LEARNT: usize = 1024;

/// Links with their addresses, by ifindex.
pub fn links(dumps: &mut Dumps) -> Result<BTreeMap<u32, Link>, Error> {
    let mut request = LinkMessage::default();
    // Counters have their own, smaller reading.
    request.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    let mut links =
        dumps.list("links", RouteNetlinkMessage::GetLink(request), |links: &mut BTreeMap<_, _>, payload| {
            let link = link::decode(payload)?;
            links.insert(link.index, link);
            Ok(())
        })?;
    let request = RouteNetlinkMessage::GetAddress(AddressMessage::default());
    let addresses: Vec<(u32, Address)> = dumps.list("addresses", request, each(address::decode))?;
    for (index, address) in addresses {
        if let Some(link) = links.get_mut(&index) {
            link.addresses.push(address);
        }
    }
    for link in links.values_mut() {
        link.addresses.sort();
    }
    Ok(links)
}

pub fn routes(dumps: &mut Dumps) -> Result<Vec<Route>, Error> {
    let mut routes = Vec::new();
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        for kind in route::KINDS {
            let mut request = RouteMessage::default();
            request.header.address_family = family;
            request.header.kind = kind;
            let found: Vec<Route> =
                dumps.list("routes", RouteNetlinkMessage::GetRoute(request), each(route::decode))?;
            routes.extend(found);
        }
    }
    routes.sort();
    Ok(routes)
}

/// Policy rules by their priority, IPv4 before IPv6.
pub fn rules(dumps: &mut Dumps) -> Result<Vec<PolicyRule>, Error> {
    let mut rules: Vec<PolicyRule> = Vec::new();
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut request = RuleMessage::default();
        request.header.family = family;
        let found: Vec<PolicyRule> = dumps.list("rules", RouteNetlinkMessage::GetRule(request), each(rule::decode))?;
        rules.extend(found);
    }
    Ok(rules)
}

pub fn neighbours(dumps: &mut Dumps) -> Result<Vec<Neighbour>, Error> {
    let request = RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default());
    let mut neighbours: Vec<Neighbour> = dumps.list("neighbours", request, each(neighbour::decode))?;
    neighbours.sort();
    Ok(neighbours)
}

/// The forwarding databases of all bridges.
pub fn fdb(dumps: &mut Dumps) -> Result<Vec<FdbEntry>, Error> {
    let mut request = NeighbourMessage::default();
    request.header.family = AddressFamily::Bridge;
    let request = RouteNetlinkMessage::GetNeighbour(request);
    let mut fdb: Vec<FdbEntry> = dumps.list("forwarding databases", request, each(neighbour::decode_fdb))?;
    fdb.sort();
    fdb.dedup();
    bound(&mut fdb);
    Ok(fdb)
}

fn bound(fdb: &mut Vec<FdbEntry>) {
    let mut learnt: BTreeMap<u32, usize> = BTreeMap::new();
    fdb.retain(|entry| {
        let count = learnt.entry(entry.port).or_default();
        *count += usize::from(entry.state == "learned");
        entry.state != "learned" || *count <= LEARNT
    });
}

/// Traffic by ifindex.
pub fn counters(dumps: &mut Dumps) -> Result<BTreeMap<u32, Counters>, Error> {
    let mut request = StatsMessage::default();
    request.header.filter_mask = StatsFilterMask::Link64;
    dumps.list("counters", RouteNetlinkMessage::GetStats(request), each(seen))
}

fn seen(message: StatsMessage) -> Option<(u32, Counters)> {
    let StatsAttribute::Link64(seen) = message.attributes.first()? else { return None };
    let counters = Counters {
        rx_bytes: seen.rx_bytes,
        tx_bytes: seen.tx_bytes,
        rx_packets: seen.rx_packets,
        tx_packets: seen.tx_packets,
        rx_dropped: seen.rx_dropped,
        tx_dropped: seen.tx_dropped,
    };
    Some((message.header.ifindex, counters))
}

/// Decodes whole messages, each into any number of facts.
fn each<M, C, I, T>(decode: impl Fn(M) -> I) -> impl Fn(&mut C, &[u8]) -> Result<(), DecodeError>
where
    M: Parseable<[u8]>,
    I: IntoIterator<Item = T>,
    C: Extend<T>,
{
    move |facts, payload| {
        facts.extend(decode(M::parse(payload)?));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use model::Mac;

    use super::*;

    #[test]
    fn a_flood_of_macs_behind_one_port_hides_no_other_port() {
        let entry = |port, nth: u32, state: &str| {
            let [a, b, c, d] = nth.to_be_bytes();
            FdbEntry { bridge: Some(1), port, mac: Mac([2, 0, a, b, c, d]), vlan: None, state: state.to_owned() }
        };
        let mut fdb: Vec<FdbEntry> = (0..100_000).map(|nth| entry(2, nth, "learned")).collect();
        let others = [entry(2, 200_000, "permanent"), entry(3, 0, "learned")];
        fdb.extend(others.clone());
        bound(&mut fdb);
        assert_eq!(fdb.len(), LEARNT + others.len());
        assert!(fdb.ends_with(&others));
    }
}
