//! History: every version of the document, who made it and when; back to any of them.

use leptos::{prelude::*, task::spawn_local};
use model::Cluster;
use serde_json::Value;

use crate::{
    api,
    draft::Draft,
    live::Live,
    parts::{dialog::Modal, trouble::Trouble},
    paths,
    refusal::Refusal,
    texts::{fill, later::texts},
    ui::{Ui, moment},
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn History() -> impl IntoPart {
    let live = Live::here();
    let draft = Draft::here();
    let ui = Ui::here();
    let texts = texts();
    let versions = RwSignal::new(None::<Vec<Value>>);
    let refusal = RwSignal::new(None::<Refusal>);
    Effect::new(move |_| {
        live.document.track();
        spawn_local(async move {
            match api::get(paths::VERSIONS, texts).await {
                Ok(Value::Array(found)) => versions.set(Some(found)),
                Ok(_) => {}
                Err(error) => refusal.set(Some(error)),
            }
        });
    });
    let list = move || {
        versions.with(|all| all.iter().flatten().cloned().map(|one| view! { <Version one/> }).collect::<Part>())
    };
    let empty = move || versions.with(|all| all.as_ref().is_some_and(Vec::is_empty));
    let none = Memo::new(move |_| live.document.with(|document| document.version == 0));
    view! {
        <Modal title=texts.history_title.to_owned()>
            <div class="actions">
                <button
                    class="button"
                    disabled=move || none.get() || draft.busy.get()
                    on:click=move |_| { ui.dialog.set(None); draft.undo() }
                >
                    {texts.undo}
                </button>
                <button
                    class="button"
                    disabled=move || none.get() || draft.busy.get()
                    on:click=move |_| { ui.dialog.set(None); draft.redo() }
                >
                    {texts.redo}
                </button>
                <span class="spring"></span>
                <a class="quiet" href=paths::LOG download="bridgehead.jsonl">{texts.whole_log}</a>
            </div>
            <Trouble refusal/>
            {move || empty().then(|| view! { <p class="soft">{texts.no_history}</p> })}
            <ol class="versions">{list}</ol>
        </Modal>
    }
}

/// One version: what it changed, and the way back to it.
#[component]
fn Version(one: Value) -> impl IntoPart {
    let live = Live::here();
    let draft = Draft::here();
    let ui = Ui::here();
    let texts = texts();
    let number = one["version"].as_u64().unwrap_or_default();
    let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let at = moment(one["at"].as_u64().unwrap_or_default());
    let again = one["restores"].as_u64().map(|version| fill(texts.same_as, &[&version.to_string()]));
    let words = [Some(text("why")), again, Some(text("who")), Some(at)];
    let words = words.into_iter().flatten().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" · ");
    let current = move || live.document.with(|document| document.version == number);
    let lines = RwSignal::new(None::<Vec<Value>>);
    let compare = move |_| {
        if lines.with_untracked(Option::is_some) {
            return lines.set(None);
        }
        let path = format!("{}/{}/compare/{number}", paths::VERSIONS, number.saturating_sub(1));
        spawn_local(async move {
            if let Ok(Value::Array(found)) = api::get(&path, texts).await {
                lines.set(Some(found));
            }
        });
    };
    let cluster = one["cluster"].clone();
    let back = move |_| {
        if let Ok(cluster) = serde_json::from_value::<Cluster>(cluster.clone()) {
            ui.dialog.set(None);
            draft.put(cluster);
        }
    };
    view! {
        <li>
            <div class="version-head">
                <b>{fill(texts.version, &[&number.to_string()])}</b>
                {move || current().then(|| view! { <span class="badge">{texts.current}</span> })}
                <span class="spring"></span>
                <button class="button small" aria-expanded=move || lines.with(Option::is_some).to_string() on:click=compare>
                    {texts.compare}
                </button>
                <button class="button small" disabled=current on:click=back>{texts.go_back}</button>
            </div>
            <p class="soft">{words}</p>
            {move || lines.with(|lines| lines.as_ref().map(|lines| comparison(lines)))}
        </li>
    }
}

fn comparison(lines: &[Value]) -> Part {
    let texts = texts();
    if lines.iter().all(|line| line["sign"] == " ") {
        return view! { <p class="soft">{texts.same_document}</p> };
    }
    let line = |line: &Value| {
        let sign = line["sign"].as_str().unwrap_or_default().to_owned();
        let class = match sign.as_str() {
            "+" => "added",
            "-" => "removed",
            _ => "",
        };
        let text = line["text"].as_str().unwrap_or_default();
        view! { <span class=class>{format!("{sign} {text}\n")}</span> }
    };
    let lines = lines.iter().map(line).collect::<Part>();
    view! { <pre class="commands" tabindex="0">{lines}</pre> }
}
