//! Following a packet through a base chain.

use ipnet::IpNet;

use crate::{
    observed::{Chain, Rule, Table},
    step::Forwarded,
};

use super::statement::{Field, Statement, Text};

/// Forwarded traffic, as far as the question says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    pub in_link: &'a str,
    pub out_link: &'a str,
    pub source: Option<IpNet>,
    pub destination: Option<IpNet>,
    /// What it asks, at `destination`; any protocol and port if absent.
    pub to: Option<Forwarded>,
    /// Part of a connection that is already known; otherwise the first packet of one.
    pub established: bool,
}

impl<'a> Packet<'a> {
    /// From one port of this bridge to another.
    pub fn within(bridge: &'a str) -> Self {
        Self { in_link: bridge, out_link: bridge, source: None, destination: None, to: None, established: false }
    }
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Dropped or rejected, for all that is understood.
    pub dropped: bool,
    /// By the chain's policy, not by a rule.
    pub by_policy: bool,
    /// Handles of rules that were met and may decide otherwise.
    pub unclear: Vec<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Dropped,
    /// Left the chain without a decision.
    Through,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Truth {
    Yes,
    No,
    Maybe,
}

/// Deepest nesting of jumps that nft allows (NFT_JUMP_STACK_SIZE, linux/netfilter/nf_tables.h).
const DEPTH: usize = 16;
/// Rules looked at in one walk: a ruleset of chains that jump to the next one twice would else take for ever.
const RULES: usize = 20_000;

struct Walk<'a> {
    table: &'a Table,
    packet: Packet<'a>,
    skip: &'a dyn Fn(&Rule) -> bool,
    left: usize,
    unclear: Vec<u64>,
}

/// What `chain` of `table` does with `packet`, if the rules that `skip` names were not there.
pub fn walk(table: &Table, chain: &Chain, packet: Packet<'_>, skip: &dyn Fn(&Rule) -> bool) -> Outcome {
    let mut walk = Walk { table, packet, skip, left: RULES, unclear: Vec::new() };
    let verdict = walk.chain(chain, 0);
    let by_policy = verdict == Verdict::Through && chain.policy.as_deref() == Some("drop");
    Outcome { dropped: by_policy || verdict == Verdict::Dropped, by_policy, unclear: walk.unclear }
}

impl Walk<'_> {
    fn chain(&mut self, chain: &Chain, depth: usize) -> Verdict {
        if depth > DEPTH {
            return Verdict::Through;
        }
        for rule in &chain.rules {
            if self.left == 0 {
                return Verdict::Through;
            }
            self.left -= 1;
            if (self.skip)(rule) {
                continue;
            }
            match self.rule(rule, depth) {
                Step::Next => {}
                Step::Return => return Verdict::Through,
                Step::Done(verdict) => return verdict,
            }
        }
        Verdict::Through
    }

    fn rule(&mut self, rule: &Rule, depth: usize) -> Step {
        let mut truth = Truth::Yes;
        for value in &rule.statements {
            let statement = Statement::read(value);
            match statement {
                Statement::Match { field, equal, values } => {
                    let one = values.map_or(Truth::Maybe, |values| self.holds(field, &values));
                    match if equal { one } else { not(one) } {
                        Truth::No => return Step::Next,
                        Truth::Maybe => truth = Truth::Maybe,
                        Truth::Yes => {}
                    }
                }
                Statement::Condition => truth = Truth::Maybe,
                Statement::Harmless | Statement::Snat(_) | Statement::Dnat(_) | Statement::Masquerade => {}
                Statement::Unknown => {
                    self.unclear.push(rule.handle);
                    return Step::Next;
                }
                Statement::Accept if truth == Truth::Yes => return Step::Done(Verdict::Accepted),
                Statement::Drop if truth == Truth::Yes => return Step::Done(Verdict::Dropped),
                Statement::Return if truth == Truth::Yes => return Step::Return,
                // A condition that is not understood: what falls through it counts, so that no promise rests on a guess.
                Statement::Accept | Statement::Return => return Step::Next,
                Statement::Drop => {
                    self.unclear.push(rule.handle);
                    return Step::Next;
                }
                Statement::Jump(target) | Statement::Goto(target) => {
                    let goto = matches!(statement, Statement::Goto(_));
                    let Some(chain) = self.table.chain(target) else { return Step::Next };
                    let verdict = self.chain(chain, depth + 1);
                    return match verdict {
                        Verdict::Through if goto && truth == Truth::Yes => Step::Return,
                        Verdict::Through => Step::Next,
                        decided if truth == Truth::Yes => Step::Done(decided),
                        Verdict::Dropped => {
                            self.unclear.push(rule.handle);
                            Step::Next
                        }
                        Verdict::Accepted => Step::Next,
                    };
                }
            }
        }
        Step::Next
    }

    fn holds(&self, field: Field, values: &[Text<'_>]) -> Truth {
        let any = |truth: &dyn Fn(&Text<'_>) -> Truth| {
            let all: Vec<Truth> = values.iter().map(truth).collect();
            if all.contains(&Truth::Yes) {
                Truth::Yes
            } else if all.contains(&Truth::Maybe) {
                Truth::Maybe
            } else {
                Truth::No
            }
        };
        match field {
            Field::InLink | Field::InBridge => any(&|value| named(value, self.packet.in_link)),
            Field::OutLink | Field::OutBridge => any(&|value| named(value, self.packet.out_link)),
            Field::Source => any(&|value| inside(value, self.packet.source)),
            Field::Destination => any(&|value| inside(value, self.packet.destination)),
            Field::ConnectionState => {
                let state = if self.packet.established { "established" } else { "new" };
                any(&|value| if *value == Text::Word(state) { Truth::Yes } else { Truth::No })
            }
            Field::Protocol => any(&|value| asked(self.packet.to, |to| *value == Text::Word(&to.protocol.to_string()))),
            Field::DestinationPort(protocol) => any(&|value| {
                asked(self.packet.to, |to| to.protocol == protocol && *value == Text::Number(to.to.port().into()))
            }),
            // Forwarded packets are neither from the host nor for it.
            Field::SourceType | Field::DestinationType => {
                any(&|value| if *value == Text::Word("local") { Truth::No } else { Truth::Maybe })
            }
            Field::ConnectionStatus | Field::Other => Truth::Maybe,
        }
    }
}

enum Step {
    Next,
    Return,
    Done(Verdict),
}

fn not(truth: Truth) -> Truth {
    match truth {
        Truth::Yes => Truth::No,
        Truth::No => Truth::Yes,
        Truth::Maybe => Truth::Maybe,
    }
}

/// An interface name of a rule, which may end in a wildcard.
fn named(value: &Text<'_>, name: &str) -> Truth {
    let Text::Word(word) = value else { return Truth::Maybe };
    if word.starts_with('@') {
        return Truth::Maybe;
    }
    let same = word.strip_suffix('*').map_or(*word == name, |prefix| name.starts_with(prefix));
    if same { Truth::Yes } else { Truth::No }
}

fn asked(to: Option<Forwarded>, holds: impl Fn(Forwarded) -> bool) -> Truth {
    match to.map(holds) {
        Some(true) => Truth::Yes,
        Some(false) => Truth::No,
        None => Truth::Maybe,
    }
}

fn inside(value: &Text<'_>, net: Option<IpNet>) -> Truth {
    let (Text::Net(rule), Some(net)) = (value, net) else { return Truth::Maybe };
    if rule.contains(&net) {
        Truth::Yes
    } else if net.contains(rule) {
        Truth::Maybe
    } else {
        Truth::No
    }
}
