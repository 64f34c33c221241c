//! Views of one small type.
//!
//! Leptos gives every view a type of its own, and its code again for each of them. Here a view is data, a [`Part`], and
//! the code that writes it as HTML (`html`) or brings it into the document (`dom`) exists once. Signals, memos,
//! effects, contexts and events are Leptos' own.
//!
//! ```text
//! view! { <b>{move || name.get()}</b> } ─► Part ─► html::write          on the server
//!                                                └► dom::Cursor::take    in the browser, the first time and each time
//! ```

mod decimal;
#[cfg(feature = "hydrate")]
mod dom;
#[cfg(feature = "ssr")]
mod html;
mod part;

pub use decimal::decimal;
pub use part::{Element, IntoPart, NodeRef, Part, each};
pub use view_macro::{component, view};

#[cfg(feature = "hydrate")]
pub use dom::hydrate_body;
#[cfg(feature = "ssr")]
pub use html::{escape, write};
