//! What members may reach, as a request says it.

use std::{net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// What the members of a gateway may reach outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Destinations {
    All,
    /// Nothing, if there are none.
    Only(Vec<IpNet>),
}

/// What is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a network such as 10.0.0.0/24; all and none are known too")]
pub struct NoNetwork(pub String);

impl Destinations {
    /// As the document says it.
    pub fn nets(self) -> Option<Vec<IpNet>> {
        match self {
            Self::All => None,
            Self::Only(nets) => Some(nets),
        }
    }
}

impl From<Option<Vec<IpNet>>> for Destinations {
    fn from(nets: Option<Vec<IpNet>>) -> Self {
        nets.map_or(Self::All, Self::Only)
    }
}

/// `all`, `none`, or networks and addresses separated by commas or spaces.
impl FromStr for Destinations {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        match text.trim() {
            "all" => return Ok(Self::All),
            "none" => return Ok(Self::Only(Vec::new())),
            _ => {}
        }
        let net = |word: &str| {
            let address = || word.parse::<IpAddr>().ok().map(IpNet::from);
            word.parse().ok().or_else(address).ok_or_else(|| NoNetwork(word.to_owned()))
        };
        let nets: Vec<IpNet> =
            text.split([',', ' ', ';']).filter(|word| !word.is_empty()).map(net).collect::<Result<_, _>>()?;
        if nets.is_empty() { Err(NoNetwork(text.to_owned())) } else { Ok(Self::Only(nets)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_people_write_it() {
        let nets = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("a network")).collect();
        let only = |texts: &[&str]| Ok(Destinations::Only(nets(texts)));
        assert_eq!("all".parse(), Ok(Destinations::All));
        assert_eq!("none".parse(), only(&[]));
        assert_eq!("10.0.0.0/24,192.0.2.1".parse(), only(&["10.0.0.0/24", "192.0.2.1/32"]));
        assert_eq!(" 10.0.0.0/24, 10.1.0.0/16 ".parse(), only(&["10.0.0.0/24", "10.1.0.0/16"]));
        assert_eq!("10.0.0.0/24,x".parse::<Destinations>(), Err(NoNetwork("x".to_owned())));
        assert_eq!("10.0.0.0/33".parse::<Destinations>(), Err(NoNetwork("10.0.0.0/33".to_owned())));
        assert_eq!("".parse::<Destinations>(), Err(NoNetwork(String::new())));
    }

    #[test]
    fn a_request_says_it_in_one_word_or_a_list() {
        let read = |text: &str| serde_json::from_str::<Destinations>(text).expect("destinations");
        assert_eq!(read("\"all\""), Destinations::All);
        assert_eq!(read("{\"only\": []}"), Destinations::Only(Vec::new()));
    }
}
