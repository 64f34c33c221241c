//! The log-in page.

use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;

use crate::{
    api,
    header::go_home,
    parts::trouble::Trouble,
    refusal::Refusal,
    texts::texts,
    view::{IntoPart, NodeRef, component, view},
};

#[component]
pub fn Login() -> impl IntoPart {
    let texts = texts();
    let token = NodeRef::new_local(None);
    let refusal = RwSignal::new(None::<Refusal>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(input) = token.get_untracked().and_then(|node| node.dyn_into::<web_sys::HtmlInputElement>().ok())
        else {
            return;
        };
        spawn_local(async move {
            match api::log_in(input.value().trim(), texts).await {
                Ok(()) => go_home(),
                Err(refused) => refusal.set(Some(refused)),
            }
        });
    };
    view! {
        <main class="login">
            <form on:submit=submit>
                <h1>"Bridgehead"</h1>
                <p>{texts.login_text}</p>
                <label class="field">
                    <span>{texts.token}</span>
                    <input type="password" name="token" autocomplete="current-password" required node_ref=token/>
                </label>
                <Trouble refusal/>
                <button class="button go" type="submit">{texts.login}</button>
            </form>
        </main>
    }
}
