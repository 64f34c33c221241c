//! A guest without an agent, in a lab of it: given a login, it is entered by its serial console, and what the document says
//! of its inside is so, and goes again.
//!
//! The guest is named after its system.

mod server;

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use server::{Server, alone, until, within};

const GUEST: &str = "serial";
const LOGIN: &str = "guests/serial/login";
/// Of root in the lab's image.
const PASSWORD: &str = "bridgehead";
const DOCUMENT: &str = "[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n\n\
    [[nic]]\nguest = \"serial\"\nmac = \"52:54:00:48:00:50\"\nbridge = \"mybr0\"\naddress = \"192.168.48.50/24\"\nmtu = 1400\n";

impl Server {
    fn facts(&self) -> Value {
        self.get("observed")["guests"][GUEST].clone()
    }

    /// What became of the way by the console.
    fn way(&self) -> Value {
        let ways = self.facts()["ways"].clone();
        ways.as_array().into_iter().flatten().find(|way| way["way"] == "console").cloned().unwrap_or_default()
    }

    fn give(&self, password: &Value) -> (u16, Value) {
        self.api(Method::PUT, LOGIN, &json!({"user": "root", "password": password}))
    }

    fn await_way(&self, state: &str) {
        within(240, &format!("the console is {state}: {}", self.facts()), || self.way()["state"] == state);
    }
}

fn pings(address: &str) -> bool {
    Command::new("ping").args(["-c", "1", "-W", "2", address]).output().is_ok_and(|output| output.status.success())
}

#[test]
#[ignore = "needs a guest with a serial console: run by make test-guests"]
fn a_guest_without_an_agent_is_entered_by_its_console() {
    let _alone = alone();
    let mut server = Server::start("console");
    assert_ne!(server.get("observed")["domains"][GUEST]["agent"], "connected");

    // Nothing can be set inside without a way: somebody would have to type it.
    let cluster = model::Cluster::from_toml(DOCUMENT).expect("a document");
    let plan = server.post("plan", &json!({ "cluster": cluster })).1;
    let inside = |step: &&Value| step["step"].as_str().is_some_and(|step| step.contains("guest"));
    assert_eq!(plan["steps"].as_array().expect("steps").iter().find(inside), None);
    let notes = plan["notes"].as_array().expect("notes");
    assert!(notes.iter().any(|note| note["subject"]["name"] == "serial" && note["severity"] == "warn"), "{notes:?}");

    // What cannot be a login is refused by name, and without saying what was given.
    for (wrong, field) in [(json!(""), "password"), (json!("a\nb"), "password"), (json!(4711), "password")] {
        let (status, problem) = server.give(&wrong);
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{problem}");
        assert!(!problem.to_string().contains("4711"), "{problem}");
    }
    assert_eq!(server.api(Method::PUT, "guests/nobody/login", &json!({"user": "root", "password": "x"})).0, 404);
    assert_eq!(server.api(Method::DELETE, LOGIN, &Value::Null).0, 404);

    // A wrong one is tried once.
    assert_eq!(server.give(&json!("not it")).0, 204);
    server.await_way("failed");
    assert!(server.way()["reason"].as_str().is_some_and(|why| why.contains("refuses")), "{}", server.way());

    assert_eq!(server.give(&json!(PASSWORD)).0, 204);
    server.await_way("used");
    server.hears(GUEST);
    let facts = server.facts();
    assert_eq!(facts["hostname"], GUEST, "{facts}");
    assert!(facts["os"].as_str().is_some_and(|os| os.contains("Debian")), "{facts}");
    assert!(facts["routes"].as_array().is_some_and(|routes| !routes.is_empty()), "{facts}");
    assert_eq!(facts["managers"], json!(["ifupdown"]), "{facts}");

    server.must(&["apply", &server.file(DOCUMENT), "--yes"]);
    until("it answers at its new address", || pings("192.168.48.50"));
    let files = server.facts()["files"].clone();
    assert!(files.as_object().is_some_and(|files| !files.is_empty()), "its manager is told too: {files}");

    // The login outlives the server, and opens nothing for whoever has only the database.
    server.kill();
    let stored = std::fs::read(server.state().join("bridgehead.sqlite")).expect("a database");
    assert!(
        !stored.windows(PASSWORD.len() + 1).any(|window| window == b"\nbridgehead"),
        "the password is in it in clear"
    );
    let server = server.served_again();
    server.await_way("used");

    server.must(&["undo"]);
    until("its address is gone", || !pings("192.168.48.50"));
    assert_eq!(server.facts()["files"], Value::Null, "nothing of ours is left inside");

    assert_eq!(server.api(Method::DELETE, LOGIN, &Value::Null).0, 204);
    until("its facts are old", || server.facts()["trouble"].as_str().is_some_and(|why| why.contains("forgotten")));
}
