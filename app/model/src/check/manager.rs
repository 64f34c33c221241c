//! The manager that is told of the bridges: whether it is there, and whether our files are ours to change.

use std::collections::BTreeSet;

use crate::{
    Cluster, Observed, export,
    note::{Note, Sentence, Severity, Subject},
    observed::Folder,
};

use super::note;

pub fn check(observed: &Observed, committed: &Cluster, draft: &Cluster, notes: &mut Vec<Note>) {
    let Some(manager) = draft.manager else { return };
    // A manager that goes later takes nothing along that the host has now.
    let severity = if committed.manager == draft.manager { Severity::Warn } else { Severity::Block };
    let mut say = |severity, code, en: String, zh: String| {
        let field = Some("manager".to_owned());
        notes.push(note(severity, Subject::Host, code, Sentence::new(en, zh), field));
    };
    let mut missing = BTreeSet::new();
    for file in export::kept(draft) {
        let Some((folder, name)) = Folder::of(&file.path) else { continue };
        match observed.folders.get(folder) {
            None => {
                missing.insert(folder.to_owned());
            }
            Some(there) if there.files.get(name) == Some(&None) => {
                let path = &file.path;
                let en =
                    format!("{path} is too long, or no text: it could not be given back as it is. Move it away first.");
                let zh = format!("{path} 过长或不是文本，无法原样恢复。请先将其移走。");
                say(Severity::Block, "file-unreadable", en, zh);
            }
            Some(_) => {}
        }
    }
    for folder in missing {
        let en = format!("The bridges cannot be kept in {manager}: there is no {folder}. Is {manager} installed?");
        let zh = format!("无法将网桥保存到 {manager}：没有 {folder}。是否已安装 {manager}？");
        say(severity, "no-manager", en, zh);
    }
}
