//! Reachability that the network must keep, and what a probe saw.

use std::net::IpAddr;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// "node1 reaches 10.0.0.9 through 192.168.48.10", or that 192.168.48.10 refuses it.
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
    /// The first hop is a gateway that may not let the guest reach the target: it must not be reached, nor anybody else
    /// behind the gateway.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
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
    /// The first hop and the target were both seen; or the first hop, and nobody behind it.
    pub fn holds(&self) -> bool {
        let Promise { target, first_hop, refused, .. } = self.promise;
        let ends = if refused {
            self.hops.iter().flatten().all(|hop| *hop == first_hop)
        } else {
            self.hops.last() == Some(&Some(target))
        };
        self.trouble.is_none() && self.hops.first() == Some(&Some(first_hop)) && ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(refused: bool, hops: &[&str]) -> Proof {
        let address = |text: &&str| text.parse().ok();
        let (target, first_hop) = (IpAddr::from([10, 0, 0, 9]), IpAddr::from([192, 168, 48, 10]));
        let promise = Promise { guest: "node1".to_owned(), target, first_hop, refused };
        Proof { promise, hops: hops.iter().map(address).collect(), trouble: None, at: 0 }
    }

    #[test]
    fn what_is_promised_is_reached_by_way_of_the_gateway() {
        assert!(proof(false, &["192.168.48.10", "*", "10.0.0.9"]).holds());
        assert!(!proof(false, &["192.168.48.1", "10.0.0.9"]).holds());
        assert!(!proof(false, &["192.168.48.10", "192.168.48.10"]).holds());
    }

    #[test]
    fn what_is_refused_ends_at_the_gateway() {
        assert!(proof(true, &["192.168.48.10", "192.168.48.10"]).holds());
        assert!(proof(true, &["192.168.48.10", "*", "*"]).holds());
        assert!(!proof(true, &["192.168.48.10", "192.168.122.1", "*"]).holds(), "it went on behind the gateway");
        assert!(!proof(true, &["192.168.48.10", "10.0.0.9"]).holds());
        assert!(!proof(true, &["*", "*"]).holds(), "nobody says that it met the gateway");
        assert!(!proof(true, &[]).holds());
    }
}
