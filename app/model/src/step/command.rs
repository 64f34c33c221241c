//! A step as the shell command it equals.
//!
//! Steps themselves run by netlink, libvirt and the agent; the command is shown, and a script is made of it. Shown, what
//! runs inside a guest begins with the guest's name and `#`, as its prompt would.

use crate::{
    Mac,
    firewall::translation,
    observed::{Attachment, Folder, Observed},
    persist,
};

use super::{GuestTool, NicDefinition, Step, TableEntry, interface::host};

impl Step {
    /// The command. A guest's name for a NIC is looked up by MAC in the command itself.
    pub fn command(&self) -> String {
        self.prompt(None)
    }

    /// The command with the names that are known now.
    pub fn command_on(&self, observed: &Observed) -> String {
        self.prompt(Some(observed))
    }

    fn prompt(&self, observed: Option<&Observed>) -> String {
        let device = |mac: Mac| {
            let known = observed.zip(self.inside()).and_then(|(observed, guest)| observed.guests.get(guest));
            match known.and_then(|guest| guest.interface(mac)) {
                Some(interface) => word(&interface.name),
                None => format!("$(ip -br link | awk '/{mac}/{{print $1}}')"),
            }
        };
        let line = self.line(observed, &device);
        match self.inside() {
            Some(guest) => format!("{guest}# {line}"),
            None => line,
        }
    }

    /// The command without a prompt; `device` says how a guest's NIC is named in it.
    pub(crate) fn line(&self, observed: Option<&Observed>, device: &dyn Fn(Mac) -> String) -> String {
        match self {
            Self::CreateBridge { bridge } => {
                let mtu = bridge.mtu.map(|mtu| format!(" mtu {mtu}")).unwrap_or_default();
                let mac = bridge.mac.map(|mac| format!(" address {mac}")).unwrap_or_default();
                let stp = u8::from(bridge.stp);
                let name = word(&bridge.name);
                format!(
                    "ip link add name {name}{mac} type bridge stp_state {stp} && ip link set {name}{mtu} alias bridgehead"
                )
            }
            Self::DeleteBridge { bridge } => format!("ip link delete {}", word(&bridge.name)),
            Self::SetLinkUp { link, up } => format!("ip link set {} {}", word(link), up_down(*up)),
            Self::SetLinkMtu { link, mtu, .. } => format!("ip link set {} mtu {mtu}", word(link)),
            Self::SetBridgeStp { bridge, stp } => {
                format!("ip link set {} type bridge stp_state {}", word(bridge), u8::from(*stp))
            }
            Self::SetMaster { link, master: Some(master), .. } => {
                format!("ip link set {} master {}", word(link), word(master))
            }
            Self::SetMaster { link, master: None, .. } => format!("ip link set {} nomaster", word(link)),
            Self::AddAddress { link, address } => format!("ip addr add {address} dev {}", word(link)),
            Self::RemoveAddress { link, address } => format!("ip addr del {address} dev {}", word(link)),
            Self::AddRoute { route } | Self::RemoveRoute { route } => {
                let verb = if matches!(self, Self::AddRoute { .. }) { "add" } else { "del" };
                let via = route.gateway.map(|gateway| format!(" via {gateway}")).unwrap_or_default();
                let metric = if route.metric == 0 { String::new() } else { format!(" metric {}", route.metric) };
                let usual = matches!(route.protocol.as_str(), "boot" | "static");
                let protocol = if usual { String::new() } else { format!(" proto {}", word(&route.protocol)) };
                format!("ip route {verb} {}{via} dev {}{metric}{protocol}", route.destination, word(&route.link))
            }
            Self::SetSysctl { name, value, .. } => format!("sysctl -w {name}={value}"),
            Self::WriteFile { path, text: Some(text), .. } => {
                format!("printf %s {} | install -m {:o} /dev/stdin {}", word(text), Folder::mode(path), word(path))
            }
            Self::WriteFile { path, text: None, .. } => format!("rm {}", word(path)),
            Self::ReplaceTable { translations, .. } => nft("inet", translations),
            Self::InsertRule { rule } => {
                format!("nft {}", word(&rule.insertion()))
            }
            Self::DeleteRule { rule } => {
                let place = format!("{} {} {}", rule.family, rule.table, rule.chain);
                match observed.and_then(|observed| rule.handle(observed)) {
                    Some(handle) => format!("nft delete rule {place} handle {handle}"),
                    None => format!(
                        "nft delete rule {place} handle $(nft -a list chain {place} | awk {})",
                        word(&rule.awk())
                    ),
                }
            }
            Self::AttachNic { guest, nic, live, config } if nic.is_plain() => {
                let model = nic.model.as_ref().map(|model| format!(" --model {}", word(model))).unwrap_or_default();
                format!(
                    "virsh attach-interface {} {} --mac {}{model}{}",
                    word(guest),
                    source(&nic.attachment),
                    nic.mac,
                    when(*live, *config)
                )
            }
            Self::AttachNic { guest, nic, live, config } => format!(
                "printf %s {} | virsh attach-device {} /dev/stdin{}",
                word(&nic.interface()),
                word(guest),
                when(*live, *config)
            ),
            Self::DetachNic { guest, nic, live, config } => format!(
                "virsh detach-interface {} {} --mac {}{}",
                word(guest),
                word(nic.kind()),
                nic.mac,
                when(*live, *config)
            ),
            Self::UpdateNic { guest, nic, was, live, config } if nic.attachment == was.attachment => {
                cable(guest, nic, *live, *config)
            }
            Self::UpdateNic { guest, nic, live, config, .. } => {
                format!(
                    "virsh update-device {} /dev/stdin{} <<< {}",
                    word(guest),
                    when(*live, *config),
                    word(&nic.interface())
                )
            }
            Self::SetGuestAutostart { guest: name, on } => format!("virsh autostart {}{}", word(name), disable(*on)),
            Self::SetNetworkAutostart { network: name, on } => {
                format!("virsh net-autostart {}{}", word(name), disable(*on))
            }
            Self::SetLease { network, subnet, lease, was, live, config } => {
                let (verb, host) = match (lease, was) {
                    (Some(lease), None) => ("add", lease.element()),
                    (Some(lease), Some(_)) => ("modify", lease.element()),
                    // One attribute is enough to find it by.
                    (None, was) => ("delete", host(was.as_ref().and_then(|was| was.mac), None, None)),
                };
                // Without it, libvirt takes the first subnet that has DHCP.
                let parent = if *subnet == 0 { String::new() } else { format!(" --parent-index {subnet}") };
                format!(
                    "virsh net-update {} {verb} ip-dhcp-host {}{parent}{}",
                    word(network),
                    word(&host),
                    when(*live, *config)
                )
            }
            Self::SetMarks { guest, marks, .. } => {
                let change = if marks.is_empty() { "--remove" } else { "--set '<domain …/>' --key bridgehead" };
                format!("virsh metadata {} --uri https://bridgehead.dev/domain/1 {change}", word(guest))
            }
            Self::SetGuestLinkUp { mac, up, .. } => {
                format!("ip link set {} {}", device(*mac), up_down(*up))
            }
            Self::AddGuestAddress { mac, address, .. } => {
                format!("ip addr add {address} dev {}", device(*mac))
            }
            Self::SetGuestMtu { mac, mtu, .. } => format!("ip link set dev {} mtu {mtu}", device(*mac)),
            Self::RemoveGuestAddress { mac, address, .. } => {
                format!("ip addr del {address} dev {}", device(*mac))
            }
            Self::AddGuestRoute { route, .. } | Self::RemoveGuestRoute { route, .. } => {
                let verb = if matches!(self, Self::AddGuestRoute { .. }) { "add" } else { "del" };
                let metric = if route.metric == 0 { String::new() } else { format!(" metric {}", route.metric) };
                format!("ip route {verb} {} via {} dev {}{metric}", route.to_word(), route.via, device(route.mac))
            }
            Self::SetGuestForwarding { on, .. } => {
                format!("sysctl -w net.ipv4.ip_forward={}", u8::from(*on))
            }
            Self::ReplaceGuestTable { tool: GuestTool::Nft, translations, .. } => nft("ip", translations),
            Self::ReplaceGuestTable { tool: GuestTool::Iptables, translations, .. } => {
                let commands = translation::iptables(translations);
                let commands: Vec<String> =
                    commands.into_iter().map(|(words, _)| format!("iptables {}", words.join(" "))).collect();
                commands.join("; ")
            }
            Self::ReplaceGuestFiles { managers, files, was, .. } => persist::commands(managers, files, was).join("; "),
        }
    }
}

fn nft(family: &str, entries: &[TableEntry]) -> String {
    format!("nft {}", word(&translation::script(family, entries).trim_end().replace('\n', "; ")))
}

fn disable(on: bool) -> &'static str {
    if on { "" } else { " --disable" }
}

fn up_down(up: bool) -> &'static str {
    if up { "up" } else { "down" }
}

pub(crate) fn when(live: bool, config: bool) -> &'static str {
    match (live, config) {
        (true, true) => " --live --config",
        (true, false) => " --live",
        (false, _) => " --config",
    }
}

/// In both definitions: without `--config`, virsh moves the cable of the running guest only.
pub(crate) fn cable(guest: &str, nic: &NicDefinition, live: bool, config: bool) -> String {
    let set = format!("virsh domif-setlink {} {} {}", word(guest), nic.mac, up_down(nic.link_up));
    match (live, config) {
        (true, true) => format!("{set} && {set} --config"),
        (true, false) => set,
        (false, _) => format!("{set} --config"),
    }
}

fn source(attachment: &Attachment) -> String {
    match attachment {
        Attachment::Network { network } => format!("network {}", word(network)),
        Attachment::Bridge { bridge } => format!("bridge {}", word(bridge)),
        Attachment::Direct { dev, .. } => format!("direct {}", word(dev)),
        Attachment::Other { kind } => word(kind),
    }
}

/// One word of a shell, quoted if it must be: names that guests and XML give may hold anything.
pub fn word(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@+".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
