//! A walk of random operations: edits of the document, disturbances from outside, put-backs, undos and redos. After each, what
//! the server shows is what a fresh look at the host finds.
//!
//! `WALK_SEED` and `WALK_LENGTH` choose another walk.

mod net;
mod server;

use std::{
    collections::BTreeMap,
    process::Command,
    time::{Duration, Instant},
};

use model::{
    Cluster, Mac, Observed,
    cluster::Bridge,
    gateway,
    name::GuestName,
    nic::{self, Place},
    observed::{Attachment, Rule},
};
use serde_json::{Value, json};
use server::{PROGRAM, Server, alone, say};

const SEED: u64 = 48;
const LENGTH: usize = 200;
/// Its NICs come and go.
const GUEST: &str = "node2";
const BRIDGES: [&str; 3] = ["walk0", "walk1", "walk2"];
const STRANGERS: [&str; 3] = ["strange0", "strange1", "strange2"];
/// How long the server may take to see what a fresh look sees. A guest may say something new of itself at any time, for which
/// there is no event: it is asked once a minute.
const PATIENCE: Duration = Duration::from_secs(75);

/// xorshift64* (Vigna 2016).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        if from.is_empty() { None } else { Some(from[self.below(from.len())].clone()) }
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

struct Walk {
    server: Server,
    random: Random,
    /// What the server shows; a fresh look found the same.
    now: Observed,
    counts: BTreeMap<String, usize>,
    done: Vec<String>,
}

/// What an operation is called, and to what it was done; `None` if there is nothing now that it could be done to.
type Done = Option<(&'static str, String)>;

impl Walk {
    fn operation(&mut self) -> Done {
        match self.random.below(27) {
            0..4 | 7 => self.bridge_made(),
            4..6 | 24..27 => self.bridge_edited(),
            6 => self.bridge_removed(),
            8 => self.nic_attached(),
            9 => self.nic_moved(),
            10 => self.cable(),
            11 => self.nic_unplugged(),
            12 | 13 => self.restored("changes/put-back"),
            14 => self.restored("changes/undo"),
            15 => self.restored("changes/redo"),
            16 => self.link_set(),
            17 => self.link_deleted(),
            18 => self.address_deleted(),
            19 => self.address_added(),
            20 => self.rule_deleted(),
            21 => self.stranger(),
            22 => self.tap_taken_off(),
            _ => self.device_updated(),
        }
    }

    fn cluster(&self) -> Cluster {
        serde_json::from_value(self.server.get("document")["cluster"].clone()).expect("a document")
    }

    /// Applies an edit, and waits for its end. An edit that makes no sense just now is refused, and nothing happens.
    fn applied(&mut self, name: &'static str, draft: &Cluster, what: String) -> Done {
        let asked = self.server.begin_cluster(draft);
        Some((name, format!("{what}: {}", self.ended(asked))))
    }

    /// How a change ended, or that there was none. That a guest does not let go of a NIC may be; that the steps of a plan do
    /// not lead to what it is for may not.
    fn ended(&mut self, (status, answer): (u16, Value)) -> String {
        if status != 202 {
            assert!([404, 409].contains(&status), "{status}: {answer:#}");
            return self.counted("refused");
        }
        let change = self.server.await_end();
        assert_eq!(change["left_over"], json!([]), "{change:#}");
        let error = change["error"].as_str().unwrap_or_default();
        assert!(!error.contains("still to be done"), "{change:#}");
        self.counted(change["state"].as_str().unwrap_or_default())
    }

    fn counted(&mut self, what: &str) -> String {
        *self.counts.entry(what.to_owned()).or_default() += 1;
        what.to_owned()
    }

    fn restored(&mut self, path: &'static str) -> Done {
        let asked = self.server.post(path, &json!({}));
        Some((path.trim_start_matches("changes/"), self.ended(asked)))
    }

    fn bridge_made(&mut self) -> Done {
        let cluster = self.cluster();
        let free: Vec<&str> = BRIDGES.into_iter().filter(|name| cluster.bridge(name).is_none()).collect();
        let name = self.random.pick(&free)?;
        let bridge = self.shaped(Bridge::new(name.parse().expect("a name")));
        self.applied("bridge made", &nic::with_bridge(&cluster, bridge), name.to_owned())
    }

    fn bridge_edited(&mut self) -> Done {
        let mut cluster = self.cluster();
        let nth = self.random.below(cluster.bridges.len().max(1));
        let bridge = cluster.bridges.get(nth)?.clone();
        let name = bridge.name.to_string();
        cluster.bridges[nth] = self.shaped(bridge);
        self.applied("bridge edited", &cluster, name)
    }

    fn shaped(&mut self, mut bridge: Bridge) -> Bridge {
        let nth = BRIDGES.iter().position(|name| *name == &*bridge.name).unwrap_or_default();
        let address = format!("10.{}.{}.1/24", 50 + nth, self.random.below(3)).parse().expect("an address");
        bridge.address = if self.random.below(4) == 0 { Vec::new() } else { vec![address] };
        bridge.mtu = self.random.pick(&[None, Some(1400), Some(1450)]).flatten();
        bridge.stp = self.random.coin();
        bridge.ports_talk = self.random.below(4) != 0;
        bridge
    }

    fn bridge_removed(&mut self) -> Done {
        let cluster = self.cluster();
        let bridge = self.random.pick(&cluster.bridges)?;
        self.applied("bridge removed", &gateway::remove_bridge(&cluster, &bridge.name), bridge.name.to_string())
    }

    fn nic_attached(&mut self) -> Done {
        let cluster = self.cluster();
        let bridge = self.random.pick(&cluster.bridges)?;
        if cluster.nics.len() >= 3 {
            return None;
        }
        let guest: GuestName = GUEST.parse().expect("a name");
        let draft = nic::attach(&self.now, &cluster, &guest, &Place::Bridge(bridge.name.clone())).ok()?;
        self.applied("NIC attached", &draft, bridge.name.to_string())
    }

    fn nic_moved(&mut self) -> Done {
        let cluster = self.cluster();
        let (mac, bridge) = (self.random.pick(&cluster.nics)?.mac, self.random.pick(&cluster.bridges)?.name);
        let draft = nic::move_nic(&self.now, &cluster, mac, &Place::Bridge(bridge.clone())).ok()?;
        self.applied("NIC moved", &draft, format!("{mac} to {bridge}"))
    }

    fn cable(&mut self) -> Done {
        let cluster = self.cluster();
        let (mac, cable) = (self.random.pick(&cluster.nics)?.mac, self.random.coin());
        let draft = nic::set_cable(&self.now, &cluster, mac, cable).ok()?;
        self.applied("cable", &draft, format!("of {mac}: {cable}"))
    }

    fn nic_unplugged(&mut self) -> Done {
        let cluster = self.cluster();
        let macs: Vec<Mac> = self.now.domains.get(GUEST)?.nics.iter().map(|nic| nic.mac).collect();
        let mac = self.random.pick(&macs)?;
        let draft = nic::unplug(&self.now, &cluster, mac).ok()?;
        self.applied("NIC unplugged", &draft, mac.to_string())
    }

    /// A bridge of ours that is there.
    fn bridge(&mut self) -> Option<String> {
        let links = self.now.links.values().filter(|link| link.is_ours());
        let names: Vec<String> = links.map(|link| link.name.clone()).collect();
        self.random.pick(&names)
    }

    fn link_set(&mut self) -> Done {
        let name = self.bridge()?;
        let mtu = (1300 + self.random.below(200)).to_string();
        let how = self.random.pick(&[vec!["down"], vec!["up"], vec!["mtu", &mtu]])?;
        run("ip", &[&["link", "set", &name], how.as_slice()].concat());
        Some(("ip link set", format!("{name} {}", how.join(" "))))
    }

    fn link_deleted(&mut self) -> Done {
        let name = self.bridge()?;
        run("ip", &["link", "delete", &name]);
        Some(("ip link delete", name))
    }

    fn address_deleted(&mut self) -> Done {
        let name = self.bridge()?;
        let address = self.now.link(&name)?.addresses.iter().find(|address| address.scope == "global")?.net.to_string();
        run("ip", &["addr", "del", &address, "dev", &name]);
        Some(("ip addr del", format!("{address} of {name}")))
    }

    fn address_added(&mut self) -> Done {
        let name = self.bridge()?;
        let address = format!("192.0.2.{}/28", 1 + self.random.below(200));
        let there = self.now.link(&name)?.addresses.iter().any(|own| own.net.to_string() == address);
        (!there).then(|| run("ip", &["addr", "add", &address, "dev", &name]))?;
        Some(("ip addr add", format!("{address} to {name}")))
    }

    fn rule_deleted(&mut self) -> Done {
        let rules = self.now.tables.values().flat_map(|table| {
            let ours = move |rule: &&Rule| rule.serves().is_some();
            let chains = table.chains.iter();
            chains.flat_map(move |chain| {
                chain.rules.iter().filter(ours).map(move |rule| {
                    [
                        table.family.clone(),
                        table.name.clone(),
                        chain.name.clone(),
                        "handle".into(),
                        rule.handle.to_string(),
                    ]
                })
            })
        });
        let rules: Vec<[String; 5]> = rules.collect();
        let rule = self.random.pick(&rules)?;
        let words: Vec<&str> = rule.iter().map(String::as_str).collect();
        run("nft", &[&["delete", "rule"], words.as_slice()].concat());
        Some(("nft delete rule", rule.join(" ")))
    }

    fn stranger(&mut self) -> Done {
        let name = self.random.pick(&STRANGERS)?;
        if self.now.link(name).is_some() {
            run("ip", &["link", "delete", name]);
            return Some(("ip link delete of a stranger", name.to_owned()));
        }
        let kind = self.random.pick(&["bridge", "veth"])?;
        run("ip", &["link", "add", name, "type", kind]);
        Some(("ip link add of a stranger", format!("{name} {kind}")))
    }

    /// A NIC that the document names: its MAC, its tap, the bridge that it is on.
    fn device(&mut self) -> Option<(Mac, String)> {
        let cluster = self.cluster();
        let nics = self.now.domains.get(GUEST)?.nics.iter().filter(|nic| cluster.nic(nic.mac).is_some());
        let nics = nics.filter(|nic| matches!(nic.live, Some(Attachment::Bridge { .. })));
        let nics: Vec<_> = nics.filter_map(|nic| Some((nic.mac, nic.tap.clone()?))).collect();
        self.random.pick(&nics)
    }

    fn tap_taken_off(&mut self) -> Done {
        let (mac, tap) = self.device()?;
        run("ip", &["link", "set", &tap, "nomaster"]);
        Some(("ip link set nomaster", mac.to_string()))
    }

    fn device_updated(&mut self) -> Done {
        let ((mac, _), bridge) = (self.device()?, self.bridge()?);
        let xml = format!(
            "<interface type='bridge'><mac address='{mac}'/><source bridge='{bridge}'/><model type='virtio'/></interface>"
        );
        let file = self.server.folder.join("device.xml");
        std::fs::write(&file, xml).expect("a file");
        run("virsh", &["--quiet", "update-device", GUEST, file.to_str().expect("UTF-8"), "--live"]);
        Some(("virsh update-device", format!("{mac} to {bridge}")))
    }

    /// Waits until what the server shows is what a fresh look finds.
    fn agree(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = comparable(self.server.get("observed"));
            let found = comparable(looked());
            if shown.same_structure(&found) {
                self.now = shown;
                return;
            }
            if Instant::now() > deadline {
                let [shown, found] = [shown, found].map(|it| serde_json::to_value(it).expect("JSON"));
                net::assert_same(&found, &shown, "a fresh look, and what the server shows");
                panic!("they differ in their order");
            }
        }
    }
}

fn looked() -> Value {
    let output = Command::new(PROGRAM).args(["observe", "--json"]).output().expect("it runs");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Without what a guest does by itself, of which nobody hears: its link-local addresses.
fn comparable(observed: Value) -> Observed {
    let mut observed: Observed = serde_json::from_value(observed).expect("what was observed");
    let link_local = |net: &ipnet::IpNet| matches!(net.addr(), std::net::IpAddr::V6(v6) if v6.is_unicast_link_local());
    for own in observed.guests.values_mut().flat_map(|facts| &mut facts.interfaces) {
        own.addresses.retain(|net| !link_local(net));
    }
    observed.generation = 0;
    observed.neighbours.clear();
    observed.fdb.clear();
    observed
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().expect("it runs");
    assert!(output.status.success(), "{program} {arguments:?}: {}", server::stderr(&output));
}

/// A guest that stands still as long as this lives.
struct Suspended(&'static str);

impl Suspended {
    fn new(guest: &'static str) -> Self {
        run("virsh", &["--quiet", "suspend", guest]);
        Self(guest)
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        let _ = Command::new("virsh").args(["--quiet", "resume", self.0]).status();
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        if std::thread::panicking() {
            say(&self.done.join("\n"));
        }
    }
}

#[test]
#[ignore = "needs a lab: run by make test"]
fn what_is_shown_is_what_is() {
    let _alone = alone();
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("WALK_SEED").unwrap_or(SEED);
    let length = number("WALK_LENGTH").map_or(LENGTH, |length| length as usize);
    say(&format!("WALK_SEED={seed}"));
    let server = Server::start("walk");
    for guest in ["master", "node1", GUEST] {
        server.hears(guest);
    }
    let start = net::settled(PROGRAM);
    // Each fresh look asks every guest that runs.
    let others = ["master", "node1"].map(Suspended::new);
    let mut walk = Walk {
        server,
        random: Random(seed.max(1)),
        now: Observed::default(),
        counts: BTreeMap::new(),
        done: Vec::new(),
    };
    walk.agree();
    while walk.done.len() < length {
        let begun = Instant::now();
        let Some((name, what)) = walk.operation() else { continue };
        walk.counted(name);
        let took = begun.elapsed().as_millis();
        walk.done.push(format!("{} {name} {what} ({took} ms)", walk.done.len()));
        walk.agree();
    }
    for (name, count) in &walk.counts {
        say(&format!("{count:>4} {name}"));
    }
    for name in STRANGERS.iter().filter(|name| walk.now.link(name).is_some()) {
        run("ip", &["link", "delete", name]);
    }
    walk.server.must(&["apply", &walk.server.file(""), "--yes"]);
    drop(others);
    net::assert_settles(PROGRAM, &start, "all was taken out of the document");
}
