//! In a lab: real libvirtd, real guests.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use model::{
    Mac,
    observed::{AgentChannel, Attachment, Domain, Marks, NicMark},
    step::{GuestRoute, GuestTool, NicDefinition, SourceTranslation, TableEntry},
};

use super::*;
use crate::host::libvirt::{
    Error as LibvirtError, LibvirtEvent,
    live::{LAB, lab},
};

const LIMIT: Duration = Duration::from_secs(10);
const BRIDGE: &str = "bhtest0";

/// The guest, once its agent is there.
async fn ready(libvirt: &Libvirt, name: &str) -> Domain {
    let mut events = libvirt.events();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let domain = libvirt.read_domain(name).await.expect("an answer").expect("the guest");
        if domain.agent == AgentChannel::Connected {
            return domain;
        }
        while tokio::time::timeout_at(deadline, events.recv()).await.expect("an agent in time")
            != Some(LibvirtEvent::Agent(name.to_owned()))
        {}
    }
}

fn ip(arguments: &[&str]) -> String {
    let output = Command::new("ip").args(arguments).output().expect("ip runs");
    assert!(output.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

async fn live_nic(libvirt: &Libvirt, guest: &str, mac: Mac) -> Option<model::observed::Nic> {
    let domain = libvirt.read_domain(guest).await.expect("an answer").expect("the guest");
    domain.nics.into_iter().find(|nic| nic.mac == mac)
}

#[tokio::test]
#[ignore = "needs a lab: run by make test"]
async fn plugs_moves_and_unplugs_a_nic() {
    let (_held, libvirt) = (LAB.lock().await, lab().await);
    let before = ready(&libvirt, "node1").await;
    let mac = Mac([0x52, 0x54, 0, 0xbe, 0xef, 1]);
    let bridge = Attachment::Bridge { bridge: BRIDGE.to_owned() };
    let network = Attachment::Network { network: "default".to_owned() };
    let mut nic =
        NicDefinition { mac, attachment: network.clone(), model: Some("virtio".to_owned()), link_up: true, mtu: None };
    ip(&["link", "add", BRIDGE, "type", "bridge"]);
    let mut events = libvirt.events();

    libvirt.attach_nic("node1", &nic, true, true).await.expect("attached");
    let found = live_nic(&libvirt, "node1", mac).await.expect("the NIC");
    assert_eq!((&found.live, &found.config), (&Some(network.clone()), &Some(network.clone())));
    assert_eq!(events.recv().await, Some(LibvirtEvent::Domain("node1".to_owned())));
    let again = libvirt.attach_nic("node1", &nic, true, true).await;
    assert!(matches!(again, Err(LibvirtError::Exists { .. })), "{again:?}");

    nic.attachment = bridge.clone();
    libvirt.update_nic("node1", &nic, true, true).await.expect("moved");
    let found = live_nic(&libvirt, "node1", mac).await.expect("the NIC");
    assert_eq!((&found.live, &found.config), (&Some(bridge.clone()), &Some(bridge)));
    let tap = found.tap.expect("a tap");
    assert!(ip(&["link", "show", "dev", &tap]).contains(&format!("master {BRIDGE}")));

    nic.link_up = false;
    libvirt.update_nic("node1", &nic, true, true).await.expect("cable out");
    assert!(!live_nic(&libvirt, "node1", mac).await.expect("the NIC").link_up);
    nic.link_up = true;
    libvirt.update_nic("node1", &nic, true, true).await.expect("cable in");
    assert!(live_nic(&libvirt, "node1", mac).await.expect("the NIC").link_up);

    address_inside(&libvirt, mac).await;

    libvirt.detach_nic("node1", &nic, true, true).await.expect("detached");
    ip(&["link", "del", BRIDGE]);
    assert_eq!(libvirt.read_domain("node1").await.expect("an answer"), Some(before));
    let again = libvirt.detach_nic("node1", &nic, true, true).await;
    assert!(matches!(again, Err(LibvirtError::NotFound { .. })), "{again:?}");
}

/// Sets a NIC up inside, and takes all of it back.
async fn address_inside(libvirt: &Libvirt, mac: Mac) {
    let address = "192.168.48.20/24".parse().expect("an address");
    let route = GuestRoute::default(mac, "192.168.48.10".parse().expect("an address"), 50);
    set_link(&Reach::of(libvirt), "node1", mac, true).await.expect("up");
    add_address(&Reach::of(libvirt), "node1", mac, address).await.expect("an address");
    let again = add_address(&Reach::of(libvirt), "node1", mac, address).await;
    assert!(matches!(again, Err(Error::Already { .. })), "{again:?}");
    add_route(&Reach::of(libvirt), "node1", &route).await.expect("a route");
    let again = add_route(&Reach::of(libvirt), "node1", &route).await;
    assert!(matches!(again, Err(Error::Already { .. })), "{again:?}");

    let facts = facts(&Reach::of(libvirt), "node1").await;
    let interface = facts.interface(mac).expect("the NIC inside");
    assert_eq!(interface.up, Some(true));
    assert!(interface.addresses.contains(&address));
    let routes = facts.routes.clone().expect("routes");
    assert!(routes.iter().any(|it| it.is_default() && it.via == Some(route.via) && it.metric == 50), "{routes:?}");

    remove_route(&Reach::of(libvirt), "node1", &route).await.expect("no route");
    let again = remove_route(&Reach::of(libvirt), "node1", &route).await;
    assert!(matches!(again, Err(Error::Already { .. })), "{again:?}");
    remove_address(&Reach::of(libvirt), "node1", mac, address).await.expect("no address");
    let again = remove_address(&Reach::of(libvirt), "node1", mac, address).await;
    assert!(matches!(again, Err(Error::Already { .. })), "{again:?}");
    set_link(&Reach::of(libvirt), "node1", mac, false).await.expect("down");
}

#[tokio::test]
#[ignore = "needs a lab: run by make test"]
async fn marks_are_kept_in_the_domain() {
    let (_held, libvirt) = (LAB.lock().await, lab().await);
    let before = ready(&libvirt, "node1").await;
    let marks =
        Marks { nics: [(before.nics[0].mac, NicMark::Made)].into(), ip_forward: Some(true), ..Marks::default() };
    libvirt.set_marks("node1", &marks).await.expect("marked");
    let read = libvirt.read_domain("node1").await.expect("an answer").expect("the guest");
    assert_eq!(*read.marks, marks);
    libvirt.set_marks("node1", &Marks::default()).await.expect("unmarked");
    libvirt.set_marks("node1", &Marks::default()).await.expect("still unmarked");
    assert_eq!(libvirt.read_domain("node1").await.expect("an answer"), Some(before));
}

#[tokio::test]
#[ignore = "needs a lab: run by make test"]
async fn programs_end_as_they_do() {
    let (_held, libvirt) = (LAB.lock().await, lab().await);
    ready(&libvirt, "node1").await;
    let run = async |argv: &[&str], input: Option<&[u8]>| exec(&libvirt, "node1", argv, input, LIMIT).await;
    assert_eq!(run(&["false"], None).await.expect("an end").status, 1);
    assert_eq!(run(&["cat"], Some(b"a'b\"c\n\xff")).await.expect("an end").stdout, b"a'b\"c\n\xff");
    let missing = run(&["no-such-program"], None).await;
    assert!(matches!(missing, Err(Error::Libvirt(LibvirtError::Refused { .. }))), "{missing:?}");
    let endless = run(&["head", "-c", "2000000", "/dev/zero"], None).await;
    assert!(matches!(endless, Err(Error::Nonsense { .. })), "{endless:?}");
    let slow = exec(&libvirt, "node1", &["sleep", "60"], None, Duration::from_secs(1)).await;
    assert!(matches!(slow, Err(Error::Slow { .. })), "{slow:?}");
    let nobody = exec(&libvirt, "nobody", &["true"], None, LIMIT).await;
    assert!(matches!(nobody, Err(Error::Libvirt(LibvirtError::NotFound { .. }))), "{nobody:?}");
}

#[tokio::test]
#[ignore = "needs a lab: run by make test"]
async fn says_of_itself_what_is_so() {
    let (_held, libvirt) = (LAB.lock().await, lab().await);
    let domain = ready(&libvirt, "master").await;
    let began = Instant::now();
    let facts = facts(&Reach::of(&libvirt), "master").await;
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(facts.trouble, None);
    assert_eq!(facts.hostname.as_deref(), Some("master"));
    let interface = facts.interface(domain.nics[0].mac).expect("its NIC");
    assert!(interface.up == Some(true) && interface.rp_filter.is_some(), "{interface:?}");
    assert!(facts.routes.is_some() && facts.tables.is_some() && facts.ip_forward.is_some());
    assert!(["ip", "nft", "traceroute"].iter().all(|program| facts.programs.contains(*program)), "{facts:?}");
}

#[tokio::test]
#[ignore = "needs a lab: run by make test"]
async fn translates_and_forwards() {
    let (_held, libvirt) = (LAB.lock().await, lab().await);
    ready(&libvirt, "master").await;
    let before = facts(&Reach::of(&libvirt), "master").await;
    let entry = TableEntry::Source(SourceTranslation {
        subnet: "192.168.48.0/24".parse().expect("a subnet"),
        to: Some("192.168.122.202".parse().expect("an address")),
        out_link: None,
    });
    let was = before.ip_forward.expect("known");
    set_forwarding(&Reach::of(&libvirt), "master", !was).await.expect("set");
    for _ in 0..2 {
        replace_table(&Reach::of(&libvirt), "master", GuestTool::Nft, std::slice::from_ref(&entry))
            .await
            .expect("a table");
    }
    let now = facts(&Reach::of(&libvirt), "master").await;
    assert_eq!(now.ip_forward, Some(!was));
    let tables = now.tables.expect("tables");
    let table = tables.iter().find(|table| table.key() == "ip bridgehead").expect("our table");
    assert_eq!(table.chain("postrouting").expect("our chain").rules.len(), 2);
    for _ in 0..2 {
        replace_table(&Reach::of(&libvirt), "master", GuestTool::Nft, &[]).await.expect("no table");
    }
    set_forwarding(&Reach::of(&libvirt), "master", was).await.expect("set");
    assert_eq!(facts(&Reach::of(&libvirt), "master").await, before);
}

#[tokio::test]
#[ignore = "needs a lab: run by make test"]
async fn finds_the_way_to_the_network() {
    let (_held, libvirt) = (LAB.lock().await, lab().await);
    ready(&libvirt, "node1").await;
    let network = libvirt.read_network("default").await.expect("an answer").expect("the network");
    let target = network.subnets[0].address.addr();
    let hops = traceroute(&Reach::of(&libvirt), "node1", target, Duration::from_secs(20)).await.expect("hops");
    assert_eq!(hops, [Some(target)]);
    assert!(!network.leases.is_empty());
}

#[tokio::test]
#[ignore = "needs a lab: run by make test"]
async fn a_silent_guest_holds_nobody_up() {
    let (_held, libvirt) = (LAB.lock().await, lab().await);
    ready(&libvirt, "node1").await;
    ready(&libvirt, "node2").await;
    let pid = std::fs::read_to_string("/run/libvirt/qemu/node2.pid").expect("the pid of node2's QEMU");
    let qemu = nix::unistd::Pid::from_raw(pid.trim().parse().expect("a pid"));
    nix::sys::signal::kill(qemu, nix::sys::signal::Signal::SIGSTOP).expect("stopped");
    let command = serde_json::json!({ "execute": "guest-ping" });
    // The other one answers while the silent one is still waited for.
    let (silent, other) = tokio::join!(
        agent(&libvirt, "node2", command.clone(), Duration::from_secs(12)),
        agent(&libvirt, "node1", command, Duration::from_secs(10))
    );
    let told = facts(&Reach::of(&libvirt), "node2").await.trouble;
    nix::sys::signal::kill(qemu, nix::sys::signal::Signal::SIGCONT).expect("woken");
    assert!(silent.as_ref().is_err_and(Error::is_unreachable), "{silent:?}");
    assert!(other.is_ok(), "{other:?}");
    assert!(told.is_some());
}
