//! After a start of the host or of a guest, what is ours is put back from the document, without anybody's help.
//!
//! The kernel and a guest's system forget with every start what was not written down for it; the document does not. A start
//! takes its time (a lease comes late, a DHCP client sets its own default route), so for a while after it whatever differs
//! is put back. What changes later is drift, and left to a person to decide.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use model::{
    Cluster, Observed,
    observed::{Source, SourceState},
    plan::{Change, Plan},
    step::Step,
};
use tokio::{
    sync::{OwnedMutexGuard, oneshot},
    time::{Instant, timeout},
};

use super::{Aim, ApplyError, Caller, Engine};
use crate::{http::problem::chain, store::StoreError, store::journal::Again};

/// The host itself, in the table of starts; guests are `guest NAME`.
const HOST: &str = "host";
/// How long a start is one.
const START: Duration = Duration::from_secs(90);
/// After so many failures it is left to a person.
const FAILURES: u32 = 5;
/// So often within [`QUIET`] a guest is believed that it has started. The number of its start is its own word.
const STARTS: u32 = 5;
const QUIET: Duration = Duration::from_secs(600);
/// Without anything happening, it is looked again after this.
const AGAIN: Duration = Duration::from_secs(5);

/// Who is to be put back, and the start that it is about.
type Due = BTreeMap<String, String>;

/// Starts that are not over.
#[derive(Default)]
struct Starts {
    noticed: BTreeMap<String, Start>,
    failures: u32,
}

/// The newest start of one guest, or of the host.
struct Start {
    boot: String,
    since: Instant,
    /// How many there were, each soon after the one before.
    row: u32,
}

impl Starts {
    /// Whether this start is not over; one that is new begins now.
    fn is_on(&mut self, what: &str, boot: &str, now: Instant) -> bool {
        let fresh = |row| Start { boot: boot.to_owned(), since: now, row };
        let start = self.noticed.entry(what.to_owned()).or_insert_with(|| fresh(1));
        if start.boot != boot {
            *start = fresh(if now - start.since < QUIET { start.row + 1 } else { 1 });
        }
        now - start.since <= START && start.row <= STARTS
    }
}

impl Engine {
    /// For ever. Says when it has looked for the first time, and put back what it then could: a bridge has to be there before
    /// libvirt starts the guests that are plugged into it.
    pub async fn keep(self, looked: oneshot::Sender<()>) {
        let host = host_boot();
        let mut starts = Starts::default();
        let mut changes = self.watch.changes();
        let mut looked = Some(looked);
        loop {
            let observed = changes.borrow_and_update().clone();
            let mut wait = AGAIN;
            match self.due(&observed, &host, &mut starts) {
                Ok(due) if due.is_empty() => wait = Duration::MAX,
                Ok(due) => {
                    if let Err(error) = self.put_back_started(&due, &mut starts).await {
                        tracing::debug!("putting back after a start: {}", chain(&error));
                    }
                }
                Err(error) => tracing::error!("putting back after a start: {}", chain(&error)),
            }
            if let Some(looked) = looked.take() {
                // Nobody waits for it where the service manager does not.
                let _ = looked.send(());
            }
            if let Ok(Err(_)) = timeout(wait, changes.changed()).await {
                return;
            }
        }
    }

    /// Whoever is starting. Who is seen for the first time is only remembered. The host does not wait for libvirt, whose
    /// guests wait for the host.
    fn due(&self, observed: &Observed, host: &str, starts: &mut Starts) -> Result<Due, StoreError> {
        let answers = |source| observed.sources.get(&source) == Some(&SourceState::Answers);
        if ![Source::Kernel, Source::Firewall].into_iter().all(answers) {
            return Ok(Due::new());
        }
        let guests = observed.guests.iter().filter(|(_, facts)| facts.trouble.is_none());
        let guests = guests.filter_map(|(name, facts)| Some((format!("guest {name}"), facts.boot.clone()?)));
        let mut due = Due::new();
        for (what, boot) in guests.chain([(HOST.to_owned(), host.to_owned())]) {
            let known = self.store.started(&what)?;
            if known.as_ref() == Some(&boot) {
                continue;
            }
            let is_on = starts.is_on(&what, &boot, Instant::now());
            if known.is_none() || !is_on || starts.failures >= FAILURES {
                self.store.set_started(&what, &boot)?;
                starts.failures = 0;
            } else {
                due.insert(what, boot);
            }
        }
        Ok(due)
    }

    async fn put_back_started(&self, due: &Due, starts: &mut Starts) -> Result<(), ApplyError> {
        let guard = self.alone().await?;
        let document = self.store.document()?;
        let mut plan = self.plan(&document.cluster, &document.cluster).await;
        let whose = |step: &Step| step.inside().map_or_else(|| HOST.to_owned(), |guest| format!("guest {guest}"));
        // What is inside a guest waits for its NICs.
        let first = due.contains_key(HOST) && plan.steps.iter().any(|step| whose(step) == HOST);
        plan.keep(|step| if first { whose(step) == HOST } else { due.contains_key(&whose(step)) });
        plan.promises.clear();
        // A plan is blocked while libvirt does not know a guest yet, say: the next thing that happens may change it.
        if plan.is_empty() {
            return Ok(());
        }
        let names: BTreeSet<String> = plan.steps.iter().map(whose).collect();
        let why = format!("put back after a start of {}", Vec::from_iter(names).join(", "));
        tracing::info!("{why}: {} steps", plan.steps.len());
        if !self.put_back_alone(guard, plan, document.cluster, why).await? {
            starts.failures += 1;
        }
        Ok(())
    }

    /// Puts this part of the document back, with nobody asking; whether it ended well.
    pub(super) async fn put_back_alone(
        &self,
        guard: OwnedMutexGuard<()>,
        plan: Plan,
        cluster: Cluster,
        why: String,
    ) -> Result<bool, ApplyError> {
        let aim = Aim {
            plan,
            committed: cluster.clone(),
            draft: cluster,
            why,
            again: Again::default(),
            patience: self.patience,
            guarded: false,
        };
        let change = self.begin(guard, aim, &Caller { who: "bridgehead".to_owned(), wire: None }).await?;
        let is_over =
            |now: &Option<Change>| now.as_ref().is_some_and(|now| now.id == change.id && now.state.is_final());
        let mut current = self.current();
        // The sender is the engine's own, and lives as long as this.
        let ended = current.wait_for(is_over).await;
        let error = ended.ok().and_then(|ended| ended.as_ref().and_then(|change| change.error.clone()));
        if let Some(error) = &error {
            tracing::error!("{}: {error}", change.why);
        }
        Ok(error.is_none())
    }
}

/// Differs from one start of this world to the next: of the machine, or of the container that this runs in.
fn host_boot() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let stat = fs::read_to_string("/proc/1/stat").unwrap_or_default();
    // Behind the name, which may hold anything: `starttime` is the 22nd field (proc(5)).
    let started = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19)).unwrap_or_default();
    format!("{} {started}", boot.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_that_starts_all_the_time_is_not_believed() {
        let (mut starts, began) = (Starts::default(), Instant::now());
        let mut is_on =
            |boot: u32, seconds| starts.is_on("guest node2", &boot.to_string(), began + Duration::from_secs(seconds));
        assert!(is_on(0, 0) && is_on(0, 90) && !is_on(0, 91), "a start takes its time");
        let believed = (1..100).filter(|boot| is_on(*boot, 100 + u64::from(*boot))).count();
        assert_eq!(believed, 4);
        assert!(is_on(100, 1000), "it was quiet for a while");
        assert_eq!(starts.noticed.len(), 1, "what it said before is forgotten");
    }
}
