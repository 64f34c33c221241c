//! Taking a step back.

use super::Step;

impl Step {
    /// The step that takes this one back. Everything it needs is in the step itself.
    #[must_use]
    pub fn inverse(&self) -> Self {
        match self.clone() {
            Self::CreateBridge { bridge } => Self::DeleteBridge { bridge },
            Self::DeleteBridge { bridge } => Self::CreateBridge { bridge },
            Self::SetLinkUp { link, up } => Self::SetLinkUp { link, up: !up },
            Self::SetLinkMtu { link, mtu, was } => Self::SetLinkMtu { link, mtu: was, was: mtu },
            Self::SetBridgeStp { bridge, stp } => Self::SetBridgeStp { bridge, stp: !stp },
            Self::SetMaster { link, master, was } => Self::SetMaster { link, master: was, was: master },
            Self::AddAddress { link, address } => Self::RemoveAddress { link, address },
            Self::RemoveAddress { link, address } => Self::AddAddress { link, address },
            Self::AddRoute { route } => Self::RemoveRoute { route },
            Self::RemoveRoute { route } => Self::AddRoute { route },
            Self::SetSysctl { name, value, was } => Self::SetSysctl { name, value: was, was: value },
            Self::WriteFile { path, text, was } => Self::WriteFile { path, text: was, was: text },
            Self::ReplaceTable { translations, was } => Self::ReplaceTable { translations: was, was: translations },
            Self::InsertRule { rule } => Self::DeleteRule { rule },
            Self::DeleteRule { rule } => Self::InsertRule { rule },
            Self::AttachNic { guest, nic, live, config } => Self::DetachNic { guest, nic, live, config },
            Self::DetachNic { guest, nic, live, config } => Self::AttachNic { guest, nic, live, config },
            Self::UpdateNic { guest, nic, was, live, config } => {
                Self::UpdateNic { guest, nic: was, was: nic, live, config }
            }
            Self::AttachChannel { guest, live, config } => Self::DetachChannel { guest, live, config },
            Self::DetachChannel { guest, live, config } => Self::AttachChannel { guest, live, config },
            Self::SetGuestAutostart { guest, on } => Self::SetGuestAutostart { guest, on: !on },
            Self::SetNetworkAutostart { network, on } => Self::SetNetworkAutostart { network, on: !on },
            Self::DefineNetwork { network } => Self::UndefineNetwork { network },
            Self::UndefineNetwork { network } => Self::DefineNetwork { network },
            Self::StartNetwork { network } => Self::StopNetwork { network },
            Self::StopNetwork { network } => Self::StartNetwork { network },
            Self::SetDhcpRanges { network, subnet, ranges, was, live, config } => {
                Self::SetDhcpRanges { network, subnet, ranges: was, was: ranges, live, config }
            }
            Self::SetLease { network, subnet, lease, was, live, config } => {
                Self::SetLease { network, subnet, lease: was, was: lease, live, config }
            }
            Self::SetMarks { guest, marks, was } => Self::SetMarks { guest, marks: was, was: marks },
            Self::SetGuestLinkUp { guest, mac, up } => Self::SetGuestLinkUp { guest, mac, up: !up },
            Self::AddGuestAddress { guest, mac, address } => Self::RemoveGuestAddress { guest, mac, address },
            Self::RemoveGuestAddress { guest, mac, address } => Self::AddGuestAddress { guest, mac, address },
            Self::SetGuestMtu { guest, mac, mtu, was } => Self::SetGuestMtu { guest, mac, mtu: was, was: mtu },
            Self::SetGuestFilter { guest, mac, mode, was } => Self::SetGuestFilter { guest, mac, mode: was, was: mode },
            Self::SetGuestDhcp { guest, mac, on, client, keep } => {
                Self::SetGuestDhcp { guest, mac, on: !on, client, keep }
            }
            Self::SetGuestAcceptRa { guest, mac, mode, was } => {
                Self::SetGuestAcceptRa { guest, mac, mode: was, was: mode }
            }
            Self::AddGuestRoute { guest, route } => Self::RemoveGuestRoute { guest, route },
            Self::RemoveGuestRoute { guest, route } => Self::AddGuestRoute { guest, route },
            Self::SetGuestForwarding { guest, on } => Self::SetGuestForwarding { guest, on: !on },
            Self::ReplaceGuestTable { guest, tool, translations, was } => {
                Self::ReplaceGuestTable { guest, tool, translations: was, was: translations }
            }
            Self::ReplaceGuestFiles { guest, managers, files, was } => {
                Self::ReplaceGuestFiles { guest, managers, files: was, was: files }
            }
            Self::SetGuestDns { guest, resolver, servers, was, others } => {
                Self::SetGuestDns { guest, resolver, servers: was, was: servers, others }
            }
            Self::SetGuestHostname { guest, hostname, was } => {
                Self::SetGuestHostname { guest, hostname: was, was: hostname }
            }
        }
    }
}
