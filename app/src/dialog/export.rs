//! The network in other programs' words; while there is a draft, the draft. The server writes them.

use leptos::{prelude::*, task::spawn_local};
use model::export::Format;

use super::keep::Keep;
use crate::{
    api::{self, File},
    draft::Draft,
    parts::{copy::Copy, dialog::Modal, field::Choice, trouble::Trouble},
    texts::{
        fill,
        later::{Texts, texts},
    },
    view::{IntoPart, Part, component, view},
};

#[component]
pub fn Export() -> impl IntoPart {
    let texts = texts();
    let draft = Draft::here().edited.with_untracked(|edited| edited.as_ref().map(|edited| edited.cluster.clone()));
    let (title, about) = match draft {
        Some(_) => (texts.export_draft_title, texts.export_draft),
        None => (texts.export_title, texts.export_network),
    };
    let format = RwSignal::new(Format::Shell.name().to_owned());
    let files = RwSignal::new(None::<Vec<File>>);
    let refusal = RwSignal::new(None);
    Effect::new(move |_| {
        let wanted = format.get();
        let draft = draft.clone();
        spawn_local(async move {
            let answer = api::export(draft.as_ref(), &wanted, texts).await;
            // Another format may have been chosen meanwhile, or the dialog closed.
            if format.try_get_untracked().as_ref() == Some(&wanted) {
                let (found, trouble) = answer.map_or_else(|trouble| (None, Some(trouble)), |found| (Some(found), None));
                files.set(found);
                refusal.set(trouble);
            }
        });
    });
    let options = Format::ALL.map(|format| (format.name().to_owned(), words(format, texts)));
    let shown = move || {
        files.get().map(|files| match files.as_slice() {
            [] => view! { <p class="soft">{texts.export_nothing}</p> }.into_part(),
            files => files.iter().map(|file| view! { <FileView file=file.clone()/> }).collect::<Part>(),
        })
    };
    view! {
        <Modal title=title.to_owned()>
            <p class="soft">{about}</p>
            <Keep/>
            <Choice label=texts.export_format name="format" value=format options=options.to_vec()/>
            <Trouble refusal/>
            <div class="exports" aria-live="polite">{shown}</div>
        </Modal>
    }
}

fn words(format: Format, texts: &Texts) -> String {
    match format {
        Format::Document => texts.format_document.to_owned(),
        Format::Shell => texts.format_shell.to_owned(),
        Format::Libvirt => texts.format_libvirt.to_owned(),
        Format::Nft => texts.format_nft.to_owned(),
        Format::Netplan | Format::Networkd | Format::Ifupdown | Format::NetworkManager => {
            fill(texts.format_bridges, &[format.name()])
        }
        Format::CloudInit => texts.format_cloud_init.to_owned(),
    }
}

/// A file: its path, its text, and two ways to take it along.
#[component]
fn FileView(file: File) -> impl IntoPart {
    let texts = texts();
    let File { path, text } = file;
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let copying = text.clone();
    let address = format!("data:text/plain;charset=utf-8,{}", js_sys::encode_uri_component(&text));
    view! {
        <section class="file">
            <div class="file-head">
                <code>{path}</code>
                <Copy text=copying/>
                <a class="button" href=address download=name>{texts.download}</a>
            </div>
            <pre tabindex="0" class="commands">{text}</pre>
        </section>
    }
}
