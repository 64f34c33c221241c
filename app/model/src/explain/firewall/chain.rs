//! One base chain, and all that it jumps to.

use serde_json::Value;

use super::{
    Effect, Scene, Truth,
    compare::{self, elements},
    extension::Extension,
    nat,
};
use crate::{
    explain::{Matched, Owner, conntrack::State},
    observed::{Chain, Rule, Table},
};

/// Deepest nesting of jumps that nft allows (NFT_JUMP_STACK_SIZE, linux/netfilter/nf_tables.h).
const DEPTH: usize = 16;
/// Rules looked at in one chain: a ruleset of chains that jump to the next one twice would else take for ever.
const RULES: usize = 20_000;

/// What a base chain does.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub effect: Effect,
    /// The rules that led there, the one that decided last; the policy if it drops.
    pub by: Vec<Matched>,
    /// A rule that may be for the packet or not, and would do something else.
    pub doubt: Option<(Effect, Matched)>,
}

/// Asks a base chain. `notrack` and marks stay with the scene.
pub fn base(scene: &mut Scene<'_>, table: &Table, chain: &Chain) -> Outcome {
    let mut run = Run { scene, table, left: RULES, path: Vec::new(), maybe: Vec::new() };
    let done = run.chain(chain, 0);
    let maybe = std::mem::take(&mut run.maybe);
    let matched = |chain: &Chain, rule: Option<&Rule>| run.matched(chain, rule);
    let dropped = || Done { effect: Effect::Drop, path: Vec::new(), last: None };
    let accepted = || Done { effect: Effect::Accept, ..dropped() };
    let by_policy = chain.policy.as_deref() == Some("drop");
    let done = done.unwrap_or_else(|| if by_policy { dropped() } else { accepted() });
    let mut by: Vec<_> = done.path.iter().chain(&done.last).map(|&(chain, rule)| matched(chain, Some(rule))).collect();
    if by.is_empty() && by_policy {
        by.push(matched(chain, None));
    }
    let doubt = maybe.into_iter().find(|other| !other.effect.is_like(done.effect)).and_then(|other| {
        let (chain, rule) = other.last.or(other.path.last().copied())?;
        Some((other.effect, matched(chain, Some(rule))))
    });
    Outcome { effect: done.effect, by, doubt }
}

type Place<'t> = (&'t Chain, &'t Rule);

/// A decision, and how it came to it.
struct Done<'t> {
    effect: Effect,
    path: Vec<Place<'t>>,
    last: Option<Place<'t>>,
}

enum Step<'t> {
    Next,
    /// Out of the chain, or perhaps.
    Return(Truth),
    Done(Done<'t>),
}

struct Run<'r, 's, 't> {
    scene: &'r mut Scene<'s>,
    table: &'t Table,
    left: usize,
    /// The jumps that lead here.
    path: Vec<Place<'t>>,
    /// What may be decided too.
    maybe: Vec<Done<'t>>,
}

impl<'t> Run<'_, '_, 't> {
    /// `None` if it comes to no decision.
    fn chain(&mut self, chain: &'t Chain, depth: usize) -> Option<Done<'t>> {
        let mut sure = true;
        for rule in &chain.rules {
            if self.left == 0 || depth > DEPTH {
                self.perhaps(Effect::Unclear, (chain, rule));
                return None;
            }
            self.left -= 1;
            match self.rule((chain, rule), depth) {
                Step::Next => {}
                Step::Return(Truth::Yes) => return None,
                Step::Return(_) => sure = false,
                Step::Done(done) if sure => return Some(done),
                Step::Done(done) => {
                    self.maybe.push(done);
                    return None;
                }
            }
        }
        None
    }

    fn rule(&mut self, place: Place<'t>, depth: usize) -> Step<'t> {
        let mut truth = Truth::Yes;
        for value in &place.1.statements {
            let Some((kind, body)) = value.as_object().and_then(|object| object.iter().next()) else {
                self.perhaps(Effect::Unclear, place);
                return Step::Next;
            };
            match kind.as_str() {
                "match" => truth = truth.and(compare::holds(self.scene, self.table, body)),
                "limit" | "quota" | "ct count" => truth = truth.and(Truth::Maybe),
                "xt" => match Extension::read(body) {
                    Extension::Nothing => {}
                    Extension::Condition => truth = truth.and(Truth::Maybe),
                    Extension::Marks => self.scene.mark = None,
                    Extension::Ends(effect) => return self.ends(truth, effect, place),
                },
                "counter" | "log" | "comment" | "ct helper" | "ct timeout" | "ct expectation" | "meter" | "set"
                | "map" | "last" | "flow" | "dup" => {}
                "notrack" if truth == Truth::Yes => self.scene.state = State::Untracked,
                "mangle" => {
                    if !self.mangle(truth, body) {
                        self.perhaps(Effect::Unclear, place);
                    }
                }
                "snat" | "dnat" | "masquerade" | "redirect" => {
                    let effect = nat::read(self.scene, self.table, kind, body);
                    return self.ends(truth, effect, place);
                }
                "vmap" => return self.lookup(truth, body, place, depth),
                _ => return self.verdict(truth, kind, body, place, depth),
            }
            if truth == Truth::No {
                return Step::Next;
            }
        }
        Step::Next
    }

    fn verdict(&mut self, truth: Truth, kind: &str, body: &'t Value, place: Place<'t>, depth: usize) -> Step<'t> {
        match kind {
            "accept" => self.ends(truth, Effect::Accept, place),
            "drop" => self.ends(truth, Effect::Drop, place),
            "reject" => self.ends(truth, Effect::Reject, place),
            "continue" => Step::Next,
            "return" => Step::Return(truth),
            "jump" | "goto" => {
                let target = body.get("target").and_then(Value::as_str).and_then(|name| self.table.chain(name));
                match target {
                    Some(target) => self.jump(truth, kind == "goto", target, place, depth),
                    None => self.ends(Truth::Maybe, Effect::Unclear, place),
                }
            }
            _ => self.ends(Truth::Maybe, Effect::Unclear, place),
        }
    }

    fn jump(&mut self, truth: Truth, goto: bool, target: &'t Chain, place: Place<'t>, depth: usize) -> Step<'t> {
        // nft refuses circles; a ruleset that was made up may have some.
        let circles = self.path.iter().chain([&place]).any(|(chain, _)| std::ptr::eq(*chain, target));
        if circles {
            return self.ends(Truth::Maybe, Effect::Unclear, place);
        }
        let mark = self.scene.mark;
        self.path.push(place);
        let done = self.chain(target, depth + 1);
        self.path.pop();
        if truth == Truth::Maybe && mark != self.scene.mark {
            self.scene.mark = None;
        }
        match done {
            Some(done) if truth == Truth::Yes => Step::Done(done),
            Some(done) => {
                self.maybe.push(done);
                Step::Next
            }
            None if goto => Step::Return(truth),
            None => Step::Next,
        }
    }

    /// A verdict map.
    fn lookup(&mut self, truth: Truth, body: &'t Value, place: Place<'t>, depth: usize) -> Step<'t> {
        let known = body.get("data").is_some_and(|data| match data {
            Value::String(name) => elements(self.table, name.trim_start_matches('@')).is_some(),
            _ => true,
        });
        if !known {
            return self.ends(Truth::Maybe, Effect::Unclear, place);
        }
        match nat::find(self.scene, self.table, body) {
            Some((Truth::Yes, value)) => {
                let verdict = value.as_object().and_then(|object| object.iter().next());
                match verdict {
                    Some((kind, body)) => self.verdict(truth, kind, body, place, depth),
                    None => self.ends(Truth::Maybe, Effect::Unclear, place),
                }
            }
            Some(_) => self.ends(Truth::Maybe, Effect::Unclear, place),
            None => match super::expression::look(self.scene, self.table.family == "bridge", &body["key"]) {
                super::expression::Seen::Unclear => self.ends(Truth::Maybe, Effect::Unclear, place),
                _ => Step::Next,
            },
        }
    }

    /// Whether it is understood, as far as it matters.
    fn mangle(&mut self, truth: Truth, body: &Value) -> bool {
        let Some((kind, what)) = body.get("key").and_then(Value::as_object).and_then(|key| key.iter().next()) else {
            return false;
        };
        let field = |key: &str| what.get(key).and_then(Value::as_str).unwrap_or_default();
        match (kind.as_str(), field("key"), field("field")) {
            ("meta", "mark", _) => {
                let value = body.get("value").and_then(Value::as_u64).and_then(|mark| u32::try_from(mark).ok());
                self.scene.mark = value.filter(|_| truth == Truth::Yes || value == self.scene.mark);
                true
            }
            ("payload", _, "saddr" | "daddr" | "sport" | "dport") => false,
            _ => true,
        }
    }

    fn ends(&mut self, truth: Truth, effect: Effect, place: Place<'t>) -> Step<'t> {
        if truth == Truth::Yes && effect != Effect::Unclear {
            return Step::Done(Done { effect, path: self.path.clone(), last: Some(place) });
        }
        if truth != Truth::No {
            self.perhaps(effect, place);
        }
        Step::Next
    }

    fn perhaps(&mut self, effect: Effect, place: Place<'t>) {
        self.maybe.push(Done { effect, path: self.path.clone(), last: Some(place) });
    }

    fn matched(&self, chain: &Chain, rule: Option<&Rule>) -> Matched {
        Matched {
            guest: self.scene.machine.station.map(str::to_owned),
            table: self.table.key(),
            chain: chain.name.clone(),
            handle: rule.map(|rule| rule.handle),
            owner: Owner::of(self.table, chain, rule),
            text: rule.map_or_else(|| "policy drop".to_owned(), Rule::text),
        }
    }
}
