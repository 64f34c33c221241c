//! What becomes of an object at a reboot, in words and as a badge.

use leptos::prelude::*;
use model::{
    note::Subject,
    survival::{Keeper, Survival},
};

use crate::{
    live::Live,
    parts::facts::Fact,
    texts::{
        fill,
        later::{Texts, texts},
    },
    view::{IntoPart, Part, component, view},
};

/// One of the facts of a drawer.
#[component]
pub fn AfterReboot(subject: Subject) -> impl IntoPart {
    let live = Live::here();
    let texts = texts();
    let survival = known(live, subject.clone());
    let value = move || survival.with(|survival| survival.as_ref().map(|survival| words(survival, &subject, texts)));
    view! { <Fact word=texts.after_reboot>{value}</Fact> }
}

/// In the outline, where there is something to be said.
#[component]
pub fn Worry(subject: Subject) -> impl IntoPart {
    let survival = known(Live::here(), subject.clone());
    let texts = texts();
    move || {
        let worry = survival.get().filter(Survival::is_worrying)?;
        let words = fill(texts.after_reboot_is, &[&words(&worry, &subject, texts)]);
        Some(view! { <span class="soft worry">{words}</span> })
    }
}

/// On the picture: one node, whether there is something to be said or not.
pub fn badge(subject: Subject) -> Part {
    let live = Live::here();
    let texts = texts();
    let worry = Memo::new(move |_| {
        live.observed.with(|observed| live.document.with(|is| Survival::worry(observed, &is.cluster, &subject)))
    });
    let glyph = move || {
        worry.get().map(|(subject, survival)| {
            let kind = if matches!(survival, Survival::Contested { .. }) { "contested" } else { "runtime" };
            let words = words(&survival, &subject, texts);
            let words = match &subject {
                Subject::Nic(mac) => format!("{mac}: {words}"),
                _ => fill(texts.after_reboot_is, &[&words]),
            };
            view! { <span class=format!("survival {kind}") role="img" aria-label=words.clone() title=words></span> }
        })
    };
    glyph.into_part()
}

fn known(live: Live, subject: Subject) -> Memo<Option<Survival>> {
    Memo::new(move |_| {
        live.observed.with(|observed| live.document.with(|is| Survival::of(observed, &is.cluster, &subject)))
    })
}

/// `mybr0`: `Bridgehead puts it back`.
pub fn words(survival: &Survival, subject: &Subject, texts: &Texts) -> String {
    match (survival, subject) {
        (Survival::Runtime, Subject::Nic(_)) => texts.gone_with_guest.to_owned(),
        (Survival::Runtime, Subject::Guest(_) | Subject::Network(_)) => texts.gone_undefined.to_owned(),
        (Survival::Runtime, _) => texts.runtime_only.to_owned(),
        (Survival::Bare, _) => texts.comes_back_bare.to_owned(),
        (Survival::Saved { by }, _) => saved(by, texts),
        (Survival::Contested { by }, Subject::Nic(_)) if by.len() == 1 => texts.defined_elsewhere.to_owned(),
        (Survival::Contested { by }, _) => {
            let names: Vec<String> = by.iter().map(name).collect();
            fill(texts.contested, &[&names.join(", ")])
        }
    }
}

fn saved(by: &Keeper, texts: &Texts) -> String {
    match by {
        Keeper::Document => texts.we_put_it_back.to_owned(),
        Keeper::Definition { starts: true } => texts.libvirt_starts_it.to_owned(),
        Keeper::Definition { starts: false } => texts.to_be_started.to_owned(),
        Keeper::Guest(guest) => fill(texts.comes_with_guest, &[guest]),
        Keeper::NextStart => texts.not_in_machine.to_owned(),
        Keeper::Kernel => texts.nothing_to_lose.to_owned(),
        Keeper::Manager(manager) => fill(texts.set_up_by, &[&manager.to_string()]),
    }
}

fn name(keeper: &Keeper) -> String {
    match keeper {
        Keeper::Document => "Bridgehead".to_owned(),
        Keeper::Manager(manager) => manager.to_string(),
        Keeper::Definition { .. } => "libvirt".to_owned(),
        Keeper::Guest(guest) => guest.clone(),
        // Neither of these contests anything.
        Keeper::NextStart | Keeper::Kernel => String::new(),
    }
}
