//! What a DHCP client inside a guest is told: argument vectors, shown as a command and run as they are.

use ipnet::IpNet;

use super::command::word;
use crate::{
    Mac,
    observed::DhcpClient,
    persist::{self, name},
    resolver::{OURS, RESOLV_CONF, RESOLV_CONF_BEFORE, RESOLV_CONF_UNLEASED},
};

/// The commands, in their order, on the interface that `nic` names. One that ends a client may find it ended already.
pub fn commands(mac: Mac, client: DhcpClient, on: bool, keep: &[IpNet], nic: &str) -> Vec<Vec<String>> {
    let pid = persist::pid(mac, client);
    let words = |line: &[&str]| line.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut commands = match (client, on) {
        // A bridge with STP says nothing of what it hears for some seconds: with ten questions it is asked long enough.
        (DhcpClient::Udhcpc, true) => vec![words(&["udhcpc", "-n", "-t", "10", "-T", "2", "-p", &pid, "-i", nic])],
        (DhcpClient::Udhcpc, false) => vec![
            words(&["start-stop-daemon", "-K", "-p", &pid]),
            words(&["rm", "-f", &pid]),
            words(&["ip", "-4", "addr", "flush", "dev", nic]),
        ],
        (DhcpClient::Dhclient, true) => vec![dhclient("-1", &pid, mac, nic)],
        (DhcpClient::Dhclient, false) => vec![dhclient("-r", &pid, mac, nic)],
        // Its files say so already: it only has to look at them again.
        (DhcpClient::Networkd, true) => vec![words(&["networkctl", "reconfigure", nic])],
        // It ends with its file, and leaves nothing then; until that goes, only this can be taken away.
        (DhcpClient::Networkd, false) => vec![words(&["ip", "-4", "addr", "flush", "dev", nic, "dynamic"])],
        (DhcpClient::NetworkManager, true) => {
            vec![words(&["nmcli", "--wait", "20", "connection", "up", "id", &name(mac), "ifname", nic])]
        }
        (DhcpClient::NetworkManager, false) => {
            vec![words(&["nmcli", "--wait", "20", "connection", "down", "id", &name(mac)])]
        }
    };
    if matches!(client, DhcpClient::Udhcpc | DhcpClient::Dhclient) {
        match on {
            true => commands.insert(0, words(&["sh", "-c", &keep_resolv_conf()])),
            false => commands.push(words(&["sh", "-c", &put_back_resolv_conf()])),
        }
    }
    // A client begins with, or leaves behind, an interface without any other.
    commands.extend(keep.iter().map(|net| words(&["ip", "addr", "replace", &net.to_string(), "dev", nic])));
    commands
}

/// The same, for somebody to type; `nic` stands there as it is.
pub(crate) fn line(mac: Mac, client: DhcpClient, on: bool, keep: &[IpNet], nic: &str) -> String {
    const NIC: &str = "{nic}";
    let typed = |words: Vec<String>| {
        let words = words.iter().map(|text| if text == NIC { nic.to_owned() } else { word(text) });
        words.collect::<Vec<_>>().join(" ")
    };
    let lines = commands(mac, client, on, keep, NIC).into_iter().map(typed);
    if on {
        lines.collect::<Vec<_>>().join(" && ")
    } else {
        lines.map(|line| format!("{line} || true")).collect::<Vec<_>>().join("; ")
    }
}

/// These clients put the name servers of the last lease in the place of all others, and leave them there when they end. Where
/// name servers of ours are set, what was there before them counts.
fn keep_resolv_conf() -> String {
    format!(
        "[ -e {RESOLV_CONF_UNLEASED} ] || for file in {RESOLV_CONF_BEFORE} {RESOLV_CONF}; do [ -e $file ] || continue; \
         grep -q '^{OURS}' $file || cp -p $file {RESOLV_CONF_UNLEASED}; break; done"
    )
}

fn put_back_resolv_conf() -> String {
    format!(
        "[ -e {RESOLV_CONF_UNLEASED} ] || exit 0; file={RESOLV_CONF}; \
         [ -e {RESOLV_CONF_BEFORE} ] && file={RESOLV_CONF_BEFORE}; \
         cat {RESOLV_CONF_UNLEASED} > $file && rm -f {RESOLV_CONF_UNLEASED}"
    )
}

fn dhclient(what: &str, pid: &str, mac: Mac, nic: &str) -> Vec<String> {
    let leases = format!("/var/lib/dhcp/dhclient.{}.leases", name(mac));
    ["dhclient", "-4", what, "-pf", pid, "-lf", &leases, nic].map(str::to_owned).into()
}
