//! Golden folders: `explain/<case>/{question.json, explanation.txt}`, walked by one test. The network of each case is made by
//! the function of its name in `explain/scene.rs`.
//!
//! `UPDATE=1` writes `explanation.txt` anew.

#[path = "explain/scene.rs"]
mod scene;
mod world;

use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

use model::{
    Language,
    explain::{Question, Verdict, explain},
};

#[test]
fn every_case_is_explained() {
    let update = std::env::var_os("UPDATE").is_some();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain");
    let folders = fs::read_dir(&cases).expect("the cases").map(|entry| entry.expect("a case").path());
    let folders: BTreeSet<String> = folders
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    let scenes = scene::all();
    assert_eq!(folders, scenes.keys().map(|name| (*name).to_owned()).collect(), "a case has a folder and a scene");
    let mut wrong = Vec::new();
    for (name, build) in scenes {
        let folder = cases.join(name);
        let json = fs::read_to_string(folder.join("question.json")).expect("a question");
        let question: Question = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{name}: {error}"));
        let explanation = explain(&build(), &question);
        let mut now = explanation.text(Language::English);
        for line in explanation.text(Language::Chinese).lines().filter(|line| !line.starts_with(['<', '>'])) {
            let _ = writeln!(now, "{line}");
        }
        let golden = folder.join("explanation.txt");
        if update {
            fs::write(&golden, &now).expect("explanation.txt is written");
        } else if fs::read_to_string(&golden).unwrap_or_default() != now {
            wrong.push(format!("{name}:\n{now}"));
        }
        assert_eq!(explanation.verdict == Verdict::Yes, explanation.finding.is_none(), "{name}");
        let sent = serde_json::to_string(&explanation).expect("JSON");
        assert_eq!(explanation, serde_json::from_str(&sent).expect("the same"), "{name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
