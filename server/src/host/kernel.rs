//! Links, addresses, routes, neighbours and FDB, by rtnetlink; sysctls, by `/proc/sys`.
//!
//! Whole tables are read by dumps, one request each. Events come over a socket of their own ([`Events`]) and are nudges
//! to read again. Writes are in [`mod@write`]: one method per step.

mod address;
pub mod events;
mod link;
mod neighbour;
mod route;
mod sysctl;
mod write;

#[cfg(test)]
pub mod netns;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, io, sync::Arc};

use futures::{Stream, TryStreamExt};
use model::observed::{Counters, FdbEntry, Link, Neighbour, Route};
use rtnetlink::{
    packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload},
    packet_route::{
        AddressFamily, RouteNetlinkMessage,
        link::{LinkAttribute, LinkExtentMask},
        route::RouteMessage,
        stats::{StatsAttribute, StatsFilterMask, StatsMessage},
    },
};
use tokio::sync::Mutex;

pub use events::{Events, Nudge};

/// What could not be done; the cause is the kernel's errno.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot open a netlink socket")]
    Open(#[source] io::Error),
    #[error("cannot list {what}")]
    List { what: &'static str, source: io::Error },
    #[error("cannot {doing}: there is no link {link}")]
    NoLink { doing: String, link: String },
    #[error("cannot {doing}")]
    Write { doing: String, source: io::Error },
    #[error("cannot {doing}: {name:?} is not the name of a network setting")]
    SysctlName { doing: String, name: String },
}

/// The kernel of this network namespace. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Kernel {
    handle: rtnetlink::Handle,
    /// Held while a sequence of requests must not be interleaved with another.
    writing: Arc<Mutex<()>>,
}

/// Everything that the kernel tells of itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KernelFacts {
    pub hostname: String,
    /// By ifindex, addresses included.
    pub links: BTreeMap<u32, Link>,
    pub routes: Vec<Route>,
    pub neighbours: Vec<Neighbour>,
    pub fdb: Vec<FdbEntry>,
    pub sysctls: BTreeMap<String, String>,
}

impl Kernel {
    /// A socket in the network namespace of the calling thread. Must be called inside a Tokio runtime.
    pub fn open() -> Result<Self, Error> {
        // Strict: the kernel honours what a dump is narrowed to.
        let (connection, handle, _) = rtnetlink::new_connection_with_strict_check().map_err(Error::Open)?;
        tokio::spawn(connection);
        Ok(Self { handle, writing: Arc::default() })
    }

    pub async fn read(&self) -> Result<KernelFacts, Error> {
        Ok(KernelFacts {
            hostname: self.hostname(),
            links: self.links().await?,
            routes: self.routes().await?,
            neighbours: self.neighbours().await?,
            fdb: self.fdb().await?,
            sysctls: self.sysctls(),
        })
    }

    pub fn hostname(&self) -> String {
        nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// The settings that decide about forwarding. One that is absent does not exist on this host.
    pub fn sysctls(&self) -> BTreeMap<String, String> {
        sysctl::read()
    }

    /// Links with their addresses, by ifindex.
    pub async fn links(&self) -> Result<BTreeMap<u32, Link>, Error> {
        let mut request = self.handle.link().get();
        // Counters have their own, smaller reading.
        request.message_mut().attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
        let mut links = collect("links", request.execute(), |message| {
            let link = link::decode(message);
            Some((link.index, link))
        })
        .await?;
        let addresses = self.handle.address().get().execute();
        for (index, address) in collect::<Vec<_>, _, _>("addresses", addresses, address::decode).await? {
            if let Some(link) = BTreeMap::get_mut(&mut links, &index) {
                link.addresses.push(address);
            }
        }
        for link in links.values_mut() {
            link.addresses.sort();
        }
        Ok(links)
    }

    pub async fn routes(&self) -> Result<Vec<Route>, Error> {
        let mut routes: Vec<Route> = Vec::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            for kind in route::KINDS {
                let mut message = RouteMessage::default();
                message.header.address_family = family;
                message.header.kind = kind;
                let found = self.handle.route().get(message).execute();
                let found: Vec<Vec<Route>> =
                    collect("routes", found, |message| Some(route::decode(&message)).filter(|found| !found.is_empty()))
                        .await?;
                routes.extend(found.into_iter().flatten());
            }
        }
        routes.sort();
        Ok(routes)
    }

    pub async fn neighbours(&self) -> Result<Vec<Neighbour>, Error> {
        let found = self.handle.neighbours().get().execute();
        let mut neighbours: Vec<_> = collect("neighbours", found, neighbour::decode).await?;
        neighbours.sort();
        Ok(neighbours)
    }

    /// The forwarding databases of all bridges.
    pub async fn fdb(&self) -> Result<Vec<FdbEntry>, Error> {
        let found = self.handle.neighbours().get().set_address_family(AddressFamily::Bridge).execute();
        let mut fdb: Vec<_> = collect("forwarding databases", found, neighbour::decode_fdb).await?;
        fdb.sort();
        fdb.dedup();
        Ok(fdb)
    }

    /// Traffic by ifindex.
    pub async fn counters(&self) -> Result<BTreeMap<u32, Counters>, Error> {
        let mut message = StatsMessage::default();
        message.header.filter_mask = StatsFilterMask::Link64;
        let mut request = NetlinkMessage::from(RouteNetlinkMessage::GetStats(message));
        request.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        let replies = self
            .handle
            .clone()
            .request(request)
            .map_err(|error| Error::List { what: "counters", source: cause(error) })?;
        let found = futures::StreamExt::map(replies, |reply| match reply.payload {
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewStats(message)) => Ok(Some(message)),
            NetlinkPayload::Error(error) => Err(rtnetlink::Error::NetlinkError(error)),
            _ => Ok(None),
        });
        collect("counters", found, |message: Option<StatsMessage>| {
            let message = message?;
            let StatsAttribute::Link64(seen) = message.attributes.first()? else { return None };
            Some((
                message.header.ifindex,
                Counters {
                    rx_bytes: seen.rx_bytes,
                    tx_bytes: seen.tx_bytes,
                    rx_packets: seen.rx_packets,
                    tx_packets: seen.tx_packets,
                    rx_dropped: seen.rx_dropped,
                    tx_dropped: seen.tx_dropped,
                },
            ))
        })
        .await
    }

    /// Subscribes to changes. Subscribe first, then read: nothing is missed.
    pub fn events(&self) -> Result<Events, Error> {
        Events::open().map_err(Error::Open)
    }
}

/// All answers of one dump, decoded.
async fn collect<C, M, T>(
    what: &'static str,
    found: impl Stream<Item = Result<M, rtnetlink::Error>>,
    decode: impl Fn(M) -> Option<T>,
) -> Result<C, Error>
where
    C: Default + Extend<T>,
{
    let mut found = std::pin::pin!(found);
    let mut all = C::default();
    while let Some(message) = found.try_next().await.map_err(|error| Error::List { what, source: cause(error) })? {
        all.extend(decode(message));
    }
    Ok(all)
}

/// The errno behind an error of rtnetlink.
fn cause(error: rtnetlink::Error) -> io::Error {
    match error {
        rtnetlink::Error::NetlinkError(message) => message.to_io(),
        rtnetlink::Error::RequestFailed => io::Error::new(io::ErrorKind::BrokenPipe, "the netlink socket is closed"),
        other => io::Error::other(other),
    }
}
