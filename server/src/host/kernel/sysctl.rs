//! The settings that decide about forwarding, in `/proc/sys`. It shows those of the reader's own network namespace.

use std::{collections::BTreeMap, fs, io, path::PathBuf};

const NAMES: [&str; 7] = [
    "net.ipv4.ip_forward",
    "net.ipv6.conf.all.forwarding",
    "net.ipv4.conf.all.rp_filter",
    "net.ipv4.conf.default.rp_filter",
    "net.bridge.bridge-nf-call-iptables",
    "net.bridge.bridge-nf-call-ip6tables",
    "net.bridge.bridge-nf-call-arptables",
];

pub fn read() -> BTreeMap<String, String> {
    NAMES
        .iter()
        .filter_map(|name| {
            let value = fs::read_to_string(path(name)?).ok()?;
            Some(((*name).to_owned(), value.trim().to_owned()))
        })
        .collect()
}

pub fn write(path: &PathBuf, value: &str) -> io::Result<()> {
    fs::write(path, value)
}

/// The file of a setting below `net`. An interface's name may hold dots, which `sysctl` writes as slashes.
pub fn path(name: &str) -> Option<PathBuf> {
    let parts: Vec<_> = name.split('.').map(|part| part.replace('/', ".")).collect();
    let plain = |part: &String| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | ':'))
    };
    let allowed =
        parts.len() > 1 && parts[0] == "net" && parts.iter().all(plain) && !parts.iter().any(|part| part == "..");
    allowed.then(|| PathBuf::from("/proc/sys").join(parts.iter().collect::<PathBuf>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_files_below_net() {
        assert_eq!(path("net.ipv4.ip_forward"), Some(PathBuf::from("/proc/sys/net/ipv4/ip_forward")));
        assert_eq!(
            path("net.ipv4.conf.eth0/5.rp_filter"),
            Some(PathBuf::from("/proc/sys/net/ipv4/conf/eth0.5/rp_filter"))
        );
        for name in ["kernel.hostname", "net", "net..x", "net.//.//.etc", "net.ipv4/../../x", ""] {
            assert_eq!(path(name), None, "{name}");
        }
    }
}
