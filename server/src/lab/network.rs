//! The host's forwarding as the seed found it: on, filtered, and filtering bridged packets too.

use std::{fs, path::Path};

use super::{Policy, error::LabError, process::run_line};

const BRIDGED: &str = "/proc/sys/net/bridge/bridge-nf-call-iptables";

pub fn set_trap(policy: Policy) -> Result<(), LabError> {
    if !Path::new(BRIDGED).exists() {
        run_line("modprobe br_netfilter")?;
    }
    for setting in ["/proc/sys/net/ipv4/ip_forward", BRIDGED] {
        fs::write(setting, "1").map_err(LabError::io(format!("write {setting}")))?;
    }
    // iptables-nft, as Docker and libvirt use it: a rule of theirs and a rule of ours then stand in one ruleset.
    run_line(match policy {
        Policy::Accept => "iptables -P FORWARD ACCEPT",
        Policy::Drop => "iptables -P FORWARD DROP",
    })
    .map(drop)
}
