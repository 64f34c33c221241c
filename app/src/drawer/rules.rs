//! The firewall's rules with what their counters have seen. Looking at a table asks the server for its counters.

use leptos::prelude::*;
use model::observed::{Chain, Rule, Table};

use crate::{
    live::Live,
    texts::{fill, later::texts},
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Rules() -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let keys = Memo::new(move |_| live.observed.with(|observed| observed.tables.keys().cloned().collect::<Vec<_>>()));
    on_cleanup(move || live.watched.update(|watched| watched.clear()));
    view! {
        <For each=move || keys.get() let:key>
            <TableView key/>
        </For>
        {move || keys.with(Vec::is_empty).then(|| view! { <p class="soft">{texts.no_rules}</p> })}
    }
}

#[component]
fn TableView(key: String) -> impl IntoPart {
    let live = Live::here();
    let open = RwSignal::new(false);
    let name = key.clone();
    let table = Memo::new(move |_| {
        open.get().then(|| live.observed.with(|observed| observed.tables.get(&name).cloned())).flatten()
    });
    let title = key.clone();
    let toggle = move |_| {
        open.update(|open| *open = !*open);
        live.watched.update(|watched| {
            if open.get_untracked() {
                watched.insert(key.clone());
            } else {
                watched.remove(&key);
            }
        });
    };
    view! {
        <div class="ruleset">
            <button class="quiet" aria-expanded=move || open.get().to_string() on:click=toggle><code>{title}</code></button>
            {move || table.get().map(|table| view! { <Chains table/> })}
        </div>
    }
}

#[component]
fn Chains(table: Table) -> impl IntoPart {
    let texts = texts();
    let key = table.key();
    let chain = |chain: &Chain| {
        let policy = chain.policy.as_ref().map(|policy| fill(texts.policy, &[policy]));
        let about: Vec<String> = chain.hook.iter().cloned().chain(policy).collect();
        let rules =
            chain.rules.iter().map(|rule| view! { <RuleView key=format!("{key} {}", rule.handle) rule=rule.clone()/> });
        let rules = rules.collect::<Part>();
        view! {
            <h3><code>{chain.name.clone()}</code><small>{about.join(" · ")}</small></h3>
            <ul class="rules">{rules}</ul>
        }
    };
    table.chains.iter().map(chain).collect::<Part>()
}

#[component]
fn RuleView(key: String, rule: Rule) -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let hits = move || live.hits.with(|hits| hits.get(&key).copied());
    let ours = rule.serves().is_some();
    let words = rule.statements.iter().map(words).filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" ");
    view! {
        <li class:ours=ours>
            <code>{words}</code>
            {rule.comment.clone().map(|comment| view! { <small>{comment}</small> })}
            <span class="hits">{move || hits().map(|hits| format!("{} {}", hits.packets, texts.packets))}</span>
        </li>
    }
}

/// One statement of nft's JSON in about the words of nft(8): enough to recognise the rule.
fn words(statement: &serde_json::Value) -> String {
    use serde_json::Value;
    fn term(value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Array(list) => list.iter().map(term).collect::<Vec<_>>().join(", "),
            Value::Object(map) => {
                let Some((kind, inner)) = map.iter().next() else { return String::new() };
                let get = |name: &str| inner.get(name).map(term).unwrap_or_default();
                match kind.as_str() {
                    "meta" => get("key"),
                    "payload" => format!("{} {}", get("protocol"), get("field")),
                    "prefix" => format!("{}/{}", get("addr"), get("len")),
                    "ct" => format!("ct {}", get("key")),
                    "fib" => "fib".to_owned(),
                    "set" => format!("{{ {} }}", term(inner)),
                    other => other.to_owned(),
                }
            }
            _ => String::new(),
        }
    }
    let Some((kind, inner)) = statement.as_object().and_then(|map| map.iter().next()) else { return String::new() };
    let get = |name: &str| inner.get(name).map(term).unwrap_or_default();
    match kind.as_str() {
        "match" => {
            let op = match get("op").as_str() {
                "==" | "in" => " ".to_owned(),
                op => format!(" {op} "),
            };
            format!("{}{op}{}", get("left"), get("right"))
        }
        "counter" => String::new(),
        "jump" | "goto" => format!("{kind} {}", get("target")),
        "snat" | "dnat" => format!("{kind} to {}", get("addr")),
        other => other.to_owned(),
    }
}
