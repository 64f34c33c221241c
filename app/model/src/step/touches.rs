//! What a step touches on the picture, and what it risks.

use std::collections::BTreeSet;

use crate::{note::Subject, observed::Attachment};

use super::{Risk, Step};

impl Step {
    /// The objects that change, the most telling one first.
    pub fn touches(&self) -> Vec<Subject> {
        let guest = |name: &String| Subject::Guest(name.clone());
        let link = |name: &String| Subject::Link(name.clone());
        match self {
            Self::CreateBridge { bridge } | Self::DeleteBridge { bridge } => vec![link(&bridge.name)],
            Self::SetLinkUp { link: name, .. }
            | Self::SetLinkMtu { link: name, .. }
            | Self::AddAddress { link: name, .. }
            | Self::RemoveAddress { link: name, .. } => vec![link(name)],
            Self::SetBridgeStp { bridge, .. } => vec![link(bridge)],
            Self::SetMaster { link: name, master, was } => {
                [Some(name), master.as_ref(), was.as_ref()].into_iter().flatten().map(link).collect()
            }
            Self::AddRoute { route } | Self::RemoveRoute { route } => vec![Subject::Host, link(&route.link)],
            Self::SetSysctl { .. } | Self::WriteFile { .. } => vec![Subject::Host],
            Self::ReplaceTable { .. } => vec![Subject::Table("inet bridgehead".to_owned()), Subject::Host],
            Self::InsertRule { rule } | Self::DeleteRule { rule } => {
                vec![Subject::Table(format!("{} {}", rule.family, rule.table)), link(&rule.serves)]
            }
            Self::AttachNic { guest: name, nic, .. } | Self::DetachNic { guest: name, nic, .. } => {
                let mut touched = vec![Subject::Nic(nic.mac.to_string()), guest(name)];
                touched.extend(place(&nic.attachment));
                touched
            }
            Self::UpdateNic { guest: name, nic, was, .. } => {
                let mut touched = vec![Subject::Nic(nic.mac.to_string()), guest(name)];
                touched.extend(place(&nic.attachment));
                touched.extend(place(&was.attachment).filter(|_| nic.attachment != was.attachment));
                touched
            }
            Self::DefineNetwork { network }
            | Self::UndefineNetwork { network }
            | Self::StartNetwork { network }
            | Self::StopNetwork { network } => vec![link(&network.name), Subject::Network(network.name.clone())],
            Self::SetDhcpRanges { network, .. } => vec![Subject::Network(network.clone()), link(network)],
            Self::SetNetworkAutostart { network, .. } => vec![Subject::Network(network.clone())],
            Self::SetLease { network, lease, was, .. } => {
                let macs = [lease, was].into_iter().flatten().filter_map(|lease| lease.mac).collect::<BTreeSet<_>>();
                let mut touched = vec![Subject::Network(network.clone())];
                touched.extend(macs.iter().map(|mac| Subject::Nic(mac.to_string())));
                touched
            }
            Self::SetMarks { guest: name, .. }
            | Self::AttachChannel { guest: name, .. }
            | Self::DetachChannel { guest: name, .. }
            | Self::SetGuestAutostart { guest: name, .. }
            | Self::SetGuestForwarding { guest: name, .. }
            | Self::ReplaceGuestTable { guest: name, .. }
            | Self::ReplaceGuestFiles { guest: name, .. }
            | Self::SetGuestDns { guest: name, .. }
            | Self::SetGuestHostname { guest: name, .. } => vec![guest(name)],
            Self::SetGuestLinkUp { guest: name, mac, .. }
            | Self::AddGuestAddress { guest: name, mac, .. }
            | Self::SetGuestMtu { guest: name, mac, .. }
            | Self::SetGuestFilter { guest: name, mac, .. }
            | Self::SetGuestDhcp { guest: name, mac, .. }
            | Self::SetGuestAcceptRa { guest: name, mac, .. }
            | Self::RemoveGuestAddress { guest: name, mac, .. } => {
                vec![Subject::Nic(mac.to_string()), guest(name)]
            }
            Self::AddGuestRoute { guest: name, route } | Self::RemoveGuestRoute { guest: name, route } => {
                vec![guest(name), Subject::Nic(route.mac.to_string())]
            }
        }
    }

    /// How far its effect reaches. `wire` is the link by which the operator's own connection comes, if it is known.
    pub fn risk(&self, wire: Option<&str>) -> Risk {
        let touched = self.touches();
        if wire.is_some_and(|wire| touched.contains(&Subject::Link(wire.to_owned()))) {
            return Risk::Wire;
        }
        match self {
            Self::CreateBridge { .. }
            | Self::DefineNetwork { .. }
            | Self::UndefineNetwork { .. }
            | Self::StartNetwork { .. }
            | Self::AttachChannel { .. }
            | Self::SetGuestAutostart { .. }
            | Self::SetNetworkAutostart { .. }
            | Self::SetMarks { .. }
            | Self::WriteFile { .. } => Risk::None,
            Self::SetSysctl { .. } | Self::AddRoute { .. } | Self::RemoveRoute { .. } | Self::ReplaceTable { .. } => {
                Risk::Host
            }
            Self::AttachNic { .. }
            | Self::DetachNic { .. }
            | Self::UpdateNic { .. }
            | Self::DetachChannel { .. }
            | Self::SetLease { .. }
            | Self::SetGuestLinkUp { .. }
            | Self::SetGuestMtu { .. }
            | Self::SetGuestFilter { .. }
            | Self::SetGuestDhcp { .. }
            | Self::SetGuestAcceptRa { .. }
            | Self::AddGuestAddress { .. }
            | Self::RemoveGuestAddress { .. }
            | Self::AddGuestRoute { .. }
            | Self::RemoveGuestRoute { .. }
            | Self::SetGuestForwarding { .. }
            | Self::ReplaceGuestTable { .. }
            | Self::ReplaceGuestFiles { .. }
            | Self::SetGuestDns { .. }
            | Self::SetGuestHostname { .. } => Risk::Guest,
            Self::DeleteBridge { .. }
            | Self::StopNetwork { .. }
            | Self::SetDhcpRanges { .. }
            | Self::SetLinkUp { .. }
            | Self::SetLinkMtu { .. }
            | Self::SetBridgeStp { .. }
            | Self::SetMaster { .. }
            | Self::AddAddress { .. }
            | Self::RemoveAddress { .. }
            | Self::InsertRule { .. }
            | Self::DeleteRule { .. } => Risk::Bridge,
        }
    }
}

fn place(attachment: &Attachment) -> Option<Subject> {
    match attachment {
        Attachment::Network { network } => Some(Subject::Network(network.clone())),
        Attachment::Bridge { bridge } => Some(Subject::Link(bridge.clone())),
        Attachment::Direct { dev, .. } => Some(Subject::Link(dev.clone())),
        Attachment::Other { .. } => None,
    }
}
