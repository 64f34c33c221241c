//! Reachability that the network must keep, and what a probe saw.

use std::net::IpAddr;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// "node1 reaches 10.0.0.9 through 192.168.48.10".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Promise {
    /// The guest that probes.
    pub guest: String,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub target: IpAddr,
    /// The first hop that the probe must meet.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub first_hop: IpAddr,
}

/// What a traceroute saw. A hop that did not answer is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Proof {
    pub promise: Promise,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Option<String>>))]
    pub hops: Vec<Option<IpAddr>>,
    /// Why the probe could not be made.
    pub trouble: Option<String>,
    /// Milliseconds since 1970.
    pub at: u64,
}

impl Proof {
    /// The first hop and the target were both seen.
    pub fn holds(&self) -> bool {
        self.trouble.is_none()
            && self.hops.first() == Some(&Some(self.promise.first_hop))
            && self.hops.last() == Some(&Some(self.promise.target))
    }
}
