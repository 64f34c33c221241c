//! The ways into a guest: which one is used, and why the others are not.

use model::topology;

use crate::{
    facts,
    parts::facts::Fact,
    texts::later::{Texts, texts},
    view::{IntoPart, Part, component, view},
};

/// One of them, the best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    pub name: &'static str,
    pub is_used: bool,
    /// How it stands, or why it is of no use.
    pub reason: String,
}

/// Several facts of a guest; they stand in a `<dl class="facts">`.
#[component]
pub fn Ways(ways: Vec<Way>) -> impl IntoPart {
    let texts = texts();
    let none = !ways.iter().any(|way| way.is_used);
    let line = |way: Way| view! { <Fact word=way.name>{way.reason}</Fact> };
    let lines = ways.into_iter().map(line).collect::<Part>();
    view! {
        {lines}
        {none.then(|| view! { <Fact word=texts.way_in>{texts.no_way_in}</Fact> })}
    }
}

/// The agent, which is asked for everything: of no use if it does not run programs.
pub fn agent(guest: &topology::Guest, is_shut: bool, texts: &'static Texts) -> Way {
    let reason = match guest.trouble.clone() {
        // In the words of whoever tried.
        Some(trouble) => trouble,
        None if is_shut && guest.agent == model::observed::AgentChannel::Connected => texts.exec_forbidden.to_owned(),
        None => facts::agent(guest.agent, false, texts).to_owned(),
    };
    Way { name: texts.agent, is_used: !is_shut, reason }
}
