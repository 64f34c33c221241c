//! Ends as a person writes them: `node1`, `node1:eth1`, `host`, `outside`, `outside:eno1`, `10.0.0.9`.

use std::{
    fmt::{self, Display, Formatter},
    net::IpAddr,
    str::FromStr,
};

use super::{Origin, Target};

/// Longest name of a guest, an interface or a link that is asked for, in bytes.
pub const LONGEST: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEnd {
    #[error("a guest, `host` or an address is needed")]
    Empty,
    #[error("this name is longer than {LONGEST} bytes")]
    Long,
    #[error("who is outside is not known by name: say the address that is asked")]
    Outside,
}

impl FromStr for Origin {
    type Err = NoEnd;

    /// A guest's name, `GUEST:INTERFACE`, `host`, `outside`, `outside:UPLINK`, or the address of somebody outside.
    fn from_str(text: &str) -> Result<Self, NoEnd> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Outside { uplink: None, address: Some(address) });
        }
        let (name, more) = match text.split_once(':') {
            Some((name, more)) => (bounded(name)?, Some(bounded(more)?)),
            None => (bounded(text)?, None),
        };
        Ok(match (name.as_str(), more) {
            ("outside", uplink) => Self::Outside { uplink, address: None },
            ("host", None) => Self::Host,
            (_, interface) => Self::Guest { guest: name, interface },
        })
    }
}

impl FromStr for Target {
    type Err = NoEnd;

    /// A guest's name, `host` or an address.
    fn from_str(text: &str) -> Result<Self, NoEnd> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Address { address });
        }
        match text {
            "host" => Ok(Self::Host),
            "outside" => Err(NoEnd::Outside),
            guest => Ok(Self::Guest { guest: bounded(guest)? }),
        }
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guest { guest, interface: Some(interface) } => write!(f, "{guest}:{interface}"),
            Self::Guest { guest, interface: None } => f.write_str(guest),
            Self::Host => f.write_str("host"),
            Self::Outside { address: Some(address), .. } => address.fmt(f),
            Self::Outside { uplink: Some(uplink), address: None } => write!(f, "outside:{uplink}"),
            Self::Outside { uplink: None, address: None } => f.write_str("outside"),
        }
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guest { guest } => f.write_str(guest),
            Self::Host => f.write_str("host"),
            Self::Address { address } => address.fmt(f),
        }
    }
}

fn bounded(name: &str) -> Result<String, NoEnd> {
    match name.len() {
        0 => Err(NoEnd::Empty),
        1..=LONGEST => Ok(name.to_owned()),
        _ => Err(NoEnd::Long),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_read_as_it_is_written() {
        let guest = |interface: Option<&str>| Origin::Guest {
            guest: "node1".to_owned(),
            interface: interface.map(str::to_owned),
        };
        let outside = |uplink: Option<&str>, address: Option<&str>| Origin::Outside {
            uplink: uplink.map(str::to_owned),
            address: address.map(|text| text.parse().expect("an address")),
        };
        for (text, origin) in [
            ("node1", guest(None)),
            ("node1:eth1", guest(Some("eth1"))),
            ("host", Origin::Host),
            ("outside", outside(None, None)),
            ("outside:eno1", outside(Some("eno1"), None)),
            ("10.0.0.9", outside(None, Some("10.0.0.9"))),
            ("fd00::9", outside(None, Some("fd00::9"))),
        ] {
            assert_eq!(origin.to_string(), text);
            assert_eq!(text.parse(), Ok(origin), "{text}");
        }
    }

    #[test]
    fn who_is_asked_is_read_as_it_is_written() {
        let address = |text: &str| Target::Address { address: text.parse().expect("an address") };
        assert_eq!("node1".parse(), Ok(Target::Guest { guest: "node1".to_owned() }));
        assert_eq!("host".parse(), Ok(Target::Host));
        assert_eq!("10.0.0.9".parse(), Ok(address("10.0.0.9")));
        assert_eq!("fd00::9".parse(), Ok(address("fd00::9")));
    }

    #[test]
    fn what_names_nobody_is_refused() {
        assert_eq!("outside".parse::<Target>(), Err(NoEnd::Outside));
        for text in ["", ":eth0", "node1:"] {
            assert_eq!(text.parse::<Origin>(), Err(NoEnd::Empty), "{text}");
        }
        assert_eq!("".parse::<Target>(), Err(NoEnd::Empty));
        assert_eq!("x".repeat(65).parse::<Target>(), Err(NoEnd::Long));
    }
}
