//! Promises of a document: whether each is kept, and what a plan would break.
//!
//! All of it is predicted by [`explain`](mod@crate::explain): nothing is sent.

use std::fmt::{self, Display, Formatter};

use crate::{
    Cluster, Observed,
    cluster::Promise,
    explain::{Explanation, Origin, Place, Probe, Question, Target, Verdict, explain},
    note::{Note, Sentence, Severity, Subject},
    observed::DomainState,
    step::Step,
};

/// The code of a note about one that is not kept.
pub const BROKEN: &str = "promise-broken";

/// Whether a promise is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    Yes,
    /// With the reason.
    No(Sentence),
    /// It cannot be said, with the reason.
    Unknown(Sentence),
}

impl Promise {
    /// What must be answered by yes, or by no where it is refused.
    pub fn question(&self) -> Question {
        let probe = match (self.tcp, self.udp) {
            (Some(port), _) => Probe::Tcp { port },
            (None, Some(port)) => Probe::Udp { port },
            (None, None) => Probe::Echo,
        };
        Question { from: self.from.clone(), to: self.to.clone(), probe, v6: self.v6 }
    }

    /// That this is answered by yes for ever, or by no.
    pub fn of(question: Question, refused: bool) -> Self {
        let Question { from, to, probe, v6 } = question;
        let (tcp, udp) = match probe {
            Probe::Echo => (None, None),
            Probe::Tcp { port } => (Some(port), None),
            Probe::Udp { port } => (None, Some(port)),
        };
        Self { from, to, tcp, udp, v6, through: None, refused }
    }

    /// Whether it is kept on what was observed.
    pub fn kept(&self, observed: &Observed) -> Kept {
        if let Some(guest) = self.asleep(observed) {
            return Kept::Unknown(Sentence::new(format!("{guest} is not running"), format!("{guest} 没有在运行")));
        }
        let explanation = explain(observed, &self.question());
        let reason = |otherwise: Sentence| explanation.finding.as_ref().map_or(otherwise, |it| it.text.clone());
        match (explanation.verdict, self.refused) {
            (Verdict::Unknown, _) => Kept::Unknown(reason(Sentence::new("it is not known", "未知"))),
            (Verdict::No, false) => Kept::No(reason(Sentence::new("it does not get there", "到不了"))),
            (Verdict::No, true) => Kept::Yes,
            (Verdict::Yes, true) => Kept::No(Sentence::new("it gets there", "到得了")),
            (Verdict::Yes, false) => match &self.through {
                Some(guest) if !passes(&explanation, guest) => Kept::No(Sentence::new(
                    format!("it gets there, but not through {guest}"),
                    format!("到得了，但不经过 {guest}"),
                )),
                _ => Kept::Yes,
            },
        }
    }

    /// A guest that it needs and that is off: nothing is broken by that.
    fn asleep(&self, observed: &Observed) -> Option<&str> {
        let from = match &self.from {
            Origin::Guest { guest, .. } => Some(guest.as_str()),
            _ => None,
        };
        let to = match &self.to {
            Target::Guest { guest } => Some(guest.as_str()),
            _ => None,
        };
        let off = |guest: &&str| observed.domains.get(*guest).is_some_and(|it| it.state != DomainState::Running);
        from.into_iter().chain(to).chain(self.through.as_deref()).find(off)
    }
}

fn passes(explanation: &Explanation, through: &str) -> bool {
    let there = explanation.hops.iter().filter(|hop| !hop.packet.reply);
    there.into_iter().any(|hop| matches!(&hop.place, Place::Guest { guest, .. } if guest == through))
}

/// What becomes of the draft's promises when these steps are done: those that would be broken, and those that are.
pub fn review(observed: &Observed, draft: &Cluster, steps: &[Step]) -> Vec<Note> {
    if draft.promises.is_empty() {
        return Vec::new();
    }
    let mut after = observed.clone();
    steps.iter().for_each(|step| step.simulate(&mut after));
    let note = |promise: &Promise| {
        let Kept::No(why) = promise.kept(&after) else { return None };
        let was_kept = promise.kept(observed) == Kept::Yes;
        let (code, en, zh) = match was_kept && !steps.is_empty() {
            true => ("promise-breaks", "This would break a promise", "这会打破一个承诺"),
            false => (BROKEN, "This promise is not kept", "这个承诺没有兑现"),
        };
        let says = promise.says();
        let text = Sentence::new(
            format!("{en}: {}. {}.", says.en, capital(&why.en)),
            format!("{zh}：{}。{}。", says.zh, why.zh),
        );
        Some(Note::new(Severity::Warn, promise.from.subject(), code, text).field(promise.field("to")))
    };
    draft.promises.iter().filter_map(note).collect()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

impl Promise {
    /// Who asks whom, and by what: `node1 > 10.0.0.9 tcp 443`. No other promise of a document has the same.
    pub fn asked(&self) -> String {
        format!("{} > {}", self.from, self.what())
    }

    /// Where one that is known by this begins, on the picture.
    pub fn subject(asked: &str) -> Subject {
        let from = asked.split_once(" > ").and_then(|(from, _)| from.parse().ok());
        from.as_ref().map_or(Subject::Outside, Origin::subject)
    }

    fn what(&self) -> String {
        let to = if self.v6 { format!("{} ipv6", self.to) } else { self.to.to_string() };
        match (self.tcp, self.udp) {
            (Some(port), _) => format!("{to} tcp {port}"),
            (None, Some(port)) => format!("{to} udp {port}"),
            (None, None) => to,
        }
    }

    /// A field of it, as notes name it: `promise.node1 > 10.0.0.9.through`.
    pub fn field(&self, name: &str) -> String {
        format!("promise.{}.{name}", self.asked())
    }

    /// In words, without a full stop.
    pub fn says(&self) -> Sentence {
        let Self { from, through, refused, .. } = self;
        let what = self.what();
        let (en, zh) = through
            .as_ref()
            .map_or_else(Default::default, |through| (format!(" through {through}"), format!("经 {through} ")));
        match refused {
            false => Sentence::new(format!("{from} reaches {what}{en}"), format!("{from} {zh}能到达 {what}")),
            true => Sentence::new(format!("{from} does not reach {what}"), format!("{from} 不能到达 {what}")),
        }
    }
}

/// Its English words.
impl Display for Promise {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says().en)
    }
}
