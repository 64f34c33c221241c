//! After a start of the host or of a guest, what is ours is put back from the document, without anybody's help.
//!
//! The kernel and a guest's system forget with every start what was not written down for it; the document does not. What
//! has changed without a start is drift, and left to a person to decide.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use model::{
    Observed,
    observed::{Source, SourceState},
    step::Step,
};
use tokio::time::sleep;

use super::{Aim, ApplyError, Caller, Engine, left_to_do};
use crate::{http::problem::chain, store::StoreError, store::journal::Again};

/// The host itself, in the table of starts; guests are `guest NAME`.
const HOST: &str = "host";
/// So often it is tried to put something back after one start …
const TRIES: u32 = 5;
/// … and no sooner than after this.
const AGAIN: Duration = Duration::from_secs(5);

/// Who is to be put back, and the start that it is about.
type Due = BTreeMap<String, String>;

impl Engine {
    /// For ever.
    pub async fn keep(self) {
        let host = host_boot();
        let mut tries: BTreeMap<String, u32> = BTreeMap::new();
        let mut changes = self.watch.changes();
        loop {
            let observed = changes.borrow_and_update().clone();
            let outcome = match self.due(&observed, &host) {
                Ok(due) if due.is_empty() => Ok(true),
                Ok(due) => self.put_back_started(&observed, due, &mut tries).await,
                Err(error) => Err(error.into()),
            };
            let again = match outcome {
                Ok(done) => !done,
                Err(error) => {
                    tracing::warn!("putting back after a start: {}", chain(&error));
                    true
                }
            };
            if again {
                sleep(AGAIN).await;
            } else if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Whoever has been started since it was last put back. Who is seen for the first time is only remembered.
    fn due(&self, observed: &Observed, host: &str) -> Result<Due, StoreError> {
        let answers = |source| observed.sources.get(&source) == Some(&SourceState::Answers);
        if ![Source::Kernel, Source::Firewall, Source::Libvirt].into_iter().all(answers) {
            return Ok(Due::new());
        }
        let guests = observed.guests.iter().filter(|(_, facts)| facts.trouble.is_none());
        let guests = guests.filter_map(|(name, facts)| Some((format!("guest {name}"), facts.boot.clone()?)));
        let mut due = Due::new();
        for (what, boot) in guests.chain([(HOST.to_owned(), host.to_owned())]) {
            match self.store.started(&what)? {
                Some(known) if known == boot => {}
                Some(_) => drop(due.insert(what, boot)),
                None => self.store.set_started(&what, &boot)?,
            }
        }
        Ok(due)
    }

    /// Whether nobody who can be put back now is left.
    async fn put_back_started(
        &self,
        observed: &Observed,
        due: Due,
        tries: &mut BTreeMap<String, u32>,
    ) -> Result<bool, ApplyError> {
        let guard = self.alone()?;
        let document = self.store.document()?;
        let mut plan = self.plan(&document.cluster, &document.cluster).await;
        if plan.is_blocked() {
            // A guest that libvirt does not know yet, say: with the next thing that happens it may be different.
            return Ok(true);
        }
        let whose = |step: &Step| step.inside().map_or_else(|| HOST.to_owned(), |guest| format!("guest {guest}"));
        // What is inside a guest waits for its NICs.
        let first = due.contains_key(HOST) && plan.steps.iter().any(|step| whose(step) == HOST);
        plan.keep(|step| if first { whose(step) == HOST } else { due.contains_key(&whose(step)) });
        plan.promises.clear();
        let attempted: BTreeSet<String> = if first { [HOST.to_owned()].into() } else { due.keys().cloned().collect() };
        let steps = plan.steps.clone();
        let mut done = true;
        if !steps.is_empty() {
            let names: Vec<&str> = attempted.iter().map(String::as_str).collect();
            let why = format!("put back after a start of {}", names.join(", "));
            tracing::info!("{why}: {} steps", steps.len());
            let committed = document.cluster.clone();
            let aim = Aim {
                plan,
                committed,
                draft: document.cluster.clone(),
                why,
                again: Again::default(),
                patience: self.patience,
                guarded: false,
            };
            let caller = Caller { who: "bridgehead".to_owned(), wire: None };
            let change = self.begin(guard, aim, &caller).await?;
            // The engine's own sender: it lives as long as this.
            let ended = self
                .current()
                .wait_for(|now| now.as_ref().is_some_and(|now| now.id == change.id && now.state.is_final()))
                .await
                .map(|now| now.clone());
            if let Ok(Some(change)) = ended
                && let Some(error) = change.error
            {
                tracing::error!("{}: {error}", change.why);
                done = false;
            }
        } else {
            drop(guard);
        }
        let left = left_to_do(&self.watch.observed(), &document.cluster);
        for (what, boot) in due {
            if !attempted.contains(&what) {
                done = false;
                continue;
            }
            let tried = tries.entry(format!("{what} {boot}")).or_default();
            *tried += 1;
            if *tried >= TRIES || !left.iter().any(|step| whose(step) == what) || !observed_speaks(observed, &what) {
                self.store.set_started(&what, &boot)?;
            } else {
                done = false;
            }
        }
        Ok(done)
    }
}

/// A guest that fell silent meanwhile will be asked again after its next start.
fn observed_speaks(observed: &Observed, what: &str) -> bool {
    what.strip_prefix("guest ").is_none_or(|guest| observed.guests.contains_key(guest))
}

/// Differs from one start of this world to the next: of the machine, or of the container that this runs in.
fn host_boot() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let stat = fs::read_to_string("/proc/1/stat").unwrap_or_default();
    // Behind the name, which may hold anything: `starttime` is the 22nd field (proc(5)).
    let started = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19)).unwrap_or_default();
    format!("{} {started}", boot.trim())
}
