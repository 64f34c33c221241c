//! Commands to paste into guests that nobody can look into.

mod world;

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use model::{
    Cluster, Observed,
    hand::{by_dhcp, by_hand},
    lease::serving,
    observed::AgentChannel,
    plan::plan,
};
use world::{lab, mac};

/// The lab, with a guest that has no channel for the agent.
fn shut(guest: &str) -> Observed {
    let mut observed = lab(&["master", "node1"]);
    observed.guests.remove(guest);
    let domain = observed.domains.get_mut(guest).expect("a guest");
    (domain.agent, domain.agent_config) = (AgentChannel::Missing, false);
    observed
}

fn document(text: &str) -> Cluster {
    Cluster::from_toml(text).expect("a document")
}

const NIC: &str = "[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n\
    [[nic]]\nguest = \"node1\"\nmac = \"52:54:00:48:00:20\"\nbridge = \"mybr0\"\naddress = \"192.168.48.20/24\"\n\
    default_route = \"192.168.48.1\"\nmetric = 50\nmtu = 1500\nroute = [{ to = \"10.77.0.0/16\", via = \"192.168.48.9\" }]\n";

#[test]
fn a_nic_is_set_by_its_mac() {
    let by_hand = by_hand(&shut("node1"), &document(NIC), "node1").expect("commands");
    let lines: Vec<&str> = by_hand.commands.lines().skip(1).collect();
    let nic = "\"$(nic 52:54:00:48:00:20)\"";
    let wanted = [
        format!("ip link set dev {nic} mtu 1500"),
        format!("ip link set {nic} up"),
        format!("ip addr replace 192.168.48.20/24 dev {nic}"),
        format!("ip route replace default via 192.168.48.1 dev {nic} metric 50"),
        format!("ip route replace 10.77.0.0/16 via 192.168.48.9 dev {nic}"),
    ];
    assert_eq!(lines, wanted);
    assert!(by_hand.leases.is_empty());
}

#[test]
fn nothing_is_left_to_a_person_where_there_is_a_way_in_or_nothing_is_wanted() {
    assert_eq!(by_hand(&lab(&["master", "node1"]), &document(NIC), "node1"), None);
    assert_eq!(by_hand(&shut("node1"), &Cluster::default(), "node1"), None);
    assert_eq!(by_hand(&shut("node1"), &document(NIC), "master"), None);
    assert_eq!(by_hand(&shut("node1"), &document(NIC), "nobody"), None);
}

/// What a shell does with the commands where there is such a NIC, named in a guest's own way; `ip` and `nft` print theirs.
fn run(commands: &str, programs: &str) -> String {
    let stubs = "ip() { echo \"ip $*\"; }\nsysctl() { echo \"sysctl $*\"; }\niptables() { echo \"iptables $*\"; }\n";
    let (_, rest) = commands.split_once('\n').expect("lines");
    let script = format!("{stubs}{programs}\nnic() {{ echo \"eth of $1\"; }}\n{rest}");
    let mut shell = Command::new("/bin/sh");
    shell.env("PATH", "/nowhere").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut shell = shell.spawn().expect("a shell");
    shell.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("a script is read");
    let output = shell.wait_with_output().expect("an end");
    assert!(output.status.success(), "{script}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_gateway_forwards_and_translates_by_whichever_program_it_has() {
    let gateway = "[[bridge]]\nname = \"mybr0\"\naddress = \"192.168.48.1/24\"\n\
        [[nic]]\nguest = \"master\"\nmac = \"52:54:00:48:00:10\"\nbridge = \"mybr0\"\naddress = \"192.168.48.10/24\"\n\
        [[gateway]]\nbridge = \"mybr0\"\nguest = \"master\"\noutside = \"default\"\nmembers = [\"node1\"]\n\
        translation = \"masquerade\"\n";
    let by_hand = by_hand(&shut("master"), &document(gateway), "master").expect("commands");
    let with_nft = run(&by_hand.commands, "nft() { echo \"nft $*\"; }");
    assert!(with_nft.contains("ip addr replace 192.168.48.10/24 dev eth of 52:54:00:48:00:10\n"), "{with_nft}");
    assert!(with_nft.contains("sysctl -w net.ipv4.ip_forward=1\n"), "{with_nft}");
    assert!(
        with_nft.contains("nft ") && with_nft.contains("masquerade") && !with_nft.contains("iptables"),
        "{with_nft}"
    );
    let without = run(&by_hand.commands, "");
    assert!(without.contains("-s 192.168.48.0/24 ! -d 192.168.48.0/24 -j MASQUERADE\n"), "{without}");
    assert!(!without.contains("nft"), "{without}");
}

#[test]
fn dhcp_can_give_an_address_instead_and_then_nothing_is_left_to_a_person() {
    let observed = shut("node1");
    let wanted = document(
        "[[nic]]\nguest = \"node1\"\nmac = \"52:54:00:7a:00:01\"\nnetwork = \"default\"\naddress = \"192.168.122.50/24\"\n",
    );
    let leased = by_hand(&observed, &wanted, "node1").expect("commands").leases;
    let [leased] = &leased[..] else { panic!("{leased:?}") };
    assert_eq!((leased.mac, leased.network.as_str()), (mac(1), "default"));
    assert!(serving(&observed.networks["default"], leased.address).is_some());
    let draft = by_dhcp(&wanted, leased);
    assert_eq!(by_hand(&observed, &draft, "node1"), None);
    assert!(draft.lease("default", mac(1)).is_some_and(|lease| lease.address == leased.address));
    let plan = plan(&observed, &Cluster::default(), &draft);
    assert!(!plan.is_blocked(), "{:?}", plan.notes);
}
