//! Reading domains and networks. Everything here blocks.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};

use model::observed::{Domain, DomainState, Network};
use virt::{connect::Connect, error::ErrorNumber};
use virt_sys as sys;

use super::{LibvirtFacts, domain, error::Error, leases, network};

/// How many requests are under way at once. libvirtd serves five per connection (`max_client_requests`); one stays free
/// for whoever else uses this connection.
const ABREAST: usize = 4;

/// Everything. Three lists, then one call for each domain that is off, three for one that runs.
pub fn all(connect: &Connect) -> Result<LibvirtFacts, Error> {
    let networks = networks(connect)?;
    let doing = "list the domains";
    let list = |flags| connect.list_all_domains(flags).map_err(|error| Error::from_virt(doing, &error));
    let set = |flags| -> Result<BTreeSet<String>, Error> {
        Ok(list(flags)?.iter().filter_map(|domain| domain.get_uuid_string().ok()).collect())
    };
    let persistent = set(sys::VIR_CONNECT_LIST_DOMAINS_PERSISTENT)?;
    let autostart = set(sys::VIR_CONNECT_LIST_DOMAINS_AUTOSTART)?;
    let domains = list(0)?;
    let read = |domain: &virt::domain::Domain| -> Result<Option<Domain>, Error> {
        let uuid = domain.get_uuid_string().unwrap_or_default();
        let active = domain.get_id().is_some();
        let state = if active { None } else { Some(DomainState::Off) };
        one(domain, state, active, persistent.contains(&uuid), autostart.contains(&uuid))
    };
    let share = domains.len().div_ceil(ABREAST).max(1);
    let parts: Vec<Result<Vec<Domain>, Error>> = thread::scope(|scope| {
        let workers: Vec<_> = domains
            .chunks(share)
            .map(|share| scope.spawn(|| share.iter().map(read).filter_map(Result::transpose).collect()))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut facts = LibvirtFacts { networks, domains: BTreeMap::new() };
    for part in parts {
        facts.domains.extend(part?.into_iter().map(|domain| (domain.name.clone(), domain)));
    }
    Ok(facts)
}

/// One domain; `None` if there is none of this name.
pub fn domain(connect: &Connect, name: &str) -> Result<Option<Domain>, Error> {
    let doing = format!("read guest {name}");
    let Some(domain) = absent(lookup(connect, &doing, name))? else { return Ok(None) };
    let ask = |answer: Result<bool, virt::error::Error>| {
        absent(answer.map_err(|error| Error::from_virt(&doing, &error))).map(|answer| answer.unwrap_or(false))
    };
    let active = ask(domain.is_active())?;
    let persistent = ask(domain.is_persistent())?;
    let autostart = persistent && ask(domain.get_autostart())?;
    let state = if active { None } else { Some(DomainState::Off) };
    one(&domain, state, active, persistent, autostart)
}

/// One network; `None` if there is none of this name.
pub fn network(connect: &Connect, name: &str) -> Result<Option<Network>, Error> {
    let doing = format!("read network {name}");
    if name.contains('\0') {
        return Ok(None);
    }
    let found = virt::network::Network::lookup_by_name(connect, name);
    let Some(found) = absent(found.map_err(|error| Error::from_virt(&doing, &error)))? else { return Ok(None) };
    one_network(&doing, &found)
}

/// The domain of this name. A name from outside may hold NUL, on which `virt` would panic.
pub fn lookup(connect: &Connect, doing: &str, name: &str) -> Result<virt::domain::Domain, Error> {
    if name.contains('\0') {
        return Err(Error::NotFound { doing: doing.to_owned(), message: "its name has a NUL character".to_owned() });
    }
    virt::domain::Domain::lookup_by_name(connect, name).map_err(|error| Error::from_virt(doing, &error))
}

/// A definition as text, live or persistent.
pub fn xml(domain: &virt::domain::Domain, doing: &str, flags: u32) -> Result<String, Error> {
    domain.get_xml_desc(flags).map_err(|error| Error::from_virt(doing, &error))
}

fn networks(connect: &Connect) -> Result<BTreeMap<String, Network>, Error> {
    let doing = "list the networks";
    let list = match connect.list_all_networks(0) {
        Ok(list) => list,
        // A libvirtd without the network driver has none.
        Err(error) if error.code() == ErrorNumber::NoSupport => return Ok(BTreeMap::new()),
        Err(error) => return Err(Error::from_virt(doing, &error)),
    };
    let mut networks = BTreeMap::new();
    for network in list {
        let doing = format!("read network {}", network.get_name().unwrap_or_default());
        networks.extend(one_network(&doing, &network)?.map(|network| (network.name.clone(), network)));
    }
    Ok(networks)
}

fn one_network(doing: &str, found: &virt::network::Network) -> Result<Option<Network>, Error> {
    let read = || -> Result<Network, Error> {
        let refuse = |error: virt::error::Error| Error::from_virt(doing, &error);
        let active = found.is_active().map_err(refuse)?;
        let persistent = found.is_persistent().map_err(refuse)?;
        let leases = match active.then(|| leases::read(doing, found)) {
            None => Vec::new(),
            Some(Ok(leases)) => leases,
            // The driver has no leases, or the network has no DHCP: the rest of it is worth showing.
            Some(Err(Error::Refused { message, .. })) => {
                tracing::debug!(doing, message, "no leases");
                Vec::new()
            }
            Some(Err(error)) => return Err(error),
        };
        let autostart = persistent && found.get_autostart().map_err(refuse)?;
        let xml = found.get_xml_desc(0).map_err(refuse)?;
        let status = network::Status { active, persistent, autostart, leases };
        network::read(status, &xml).map_err(|error| Error::xml(doing, error))
    };
    absent(read())
}

fn one(
    domain: &virt::domain::Domain,
    state: Option<DomainState>,
    active: bool,
    persistent: bool,
    autostart: bool,
) -> Result<Option<Domain>, Error> {
    let doing = format!("read guest {}", domain.get_name().unwrap_or_default());
    let read = || -> Result<Domain, Error> {
        let state = match state {
            Some(state) => state,
            None => domain.get_state().map_err(|error| Error::from_virt(&doing, &error)).map(|(raw, _)| known(raw))?,
        };
        let live = active.then(|| xml(domain, &doing, 0)).transpose()?;
        let config = persistent.then(|| xml(domain, &doing, sys::VIR_DOMAIN_XML_INACTIVE)).transpose()?;
        let status = domain::Status { state, active, persistent, autostart };
        domain::read(status, live.as_deref(), config.as_deref()).map_err(|error| Error::xml(&doing, error))
    };
    absent(read())
}

fn known(raw: sys::virDomainState) -> DomainState {
    match raw {
        sys::VIR_DOMAIN_RUNNING | sys::VIR_DOMAIN_BLOCKED | sys::VIR_DOMAIN_SHUTDOWN => DomainState::Running,
        sys::VIR_DOMAIN_PAUSED => DomainState::Paused,
        sys::VIR_DOMAIN_CRASHED => DomainState::Crashed,
        sys::VIR_DOMAIN_PMSUSPENDED => DomainState::Suspended,
        _ => DomainState::Off,
    }
}

/// An object that went away while it was read is no error.
fn absent<T>(outcome: Result<T, Error>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(it) => Ok(Some(it)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
