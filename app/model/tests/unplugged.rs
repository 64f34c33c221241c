//! What a guest said of a NIC before it went is not what a new NIC with the same MAC has.

mod world;

use model::{Cluster, plan::plan, step::Step};
use world::lab;

const DRAFT: &str = r#"
[[bridge]]
name = "mybr0"
address = "192.168.48.1/24"

[[nic]]
guest = "node1"
mac = "52:54:00:48:00:20"
bridge = "mybr0"
address = "192.168.48.20/24"
"#;

#[test]
fn what_is_still_told_of_a_nic_that_has_gone_is_not_relied_on() {
    let (nothing, draft) = (Cluster::default(), Cluster::from_toml(DRAFT).expect("a document"));
    let start = lab(&["node1"]);
    let whole = plan(&start, &nothing, &draft).steps;
    let mut plugged = start.clone();
    whole.iter().for_each(|step| step.simulate(&mut plugged));
    assert_eq!(plan(&plugged, &draft, &draft).steps, []);

    // libvirt tells that it is out; the guest was not asked since.
    let mut out = start.clone();
    out.guests = plugged.guests;
    let again = plan(&out, &nothing, &draft).steps;
    assert!(again.iter().any(|step| matches!(step, Step::SetGuestLinkUp { up: true, .. })), "{again:#?}");
    assert_eq!(again, whole);
}
