//! What ends the walk: a "no", or something that cannot be known.

use super::{Finding, Matched, Verdict};
use crate::note::{Sentence, Subject};

/// Boxed: it is rare, and large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    verdict: Verdict,
    finding: Finding,
}

impl Stop {
    pub fn no(subject: Subject, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self::new(Verdict::No, subject, Sentence::new(en, zh))
    }

    /// Both complete "unknown here, because …".
    pub fn unknown(subject: Subject, en: impl AsRef<str>, zh: impl AsRef<str>) -> Self {
        let (en, zh) = (en.as_ref(), zh.as_ref());
        let text = Sentence::new(format!("unknown here, because {en}"), format!("此处未知，因为{zh}"));
        Self::new(Verdict::Unknown, subject, text)
    }

    fn new(verdict: Verdict, subject: Subject, text: Sentence) -> Self {
        Self(Box::new(Inner { verdict, finding: Finding { subject, text, rule: None, setting: None, at: usize::MAX } }))
    }

    #[must_use]
    pub fn rule(mut self, rule: Matched) -> Self {
        self.0.finding.rule = Some(rule);
        self
    }

    #[must_use]
    pub fn setting(mut self, setting: impl Into<String>) -> Self {
        self.0.finding.setting = Some(setting.into());
        self
    }

    /// After so many hops, unless that was said before.
    #[must_use]
    pub fn at(mut self, hops: usize) -> Self {
        let at = &mut self.0.finding.at;
        *at = hops.min(*at);
        self
    }

    pub fn is_no(&self) -> bool {
        self.0.verdict == Verdict::No
    }

    pub fn into_parts(self) -> (Verdict, Finding) {
        (self.0.verdict, self.0.finding)
    }
}
