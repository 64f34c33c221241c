//! Guests that are reached by a network connection take their own part of a change back, if they are not told in time that
//! all is well: the change may have cut just that connection.
//!
//! ```text
//! arm ─► first step inside … proof ─► disarm ─► commit
//!               └─(no connection)─► wait until the guest has taken its part back ─► take back the rest as usual
//! ```

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use model::{
    Observed,
    observed::DomainState,
    step::Step,
    timer::{SECONDS, script},
};
use tokio::time::{Instant, sleep};

use crate::{
    host::{
        Host,
        guest::{
            self,
            timer::{self, Timer},
        },
    },
    http::problem::chain,
};

/// How long a guest's commands may take once its timer runs, and its network to be there again.
const GRACE: Duration = Duration::from_secs(20);
/// Nothing tells when a guest is back: it is tried again after this.
const AGAIN: Duration = Duration::from_secs(2);

/// Arms the timers of these guests, where they are reached by a network connection; gives those that were.
pub async fn arm(
    host: &Host,
    change: u64,
    steps: &[Step],
    guests: &BTreeSet<&str>,
) -> Result<BTreeSet<String>, guest::Error> {
    let mut armed = BTreeSet::new();
    for guest in guests {
        let ssh = timer::by_network(&host.ways, guest);
        if let Some((ssh, script)) = ssh.zip(script(steps, guest)) {
            timer::arm(&ssh, change, SECONDS, &script).await?;
            armed.insert((*guest).to_owned());
        }
    }
    Ok(armed)
}

/// Tells these guests that all is well. An error, if one has taken its part back meanwhile.
pub async fn disarm(host: &Host, change: u64, guests: &BTreeSet<String>) -> Result<(), String> {
    for guest in guests {
        let reach = host.inside().map_err(|error| chain(&error))?;
        let found = timer::disarm(&reach, guest, change).await.map_err(|error| chain(&error))?;
        if found != Timer::Disarmed {
            return Err(format!("guest {guest} was not told in time that all is well, and takes its part back itself"));
        }
    }
    Ok(())
}

/// Before anything is taken back: no timer is left that would take it back a second time, later. A guest that does not
/// answer is waited for, as long as its timer may need. Whether there was any that could have one.
pub async fn settle(host: &Host, change: u64, guests: &[String], observed: &Observed) -> bool {
    let runs = |guest: &&String| observed.domains.get(*guest).is_some_and(|it| it.state == DomainState::Running);
    let all = guests.iter().filter(runs).map(|guest| settle_one(host, change, guest));
    join_all(all).await.into_iter().any(|could| could)
}

async fn settle_one(host: &Host, change: u64, guest: &str) -> bool {
    let deadline = Instant::now() + Duration::from_secs(SECONDS) + GRACE;
    loop {
        // Without libvirt nothing is taken back inside either; it is tried again when that is there.
        let Some(reach) = host.reach().filter(|_| host.ways.ssh.of(guest).is_some()) else { return false };
        match timer::disarm(&reach, guest, change).await {
            Ok(Timer::Disarmed | Timer::Ran | Timer::None) => return true,
            Ok(Timer::Runs) => {}
            Err(_) if timer::by_network(&host.ways, guest).is_none() => return false,
            Err(error) => tracing::info!(change, guest, "waiting for its own timer: {}", chain(&error)),
        }
        if Instant::now() > deadline {
            tracing::warn!(change, guest, "it does not answer, though its timer should have taken its part back");
            return true;
        }
        sleep(AGAIN).await;
    }
}
