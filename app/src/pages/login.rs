//! The log-in page.

use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use model::Language;
use wasm_bindgen::JsCast;

use crate::{
    api,
    later::{Loader, Waiting},
    parts::trouble::Trouble,
    paths,
    refusal::Refusal,
    texts::{later, texts},
    view::{IntoPart, NodeRef, component, view},
};

#[component]
pub fn Login() -> impl IntoPart {
    let loader = Loader::here();
    Effect::new(move |_| loader.load());
    let texts = texts();
    let token = NodeRef::new_local(None);
    let refusal = RwSignal::new(None::<Refusal>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(input) = token.get_untracked().and_then(|node| node.dyn_into::<web_sys::HtmlInputElement>().ok())
        else {
            return;
        };
        loader.act(move |later| (later.log_in)(input.value(), refusal, texts.language));
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
                {move || loader.is_behind().then(|| view! { <Waiting loader/> })}
                <button class="button go" type="submit">{texts.login}</button>
            </form>
        </main>
    }
}

pub fn log_in(token: String, refusal: RwSignal<Option<Refusal>>, language: Language) {
    spawn_local(async move {
        match api::log_in(token.trim(), later::Texts::of(language)).await {
            Ok(()) => go_home(),
            Err(refused) => refusal.set(Some(refused)),
        }
    });
}

pub fn log_out(language: Language) {
    spawn_local(async move {
        if api::log_out(later::Texts::of(language)).await.is_ok() {
            go_home();
        }
    });
}

fn go_home() {
    // The page that is left has nothing to say about it.
    let _ = window().location().set_href(paths::HOME);
}
