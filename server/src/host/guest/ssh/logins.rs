//! The guests that their operator allowed to be reached by SSH, and where they may be found. No guest is connected to
//! unasked.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::{Cluster, Mac, Observed, observed::Domain};

use super::{Ssh, files::Files};

/// More addresses of one guest are not tried.
const ADDRESSES: usize = 8;

/// How a guest may be logged in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// One that is not root has to be able to run `sudo` without a password.
    pub user: String,
    /// Where it is, if that is not to be found out.
    pub address: Option<IpAddr>,
}

/// All of them. Cheap to clone.
#[derive(Clone, Default)]
pub struct Logins {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    files: Option<Files>,
    /// By the UUID of the domain: another that gets the name is another guest.
    allowed: BTreeMap<String, Login>,
    /// Those that are there, by name.
    guests: BTreeMap<String, Arc<Ssh>>,
    /// Where documents put NICs, the newest last.
    documented: BTreeMap<Mac, BTreeSet<IpAddr>>,
}

impl Logins {
    /// From now on, with what belongs to SSH in this state folder.
    pub fn open(&self, state: &Path, allowed: BTreeMap<String, Login>) {
        let mut inner = self.lock();
        inner.files = Some(Files::of(state));
        inner.allowed = allowed;
    }

    /// The folder of keys. `None` before [`Self::open`].
    pub fn files(&self) -> Option<Files> {
        self.lock().files.clone()
    }

    /// Allows a guest to be reached, or no longer.
    pub fn allow(&self, uuid: &str, login: Option<Login>) {
        let mut inner = self.lock();
        inner.guests.retain(|_, ssh| ssh.uuid != uuid);
        match login {
            Some(login) => inner.allowed.insert(uuid.to_owned(), login),
            None => inner.allowed.remove(uuid),
        };
    }

    pub fn login(&self, uuid: &str) -> Option<Login> {
        self.lock().allowed.get(uuid).cloned()
    }

    /// How this guest is reached, if it may be.
    pub fn of(&self, guest: &str) -> Option<Arc<Ssh>> {
        self.lock().guests.get(guest).cloned()
    }

    /// A guest is also looked for where a document, or a draft that is being applied, puts its NICs.
    pub fn document(&self, cluster: &Cluster) {
        let mut inner = self.lock();
        for nic in &cluster.nics {
            let own = nic.address.iter().map(|net| net.addr());
            inner.documented.entry(nic.mac).or_default().extend(own);
        }
    }

    /// Looks where the guests are that may be reached.
    pub fn look(&self, observed: &Observed) {
        let mut inner = self.lock();
        let Some(files) = inner.files.clone() else { return };
        let mut guests = BTreeMap::new();
        let wanted = !inner.allowed.is_empty();
        for domain in observed.domains.values().filter(|_| wanted) {
            let Some(login) = inner.allowed.get(&domain.uuid) else { continue };
            let known = inner.guests.get(&domain.name).filter(|ssh| ssh.uuid == domain.uuid && ssh.login == *login);
            let ssh = known.cloned().unwrap_or_else(|| {
                Arc::new(Ssh::new(files.clone(), domain.name.clone(), domain.uuid.clone(), login.clone()))
            });
            ssh.set_addresses(addresses(observed, domain, login, &inner.documented));
            guests.insert(domain.name.clone(), ssh);
        }
        inner.guests = guests;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a guest may be: what was said, then what others say of its MACs (leases, the host's neighbours), then what it
/// said itself, then what documents say. Each of them can lie: the pinned key cannot.
fn addresses(
    observed: &Observed,
    domain: &Domain,
    login: &Login,
    documented: &BTreeMap<Mac, BTreeSet<IpAddr>>,
) -> Vec<IpAddr> {
    if let Some(address) = login.address {
        return vec![address];
    }
    let own = |mac: &Option<Mac>| mac.is_some_and(|mac| domain.nics.iter().any(|nic| nic.mac == mac));
    let leases = observed.networks.values().flat_map(|network| &network.leases);
    let leased = leases.filter(|lease| own(&lease.mac)).map(|lease| lease.address.addr());
    let near = observed.neighbours.iter().filter(|it| own(&it.mac) && it.state != "failed").map(|it| it.address);
    let said = observed.guests.get(&domain.name).into_iter().flat_map(|facts| &facts.interfaces);
    let said = said.filter(|it| own(&it.mac)).flat_map(|it| &it.addresses).map(|net| net.addr());
    let wished = domain.nics.iter().filter_map(|nic| documented.get(&nic.mac)).flatten().copied();
    let mut all = Vec::new();
    for address in leased.chain(near).chain(said).chain(wished) {
        if can_be_reached(address) && !all.contains(&address) && all.len() < ADDRESSES {
            all.push(address);
        }
    }
    all
}

/// A link-local address says nothing without its link.
fn can_be_reached(address: IpAddr) -> bool {
    let nowhere = address.is_loopback() || address.is_unspecified() || address.is_multicast();
    !nowhere
        && match address {
            IpAddr::V4(address) => !address.is_link_local(),
            IpAddr::V6(address) => !address.is_unicast_link_local(),
        }
}

#[cfg(test)]
mod tests {
    use model::observed::{GuestFacts, GuestInterface, Lease, Neighbour, Network, Nic};

    use super::*;

    const UUID: &str = "0b1c7e2a-6f3c-4f0e-9a55-0f2b4f1e9c11";

    fn mac(text: &str) -> Mac {
        text.parse().expect("a MAC")
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn observed() -> Observed {
        let own = mac("52:54:00:12:22:10");
        let nic =
            Nic { mac: own, live: None, config: None, model: None, tap: None, alias: None, link_up: true, mtu: None };
        let domain = Domain { name: "a".into(), uuid: UUID.into(), nics: vec![nic], ..Domain::default() };
        let lease = |of: &str, net: &str| Lease {
            mac: Some(mac(of)),
            address: net.parse().expect("a net"),
            hostname: None,
            client_id: None,
            expires: 0,
        };
        let leases =
            vec![lease("52:54:00:00:00:99", "192.168.122.9/24"), lease("52:54:00:12:22:10", "192.168.122.7/24")];
        let near =
            |of: &str, state: &str| Neighbour { link: 3, address: address(of), mac: Some(own), state: state.into() };
        let interface = GuestInterface {
            name: "eth0".into(),
            mac: Some(own),
            up: None,
            addresses: vec!["192.168.122.7/24".parse().expect("a net"), "127.0.0.1/8".parse().expect("a net")],
            mtu: None,
            rp_filter: None,
            dhcp: false,
            accept_ra: None,
        };
        let mut observed = Observed {
            neighbours: vec![near("192.168.48.3", "failed"), near("192.168.48.2", "stale"), near("fe80::1", "stale")],
            ..Observed::default()
        };
        observed.domains.insert("a".into(), domain);
        observed.networks.insert("default".into(), Network { leases, ..Network::default() });
        observed.guests.insert("a".into(), GuestFacts { interfaces: vec![interface], ..GuestFacts::default() });
        observed
    }

    fn logins(login: Login) -> Logins {
        let logins = Logins::default();
        logins.open(Path::new("/state"), BTreeMap::from([(UUID.to_owned(), login)]));
        logins
    }

    #[test]
    fn a_guest_is_where_its_macs_are() {
        let logins = logins(Login { user: "root".into(), address: None });
        let document =
            "[[nic]]\nguest = \"a\"\nmac = \"52:54:00:12:22:10\"\nbridge = \"b\"\naddress = \"10.1.1.1/24\"\n";
        logins.document(&Cluster::from_toml(document).expect("a document"));
        logins.look(&observed());
        let found = logins.of("a").expect("allowed").addresses();
        assert_eq!(found, ["192.168.122.7", "192.168.48.2", "10.1.1.1"].map(address));
    }

    #[test]
    fn what_was_said_wins() {
        let said = address("10.0.0.77");
        let logins = logins(Login { user: "root".into(), address: Some(said) });
        logins.look(&observed());
        assert_eq!(logins.of("a").expect("allowed").addresses(), [said]);
    }

    #[test]
    fn nobody_is_reached_unasked_nor_another_of_the_same_name() {
        let logins = logins(Login { user: "root".into(), address: None });
        let mut observed = observed();
        logins.look(&observed);
        let before = logins.of("a").expect("allowed");
        logins.look(&observed);
        assert!(Arc::ptr_eq(&before, &logins.of("a").expect("allowed")));
        observed.domains.get_mut("a").expect("there").uuid = "1b1c7e2a-6f3c-4f0e-9a55-0f2b4f1e9c11".into();
        logins.look(&observed);
        assert!(logins.of("a").is_none());
        observed.domains.get_mut("a").expect("there").uuid = UUID.into();
        logins.look(&observed);
        assert!(logins.of("a").is_some());
        logins.allow(UUID, None);
        assert!(logins.of("a").is_none());
        logins.look(&observed);
        assert!(logins.of("a").is_none() && logins.login(UUID).is_none());
    }
}
