use model::plan::{ChangeState, Plan};

use crate::host::guest::Login;

use super::{
    journal::{Again, NewChange, Outcome},
    *,
};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("bridgehead-store-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    folder
}

#[test]
fn versions_are_added_and_read_back() {
    let folder = folder("versions");
    let store = Store::open(&folder).expect("a store");
    assert_eq!(store.document().expect("a document"), Document::default());
    let cluster =
        Cluster::from_toml("[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n").expect("a cluster");
    let commit = |cluster: &Cluster, restores| {
        let id = store.begin(&change(cluster, Again { restores, undoes: None }), 0, 5).expect("a change");
        store.commit(id, &[], 6).expect("a commit").expect("nobody takes it back")
    };
    assert_eq!(commit(&cluster, None), 1);
    assert_eq!(commit(&cluster, None), 1, "the same document is no new version");
    assert_eq!(commit(&Cluster::default(), Some(0)), 2);
    drop(store);
    let store = Store::open(&folder).expect("the same store");
    assert_eq!(store.document().expect("a document").version, 2);
    assert_eq!(store.version(1).expect("a version").expect("it is there").cluster, cluster);
    let versions = store.versions(10).expect("versions");
    assert_eq!(versions.iter().map(|version| version.restores).collect::<Vec<_>>(), [Some(0), None]);
    assert_eq!(store.changes(10).expect("changes").len(), 3);
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn undo_and_redo_walk_along_the_versions() {
    let folder = folder("walk");
    let store = Store::open(&folder).expect("a store");
    let put = |address: &str, again| {
        let text = format!("[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.{address}/24\"\n");
        let id = store.begin(&change(&Cluster::from_toml(&text).expect("a cluster"), again), 0, 5).expect("a change");
        store.commit(id, &[], 6).expect("a commit").expect("nobody takes it back")
    };
    let undo = |address, restores, undoes| put(address, Again { restores: Some(restores), undoes: Some(undoes) });
    let redo = |address, restores| put(address, Again { restores: Some(restores), undoes: None });
    let here = || (store.position().expect("a position"), store.undone().expect("a version"));
    let fresh = Again::default();
    for address in ["1", "2", "3"] {
        put(address, fresh);
    }
    assert_eq!(here(), (3, None));
    undo("2", 2, 3);
    undo("1", 1, 2);
    assert_eq!(here(), (1, Some(2)));
    redo("2", 2);
    assert_eq!(here(), (2, Some(3)));
    redo("3", 3);
    assert_eq!(here(), (3, None));
    assert_eq!(put("9", fresh), 8);
    undo("3", 3, 8);
    undo("2", 2, 3);
    redo("3", 3);
    assert_eq!(here(), (3, Some(8)));
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn drafts_are_kept_and_carried_over() {
    let folder = folder("drafts");
    let store = Store::open(&folder).expect("a store");
    let cluster = |text: &str| Cluster::from_toml(text).expect("a cluster");
    let draft = |who: &str, version, text: &str| model::draft::Draft {
        who: who.to_owned(),
        page: "page".to_owned(),
        at: 5,
        version,
        cluster: cluster(text),
        conflicts: Vec::new(),
    };
    let (a, b) = ("[[bridge]]\nname = \"a\"\n", "[[bridge]]\nname = \"b\"\n");
    let other_a = "[[bridge]]\nname = \"a\"\nmtu = 1400\n";
    store.put_draft(&draft("one", 0, a)).expect("kept");
    store.put_draft(&draft("two", 0, b)).expect("kept");
    store.put_draft(&draft("three", 0, "")).expect("nothing to keep");
    let id = store.begin(&change(&cluster(other_a), Again::default()), 0, 5).expect("a change");
    store.commit(id, &[], 6).expect("a commit");
    store.carry_drafts().expect("carried");
    let drafts = store.drafts().expect("drafts");
    assert_eq!(drafts.len(), 2);
    assert_eq!((drafts[0].version, &drafts[0].cluster, drafts[0].conflicts.len()), (1, &cluster(a), 1));
    assert_eq!((&drafts[1].cluster, drafts[1].conflicts.len()), (&cluster(&format!("{other_a}{b}")), 0));
    store.put_draft(&draft("one", 1, &format!("{other_a}{b}"))).expect("kept");
    assert!(store.drafts().expect("drafts")[0].conflicts.is_empty(), "the entry is no longer edited");
    store.remove_draft("one").expect("removed");
    assert_eq!(store.drafts().expect("drafts").len(), 1);
    fs::remove_dir_all(folder).expect("removed");
}

fn change(cluster: &Cluster, again: Again) -> NewChange {
    NewChange { who: "token".to_owned(), why: "test".to_owned(), plan: Plan::default(), draft: cluster.clone(), again }
}

#[test]
fn only_one_ends_a_change() {
    let folder = folder("journal");
    let store = Store::open(&folder).expect("a store");
    let id = store.begin(&change(&Cluster::default(), Again::default()), 0, 5).expect("a change");
    assert!(store.begin_step(id, 1).expect("a step"));
    let other = Store::open(&folder).expect("the same store");
    let unfinished = other.unfinished().expect("entries");
    assert_eq!(unfinished.iter().map(|entry| (entry.id, entry.begun)).collect::<Vec<_>>(), [(id, 1)]);
    let open = [ChangeState::Applying, ChangeState::RollingBack];
    assert!(other.turn(id, &open, ChangeState::RollingBack).expect("a turn"));
    assert!(other.turn(id, &open, ChangeState::RollingBack).expect("the same turn again"));
    assert!(!store.turn(id, &[ChangeState::Applying], ChangeState::RollingBack).expect("no turn"));
    assert!(!store.begin_step(id, 2).expect("no step"));
    assert_eq!(store.commit(id, &[], 6).expect("no commit"), None);
    let outcome = Outcome { error: Some("why".to_owned()), ..Outcome::default() };
    other.rolled_back(id, &outcome).expect("an end");
    assert_eq!(store.change(id).expect("a change").expect("it is there").outcome, outcome);
    assert!(store.unfinished().expect("entries").is_empty());
    assert_eq!(store.document().expect("a document").version, 0);
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn one_server_serves_a_folder() {
    let folder = folder("served");
    let store = Store::open(&folder).expect("a store");
    let lock = store.serve().expect("the lock");
    assert!(matches!(store.serve(), Err(StoreError::Served { .. })));
    drop(lock);
    store.serve().expect("the lock again");
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn an_older_database_is_brought_up() {
    let folder = folder("older");
    fs::create_dir_all(&folder).expect("a folder");
    let connection = Connection::open(folder.join("bridgehead.sqlite")).expect("a database");
    connection.execute_batch(MIGRATIONS[0]).expect("the first version");
    connection
        .execute_batch("INSERT INTO version (at, why, cluster) VALUES (1, 'old', ''); PRAGMA user_version = 1")
        .expect("a row");
    drop(connection);
    let store = Store::open(&folder).expect("a store");
    assert_eq!(store.versions(10).expect("versions")[0].why, "old");
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn the_token_is_made_once_and_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("token");
    let store = Store::open(&folder).expect("a store");
    let token = store.token().expect("a token");
    assert_eq!(token, store.token().expect("the same token"));
    let mode = fs::metadata(folder.join("token")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn what_cannot_be_used_is_left_as_it_is() {
    let folder = folder("unusable");
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(FILE);
    let connection = Connection::open(&file).expect("a database");
    connection.execute_batch("PRAGMA user_version = 99").expect("a version");
    drop(connection);
    for garbage in [None, Some("garbage")] {
        if let Some(garbage) = garbage {
            fs::write(&file, garbage.repeat(999)).expect("a file");
        }
        let before = fs::read(&file).expect("a file");
        let Err(StoreError::Unusable { source, .. }) = Store::open(&folder) else { panic!("it is used") };
        assert_eq!(garbage.is_none(), matches!(*source, StoreError::Newer { found: 99, .. }), "{source}");
        assert_eq!(before, fs::read(&file).expect("the same file"));
    }
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn logins_are_kept_from_whoever_has_only_the_database() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder("logins");
    let store = Store::open(&folder).expect("a store");
    let login = |password: &str| Login::new("root", password, "uuid").expect("a login");
    assert!(store.logins().expect("logins").is_empty());
    store.set_login("c", &login("first")).expect("kept");
    store.set_login("c", &login("second secret")).expect("kept");
    store.set_login("d", &login("other")).expect("kept");
    drop(store);

    let store = Store::open(&folder).expect("the same store");
    let kept = store.logins().expect("logins");
    assert_eq!(kept, [("c".to_owned(), login("second secret")), ("d".to_owned(), login("other"))]);
    for file in fs::read_dir(&folder).expect("a folder").filter_map(Result::ok) {
        let bytes = fs::read(file.path()).expect("a file");
        assert!(!bytes.windows(13).any(|window| window == b"second secret"), "{}", file.path().display());
    }
    let mode = fs::metadata(folder.join("login.key")).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // A row that is another guest's, and one whose key is gone, are as if never given.
    store.lock().execute("UPDATE login SET guest = 'e' WHERE guest = 'd'", []).expect("moved");
    assert_eq!(store.logins().expect("logins").len(), 1);
    fs::remove_file(folder.join("login.key")).expect("removed");
    assert!(store.logins().expect("logins").is_empty());
    fs::write(folder.join("login.key"), "short").expect("written");
    assert!(matches!(store.logins(), Err(StoreError::Key { .. })));

    assert!(store.forget_login("c").expect("forgotten"));
    assert!(!store.forget_login("c").expect("gone before"));
    fs::remove_dir_all(folder).expect("removed");
}
