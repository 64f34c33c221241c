//! The cluster document: what the operator wants kept true.
//!
//! Human-edited TOML with one meaning. An entry says that something is to be so; what no entry names is left alone.
//! [`check`](crate::check) says whether a document makes sense on a host.

mod dhcp;
mod gateway;
mod promise;

use std::{
    fmt::{self, Display, Formatter},
    net::IpAddr,
    str::FromStr,
};

use borsh::{BorshDeserialize, BorshSerialize};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    Mac, RpFilter,
    name::{GuestName, LinkName, NetworkName},
    note::Subject,
    observed::ManagerKind,
    wire::{self, Sealed},
};
pub use dhcp::{Dhcp, Range};
pub use gateway::{Forward, Gateway, Protocol, Translation};
pub use promise::Promise;

/// The whole document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Who is told of the host's bridges too, in files of ours, for a start without Bridgehead's service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<ManagerKind>,
    #[serde(default, rename = "bridge", skip_serializing_if = "Vec::is_empty")]
    pub bridges: Vec<Bridge>,
    #[serde(default, rename = "nic", skip_serializing_if = "Vec::is_empty")]
    pub nics: Vec<Nic>,
    #[serde(default, rename = "gateway", skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<Gateway>,
    #[serde(default, rename = "guest", skip_serializing_if = "Vec::is_empty")]
    pub guests: Vec<Guest>,
    #[serde(default, rename = "network", skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Network>,
    #[serde(default, rename = "lease", skip_serializing_if = "Vec::is_empty")]
    pub leases: Vec<Lease>,
    #[serde(default, rename = "promise", skip_serializing_if = "Sealed::is_default")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Promise>))]
    pub promises: Sealed<Vec<Promise>>,
}

/// A bridge of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Bridge {
    pub name: LinkName,
    /// The host's own addresses on it, each with its prefix length. One may be written without the list's brackets.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "one_or_many")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    #[borsh(serialize_with = "wire::write_nets", deserialize_with = "wire::read_nets")]
    pub address: Vec<IpNet>,
    /// A NIC of the host that the bridge takes over: the NIC becomes a port, and its addresses, routes and MAC are the
    /// bridge's, until the bridge goes. `address` names all of its addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uplink: Option<LinkName>,
    /// The next hop of the host's own default route, if it leads through the uplink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub default_route: Option<IpAddr>,
    /// Bytes; the kernel's choice if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub stp: bool,
    /// Its ports may talk to each other even where the host's firewall drops what it forwards.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub ports_talk: bool,
    /// Whatever somebody else changes about it is put back at once, without asking.
    #[serde(default, skip_serializing_if = "is_false")]
    pub put_back: bool,
    /// Addresses are given on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp: Option<Dhcp>,
}

/// A guest's NIC: where it is plugged in, and what it is set to inside the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Nic {
    pub guest: GuestName,
    pub mac: Mac,
    /// Either a bridge or a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bridge: Option<LinkName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkName>,
    /// `false`: the NIC is taken out of the guest. Removing the entry gives it back.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub plugged: bool,
    /// `false`: the NIC stays, its cable is out (`<link state='down'/>`).
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub cable: bool,
    /// Addresses inside the guest.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "one_or_many")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    #[borsh(serialize_with = "wire::write_nets", deserialize_with = "wire::read_nets")]
    pub address: Vec<IpNet>,
    /// Its IPv4 address and a default route come by DHCP, besides what is said here.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dhcp: bool,
    /// Its IPv6 addresses come by router advertisements.
    #[serde(default, skip_serializing_if = "is_false")]
    pub accept_ra: bool,
    /// The next hop of the guest's default route, reached through this NIC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub default_route: Option<IpAddr>,
    /// The metric of that route. Other default routes with a greater one stay then. Without it there is only this one, or, where
    /// a manager inside sets others again and again, this one counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
    /// Bytes, inside the guest; what it was if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Source validation inside the guest; what it was if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rp_filter: Option<RpFilter>,
    /// Further routes of the guest through this NIC.
    #[serde(default, rename = "route", skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Whatever somebody else changes about it is put back at once, without asking.
    #[serde(default, skip_serializing_if = "is_false")]
    pub put_back: bool,
}

/// A route of a guest.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Route {
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[borsh(serialize_with = "wire::write_net", deserialize_with = "wire::read_net")]
    pub to: IpNet,
    /// The next hop.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub via: IpAddr,
}

/// A guest itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Guest {
    pub name: GuestName,
    /// Whether it starts with the host. Removing the entry gives back what was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autostart: Option<bool>,
    /// It has the channel of the guest agent. Removing the entry takes the channel out, if it was not there before.
    #[serde(default, skip_serializing_if = "is_false")]
    pub agent: bool,
    /// The name servers that it asks, at most three; what it asked before if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "one_or_many")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub dns: Vec<IpAddr>,
    /// What it calls itself (RFC 1123); what it did before if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
}

/// A libvirt network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Network {
    pub name: NetworkName,
    /// Whether it starts with the host. Removing the entry makes it the opposite again: libvirt keeps no note of ours with
    /// a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autostart: Option<bool>,
    /// Guests' taps that a restart of the network has orphaned are plugged in again, and whatever else somebody changes
    /// about it is put back, at once, without asking.
    #[serde(default, skip_serializing_if = "is_false")]
    pub put_back: bool,
}

/// A static lease of a libvirt network: DHCP gives whoever has this MAC always this address. Removing the entry removes the
/// static lease, whoever made it: libvirt keeps no note of ours with a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Lease {
    pub network: NetworkName,
    pub mac: Mac,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub address: IpAddr,
    /// The host name that DHCP and DNS of the network give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Bridge {
    /// A bridge of which only the name is said.
    pub fn new(name: LinkName) -> Self {
        Self {
            name,
            address: Vec::new(),
            uplink: None,
            default_route: None,
            mtu: None,
            stp: false,
            ports_talk: true,
            put_back: false,
            dhcp: None,
        }
    }
}

impl Guest {
    /// A guest of which only the name is said.
    pub fn new(name: GuestName) -> Self {
        Self { name, autostart: None, agent: false, dns: Vec::new(), hostname: None }
    }
}

/// As `ip route` writes it: `10.0.0.0/8 via 192.168.48.1`.
impl Display for Route {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} via {}", self.to, self.via)
    }
}

impl FromStr for Route {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (to, via) = text.split_once(" via ").ok_or(())?;
        Ok(Self { to: to.trim().parse().map_err(|_| ())?, via: via.trim().parse().map_err(|_| ())? })
    }
}

impl Nic {
    /// Whether nothing is said of what it is inside its guest.
    pub fn is_idle_inside(&self) -> bool {
        self.address.is_empty()
            && !self.dhcp
            && !self.accept_ra
            && self.default_route.is_none()
            && self.mtu.is_none()
            && self.rp_filter.is_none()
            && self.routes.is_empty()
    }
}

impl Cluster {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub fn bridge(&self, name: &str) -> Option<&Bridge> {
        self.bridges.iter().find(|bridge| &*bridge.name == name)
    }

    pub fn nic(&self, mac: Mac) -> Option<&Nic> {
        self.nics.iter().find(|nic| nic.mac == mac)
    }

    pub fn guest(&self, name: &str) -> Option<&Guest> {
        self.guests.iter().find(|guest| &*guest.name == name)
    }

    /// With an edited entry of a guest, in its place; one that says nothing is none.
    #[must_use]
    pub fn with_guest(&self, name: &GuestName, edit: impl FnOnce(&mut Guest)) -> Self {
        let blank = Guest::new(name.clone());
        let mut edited = self.clone();
        let place = self.guests.iter().position(|guest| guest.name == *name);
        let mut guest = place.map_or_else(|| blank.clone(), |place| edited.guests.remove(place));
        edit(&mut guest);
        if guest != blank {
            edited.guests.insert(place.unwrap_or(edited.guests.len()), guest);
        }
        edited
    }

    pub fn network(&self, name: &str) -> Option<&Network> {
        self.networks.iter().find(|network| &*network.name == name)
    }

    pub fn lease(&self, network: &str, mac: Mac) -> Option<&Lease> {
        self.leases.iter().find(|lease| &*lease.network == network && lease.mac == mac)
    }

    /// What is put back without asking.
    pub fn always(&self) -> Vec<Subject> {
        let bridges = self.bridges.iter().filter(|bridge| bridge.put_back);
        let nics = self.nics.iter().filter(|nic| nic.put_back);
        let networks = self.networks.iter().filter(|network| network.put_back);
        let mut subjects: Vec<Subject> = bridges.map(|bridge| Subject::Link(bridge.name.to_string())).collect();
        subjects.extend(nics.map(|nic| Subject::Nic(nic.mac.to_string())));
        subjects.extend(networks.map(|network| Subject::Network(network.name.to_string())));
        subjects
    }

    /// The gateway of this bridge.
    pub fn gateway(&self, bridge: &str) -> Option<&Gateway> {
        self.gateways.iter().find(|gateway| &*gateway.bridge == bridge)
    }
}

#[cfg(feature = "toml")]
mod text {
    use super::Cluster;

    /// What is wrong with a document's text: the message names line, field and reason.
    #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
    #[error("the document cannot be read: {0}")]
    pub struct TextError(String);

    impl Cluster {
        /// Longest document that is read, in bytes.
        pub const LIMIT: usize = 1 << 20;

        pub fn from_toml(text: &str) -> Result<Self, TextError> {
            if text.len() > Self::LIMIT {
                return Err(TextError(format!("it is longer than {} bytes", Self::LIMIT)));
            }
            toml::from_str(text).map_err(|error| TextError(error.to_string()))
        }

        pub fn to_toml(&self) -> String {
            toml::to_string(self).unwrap_or_default()
        }
    }
}
#[cfg(feature = "toml")]
pub use text::TextError;

fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// `address = "a"` and `address = ["a", "b"]` are both read; one is written without brackets.
mod one_or_many {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum OneOrMany<T> {
        One(T),
        Many(Vec<T>),
    }

    pub fn serialize<T: Serialize + Clone, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        match values {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }

    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        Ok(match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        })
    }
}
