//! What the process on the machine tells the process in the world.

use std::{os::fd::RawFd, path::PathBuf, str::FromStr};

use model::name::{GuestName, NameError};
use serde::{Deserialize, Serialize};

use super::{Policy, error::LabError, image::Image};

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
pub struct GuestList(pub Vec<GuestName>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuestListError {
    #[error("a lab has between 1 and {MOST} guests, not {0}")]
    Count(usize),
    #[error("two guests cannot both be named {0}")]
    Twice(GuestName),
    #[error(transparent)]
    Name(#[from] NameError),
}

impl FromStr for GuestList {
    type Err = GuestListError;

    /// `3` is `master,node1,node2`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names: Vec<GuestName> = match text.parse::<usize>() {
            Ok(count) if (1..=MOST).contains(&count) => std::iter::once("master".to_owned())
                .chain((1..count).map(|i| format!("node{i}")))
                .map(|name| name.parse())
                .collect::<Result<_, _>>()?,
            Ok(count) => return Err(GuestListError::Count(count)),
            Err(_) => text.split(',').map(str::parse).collect::<Result<_, _>>()?,
        };
        if names.len() > MOST {
            return Err(GuestListError::Count(names.len()));
        }
        for (i, name) in names.iter().enumerate() {
            if names[..i].contains(name) {
                return Err(GuestListError::Twice(name.clone()));
            }
        }
        Ok(Self(names))
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
    fn refuses_none_too_many_twice_and_odd() {
        assert_eq!("0".parse::<GuestList>(), Err(GuestListError::Count(0)));
        assert_eq!("201".parse::<GuestList>(), Err(GuestListError::Count(201)));
        assert!(matches!("a,a".parse::<GuestList>(), Err(GuestListError::Twice(_))));
        assert!("a,<b>".parse::<GuestList>().is_err());
        assert!("".parse::<GuestList>().is_err());
    }
}
