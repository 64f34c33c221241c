//! The answer in words: yes, no or not known; the first "no" with the rule or setting that says it; the way; what was assumed.

use leptos::prelude::*;
use model::explain::{Explanation, Finding, Matched, Origin, Question, Target, Verdict};

use super::{
    Explain,
    hop::{Go, Hops, owner},
    promise::Offer,
};
use crate::{
    parts::facts::Fact,
    texts::{
        fill,
        later::{Texts, texts},
    },
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Answer() -> impl IntoPart {
    let answer = Explain::here().answer;
    let texts = texts();
    let class = move || {
        answer.with(|answer| match answer.as_ref().map(|answer| answer.verdict) {
            None => "verdict",
            Some(Verdict::Yes) => "verdict ok",
            Some(Verdict::No) => "verdict bad",
            Some(Verdict::Unknown) => "verdict warn",
        })
    };
    let words = move || answer.with(|answer| answer.as_ref().map(|answer| verdict(answer, texts)));
    view! {
        <p class=class role="status">{words}</p>
        {move || answer.get().map(|answer| {
            let finding = answer.finding.as_ref().map(|finding| found(answer.verdict, finding, texts));
            let assumed = answer.assumed.iter().map(|assumed| assumed.text(texts.language).to_owned()).collect();
            view! {
                {finding}
                <Offer question=answer.question.clone() verdict=answer.verdict/>
                <Hops explanation=answer/>
                <Assumed assumed/>
            }
        })}
    }
}

fn verdict(answer: &Explanation, texts: &Texts) -> String {
    let words = match answer.verdict {
        Verdict::Yes => texts.verdict_yes,
        Verdict::No => texts.verdict_no,
        Verdict::Unknown => texts.verdict_unknown,
    };
    let Question { from, to, .. } = &answer.question;
    let from = match from {
        Origin::Guest { guest, interface: None } => guest.clone(),
        Origin::Guest { guest, interface: Some(interface) } => format!("{guest}:{interface}"),
        Origin::Host => texts.host_of_guests.to_owned(),
        Origin::Outside { address: Some(address), .. } => address.to_string(),
        Origin::Outside { address: None, .. } => texts.outside.to_owned(),
    };
    let to = match to {
        Target::Guest { guest } => guest.clone(),
        Target::Host => texts.host_of_guests.to_owned(),
        Target::Address { address } => address.to_string(),
    };
    fill(words, &[&from, &to])
}

/// The first "no", or the first thing that is not known.
fn found(verdict: Verdict, finding: &Finding, texts: &Texts) -> Part {
    let Finding { subject, text, rule, setting, .. } = finding;
    let class = if verdict == Verdict::No { "note block" } else { "note warn" };
    let facts = rule.is_some() || setting.is_some();
    let facts = facts.then(|| {
        view! {
            <dl class="facts">
                {rule.as_ref().map(|rule| rule_facts(rule, texts))}
                {setting.clone().map(|setting| view! { <Fact word=texts.setting><code>{setting}</code></Fact> })}
            </dl>
        }
    });
    view! {
        <div class=class>
            <p>{text.text(texts.language).to_owned()}</p>
            {facts}
            <div class="actions"><Go to=subject.clone() name=subject.to_string()/></div>
        </div>
    }
}

fn rule_facts(rule: &Matched, texts: &Texts) -> Part {
    let place = rule.guest.clone().unwrap_or_else(|| texts.host_of_guests.to_owned());
    let handle = rule.handle.map(|handle| view! { <Fact word=texts.handle><code>{handle.to_string()}</code></Fact> });
    view! {
        <Fact word=texts.machine>{place}</Fact>
        <Fact word=texts.table><code>{rule.table.clone()}</code></Fact>
        <Fact word=texts.chain><code>{rule.chain.clone()}</code></Fact>
        {handle}
        <Fact word=texts.rule><code>{rule.text.clone()}</code></Fact>
        <Fact word=texts.put_there_by>{owner(rule.owner, texts)}</Fact>
    }
}

/// What nobody here can see.
#[component]
fn Assumed(assumed: Vec<String>) -> impl IntoPart {
    if assumed.is_empty() {
        return Part::Nothing;
    }
    view! {
        <h3>{texts().assumed}</h3>
        <ul class="assumed">{assumed.into_iter().map(|text| view! { <li>{text}</li> }).collect::<Part>()}</ul>
    }
}
