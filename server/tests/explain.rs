//! Explanations against the kernel itself: networks of namespaces made at random, and for every question what is predicted
//! beside what a real packet does. What is unknown may be so; what is said must be true.
//!
//! `EXPLAIN_SEED` chooses other networks, `EXPLAIN_NETWORKS` how many.

mod space;

use std::{
    env,
    net::{Ipv4Addr, SocketAddr},
    thread,
};

use model::{
    Language, Observed,
    explain::{Explanation, Origin, Probe, Question, Target, Verdict, explain},
};
use space::{Space, tell};

const SEED: u64 = 48;
const NETWORKS: u64 = 40;
/// Where everybody listens.
const PORT: u16 = 80;

/// xorshift64* (Vigna 2016).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }

    /// One time in so many.
    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// The seed's network, with some things wrong: g0 is the gateway, g1 has a NIC on each bridge, g2 is plain.
struct Network {
    host: Space,
    outside: Space,
    guests: Vec<Space>,
}

/// Guest, interface, bridge, address.
const NICS: [(usize, &str, &str, &str); 5] = [
    (0, "eth0", "br1", "192.168.122.10/24"),
    (0, "eth1", "br0", "192.168.48.10/24"),
    (1, "eth0", "br1", "192.168.122.20/24"),
    (1, "eth1", "br0", "192.168.48.20/24"),
    (2, "eth0", "br0", "192.168.48.30/24"),
];

const ADDRESSES: [&str; 7] =
    ["10.0.0.9", "192.168.48.1", "192.168.48.10", "192.168.48.20", "192.168.48.30", "192.168.122.20", "192.168.48.77"];

/// Rules that a chain may have; whatever is not decided goes on.
const RULES: [&str; 12] = [
    "ct state established,related accept",
    "iifname \"br0\" oifname \"br0\" accept",
    "iifname \"br1\" accept",
    "oifname \"br1\" ip protocol icmp accept",
    "ip saddr 192.168.48.0/24 ip daddr != 192.168.48.0/24 accept",
    "tcp dport { 22, 80-90 } accept",
    "tcp dport 80 reject",
    "icmp type echo-request drop",
    "icmp type echo-reply accept",
    "ip daddr 192.168.48.20 drop",
    "fib saddr type local accept",
    "meta l4proto vmap { icmp : jump other, tcp : goto other }",
];

impl Network {
    fn make(random: &mut Random) -> Self {
        let host = Space::new("host");
        let outside = Space::new("outside");
        let guests: Vec<Space> = (0..3).map(|n| Space::new(&format!("g{n}"))).collect();
        cable(&host, "eno1", &outside, "eth0");
        host.run("ip addr add 10.0.0.2/24 dev eno1");
        outside.run("ip addr add 10.0.0.9/24 dev eth0");
        for (bridge, address) in [("br0", "192.168.48.1/24"), ("br1", "192.168.122.1/24")] {
            host.run(&format!("ip link add {bridge} type bridge"));
            host.run(&format!("ip link set {bridge} {}", if random.one_in(20) { "down" } else { "up" }));
            host.run(&format!("ip addr add {address} dev {bridge}"));
        }
        for (guest, interface, bridge, address) in NICS {
            let port = format!("g{guest}{interface}");
            cable(&host, &port, &guests[guest], interface);
            host.run(&format!("ip link set {port} master {bridge}"));
            if random.one_in(4) {
                host.run(&format!("ip link set {port} type bridge_slave isolated on"));
            }
            guests[guest].run(&format!("ip addr add {address} dev {interface}"));
            // Nobody is to learn of another way while it is asked.
            for name in ["all", interface] {
                guests[guest].set(&format!("ipv4/conf/{name}/accept_redirects"), "0");
            }
            guests[guest].set(&format!("ipv4/conf/{interface}/rp_filter"), random.pick(&["0", "1", "2"]));
        }
        let network = Self { host, outside, guests };
        network.route(random);
        network.filter(random);
        network
    }

    fn route(&self, random: &mut Random) {
        let forward = |random: &mut Random| if random.one_in(5) { "0" } else { "1" };
        self.host.set("ipv4/ip_forward", forward(random));
        self.guests[0].set("ipv4/ip_forward", forward(random));
        for link in ["eno1", "br0", "br1"] {
            self.host.set(&format!("ipv4/conf/{link}/rp_filter"), random.pick(&["0", "1", "2"]));
        }
        if std::path::Path::new("/proc/sys/net/bridge/bridge-nf-call-iptables").exists() {
            self.host.set("bridge/bridge-nf-call-iptables", random.pick(&["0", "1"]));
        }
        self.guests[0].run("ip route add default via 192.168.122.1");
        if !random.one_in(6) {
            self.guests[1].run("ip route add default via 192.168.48.10");
        }
        if random.one_in(2) {
            self.guests[1].run("ip route add default via 192.168.122.1 metric 500");
        }
        if random.one_in(3) {
            self.guests[1].run("ip rule add from 192.168.122.20 lookup 100 priority 100");
            self.guests[1].run("ip route add default via 192.168.122.1 table 100");
        }
        let way = random.pick(&["default via 192.168.48.10", "default via 192.168.48.1", "unreachable 10.0.0.0/8"]);
        self.guests[2].run(&format!("ip route add {way}"));
    }

    fn filter(&self, random: &mut Random) {
        let host = format!(
            "{}{}{}",
            table(random, "ip", "filter", "forward"),
            nat(random, "192.168.122.0/24", "masquerade"),
            if random.one_in(3) { table(random, "inet", "more", "input") } else { String::new() }
        );
        self.host.run_with(&["nft", &host]);
        let gateway = nat(random, "192.168.48.0/24", "snat to 192.168.122.10");
        let own = if random.one_in(2) { table(random, "ip", "own", "forward") } else { String::new() };
        self.guests[0].run_with(&["nft", &format!("{gateway}{own}list tables")]);
        let own = if random.one_in(3) { table(random, "inet", "own", "input") } else { String::new() };
        self.guests[1].run_with(&["nft", &format!("{own}list tables")]);
    }

    fn observe(&self) -> Observed {
        let mut observed = self.host.observe();
        self.guests.iter().for_each(|guest| tell(&mut observed, guest));
        observed
    }

    fn questions(&self) -> Vec<Question> {
        let mut questions = Vec::new();
        for address in ADDRESSES {
            let to = Target::Address { address: address.parse().expect("an address") };
            for probe in [Probe::Echo, Probe::Tcp { port: PORT }] {
                let mut ask = |from| questions.push(Question { from, to: to.clone(), probe, v6: false });
                ask(Origin::Host);
                for guest in &self.guests {
                    ask(Origin::Guest { guest: guest.name.clone(), interface: None });
                }
                if probe == Probe::Echo {
                    ask(Origin::Guest { guest: "g1".to_owned(), interface: Some("eth0".to_owned()) });
                }
            }
        }
        questions
    }

    /// What really happens.
    fn fire(&self, question: &Question) -> bool {
        let (space, interface) = match &question.from {
            Origin::Guest { guest, interface } => {
                (self.guests.iter().find(|space| space.name == *guest).expect("the guest"), interface.as_deref())
            }
            _ => (&self.host, None),
        };
        let Target::Address { address } = question.to else { panic!("only addresses are asked") };
        let to: Ipv4Addr = address.to_string().parse().expect("IPv4");
        match question.probe {
            Probe::Tcp { port } => space.connects(SocketAddr::from((to, port))),
            _ => space.pings(to, interface),
        }
    }
}

/// Both ends up.
fn cable(host: &Space, port: &str, space: &Space, interface: &str) {
    let pid = space.pid();
    host.run(&format!("ip link add {port} type veth peer name {interface} netns {pid}"));
    host.run(&format!("ip link set {port} up"));
    space.run(&format!("ip link set {interface} up"));
}

fn table(random: &mut Random, family: &str, name: &str, hook: &str) -> String {
    let policy = random.pick(&["accept", "drop"]);
    let rules = |random: &mut Random| -> String {
        // A chain cannot jump to itself.
        (0..random.below(4)).map(|_| format!("{}; ", random.pick(&RULES[..11]))).collect()
    };
    let (mut own, other) = (rules(random), rules(random));
    if random.one_in(2) {
        own += &format!("{}; ", RULES[11]);
    }
    format!(
        "add table {family} {name} {{ chain other {{ {other} }}; \
         chain base {{ type filter hook {hook} priority 0; policy {policy}; {own} }}; }}; "
    )
}

fn nat(random: &mut Random, subnet: &str, what: &str) -> String {
    if random.one_in(4) {
        return String::new();
    }
    format!(
        "add table ip nat {{ chain post {{ type nat hook postrouting priority 100; fib saddr type local accept; \
         ip saddr {subnet} ip daddr != {subnet} {what}; }}; }}; "
    )
}

#[expect(clippy::print_stdout, reason = "the agreement is what is looked for")]
fn say(row: &str) {
    println!("{row}");
}

fn setting(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

#[test]
#[ignore = "needs root in a network namespace"]
fn what_is_predicted_is_what_happens() {
    let seed = setting("EXPLAIN_SEED", SEED);
    let (mut agreed, mut unknown, mut wrong) = (0, 0, Vec::new());
    for nth in 0..setting("EXPLAIN_NETWORKS", NETWORKS) {
        let mut random = Random((seed << 20 | nth).wrapping_add(1));
        let network = Network::make(&mut random);
        let _listeners: Vec<_> =
            network.guests.iter().chain([&network.host, &network.outside]).map(|space| space.listen(PORT)).collect();
        let observed = network.observe();
        let questions = network.questions();
        let outcomes: Vec<(Explanation, bool)> = thread::scope(|scope| {
            let fired: Vec<_> = questions.iter().map(|question| scope.spawn(|| network.fire(question))).collect();
            let explained = questions.iter().map(|question| explain(&observed, question));
            explained.zip(fired.into_iter().map(|fired| fired.join().expect("it was fired"))).collect()
        });
        for (explanation, happened) in outcomes {
            // All were fired at once: what was lost in that crowd may be fired again.
            let happened = happened || explanation.verdict == Verdict::Yes && network.fire(&explanation.question);
            match (explanation.verdict, happened) {
                (Verdict::Yes, true) | (Verdict::No, false) => agreed += 1,
                (Verdict::Unknown, _) => unknown += 1,
                _ => wrong.push(format!(
                    "network {nth}: {:?}: it {}\n{}",
                    explanation.question,
                    if happened { "gets there" } else { "does not get there" },
                    explanation.text(Language::English)
                )),
            }
        }
    }
    let all = agreed + unknown + wrong.len();
    let said = format!("{agreed} of {all} agree, {unknown} are unknown, {} are wrong (seed {seed})", wrong.len());
    say(&said);
    assert!(wrong.is_empty(), "{said}\n{}", wrong.join("\n"));
    assert!(unknown * 4 < all, "{said}: too little is known");
}
