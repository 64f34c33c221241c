//! The seed's network, from nothing to the gateway and back.

mod world;

use model::{Cluster, Language, Observed, plan::plan};
use world::{lab, settled};

const SEED: &str = r#"
[[bridge]]
name = "mybr0"
address = "192.168.48.1/24"

[[nic]]
guest = "master"
mac = "52:54:00:48:00:10"
bridge = "mybr0"
address = "192.168.48.10/24"

[[nic]]
guest = "node1"
mac = "52:54:00:48:00:20"
bridge = "mybr0"
address = "192.168.48.20/24"

[[gateway]]
bridge = "mybr0"
guest = "master"
outside = "default"
translation = "snat"
members = ["node1"]
detach_outside = true
"#;

fn apply(observed: &Observed, from: &Cluster, to: &Cluster) -> Observed {
    let plan = plan(observed, from, to);
    assert!(!plan.is_blocked(), "{:#?}", plan.blocks().collect::<Vec<_>>());
    let mut after = observed.clone();
    for step in &plan.steps {
        step.simulate(&mut after);
    }
    after
}

#[test]
fn from_nothing_and_back() {
    let start = lab(&["master", "node1", "node2"]);
    let nothing = Cluster::default();
    let seed = Cluster::from_toml(SEED).expect("the seed's document");
    let built = apply(&start, &nothing, &seed);
    let again = plan(&built, &seed, &seed);
    assert!(again.is_empty(), "{:#?}", again.steps);
    let promises = plan(&start, &nothing, &seed).promises;
    assert_eq!(promises.len(), 1);
    assert_eq!(promises[0].first_hop.to_string(), "192.168.48.10");
    assert_eq!(promises[0].target.to_string(), "10.0.0.9");
    let back = apply(&built, &seed, &nothing);
    assert_eq!(settled(&back), settled(&start));
    for step in &plan(&built, &seed, &nothing).steps {
        assert!(!step.sentence(Language::Chinese).is_empty());
    }
}
