//! What a Debian of the lab is made of: packages, settings, and a few commands. Its network manager brings up the first NIC
//! alone, by its name: NICs that are plugged in later are nobody's until somebody claims them.

use crate::lab::system::System;

pub const RELEASE: &str = "bookworm";

/// Beyond Debian's essential and required packages.
const PACKAGES: [&str; 11] = [
    "dbus",
    "iproute2",
    "iputils-ping",
    "kmod",
    "netbase",
    "nftables",
    "procps",
    "systemd-sysv",
    "tcpdump",
    "traceroute",
    "udev",
];

/// Units that only make a start slower. What they wait for, probe or clean is of no use in a lab.
pub const MASKED: [&str; 19] = [
    "NetworkManager-wait-online.service",
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty@tty1.service",
    "ifupdown-wait-online.service",
    "modprobe@.service",
    "proc-sys-fs-binfmt_misc.automount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-networkd-wait-online.service",
    "systemd-pstore.service",
    "systemd-random-seed.service",
    "systemd-tmpfiles-clean.timer",
];

/// What the machine left in the system: its name, its resolver, its way to the mirrors.
pub const FOREIGN: [&str; 3] = ["etc/hostname", "etc/resolv.conf", "etc/apt/apt.conf.d/99mmdebstrap"];

const COMMON: [File; 5] = [
    // Empty, each guest makes its own at its first start: DHCP clients are told apart by it. Without the file that start
    // would be a "first boot", with questions to somebody at the console (machine-id(5)).
    file("etc/machine-id", ""),
    file("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    file("etc/systemd/journald.conf.d/lab.conf", "[Journal]\nStorage=volatile\n"),
    // Newer than /usr: nothing is to be brought up to date at the first start (systemd-update-done.service(8)).
    file("etc/.updated", ""),
    file("var/.updated", ""),
];

const NETWORKD: File = file("etc/systemd/network/10-first.network", "[Match]\nName=enp1s0\n\n[Network]\nDHCP=yes\n");

const NETPLAN: File = secret(
    "etc/netplan/10-first.yaml",
    "network:
  version: 2
  ethernets:
    first:
      match: {name: enp1s0}
      dhcp4: true
",
);

/// The link is the machine's no more than the file that it replaced: each start makes it if there is none.
const RESOLVED: File =
    file("etc/tmpfiles.d/resolver.conf", "L /etc/resolv.conf - - - - ../run/systemd/resolve/stub-resolv.conf\n");

/// Without a file that says its name, it would take the one that the DHCP server remembers.
const NETWORK_MANAGER: [File; 2] = [
    file("etc/NetworkManager/conf.d/lab.conf", "[main]\nno-auto-default=*\nhostname-mode=none\n"),
    secret(
        "etc/NetworkManager/system-connections/first.nmconnection",
        "[connection]
id=first
uuid=5b0b6d0a-7d0e-4d5c-9f0e-2f1d3c4b5a69
type=ethernet
interface-name=enp1s0

[ipv4]
method=auto

[ipv6]
method=auto
",
    ),
];

const IFUPDOWN: File = file(
    "etc/network/interfaces",
    "source /etc/network/interfaces.d/*

auto lo
iface lo inet loopback

allow-hotplug enp1s0
iface enp1s0 inet dhcp
",
);

/// As Debian 12's agent reads it.
const NO_EXEC: File = file("etc/qemu/qemu-ga.conf", "[general]\nblock-rpcs=guest-exec,guest-exec-status\n");

/// Who may log in is on the kernel's command line: the image is the same for every lab.
const SSH: [File; 2] = [
    file(
        "etc/ssh/sshd_config.d/lab.conf",
        "PermitRootLogin prohibit-password
PasswordAuthentication no
AuthorizedKeysCommand /etc/ssh/lab-keys
AuthorizedKeysCommandUser nobody
",
    ),
    File {
        path: "etc/ssh/lab-keys",
        permissions: 0o755,
        text: "#!/bin/sh\nsed -n 's/.*bridgehead\\.ssh=\\([^ ]*\\).*/\\1/p' /proc/cmdline | base64 -d\n",
    },
];

const ENABLE_NETWORKD: &str = r#"chroot "$1" systemctl enable systemd-networkd.service"#;
const PASSWORD: &str = r#"echo root:bridgehead | chroot "$1" chpasswd"#;

#[derive(Debug, Hash)]
pub struct Recipe {
    pub packages: Vec<&'static str>,
    pub files: Vec<File>,
    /// For a shell on the machine, with the folder of the new system as `$1`.
    pub commands: Vec<&'static str>,
}

#[derive(Debug, Clone, Copy, Hash)]
pub struct File {
    /// From the system's root.
    pub path: &'static str,
    pub permissions: u32,
    pub text: &'static str,
}

const fn file(path: &'static str, text: &'static str) -> File {
    File { path, permissions: 0o644, text }
}

/// As netplan and NetworkManager want their files.
const fn secret(path: &'static str, text: &'static str) -> File {
    File { path, permissions: 0o600, text }
}

impl Recipe {
    /// None for a system that is on no disk.
    pub fn of(system: System) -> Option<Self> {
        let mut recipe = Self { packages: PACKAGES.to_vec(), files: COMMON.to_vec(), commands: Vec::new() };
        match system {
            System::Busybox => return None,
            System::Networkd | System::NoExec => {
                recipe.files.push(NETWORKD);
                recipe.commands.push(ENABLE_NETWORKD);
            }
            System::Netplan | System::CloudInit => {
                recipe.packages.extend(["netplan.io", "systemd-resolved"]);
                recipe.files.extend([NETPLAN, RESOLVED]);
            }
            System::NetworkManager => {
                recipe.packages.push("network-manager");
                recipe.files.extend(NETWORK_MANAGER);
            }
            System::Ifupdown | System::Serial | System::Ssh => {
                recipe.packages.extend(["ifupdown", "isc-dhcp-client"]);
                recipe.files.push(IFUPDOWN);
            }
        }
        if system == System::NoExec {
            recipe.files.push(NO_EXEC);
        }
        if system == System::CloudInit {
            recipe.packages.push("cloud-init");
        }
        if system.has_login() {
            recipe.commands.push(PASSWORD);
        }
        if system.has_ssh() {
            recipe.packages.push("openssh-server");
            recipe.files.extend(SSH);
        }
        if system.has_agent() {
            recipe.packages.push("qemu-guest-agent");
        }
        Some(recipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_on_a_disk_has_one() {
        for system in System::ALL {
            let Some(recipe) = Recipe::of(system) else {
                assert!(!system.is_on_disk(), "{system}");
                continue;
            };
            assert!(system.is_on_disk());
            assert_eq!(recipe.packages.contains(&"qemu-guest-agent"), system.has_agent(), "{system}");
            let claims = recipe.files.iter().filter(|file| file.text.contains("enp1s0")).count();
            assert_eq!(claims, 1, "{system}");
        }
    }

    #[test]
    fn files_lie_in_the_system() {
        for file in System::ALL.into_iter().filter_map(Recipe::of).flat_map(|recipe| recipe.files) {
            assert!(file.path.starts_with("etc/") || file.path.starts_with("var/."), "{}", file.path);
            assert!(!file.path.contains(".."), "{}", file.path);
        }
    }
}
