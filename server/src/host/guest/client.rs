//! DHCP clients inside guests, and whether router advertisements are taken.

use std::time::Duration;

use ipnet::IpNet;
use model::{Mac, observed::DhcpClient, step::client};
use tokio::time::{Instant, sleep};

use super::{
    error::Error,
    network::{Guest, LOOK, NIC},
    way::Reach,
};

/// How long a DHCP server may take to answer.
const LEASE: Duration = Duration::from_secs(25);

/// Has a client get the NIC an address, and waits for it; or ends it with what it got. These addresses stay.
pub async fn set_dhcp(
    reach: &Reach,
    domain: &str,
    mac: Mac,
    on: bool,
    client: DhcpClient,
    keep: &[IpNet],
) -> Result<(), Error> {
    let doing = if on { "get NIC {mac} an address by DHCP" } else { "end the DHCP client of NIC {mac}" };
    let doing = doing.replace("{mac}", &mac.to_string());
    let guest = Guest::new(reach, domain, format!("{doing} in guest {domain}")).within(LEASE);
    let (mut name, mut failed) = (String::new(), None);
    for command in client::commands(mac, client, on, keep, NIC) {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let outcome;
        (name, outcome) = guest.run_on(mac, &words).await;
        match outcome {
            // What stays is set in any case: the client may have begun by taking it away.
            Err(error @ (Error::Failed { .. } | Error::Slow { .. })) => drop(failed.get_or_insert(error)),
            outcome => outcome?,
        }
    }
    match failed {
        Some(Error::Slow { seconds, .. }) if on => Err(no_lease(&guest, seconds)),
        // What it would end may have ended.
        Some(Error::Failed { .. }) if !on => Ok(()),
        Some(error) => Err(error),
        None if on && client == DhcpClient::Networkd => leased(&guest, &name).await,
        None => Ok(()),
    }
}

/// Nothing tells when a lease comes: the kernel's own list says which addresses somebody has to renew.
async fn leased(guest: &Guest<'_>, name: &str) -> Result<(), Error> {
    let deadline = Instant::now() + LEASE;
    loop {
        if guest.has_dynamic(name).await {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(no_lease(guest, LEASE.as_secs()));
        }
        sleep(LOOK).await;
    }
}

fn no_lease(guest: &Guest<'_>, seconds: u64) -> Error {
    Error::NoLease { doing: guest.doing.clone(), seconds }
}

/// `mode` as in `net.ipv6.conf.<interface>.accept_ra`.
pub async fn set_accept_ra(reach: &Reach, domain: &str, mac: Mac, mode: u8) -> Result<(), Error> {
    let guest = Guest::new(reach, domain, format!("set accept_ra of NIC {mac} to {mode} in guest {domain}"));
    let (path, input) = (format!("/proc/sys/net/ipv6/conf/{NIC}/accept_ra"), format!("{mode}\n"));
    guest.run_with(mac, &["tee", &path], Some(input.as_bytes())).await.1
}
