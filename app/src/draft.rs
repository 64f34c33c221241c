//! The draft: an edited copy of the document, what it would do, and the way to have it done.
//!
//! The plan shown is computed here, with the code that the server applies; the server computes it again. Until the planner
//! [is there](crate::later) a draft has no plan. The server [keeps](stage) the draft, too.

pub mod stage;

use leptos::{prelude::*, task::spawn_local};
use model::{
    Cluster, Language, Observed,
    draft::{Entry, without},
    event::Document,
    note::Subject,
    plan::{Change, Plan},
    topology::Topology,
};

use crate::{
    api,
    later::Loader,
    live::Live,
    refusal::Refusal,
    texts::{later::Texts, texts},
};

/// An edited copy, and the version that it is edited from.
#[derive(Debug, Clone, PartialEq)]
pub struct Edited {
    pub base: Document,
    pub cluster: Cluster,
    /// Entries that a version has changed since the draft did.
    pub conflicts: Vec<Entry>,
}

#[derive(Clone, Copy)]
pub struct Draft {
    live: Live,
    /// Event handlers have no context to find it in.
    language: Language,
    pub edited: RwSignal<Option<Edited>>,
    /// The draft's plan on the network as it is now.
    pub plan: Memo<Option<Plan>>,
    /// The topology that the plan would lead to.
    pub drafted: Memo<Option<Topology>>,
    /// What was said against the last edit or request.
    pub refusal: RwSignal<Option<Refusal>>,
    /// A request is under way.
    pub busy: RwSignal<bool>,
    /// The draft that was applied last, should it come to be edited again.
    pub applied: RwSignal<Option<Edited>>,
}

impl Draft {
    pub fn new(live: Live) -> Self {
        let loader = Loader::here();
        let edited = RwSignal::new(None::<Edited>);
        let plan = Memo::new(move |_| {
            let edited = edited.get()?;
            let later = loader.get()?;
            Some(live.document.with(|document| {
                live.observed.with(|observed| (later.plan)(observed, &document.cluster, &edited.cluster))
            }))
        });
        let drafted = Memo::new(move |_| {
            plan.with(|plan| {
                let plan = plan.as_ref().filter(|plan| !plan.is_empty())?;
                let later = loader.get()?;
                Some(live.observed.with(|observed| (later.foresee)(observed, plan)))
            })
        });
        Self {
            live,
            language: texts().language,
            edited,
            plan,
            drafted,
            refusal: RwSignal::new(None),
            busy: RwSignal::new(false),
            applied: RwSignal::new(None),
        }
    }

    pub fn here() -> Self {
        expect_context()
    }

    /// There is a draft to be read, and no change whose course has to be: one that runs, it may have to be confirmed, or one
    /// of ours that has just ended.
    pub fn is_shown(self) -> bool {
        let who = self.live.who.get();
        let told = |change: &Change| !change.state.is_final() || self.live.news.get() && change.who == who;
        self.edited.with(Option::is_some) && !self.live.change.with(|change| change.as_ref().is_some_and(told))
    }

    /// The document as the draft has it.
    pub fn cluster(self) -> Cluster {
        self.edited
            .with(|edited| edited.as_ref().map(|edited| edited.cluster.clone()))
            .unwrap_or_else(|| self.committed())
    }

    fn committed(self) -> Cluster {
        self.live.document.with(|document| document.cluster.clone())
    }

    /// Puts an edited document in the draft's place. One that says what the committed one says is no draft.
    pub fn put(self, cluster: Cluster) {
        self.refusal.set(None);
        if self.live.change.with_untracked(|change| change.as_ref().is_some_and(|change| change.state.is_final())) {
            self.live.change.set(None);
        }
        if cluster == untrack(|| self.committed()) {
            return self.edited.set(None);
        }
        let edited = self.edited.get_untracked();
        self.edited.set(Some(match edited {
            Some(edited) => Edited { cluster, ..edited },
            None => Edited { base: self.live.document.get_untracked(), cluster, conflicts: Vec::new() },
        }));
    }

    /// Goes on with the draft that was applied last.
    pub fn edit_again(self) {
        if let Some(applied) = self.applied.get_untracked() {
            self.put(applied.cluster);
        }
    }

    /// Takes back what the draft does with one entry.
    pub fn leave_out(self, entry: &Entry) {
        if let Some(edited) = self.edited.get_untracked() {
            self.put(without(&edited.base.cluster, &edited.cluster, entry));
        }
    }

    pub fn discard(self) {
        self.refusal.set(None);
        self.edited.set(None);
    }

    pub fn apply(self) {
        let Some(edited) = self.edited.get_untracked() else { return };
        let Some(plan) = self.plan.get_untracked() else { return };
        let texts = Texts::of(self.language);
        self.busy.set(true);
        self.refusal.set(None);
        spawn_local(async move {
            match api::change(&edited.cluster, edited.base.version, &plan, texts).await {
                Ok(()) => {
                    self.applied.set(Some(edited));
                    self.edited.set(None);
                }
                Err(refusal) => self.refusal.set(Some(refusal)),
            }
            self.busy.set(false);
        });
    }

    pub fn undo(self) {
        self.ask(async |texts| api::undo(texts).await);
    }

    pub fn redo(self) {
        self.ask(async |texts| api::redo(texts).await);
    }

    /// Makes this object again what the document says.
    pub fn put_back(self, subject: Subject) {
        self.ask(async move |texts| api::put_back(&subject, texts).await);
    }

    /// Asks for a change that needs no draft. How it goes comes over the live socket.
    fn ask(self, request: impl AsyncFnOnce(&'static Texts) -> Result<(), Refusal> + 'static) {
        let texts = Texts::of(self.language);
        self.busy.set(true);
        self.refusal.set(None);
        spawn_local(async move {
            if let Err(refusal) = request(texts).await {
                self.refusal.set(Some(refusal));
            }
            self.busy.set(false);
        });
    }
}

/// The topology that a plan leads to.
pub fn foresee(observed: &Observed, plan: &Plan) -> Topology {
    let mut observed = observed.clone();
    for step in &plan.steps {
        step.simulate(&mut observed);
    }
    Topology::of(&observed)
}
