//! Promises of the seed's network: kept, broken, and about to be.

#![allow(dead_code, reason = "the scenes are those of the explained cases")]

#[path = "explain/scene.rs"]
mod scene;
mod world;

use model::{
    Cluster, Observed,
    check::check,
    cluster::Promise,
    note::{Severity, Subject},
    plan::plan,
    promise::Kept,
};

fn seed() -> Observed {
    scene::all()["nine-hops"]()
}

fn document(promises: &str) -> Cluster {
    Cluster::from_toml(&format!("{}{}{promises}", scene::SEED, scene::GATEWAY)).expect("a document")
}

fn promise(text: &str) -> Promise {
    document(&format!("[[promise]]\n{text}")).promises[0].clone()
}

const OUT: &str = "from = \"node1\"\nto = \"10.0.0.9\"\nthrough = \"master\"\n";

#[test]
fn what_is_so_is_kept() {
    let observed = seed();
    for text in [
        OUT,
        "from = \"node1\"\nto = \"10.0.0.9\"\ntcp = 443",
        "from = \"host\"\nto = \"node1\"",
        "from = \"outside\"\nto = \"node1\"\nrefused = true",
    ] {
        assert_eq!(promise(text).kept(&observed), Kept::Yes, "{text}");
    }
}

#[test]
fn what_is_not_so_says_why() {
    let observed = seed();
    let because = |text: &str| match promise(text).kept(&observed) {
        Kept::No(why) => why.en,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(
        because("from = \"node1\"\nto = \"10.0.0.9\"\nthrough = \"node2\""),
        "it gets there, but not through node2"
    );
    assert_eq!(because("from = \"node1\"\nto = \"10.0.0.9\"\nrefused = true"), "it gets there");
    assert!(because("from = \"node1\"\nto = \"192.168.48.77\"").contains("192.168.48.77"));
}

#[test]
fn who_is_off_breaks_nothing() {
    let observed = scene::all()["guest-off"]();
    let kept = promise("from = \"node1\"\nto = \"node2\"").kept(&observed);
    assert!(matches!(&kept, Kept::Unknown(why) if why.en == "node2 is not running"), "{kept:?}");
}

#[test]
fn a_draft_that_would_break_one_is_told_so() {
    let observed = seed();
    let committed = document(&format!("[[promise]]\n{OUT}"));
    let quiet = plan(&observed, &committed, &committed);
    assert!(quiet.notes.iter().all(|note| !note.code.starts_with("promise")), "{:?}", quiet.notes);
    let draft = Cluster { gateways: Vec::new(), ..committed.clone() };
    let plan = plan(&observed, &committed, &draft);
    let told = plan.notes.iter().find(|note| note.code == "promise-breaks").expect("a note");
    assert_eq!((told.severity, &told.subject), (Severity::Warn, &Subject::Guest("node1".to_owned())));
    assert!(
        told.text.en.starts_with("This would break a promise: node1 reaches 10.0.0.9 through master. "),
        "{told:?}"
    );
    assert!(!plan.is_empty() && !plan.is_blocked(), "it is told, and may be done");
}

#[test]
fn what_cannot_be_promised_names_its_field() {
    let observed = seed();
    let wrong = |text: &str| -> Vec<(String, String)> {
        let document = document(&format!("[[promise]]\n{text}"));
        let notes = check(&observed, &document).into_iter().filter(|note| note.severity == Severity::Block);
        notes.filter_map(|note| Some((note.code, note.field?))).collect()
    };
    let one = |code: &str, field: &str| vec![(code.to_owned(), field.to_owned())];
    assert_eq!(wrong(OUT), []);
    assert_eq!(wrong("from = \"nobody\"\nto = \"host\""), one("unknown-guest", "promise.nobody > host.from"));
    assert_eq!(wrong("from = \"host\"\nto = \"nobody\""), one("unknown-guest", "promise.host > nobody.to"));
    assert_eq!(wrong("from = \"host\"\nto = \"node1\"\ntcp = 0"), one("bad-port", "promise.host > node1 tcp 0.tcp"));
    assert_eq!(
        wrong("from = \"host\"\nto = \"node1\"\ntcp = 1\nudp = 1"),
        one("two-ports", "promise.host > node1 tcp 1.udp")
    );
    assert_eq!(
        wrong("from = \"node1\"\nto = \"host\"\nthrough = \"nobody\""),
        one("unknown-guest", "promise.node1 > host.through")
    );
    assert_eq!(
        wrong("from = \"node1\"\nto = \"host\"\nthrough = \"master\"\nrefused = true"),
        one("refused-through", "promise.node1 > host.through")
    );
    assert_eq!(
        wrong(&format!("{OUT}[[promise]]\nfrom = \"node1\"\nto = \"10.0.0.9\"\nrefused = true")),
        one("promised-twice", "promise.node1 > 10.0.0.9.to")
    );
    for text in
        ["from = \"\"\nto = \"host\"", "from = \"host\"\nto = \"outside\"", "from = \"host\"\nto = \"host\"\nvia = 1"]
    {
        assert!(Cluster::from_toml(&format!("[[promise]]\n{text}")).is_err(), "{text}");
    }
}
