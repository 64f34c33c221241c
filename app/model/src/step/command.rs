//! A step as the shell command it equals.
//!
//! It is shown, never run: steps run by netlink, libvirt and the agent. Commands inside a guest begin with its name and
//! `#`, as its prompt would.

use crate::{
    Mac,
    firewall::translation,
    observed::{Attachment, Observed},
};

use super::{GuestTool, NicDefinition, Step, TableEntry};

impl Step {
    /// The command. A guest's name for a NIC is looked up by MAC in the command itself.
    pub fn command(&self) -> String {
        self.write(None)
    }

    /// The command with the names that are known now.
    pub fn command_on(&self, observed: &Observed) -> String {
        self.write(Some(observed))
    }

    fn write(&self, observed: Option<&Observed>) -> String {
        let device = |guest: &str, mac: Mac| {
            let known = observed.and_then(|observed| observed.guests.get(guest)?.interface(mac));
            match known {
                Some(interface) => word(&interface.name),
                None => format!("$(ip -br link | awk '/{mac}/{{print $1}}')"),
            }
        };
        match self {
            Self::CreateBridge { bridge } => {
                let mtu = bridge.mtu.map(|mtu| format!(" mtu {mtu}")).unwrap_or_default();
                let mac = bridge.mac.map(|mac| format!(" address {mac}")).unwrap_or_default();
                let stp = u8::from(bridge.stp);
                let name = &bridge.name;
                format!(
                    "ip link add name {name}{mac}{mtu} type bridge stp_state {stp} && ip link set {name} alias bridgehead"
                )
            }
            Self::DeleteBridge { bridge } => format!("ip link delete {}", bridge.name),
            Self::SetLinkUp { link, up } => format!("ip link set {link} {}", up_down(*up)),
            Self::SetLinkMtu { link, mtu, .. } => format!("ip link set {link} mtu {mtu}"),
            Self::SetBridgeStp { bridge, stp } => {
                format!("ip link set {bridge} type bridge stp_state {}", u8::from(*stp))
            }
            Self::SetMaster { link, master: Some(master), .. } => format!("ip link set {link} master {master}"),
            Self::SetMaster { link, master: None, .. } => format!("ip link set {link} nomaster"),
            Self::AddAddress { link, address } => format!("ip addr add {address} dev {link}"),
            Self::RemoveAddress { link, address } => format!("ip addr del {address} dev {link}"),
            Self::AddRoute { route } | Self::RemoveRoute { route } => {
                let verb = if matches!(self, Self::AddRoute { .. }) { "add" } else { "del" };
                let via = route.gateway.map(|gateway| format!(" via {gateway}")).unwrap_or_default();
                let metric = if route.metric == 0 { String::new() } else { format!(" metric {}", route.metric) };
                format!("ip route {verb} {}{via} dev {}{metric}", route.destination, route.link)
            }
            Self::SetSysctl { name, value, .. } => format!("sysctl -w {name}={value}"),
            Self::ReplaceTable { translations, .. } => nft("inet", translations),
            Self::InsertRule { rule } => {
                format!("nft 'insert rule {} {} {} {}'", rule.family, rule.table, rule.chain, rule.expression())
            }
            Self::DeleteRule { rule } => {
                let place = format!("{} {} {}", rule.family, rule.table, rule.chain);
                match observed.and_then(|observed| rule.handle(observed)) {
                    Some(handle) => format!("nft delete rule {place} handle {handle}"),
                    None => format!(
                        "nft delete rule {place} handle $(nft -a list chain {place} | awk '/{}/{{print $NF; exit}}')",
                        rule.comment()
                    ),
                }
            }
            Self::AttachNic { guest, nic, live, config } => {
                let model = nic.model.as_ref().map(|model| format!(" --model {}", word(model))).unwrap_or_default();
                let mtu = nic.mtu.map(|mtu| format!(" --mtu {mtu}")).unwrap_or_default();
                let when = when(*live, *config);
                let attach = format!(
                    "virsh attach-interface {} {} --mac {}{model}{mtu}{when}",
                    word(guest),
                    source(&nic.attachment),
                    nic.mac
                );
                if nic.link_up { attach } else { format!("{attach} && {}", cable(guest, nic, *live)) }
            }
            Self::DetachNic { guest, nic, live, config } => format!(
                "virsh detach-interface {} {} --mac {}{}",
                word(guest),
                kind(&nic.attachment),
                nic.mac,
                when(*live, *config)
            ),
            Self::UpdateNic { guest, nic, was, live, .. } if nic.attachment == was.attachment => {
                cable(guest, nic, *live)
            }
            Self::UpdateNic { guest, nic, live, config, .. } => {
                format!("virsh update-device {} /dev/stdin{} <<< \"{}\"", word(guest), when(*live, *config), xml(nic))
            }
            Self::SetMarks { guest, marks, .. } => {
                let change = if marks.is_empty() { "--remove" } else { "--set '<domain …/>' --key bridgehead" };
                format!("virsh metadata {} --uri https://bridgehead.dev/domain/1 {change}", word(guest))
            }
            Self::SetGuestLinkUp { guest, mac, up } => {
                format!("{guest}# ip link set {} {}", device(guest, *mac), up_down(*up))
            }
            Self::AddGuestAddress { guest, mac, address } => {
                format!("{guest}# ip addr add {address} dev {}", device(guest, *mac))
            }
            Self::RemoveGuestAddress { guest, mac, address } => {
                format!("{guest}# ip addr del {address} dev {}", device(guest, *mac))
            }
            Self::AddGuestRoute { guest, route } | Self::RemoveGuestRoute { guest, route } => {
                let verb = if matches!(self, Self::AddGuestRoute { .. }) { "add" } else { "del" };
                let metric = if route.metric == 0 { String::new() } else { format!(" metric {}", route.metric) };
                format!("{guest}# ip route {verb} default via {} dev {}{metric}", route.via, device(guest, route.mac))
            }
            Self::SetGuestForwarding { guest, on } => {
                format!("{guest}# sysctl -w net.ipv4.ip_forward={}", u8::from(*on))
            }
            Self::ReplaceGuestTable { guest, tool: GuestTool::Nft, translations, .. } => {
                format!("{guest}# {}", nft("ip", translations))
            }
            Self::ReplaceGuestTable { guest, tool: GuestTool::Iptables, translations, .. } => {
                let commands = translation::iptables(translations);
                let commands: Vec<String> =
                    commands.into_iter().map(|(words, _)| format!("iptables {}", words.join(" "))).collect();
                format!("{guest}# {}", commands.join("; "))
            }
        }
    }
}

fn nft(family: &str, entries: &[TableEntry]) -> String {
    format!("nft '{}'", translation::script(family, entries).trim_end().replace('\n', "; "))
}

fn up_down(up: bool) -> &'static str {
    if up { "up" } else { "down" }
}

fn when(live: bool, config: bool) -> &'static str {
    match (live, config) {
        (true, true) => " --live --config",
        (true, false) => " --live",
        (false, _) => " --config",
    }
}

fn cable(guest: &str, nic: &NicDefinition, live: bool) -> String {
    let config = if live { "" } else { " --config" };
    format!("virsh domif-setlink {} {} {}{config}", word(guest), nic.mac, up_down(nic.link_up))
}

fn kind(attachment: &Attachment) -> String {
    match attachment {
        Attachment::Network { .. } => "network".to_owned(),
        Attachment::Bridge { .. } => "bridge".to_owned(),
        Attachment::Direct { .. } => "direct".to_owned(),
        Attachment::Other { kind } => word(kind),
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

fn xml(nic: &NicDefinition) -> String {
    let source = match &nic.attachment {
        Attachment::Network { network } => format!("<source network='{network}'/>"),
        Attachment::Bridge { bridge } => format!("<source bridge='{bridge}'/>"),
        Attachment::Direct { dev, mode } => format!("<source dev='{dev}' mode='{mode}'/>"),
        Attachment::Other { .. } => String::new(),
    };
    let model = nic.model.as_ref().map(|model| format!("<model type='{model}'/>")).unwrap_or_default();
    let link = if nic.link_up { "" } else { "<link state='down'/>" };
    let kind = kind(&nic.attachment);
    format!("<interface type='{kind}'><mac address='{}'/>{source}{model}{link}</interface>", nic.mac)
}

/// One word of a shell, quoted if it must be: names that guests and XML give may hold anything.
fn word(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@+".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
