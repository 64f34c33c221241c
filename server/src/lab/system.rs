//! What a guest runs: busybox from an initramfs, or Debian from a disk with one of its network managers.

use std::{fmt, str::FromStr, time::Duration};

/// Named by what brings its network up, or by what is special about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum System {
    /// Up in seconds, and nothing is kept over a reboot.
    #[default]
    Busybox,
    Networkd,
    Netplan,
    NetworkManager,
    Ifupdown,
    /// As `Netplan`, with cloud-init, which does nothing until there is a seed.
    CloudInit,
    /// As `Networkd`, with a guest agent that is forbidden to run commands, and a login on the serial console.
    NoExec,
    /// As `Ifupdown`, without a guest agent: a login on the serial console.
    Serial,
    /// As `Ifupdown`, without a guest agent and without a login: only SSH.
    Ssh,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no system is named {0:?}; known are {known}", known = System::ALL.map(System::name).join(", "))]
pub struct UnknownSystem(String);

impl System {
    pub const ALL: [Self; 9] = [
        Self::Busybox,
        Self::Networkd,
        Self::Netplan,
        Self::NetworkManager,
        Self::Ifupdown,
        Self::CloudInit,
        Self::NoExec,
        Self::Serial,
        Self::Ssh,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Busybox => "busybox",
            Self::Networkd => "networkd",
            Self::Netplan => "netplan",
            Self::NetworkManager => "networkmanager",
            Self::Ifupdown => "ifupdown",
            Self::CloudInit => "cloud-init",
            Self::NoExec => "no-exec",
            Self::Serial => "serial",
            Self::Ssh => "ssh",
        }
    }

    pub fn is_on_disk(self) -> bool {
        self != Self::Busybox
    }

    pub fn has_agent(self) -> bool {
        !matches!(self, Self::Serial | Self::Ssh)
    }

    /// Whether root has a password.
    pub fn has_login(self) -> bool {
        matches!(self, Self::NoExec | Self::Serial)
    }

    /// Whether the key of the lab's dashboard opens it: where commands cannot be run by an agent, tests look inside so.
    pub fn has_ssh(self) -> bool {
        matches!(self, Self::NoExec | Self::Serial | Self::Ssh)
    }

    /// In MiB.
    pub fn memory(self) -> u32 {
        if self.is_on_disk() { 320 } else { 128 }
    }

    /// How long a guest may take to be ready. Emulated on a busy machine it is slow.
    pub fn patience(self) -> Duration {
        Duration::from_secs(if self.is_on_disk() { 300 } else { 120 })
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for System {
    type Err = UnknownSystem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|system| system.name() == text);
        named.ok_or_else(|| UnknownSystem(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_again() {
        for system in System::ALL {
            assert_eq!(system.name().parse(), Ok(system));
        }
    }

    #[test]
    fn an_unknown_one_is_told_the_known_ones() {
        let said = "windows".parse::<System>().expect_err("unknown").to_string();
        assert_eq!(
            said,
            "no system is named \"windows\"; known are busybox, networkd, netplan, networkmanager, ifupdown, cloud-init, \
             no-exec, serial, ssh"
        );
    }
}
