//! Against the kernel itself, in a namespace of our own.

use model::step::{HostRoute, NewBridge};

use rtnetlink::packet_route::{RouteNetlinkMessage, stats::StatsMessage};

use super::{
    Kernel,
    dump::Dumps,
    events::Nudge,
    netns::{inside, ip},
    tables,
};

#[test]
#[ignore = "needs root in a network namespace"]
fn reads_bridges_ports_veths_and_taps() {
    inside(|| async {
        ip("link add br0 type bridge stp_state 1 forward_delay 400");
        ip("link add v0 type veth peer name v1");
        ip("link set v0 master br0");
        ip("link set v0 type bridge_slave isolated on hairpin on");
        ip("link set v0 up");
        ip("link set v1 up");
        ip("link set br0 up alias bridgehead");
        ip("addr add 192.0.2.1/24 dev br0");
        ip("tuntap add tap0 mode tap vnet_hdr");
        ip("link add vx0 type vxlan id 7 dstport 4789");
        ip("route add 198.51.100.0/24 via 192.0.2.9 metric 5");
        ip("neigh add 192.0.2.9 lladdr 52:54:00:00:00:09 dev br0 nud permanent");
        std::fs::write("/proc/sys/net/ipv4/conf/br0/rp_filter", "2").expect("a sysctl");

        let facts = Kernel::open().expect("netlink").read().await.expect("facts");
        let link = |name: &str| facts.links.values().find(|link| link.name == name).expect("the link");
        let (br0, v0, v1, tap0) = (link("br0"), link("v0"), link("v1"), link("tap0"));
        let bridge = br0.bridge.as_ref().expect("bridge details");
        assert_eq!((bridge.stp, bridge.forward_delay, bridge.ageing), (true, Some(4), Some(300)));
        assert!(br0.is_ours() && br0.up);
        assert_eq!((br0.rp_filter, br0.forwarding), (Some(2), Some(false)));
        assert_eq!(br0.addresses[0].net, "192.0.2.1/24".parse().expect("a prefix"));
        assert_eq!((br0.addresses[0].scope.as_str(), br0.addresses[0].dynamic), ("global", false));
        let port = v0.port.as_ref().expect("port details");
        assert!(port.isolated && port.hairpin && port.learning);
        assert_eq!(v0.master, Some(br0.index));
        assert_eq!((v0.kind.as_deref(), v0.peer, v0.peer_elsewhere), (Some("veth"), Some(v1.index), false));
        let tun = tap0.tun.as_ref().expect("tap details");
        assert_eq!((tun.mode.as_str(), tun.persist, tun.vnet_hdr), ("tap", true, true));
        assert_eq!(link("vx0").kind.as_deref(), Some("vxlan"));
        assert!(link("lo").loopback && link("lo").kind.is_none());
        assert!(facts.routes.iter().any(|route| route.gateway == "192.0.2.9".parse().ok() && route.metric == 5));
        assert!(facts.routes.iter().all(|route| route.kind == "unicast"));
        assert_eq!(facts.neighbours[0].state, "permanent");
        assert!(facts.fdb.iter().any(|entry| entry.port == v0.index && entry.bridge == Some(br0.index)));
        assert_eq!(facts.sysctls["net.ipv4.ip_forward"], "0");
    });
}

#[test]
#[ignore = "needs root in a network namespace"]
fn each_step_and_its_inverse_leave_the_namespace_as_it_was() {
    inside(|| async {
        ip("link add v0 type veth peer name v1");
        ip("link set lo up");
        let kernel = Kernel::open().expect("netlink");
        let before = kernel.read().await.expect("facts");
        let bridge = NewBridge { name: "mybr0".to_owned(), mtu: Some(1400), stp: false, mac: None };
        let address = "192.0.2.1/24".parse().expect("a prefix");
        let route = HostRoute {
            destination: "198.51.100.0/24".parse().expect("a prefix"),
            gateway: "192.0.2.9".parse().ok(),
            link: "mybr0".to_owned(),
            metric: 7,
            protocol: "boot".to_owned(),
        };
        kernel.create_bridge(&bridge).await.expect("created");
        kernel.set_stp("mybr0", true).await.expect("STP");
        kernel.add_address("mybr0", address).await.expect("address");
        kernel.set_up("mybr0", true).await.expect("up");
        kernel.set_mtu("v0", 1300).await.expect("MTU");
        kernel.set_master("v0", Some("mybr0")).await.expect("master");
        kernel.add_route(&route).await.expect("route");
        kernel.set_sysctl("net.ipv4.ip_forward", "1").expect("sysctl");

        let during = kernel.read().await.expect("facts");
        let made = during.links.values().find(|link| link.name == "mybr0").expect("the bridge");
        assert!(made.is_ours() && made.up);
        assert!(made.bridge.as_ref().expect("details").stp);
        assert_eq!(made.addresses[0].net, address);
        assert!(
            during.links.values().any(|link| link.name == "v0" && link.master == Some(made.index) && link.mtu == 1300)
        );
        assert!(during.routes.iter().any(|found| found.destination == route.destination && found.metric == 7));
        assert_eq!(during.sysctls["net.ipv4.ip_forward"], "1");

        kernel.set_sysctl("net.ipv4.ip_forward", "0").expect("sysctl");
        kernel.remove_route(&route).await.expect("route");
        kernel.set_master("v0", None).await.expect("no master");
        kernel.set_mtu("v0", 1500).await.expect("MTU");
        kernel.set_up("mybr0", false).await.expect("down");
        kernel.remove_address("mybr0", address).await.expect("address");
        kernel.delete_link("mybr0").await.expect("deleted");
        assert_eq!(kernel.read().await.expect("facts"), before);
    });
}

#[test]
#[ignore = "needs root in a network namespace"]
fn reads_policy_rules_beside_the_kernels_own() {
    inside(|| async {
        let kernel = Kernel::open().expect("netlink");
        assert_eq!(kernel.rules().await.expect("rules"), []);
        ip("rule add from 192.0.2.0/24 fwmark 0x1/0xff lookup 1000 priority 100");
        ip("rule add not to 192.0.2.9 iif lo prohibit priority 90");
        ip("-6 rule add lookup main suppress_prefixlength 0 priority 80");
        let rules = kernel.rules().await.expect("rules");
        let [prohibit, marked, suppressing] = rules.as_slice() else { panic!("{rules:?}") };
        assert!(prohibit.not && prohibit.table.is_none() && !prohibit.v6);
        assert_eq!((prohibit.kind.as_str(), prohibit.in_link.as_deref()), ("prohibit", Some("lo")));
        assert_eq!(prohibit.to, Some("192.0.2.9/32".parse().expect("a prefix")));
        assert_eq!((marked.priority, marked.table, marked.mark, marked.mask), (100, Some(1000), Some(1), Some(0xff)));
        assert_eq!(marked.from, Some("192.0.2.0/24".parse().expect("a prefix")));
        assert_eq!((suppressing.v6, suppressing.suppress, suppressing.table), (true, Some(0), Some(254)));
        assert!(rules.iter().all(|rule| !rule.other));
    });
}

#[test]
#[ignore = "needs root in a network namespace"]
fn errors_say_what_was_being_done() {
    inside(|| async {
        let kernel = Kernel::open().expect("netlink");
        let error = kernel.set_up("nowhere", true).await.expect_err("no such link");
        assert_eq!(error.to_string(), "cannot set nowhere up: there is no link nowhere");
        ip("link add br0 type bridge");
        let again = NewBridge { name: "br0".to_owned(), mtu: None, stp: false, mac: None };
        let error = kernel.create_bridge(&again).await.expect_err("it exists");
        assert_eq!(error.to_string(), "cannot create the bridge br0");
        let source = std::error::Error::source(&error).expect("an errno").to_string();
        assert!(source.contains("File exists"), "{source}");
        // The bridge that was there must still be there.
        ip("link show br0");
    });
}

#[test]
#[ignore = "needs root in a network namespace"]
fn a_dump_that_is_refused_does_not_disturb_the_next() {
    inside(|| async {
        let mut dumps = Dumps::open().expect("netlink");
        // A request for statistics that names none.
        let request = RouteNetlinkMessage::GetStats(StatsMessage::default());
        let error = dumps.list("nothing", request, |(): &mut (), _| Ok(())).expect_err("it is refused");
        assert_eq!(error.to_string(), "cannot list nothing");
        let links = tables::links(&mut dumps).expect("links");
        assert_eq!(links[&1].name, "lo");
    });
}

#[test]
#[ignore = "needs root in a network namespace"]
fn a_flood_is_an_overrun() {
    inside(|| async {
        let mut events = super::Events::with_buffer(4096).expect("events");
        for index in 0..40 {
            ip(&format!("link add br{index} type bridge"));
        }
        let mut nudges = Vec::new();
        while !nudges.contains(&Nudge::Overrun) {
            nudges.push(events.next().await.expect("a nudge"));
        }
        // After the overrun the subscription goes on.
        while tokio::time::timeout(std::time::Duration::from_millis(50), events.next()).await.is_ok() {}
        ip("link set br1 up");
        while events.next().await.expect("a nudge") != Nudge::Links {}
    });
}

#[test]
#[ignore = "needs root in a network namespace"]
fn counts_traffic() {
    inside(|| async {
        ip("link set lo up");
        crate::host::kernel::netns::run("ping", &["-c", "2", "-i", "0.01", "127.0.0.1"]);
        let counters = Kernel::open().expect("netlink").counters().await.expect("counters");
        assert!(counters[&1].rx_packets >= 4, "{counters:?}");
    });
}
