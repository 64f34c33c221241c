//! What a drag and the gateway's button make of a document.

mod world;

use model::{
    Cluster,
    gateway::{self, About},
    nic::{self, Place},
    plan::plan,
};
use world::{lab, mac};

#[test]
fn the_button_writes_the_seed() {
    let observed = lab(&["master", "node1", "node2"]);
    let nothing = Cluster::default();
    let about = About { bridge: Some("mybr0"), guest: Some("master") };
    let request = gateway::suggest(&observed, &nothing, about).expect("a suggestion");
    assert_eq!(request.outside.as_deref(), Some("default"));
    let draft = gateway::draft(&observed, &nothing, &request).expect("a draft");
    let text = draft.to_toml();
    for expected in [
        "address = \"192.168.48.1/24\"",
        "mac = \"52:54:00:48:00:10\"",
        "address = \"192.168.48.10/24\"",
        "mac = \"52:54:00:48:00:20\"",
        "mac = \"52:54:00:48:00:30\"",
        "members = [\"node1\", \"node2\"]",
    ] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
    assert_eq!(Cluster::from_toml(&text).as_ref(), Ok(&draft));
    assert!(!plan(&observed, &nothing, &draft).is_blocked());
    assert_eq!(gateway::draft(&observed, &draft, &request).as_ref(), Ok(&draft));
    assert!(gateway::remove_bridge(&draft, "mybr0").is_empty());
}

#[test]
fn a_plug_dragged_there_and_back_leaves_nothing() {
    let observed = lab(&["master"]);
    let bridge = nic::suggest_bridge(&observed, &Cluster::default()).expect("a bridge");
    let with = nic::with_bridge(&Cluster::default(), bridge);
    let moved = nic::move_nic(&observed, &with, mac(0), &Place::Bridge("mybr0".parse().expect("a name")));
    let moved = moved.expect("a draft");
    assert_eq!(moved.nics[0].address[0].to_string(), "192.168.48.10/24");
    let back = nic::move_nic(&observed, &moved, mac(0), &Place::Network("default".parse().expect("a name")));
    assert_eq!(back, Ok(with.clone()));
    let out = nic::unplug(&observed, &with, mac(0)).expect("a draft");
    assert!(!out.nics[0].plugged);
    let pulled = nic::set_cable(&observed, &with, mac(0), false).expect("a draft");
    assert!(!pulled.nics[0].cable);
    assert_eq!(nic::set_cable(&observed, &pulled, mac(0), true), Ok(with.clone()));
    let guest = "master".parse().expect("a name");
    let second = nic::attach(&observed, &with, &guest, &Place::Bridge("mybr0".parse().expect("a name")));
    assert_eq!(second.expect("a draft").nics[0].mac.to_string(), "52:54:00:48:00:10");
}
