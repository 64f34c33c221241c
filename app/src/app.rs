//! What every page has, and which page is shown.

use leptos::prelude::*;

use crate::{
    Initial,
    later::Loader,
    pages::{login::Login, network::Network},
    texts::Texts,
    view::{IntoPart, component},
};

#[component]
pub fn App(initial: Initial) -> impl IntoPart {
    provide_context(Texts::of(initial.language));
    provide_context(Loader::new());
    if initial.logged_in { Network { initial }.into_part() } else { Login {}.into_part() }
}
