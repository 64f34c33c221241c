use model::firewall::translation::read;
use proptest::prelude::*;

use super::*;

fn entry(subnet: &str, to: Option<&str>, out_link: Option<&str>) -> TableEntry {
    TableEntry {
        subnet: subnet.parse().expect("a subnet"),
        to: to.map(|to| to.parse().expect("an address")),
        out_link: out_link.map(str::to_owned),
    }
}

#[test]
fn says_it_to_iptables() {
    let entries = [entry("192.168.48.7/24", Some("192.168.122.202"), None)];
    let chain = "*nat\n:BRIDGEHEAD - [0:0]\n-A BRIDGEHEAD -m addrtype --src-type LOCAL -j ACCEPT\n\
                 -A BRIDGEHEAD -s 192.168.48.0/24 ! -d 192.168.48.0/24 -j SNAT --to-source 192.168.122.202\n\
                 -I POSTROUTING 1 -j BRIDGEHEAD\nCOMMIT\n";
    assert_eq!(iptables(&entries, false).as_deref(), Ok(chain));
    assert_eq!(
        iptables(&[], true).as_deref(),
        Ok("*nat\n:BRIDGEHEAD - [0:0]\n-D POSTROUTING -j BRIDGEHEAD\n-X BRIDGEHEAD\nCOMMIT\n")
    );
    assert_eq!(iptables(&[], false).as_deref(), Ok("*nat\n:BRIDGEHEAD - [0:0]\n-X BRIDGEHEAD\nCOMMIT\n"));
}

#[test]
fn refuses_what_it_cannot_say() {
    for bad in [
        entry("fd00::/64", None, None),
        entry("10.0.0.0/8", Some("fd00::1"), None),
        entry("10.0.0.0/8", None, Some("x\" ; flush ruleset")),
        entry("10.0.0.0/8", None, Some("x\nCOMMIT")),
    ] {
        assert!(nft(std::slice::from_ref(&bad)).is_err(), "{bad:?}");
        assert!(iptables(&[bad], true).is_err());
    }
}

#[test]
fn reads_its_own_chain_as_a_table() {
    let entries = [entry("192.168.48.0/24", Some("192.168.122.202"), None), entry("10.1.0.0/16", None, Some("eth0"))];
    let text = iptables(&entries, false).expect("a chain").replace(":BRIDGEHEAD - [0:0]", "-N BRIDGEHEAD");
    assert_eq!(table_of(&text).map(|table| read(&table)).as_deref(), Some(&entries[..]));
    assert_eq!(table_of("-P POSTROUTING ACCEPT\n"), None);
}

proptest! {
    #[test]
    fn no_link_name_breaks_out(name in ".{0,20}") {
        let (named, plain) = ([entry("10.0.0.0/8", None, Some(&name))], [entry("10.0.0.0/8", None, Some("eth0"))]);
        if let Ok(text) = nft(&named) {
            prop_assert_eq!(text, nft(&plain).expect("a table").replace("eth0", &name));
        }
        if let Ok(text) = iptables(&named, true) {
            prop_assert_eq!(text, iptables(&plain, true).expect("a chain").replace("eth0", &name));
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _ = table_of(&format!("-N BRIDGEHEAD\n-A BRIDGEHEAD {text}\n"));
    }
}
