//! The files by which the host's own manager makes the bridges too, where Bridgehead's service is not there to do it.

use std::collections::BTreeMap;

use crate::{Cluster, export, observed::Folder, step::Step};

use super::{Phase, Planner};

pub(super) fn plan(planner: &mut Planner<'_>) {
    let (old, new) = (files(planner.committed), files(planner.draft));
    for (path, text) in &new {
        let was = planner.observed.file(path);
        // Where the folder is missing, the check has said so.
        let there = Folder::of(path).is_some_and(|(folder, _)| planner.observed.folders.contains_key(folder));
        if there && was != Some(text) {
            write(planner, path, Some(text), was.cloned());
        }
    }
    for path in old.keys().filter(|path| !new.contains_key(*path)) {
        if let Some(was) = planner.observed.file(path).cloned() {
            write(planner, path, None, Some(was));
        }
    }
}

fn files(cluster: &Cluster) -> BTreeMap<String, String> {
    export::kept(cluster).into_iter().map(|file| (file.path, file.text)).collect()
}

fn write(planner: &mut Planner<'_>, path: &str, text: Option<&String>, was: Option<String>) {
    planner.push(Phase::Files, Step::WriteFile { path: path.to_owned(), text: text.cloned(), was });
}
