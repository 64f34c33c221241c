//! One step, run: which call of which outside system it is, and nothing else.

use std::{io::ErrorKind, net::IpAddr, time::Duration};

use model::step::Step;
use tokio::time::{Instant, sleep};

use crate::host::{Host, firewall, guest, guest::Reach, kernel, libvirt, libvirt::Libvirt, manager};

/// A traceroute of eight silent hops takes as many seconds.
const TRACEROUTE: Duration = Duration::from_secs(15);
/// How long a guest's own system may set up a NIC that was just plugged in, beside us, and how often it is tried meanwhile.
const SET_UP: Duration = Duration::from_secs(15);
const AGAIN: Duration = Duration::from_millis(250);

/// Each source says for itself what was being done to what.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Kernel(#[from] kernel::Error),
    #[error(transparent)]
    Firewall(#[from] firewall::Error),
    #[error(transparent)]
    Libvirt(#[from] libvirt::Error),
    #[error(transparent)]
    Guest(#[from] guest::Error),
    #[error(transparent)]
    Manager(#[from] manager::Error),
    #[error("libvirt does not answer; see whether libvirtd is running")]
    NoLibvirt,
}

impl RunError {
    /// It may work once libvirt answers again.
    pub fn is_for_libvirt(&self) -> bool {
        matches!(self, Self::NoLibvirt) || matches!(self.of_libvirt(), Some(libvirt::Error::NoConnection { .. }))
    }

    /// Whatever else is asked of this guest will take as long, and come to nothing too.
    pub fn is_of_silent_guest(&self) -> bool {
        match self {
            Self::Guest(guest::Error::Libvirt(error)) => {
                matches!(error, libvirt::Error::AgentSilent { .. } | libvirt::Error::Timeout { .. })
            }
            Self::Guest(guest::Error::Console { trouble, .. }) => trouble.is_silence(),
            Self::Guest(guest::Error::NoWay { .. } | guest::Error::Ssh { .. }) => true,
            _ => false,
        }
    }

    fn of_libvirt(&self) -> Option<&libvirt::Error> {
        match self {
            Self::Libvirt(error) | Self::Guest(guest::Error::Libvirt(error)) => Some(error),
            _ => None,
        }
    }

    fn is_done_already(&self, step: &Step) -> bool {
        let Self::Kernel(kernel::Error::Write { source, .. }) = self else {
            return matches!(self, Self::Guest(guest::Error::Already { .. }));
        };
        match step {
            Step::AddAddress { .. } | Step::AddRoute { .. } => source.kind() == ErrorKind::AlreadyExists,
            Step::RemoveAddress { .. } => source.kind() == ErrorKind::AddrNotAvailable,
            Step::RemoveRoute { .. } => source.raw_os_error() == Some(nix::libc::ESRCH),
            _ => false,
        }
    }
}

impl Host {
    /// Runs one step to its end, after those `before` it. A guest's own system that sets up a NIC, because it was just
    /// plugged in, may undo what was done on it: what the step rests on is then done once more.
    pub async fn run_after(&self, before: &[Step], step: &Step) -> Result<(), RunError> {
        let deadline = Instant::now() + SET_UP;
        let ground: Vec<&Step> = before.iter().filter(|earlier| step.rests_on(earlier)).collect();
        loop {
            let outcome = self.run(step).await;
            let failed = matches!(outcome, Err(RunError::Guest(guest::Error::Failed { .. })));
            if !failed || ground.is_empty() || Instant::now() > deadline {
                return outcome;
            }
            sleep(AGAIN).await;
            for earlier in &ground {
                self.run(earlier).await?;
            }
        }
    }

    /// Runs one step to its end. What is as the step wants it already is done: its address was added, or its route had
    /// gone with the NIC, a moment before.
    pub async fn run(&self, step: &Step) -> Result<(), RunError> {
        match self.attempt(step).await {
            Err(error) if error.is_done_already(step) => Ok(()),
            outcome => outcome,
        }
    }

    async fn attempt(&self, step: &Step) -> Result<(), RunError> {
        let (kernel, firewall) = (&self.kernel, &self.firewall);
        match step {
            Step::CreateBridge { bridge } => kernel.create_bridge(bridge).await?,
            Step::DeleteBridge { bridge } => kernel.delete_link(&bridge.name).await?,
            Step::SetLinkUp { link, up } => kernel.set_up(link, *up).await?,
            Step::SetLinkMtu { link, mtu, .. } => kernel.set_mtu(link, *mtu).await?,
            Step::SetBridgeStp { bridge, stp } => kernel.set_stp(bridge, *stp).await?,
            Step::SetMaster { link, master, .. } => kernel.set_master(link, master.as_deref()).await?,
            Step::AddAddress { link, address } => kernel.add_address(link, *address).await?,
            Step::RemoveAddress { link, address } => kernel.remove_address(link, *address).await?,
            Step::AddRoute { route } => kernel.add_route(route).await?,
            Step::RemoveRoute { route } => kernel.remove_route(route).await?,
            Step::SetSysctl { name, value, .. } => kernel.set_sysctl(name, value)?,
            Step::WriteFile { path, text, .. } => self.managers.write(path, text.as_deref())?,
            Step::ReplaceTable { translations, .. } => firewall.replace_table(translations).await?,
            Step::InsertRule { rule } => firewall.insert_rule(rule).await?,
            Step::DeleteRule { rule } => firewall.delete_rule(rule).await?,
            Step::AttachNic { guest, nic, live, config } => {
                self.connected()?.attach_nic(guest, nic, *live, *config).await?
            }
            Step::DetachNic { guest, nic, live, config } => {
                self.connected()?.detach_nic(guest, nic, *live, *config).await?
            }
            Step::UpdateNic { guest, nic, live, config, .. } => {
                self.connected()?.update_nic(guest, nic, *live, *config).await?;
            }
            Step::AttachChannel { guest, live, config } => {
                self.connected()?.attach_channel(guest, *live, *config).await?;
            }
            Step::DetachChannel { guest, live, config } => {
                self.connected()?.detach_channel(guest, *live, *config).await?;
            }
            Step::SetGuestAutostart { guest, on } => self.connected()?.set_guest_autostart(guest, *on).await?,
            Step::SetNetworkAutostart { network, on } => self.connected()?.set_network_autostart(network, *on).await?,
            Step::DefineNetwork { network } => self.connected()?.define_network(network).await?,
            Step::UndefineNetwork { network } => self.connected()?.undefine_network(&network.name).await?,
            Step::StartNetwork { network } => self.connected()?.start_network(&network.name).await?,
            Step::StopNetwork { network } => self.connected()?.stop_network(&network.name).await?,
            Step::SetDhcpRanges { network, subnet, ranges, was, live, config } => {
                self.connected()?.set_ranges(network, *subnet, ranges, was, *live, *config).await?;
            }
            Step::SetLease { network, subnet, lease, was, live, config } => {
                let (lease, was) = (lease.as_ref(), was.as_ref());
                self.connected()?.set_lease(network, *subnet, lease, was, *live, *config).await?;
            }
            Step::SetMarks { guest, marks, .. } => self.connected()?.set_marks(guest, marks).await?,
            Step::SetGuestLinkUp { guest, mac, up } => guest::set_link(&self.inside()?, guest, *mac, *up).await?,
            Step::AddGuestAddress { guest, mac, address } => {
                guest::add_address(&self.inside()?, guest, *mac, *address).await?;
            }
            Step::RemoveGuestAddress { guest, mac, address } => {
                guest::remove_address(&self.inside()?, guest, *mac, *address).await?;
            }
            Step::SetGuestMtu { guest, mac, mtu, .. } => guest::set_mtu(&self.inside()?, guest, *mac, *mtu).await?,
            Step::SetGuestFilter { guest, mac, mode, .. } => {
                guest::set_filter(&self.inside()?, guest, *mac, *mode).await?;
            }
            Step::SetGuestDhcp { guest, mac, on, client, keep } => {
                guest::set_dhcp(&self.inside()?, guest, *mac, *on, *client, keep).await?;
            }
            Step::SetGuestAcceptRa { guest, mac, mode, .. } => {
                guest::set_accept_ra(&self.inside()?, guest, *mac, *mode).await?;
            }
            Step::AddGuestRoute { guest, route } => guest::add_route(&self.inside()?, guest, route).await?,
            Step::RemoveGuestRoute { guest, route } => guest::remove_route(&self.inside()?, guest, route).await?,
            Step::SetGuestForwarding { guest, on } => guest::set_forwarding(&self.inside()?, guest, *on).await?,
            Step::ReplaceGuestTable { guest, tool, translations, .. } => {
                guest::replace_table(&self.inside()?, guest, *tool, translations).await?;
            }
            Step::ReplaceGuestFiles { guest, managers, files, was } => {
                guest::replace_files(&self.inside()?, guest, managers, files, was).await?;
            }
            Step::SetGuestDns { guest, resolver, servers, was, .. } => {
                guest::set_dns(&self.inside()?, guest, *resolver, servers.as_deref(), was.as_deref()).await?;
            }
            Step::SetGuestHostname { guest, hostname, was } => {
                guest::set_hostname(&self.inside()?, guest, hostname, was).await?;
            }
        }
        Ok(())
    }

    /// The hops from a guest to `target`.
    pub async fn traceroute(&self, guest: &str, target: IpAddr) -> Result<Vec<Option<IpAddr>>, RunError> {
        Ok(guest::traceroute(&self.inside()?, guest, target, TRACEROUTE).await?)
    }

    fn connected(&self) -> Result<Libvirt, RunError> {
        self.libvirt.get().ok_or(RunError::NoLibvirt)
    }

    pub(super) fn inside(&self) -> Result<Reach, RunError> {
        self.reach().ok_or(RunError::NoLibvirt)
    }
}
