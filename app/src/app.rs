//! What every page has, and which page is shown.

use leptos::prelude::*;

use crate::{
    Initial,
    pages::{login::Login, network::Network},
    texts::Texts,
};

#[component]
pub fn App(initial: Initial) -> impl IntoView {
    provide_context(Texts::of(initial.language));
    if initial.logged_in {
        Network(crate::pages::network::NetworkProps { initial }).into_any()
    } else {
        Login().into_any()
    }
}
