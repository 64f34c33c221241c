use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::host::guest::exec::output;

fn mac(last: u8) -> Mac {
    Mac([0x52, 0x54, 0, 0, 0, last])
}

#[test]
fn reads_addresses_as_ip_prints_them() {
    let printed = json!([
        { "ifname": "lo", "address": "00:00:00:00:00:00", "flags": ["UP"] },
        { "ifname": "eth0", "address": "52:54:00:00:00:01", "flags": ["BROADCAST", "UP"], "mtu": 1500,
          "addr_info": [{ "family": "inet", "local": "192.168.122.20", "prefixlen": 24 },
                        { "family": "inet6", "local": "fe80::1", "prefixlen": 64 },
                        { "local": "nonsense", "prefixlen": 24 }, { "local": "10.0.0.1", "prefixlen": 77 }] },
        { "ifname": "eth1", "address": "52:54:00:00:00:02", "flags": ["BROADCAST"], "addr_info": [] }
    ]);
    let found = interfaces(&printed);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].mac, found[0].up, found[0].mtu), (Some(mac(1)), Some(true), Some(1500)));
    assert_eq!(
        found[0].addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["192.168.122.20/24", "fe80::1/64"]
    );
    assert_eq!(found[1].up, Some(false));
}

#[test]
fn a_borrowed_mac_is_not_the_nic() {
    let printed = json!([
        { "ifname": "br0", "address": "52:54:00:00:00:01", "linkinfo": { "info_kind": "bridge" } },
        { "ifname": "eth0", "address": "52:54:00:00:00:01", "linkinfo": { "info_slave_kind": "bridge" } }
    ]);
    assert_eq!(name_of(&printed, mac(1)).as_deref(), Some("eth0"));
    assert_eq!(name_of(&printed, mac(2)), None);
}

#[test]
fn a_name_that_is_an_option_or_a_path_is_no_name() {
    for name in ["-h", "a/b", "..", "", "a b", "0123456789abcdef", "x\n", "ä"] {
        assert_eq!(interface_name(Some(&json!(name))), None, "{name:?}");
    }
    assert_eq!(interface_name(Some(&json!("enp1s0.12"))).as_deref(), Some("enp1s0.12"));
}

#[test]
fn reads_routes() {
    let printed = json!([
        { "dst": "default", "gateway": "192.168.48.10", "dev": "eth1", "metric": 50, "protocol": "static" },
        { "dst": "192.168.48.0/24", "dev": "eth1", "protocol": "kernel", "prefsrc": "192.168.48.20" },
        { "dst": "10.0.0.9", "nexthops": [{ "gateway": "192.168.48.10", "dev": "eth1" }] },
        { "type": "blackhole", "dst": "10.9.0.0/16" }, { "dst": "rubbish" }, 7
    ]);
    let found = routes(&printed, false);
    assert_eq!(found.len(), 3);
    assert!(found[0].is_default() && found[0].metric == 50);
    assert_eq!(found[2].destination.to_string(), "10.0.0.9/32");
    assert_eq!(found[2].interface.as_deref(), Some("eth1"));
    assert!(routes(&json!([{ "dst": "fe80::/64", "dev": "eth0" }]), true).is_empty());
}

#[test]
fn reads_what_grep_and_ls_print() {
    let values = files("/proc/sys/net/ipv4/ip_forward:1\n/sys/class/net/a:b/flags:0x1003\nrubbish\n:x\n");
    assert_eq!(values["/proc/sys/net/ipv4/ip_forward"], "1");
    assert_eq!(is_up(&values["/sys/class/net/a:b/flags"]), Some(true));
    assert_eq!((is_up("0x1002"), is_up("1003")), (Some(false), None));
    let found = programs("/usr/sbin/ip\n/sbin/nft\n/bin/evil\n", &["ip", "nft"]);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["ip", "nft"]);
}

#[test]
fn reads_hops_with_gaps() {
    let printed = "traceroute to 10.0.0.9 (10.0.0.9), 8 hops max, 60 byte packets\n 1  192.168.48.10  0.968 ms\n 2  *\n\
                   \n 3  10.0.0.9  6.499 ms !H\n99999999  1.1.1.1\n";
    let hop = |text: &str| Some(text.parse::<IpAddr>().expect("an address"));
    assert_eq!(hops(printed, 8), [hop("192.168.48.10"), None, hop("10.0.0.9")]);
}

#[test]
fn reads_the_end_of_a_program() {
    assert_eq!(output(&json!({ "exited": false })), Ok(None));
    let done = output(&json!({ "exited": true, "exitcode": 3, "out-data": "aGkK" })).expect("an end").expect("ended");
    assert_eq!((done.status, done.text().as_str()), (3, "hi\n"));
    let killed = output(&json!({ "exited": true, "signal": 9 })).expect("an end").expect("ended");
    assert_eq!(killed.status, 137);
    assert!(output(&json!({ "exited": true, "exitcode": 0, "out-data": "%" })).is_err());
    assert!(output(&json!({ "exited": true })).is_err());
    assert!(output(&json!({ "exited": true, "exitcode": 0, "out-data": "A".repeat(2 << 20) })).is_err());
}

#[test]
fn strings_are_bounded_and_clean() {
    assert_eq!(string(Some(&json!("a\u{1b}[31mb\u{202e}"))).as_deref(), Some("a[31mb"));
    assert_eq!(string(Some(&json!("x".repeat(9999)))).map(|text| text.len()), Some(STRING));
    let mut value = json!({ "a": ["b\u{7}"] });
    clean_json(&mut value);
    assert_eq!(value, json!({ "a": ["b"] }));
}

#[test]
fn an_answer_that_is_too_much_is_not_even_read() {
    let reply_of = |inner: &str| reply(&format!("{{\"return\":{inner}}}"));
    let many = |what: &str, count: usize| format!("[{}]", vec![what; count].join(","));
    assert!(reply_of(&many("{\"a\":0}", 1000)).is_ok());
    for (odd, reason) in [
        (many("0", VALUES), "values"),
        (many("{\"a\":0}", VALUES / 2), "values"),
        (format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)), "nested"),
        (format!("{}{}", "{\"a\":".repeat(DEPTH), "0"), "nested"),
        ("[1,".to_owned(), "not JSON"),
    ] {
        let refused = reply_of(&odd).expect_err(reason);
        assert!(refused.contains(reason), "{refused}");
    }
    // In a string, all of it is text.
    let text = "[{,".repeat(VALUES) + "\\\"" + &"[".repeat(DEPTH + 1);
    assert!(reply_of(&format!("\"{text}\"")).is_ok());
}

#[test]
fn what_is_kept_of_one_guest_is_bounded() {
    let long = "x".repeat(9999);
    let addresses: Vec<_> = (0..100).map(|n| json!({ "ip-address": format!("fd00::{n:x}"), "prefix": 64 })).collect();
    let all: Vec<_> = (0..200).map(|n| json!({ "name": format!("e{n}"), "ip-addresses": addresses })).collect();
    let kept = agent_interfaces(&Value::from(all));
    assert_eq!((kept.len(), kept.iter().map(|it| it.addresses.len()).sum::<usize>()), (INTERFACES, ADDRESSES.1));
    let all: Vec<_> =
        (0..600).map(|n| json!({ "dst": format!("fd00::{n:x}"), "dev": "e0", "protocol": long[..WORD] })).collect();
    let ways = routes(&Value::from(all), true);
    let all: Vec<_> = (0..300).map(|n| json!({ "name": format!("{n}-{}", &long[..50]), "enabled": true })).collect();
    let names = commands(&json!({ "supported_commands": all }));
    assert_eq!((ways.len(), names.len()), (ROUTES, COMMANDS));
    let text = string(Some(&json!(long)));
    let facts = model::observed::GuestFacts {
        hostname: text.clone(),
        os: text,
        commands: names,
        interfaces: kept,
        routes: Some(ways),
        ..Default::default()
    };
    assert!(model::wire::encode(&facts).len() < 100 << 10);
}

#[test]
fn names_of_fields_are_cleaned_too() {
    let mut value = json!({ "a\u{202e}": 1, "b": { "c\u{7}": 2, "d": 3 } });
    clean_json(&mut value);
    assert_eq!(value, json!({ "b": { "d": 3 } }));
}

/// JSON of any shape, with the keys that the parsers look for.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        prop_oneof![Just("default"), Just("52:54:00:00:00:01"), Just("10.0.0.1"), Just("fe80::1")]
            .prop_map(Value::from),
    ];
    let key = prop_oneof![
        "[a-z]{1,4}",
        prop_oneof![
            Just("ifname"),
            Just("address"),
            Just("addr_info"),
            Just("local"),
            Just("prefixlen"),
            Just("dst"),
            Just("nexthops"),
            Just("gateway"),
            Just("dev"),
            Just("flags"),
            Just("linkinfo"),
            Just("name"),
            Just("supported_commands"),
            Just("ip-addresses"),
            Just("exited"),
            Just("exitcode"),
            Just("out-data"),
            Just("nftables"),
            Just("return")
        ]
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_answer_panics(mut value in any_json(), text in ".{0,300}") {
        let _ = commands(&value);
        let _ = agent_interfaces(&value);
        let _ = interfaces(&value);
        let _ = name_of(&value, mac(1));
        let _ = routes(&value, false);
        let _ = routes(&value, true);
        let _ = output(&value);
        let _ = reply(&value.to_string());
        let _ = reply(&text);
        let _ = files(&text);
        let _ = is_up(&text);
        let _ = programs(&text, &["ip"]);
        prop_assert!(hops(&text, 8).len() <= 8);
        let _ = kernel_routes(&text);
        let _ = crate::host::guest::translation::table_of(&text);
        clean_json(&mut value);
        let tables = crate::host::firewall::parse_ruleset(&value).0.into_values().collect();
        let facts = model::observed::GuestFacts { tables: Some(tables), ..Default::default() };
        let _ = model::topology::guest_translations(&facts);
    }
}

#[test]
fn reads_the_kernels_own_routes() {
    let printed = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t017AA8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
        eth0\t007AA8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        eth1\t0030A8C0\t00000000\t0000\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        no route at all\n";
    let routes = kernel_routes(printed);
    let told: Vec<_> = routes.iter().map(|route| (route.destination.to_string(), route.via, route.metric)).collect();
    let via = Some("192.168.122.1".parse().expect("an address"));
    assert_eq!(told, [("0.0.0.0/0".to_owned(), via, 100), ("192.168.122.0/24".to_owned(), None, 0)]);
}
