//! The outside world: one more network namespace, with one host in it, behind the host's NIC `eno1`.
//!
//! Its name is kept in the world's own `/run`, so `ip netns exec outside …` works in the world and nowhere else.

use super::{error::LabError, process::run_line};

const COMMANDS: [&str; 10] = [
    "ip link set lo up",
    "ip netns add outside",
    "ip link add eno1 type veth peer name eth0 netns outside",
    "ip address add 10.0.0.1/24 dev eno1",
    "ip link set eno1 up",
    "ip -netns outside link set lo up",
    "ip -netns outside address add 10.0.0.9/24 dev eth0",
    "ip -netns outside link set eth0 up",
    "ip route add default via 10.0.0.9 dev eno1",
    // Or a second traceroute within seconds would seem to end before it arrives.
    "ip netns exec outside sysctl -q -w net.ipv4.icmp_ratelimit=0",
];

pub fn build() -> Result<(), LabError> {
    COMMANDS.iter().try_for_each(|command| run_line(command).map(drop))
}
