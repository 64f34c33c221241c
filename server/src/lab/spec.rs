//! What the process on the machine tells the process in the world.

use std::{fmt, os::fd::RawFd, path::PathBuf, str::FromStr};

use model::name::{GuestName, NameError};
use serde::{Deserialize, Serialize};

use super::{
    Policy,
    error::LabError,
    image::Image,
    system::{System, UnknownSystem},
};

/// Most guests that fit the lab's stable MAC addresses.
const MOST: usize = 200;

#[derive(Debug, Serialize, Deserialize)]
pub struct Spec {
    pub state: PathBuf,
    pub guests: GuestList,
    pub forward_policy: Policy,
    pub image: Image,
    pub site: Option<PathBuf>,
    /// `net` and `mnt` of the machine, as `/proc/self/ns` names them: the world must be in neither.
    pub machine: [String; 2],
    /// The dashboard's socket, opened on the machine. Without it the dashboard listens inside.
    pub listen_fd: Option<RawFd>,
    /// The command of `lab run`.
    pub command: Option<Vec<String>>,
}

impl Spec {
    pub fn read(text: &str) -> Result<Self, LabError> {
        Ok(serde_json::from_str(text)?)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GuestList(pub Vec<Guest>);

/// Written as `NAME` or `NAME=SYSTEM`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Guest {
    pub name: GuestName,
    pub system: System,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuestListError {
    #[error("a lab has between 1 and {MOST} guests, not {0}")]
    Count(usize),
    #[error("two guests cannot both be named {0}")]
    Twice(GuestName),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    System(#[from] UnknownSystem),
}

impl FromStr for Guest {
    type Err = GuestListError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, system) = match text.split_once('=') {
            Some((name, system)) => (name, system.parse()?),
            None => (text, System::default()),
        };
        Ok(Self { name: name.parse()?, system })
    }
}

impl fmt::Display for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.system {
            System::Busybox => write!(f, "{}", self.name),
            system => write!(f, "{}={system}", self.name),
        }
    }
}

impl TryFrom<String> for Guest {
    type Error = GuestListError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Guest> for String {
    fn from(guest: Guest) -> Self {
        guest.to_string()
    }
}

impl FromStr for GuestList {
    type Err = GuestListError;

    /// `3` is `master,node1,node2`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let guests: Vec<Guest> = match text.parse::<usize>() {
            Ok(count) if (1..=MOST).contains(&count) => std::iter::once("master".to_owned())
                .chain((1..count).map(|i| format!("node{i}")))
                .map(|name| name.parse())
                .collect::<Result<_, _>>()?,
            Ok(count) => return Err(GuestListError::Count(count)),
            Err(_) => text.split(',').map(str::parse).collect::<Result<_, _>>()?,
        };
        if guests.len() > MOST {
            return Err(GuestListError::Count(guests.len()));
        }
        for (i, guest) in guests.iter().enumerate() {
            if guests[..i].iter().any(|other| other.name == guest.name) {
                return Err(GuestListError::Twice(guest.name.clone()));
            }
        }
        Ok(Self(guests))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.parse::<GuestList>().expect("a list").0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_number_is_a_cluster() {
        assert_eq!(names("3"), ["master", "node1", "node2"]);
        assert_eq!(names("1"), ["master"]);
    }

    #[test]
    fn names_are_taken_as_they_are() {
        assert_eq!(names("a,b-1"), ["a", "b-1"]);
    }

    #[test]
    fn a_guest_may_have_a_system_of_its_own() {
        let list: GuestList = "master,node1=networkd,b-1=no-exec,c=busybox".parse().expect("a list");
        let systems: Vec<System> = list.0.iter().map(|guest| guest.system).collect();
        assert_eq!(systems, [System::Busybox, System::Networkd, System::NoExec, System::Busybox]);
        assert_eq!(list.0[1].name.to_string(), "node1");
    }

    #[test]
    fn the_world_reads_what_the_machine_wrote() {
        let list: GuestList = "master,node1=serial".parse().expect("a list");
        let text = serde_json::to_string(&list).expect("JSON");
        assert_eq!(text, r#"["master","node1=serial"]"#);
        assert_eq!(serde_json::from_str::<GuestList>(&text).expect("a list"), list);
    }

    #[test]
    fn refuses_none_too_many_twice_and_odd() {
        assert_eq!("0".parse::<GuestList>(), Err(GuestListError::Count(0)));
        assert_eq!("201".parse::<GuestList>(), Err(GuestListError::Count(201)));
        assert!(matches!("a,a".parse::<GuestList>(), Err(GuestListError::Twice(_))));
        assert!(matches!("a,a=netplan".parse::<GuestList>(), Err(GuestListError::Twice(_))));
        assert!("a,<b>".parse::<GuestList>().is_err());
        for odd in ["a=windows", "a=", "a=Networkd", "a=netplan=b"] {
            assert!(matches!(odd.parse::<GuestList>(), Err(GuestListError::System(_))), "{odd}");
        }
        assert!(matches!("=netplan".parse::<GuestList>(), Err(GuestListError::Name(_))));
        assert!("".parse::<GuestList>().is_err());
    }
}
