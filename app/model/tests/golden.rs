//! Golden folders: `cases/<case>/{observed.json, committed.toml, draft.toml, plan.txt}`, walked by one test.
//!
//! `UPDATE=1` writes `plan.txt` anew; a new case is a new folder. `observed.json` may be left out of a new folder: then the
//! lab's host is written there, with the committed document applied to it.

mod world;

use std::{fmt::Write, fs, path::Path};

use model::{
    Cluster, Language, Observed,
    drift::drift,
    note::Severity,
    persist::is_ours,
    plan::{Plan, plan},
    proof::Promise,
    step::Step,
};
use world::lab;

fn text(plan: &Plan, observed: &Observed, committed: &Cluster) -> String {
    let mut out = String::new();
    let mut now = observed.clone();
    for step in &plan.steps {
        let _ = writeln!(out, "{}\n    {}", step.sentence(Language::English), step.sentence(Language::Chinese));
        let _ = writeln!(out, "    $ {}", step.command_on(&now));
        step.simulate(&mut now);
    }
    for promise in &plan.promises {
        let Promise { guest, target, first_hop, refused } = promise;
        let reaches = if *refused { "is refused" } else { "reaches" };
        let _ = writeln!(out, "promise: {guest} {reaches} {target} by way of {first_hop}");
    }
    for note in drift(observed, committed) {
        let fix = note.fix.map(|fix| format!(" [{}]", fix.label.en)).unwrap_or_default();
        let _ = writeln!(out, "drift: {} {}{fix}\n    {}", note.subject, note.text.en, note.text.zh);
    }
    for note in &plan.notes {
        let severity = match note.severity {
            Severity::Block => "blocks",
            Severity::Warn => "warns",
            Severity::Tell => "tells",
        };
        let field = note.field.as_ref().map(|field| format!(" [{field}]")).unwrap_or_default();
        let _ = writeln!(
            out,
            "{severity} {} {}{field}\n    {}\n    {}",
            note.subject, note.code, note.text.en, note.text.zh
        );
    }
    out
}

fn document(path: &Path) -> Cluster {
    let text = fs::read_to_string(path).unwrap_or_default();
    Cluster::from_toml(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_case_gives_its_plan() {
    let update = std::env::var_os("UPDATE").is_some();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut wrong = Vec::new();
    let mut folders: Vec<_> = fs::read_dir(&cases)
        .expect("the cases")
        .map(|entry| entry.expect("a case").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(!folders.is_empty());
    for folder in folders {
        let host = folder.join("observed.json");
        if update && !host.exists() {
            let mut built = lab(&["master", "node1", "node2"]);
            let committed = document(&folder.join("committed.toml"));
            for step in plan(&built, &Cluster::default(), &committed).steps {
                step.simulate(&mut built);
            }
            let json = serde_json::to_string_pretty(&built).expect("JSON");
            fs::write(&host, json + "\n").expect("observed.json is written");
        }
        let json = fs::read_to_string(&host).unwrap_or_else(|error| panic!("{}: {error}", host.display()));
        let observed: Observed = serde_json::from_str(&json).expect("an observation");
        let committed = document(&folder.join("committed.toml"));
        let draft = document(&folder.join("draft.toml"));
        let made = plan(&observed, &committed, &draft);
        let now = text(&made, &observed, &committed);
        let golden = folder.join("plan.txt");
        if update {
            fs::write(&golden, &now).expect("plan.txt is written");
        } else if fs::read_to_string(&golden).unwrap_or_default() != now {
            wrong.push(format!("{}:\n{now}", folder.display()));
        }
        for step in &made.steps {
            if let Step::ReplaceGuestFiles { files, .. } = step {
                assert!(files.keys().all(|path| is_ours(path)), "{step:?}");
            }
        }
        let after = made.steps.iter().fold(observed, |mut after, step| {
            step.simulate(&mut after);
            after
        });
        if !made.is_blocked() {
            assert!(plan(&after, &draft, &draft).is_empty(), "{} is not satisfied", folder.display());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
