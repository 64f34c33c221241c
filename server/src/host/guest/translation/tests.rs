use model::{cluster::Protocol, firewall::translation::read};
use proptest::prelude::*;

use super::*;

fn entry(subnet: &str, to: Option<&str>, out_link: Option<&str>) -> TableEntry {
    TableEntry::Source(SourceTranslation {
        subnet: subnet.parse().expect("a subnet"),
        to: to.map(|to| to.parse().expect("an address")),
        out_link: out_link.map(str::to_owned),
    })
}

fn forward(address: Option<&str>, except: Option<&str>, to: &str) -> TableEntry {
    TableEntry::Destination(DestinationTranslation {
        protocol: Protocol::Tcp,
        port: 8080,
        address: address.map(|address| address.parse().expect("an address")),
        except: except.map(str::to_owned),
        to: to.parse().expect("an address and port"),
    })
}

#[test]
fn says_it_to_iptables() {
    let entries = [entry("192.168.48.7/24", Some("192.168.122.202"), None)];
    let chain = "*nat\n:BRIDGEHEAD - [0:0]\n-A BRIDGEHEAD -m addrtype --src-type LOCAL -j ACCEPT\n\
                 -A BRIDGEHEAD -s 192.168.48.0/24 ! -d 192.168.48.0/24 -j SNAT --to-source 192.168.122.202\n\
                 -I POSTROUTING 1 -j BRIDGEHEAD\nCOMMIT\n";
    assert_eq!(iptables(&entries, [false; 3]).as_deref(), Ok(chain));
    assert_eq!(
        iptables(&[], [true, false, false]).as_deref(),
        Ok("*nat\n:BRIDGEHEAD - [0:0]\n-D POSTROUTING -j BRIDGEHEAD\n-X BRIDGEHEAD\nCOMMIT\n")
    );
    assert_eq!(iptables(&[], [false; 3]).as_deref(), Ok("*nat\n:BRIDGEHEAD - [0:0]\n-X BRIDGEHEAD\nCOMMIT\n"));
}

#[test]
fn says_forwards_to_iptables() {
    let hairpin = TableEntry::Hairpin { hairpin: "192.168.48.0/24".parse().expect("a subnet") };
    let entries = [hairpin, forward(Some("192.168.122.202"), None, "192.168.48.20:80")];
    let chains = "*nat\n:BRIDGEHEAD - [0:0]\n:BRIDGEHEAD-DNAT - [0:0]\n\
                  -A BRIDGEHEAD -m addrtype --src-type LOCAL -j ACCEPT\n\
                  -A BRIDGEHEAD -s 192.168.48.0/24 -d 192.168.48.0/24 -m conntrack --ctstate DNAT -j MASQUERADE\n\
                  -I POSTROUTING 1 -j BRIDGEHEAD\n\
                  -A BRIDGEHEAD-DNAT -d 192.168.122.202 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.168.48.20:80\n\
                  -I PREROUTING 1 -j BRIDGEHEAD-DNAT\nCOMMIT\n";
    assert_eq!(iptables(&entries, [false; 3]).as_deref(), Ok(chains));
    let text = chains.replace(":BRIDGEHEAD - [0:0]", "-N BRIDGEHEAD");
    assert_eq!(table_of(&text).map(|table| read(&table)).as_deref(), Some(&entries[..]));
    let gone = "*nat\n:BRIDGEHEAD - [0:0]\n:BRIDGEHEAD-DNAT - [0:0]\n-D POSTROUTING -j BRIDGEHEAD\n-X BRIDGEHEAD\n\
                -D PREROUTING -j BRIDGEHEAD-DNAT\n-X BRIDGEHEAD-DNAT\nCOMMIT\n";
    assert_eq!(iptables(&[], [true, true, false]).as_deref(), Ok(gone));
}

#[test]
fn says_limits_to_iptables_and_reads_them() {
    let net = |text: &str| text.parse().expect("a subnet");
    let from = net("192.168.48.0/24");
    let entries = [
        entry("192.168.48.0/24", None, None),
        TableEntry::Accept { accept: net("10.0.0.0/24"), from },
        TableEntry::Reject { reject: from, except: None },
    ];
    let chains = "*nat\n:BRIDGEHEAD - [0:0]\n-A BRIDGEHEAD -m addrtype --src-type LOCAL -j ACCEPT\n\
                  -A BRIDGEHEAD -s 192.168.48.0/24 ! -d 192.168.48.0/24 -j MASQUERADE\n\
                  -I POSTROUTING 1 -j BRIDGEHEAD\nCOMMIT\n\
                  *filter\n:BRIDGEHEAD-FORWARD - [0:0]\n\
                  -A BRIDGEHEAD-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN\n\
                  -A BRIDGEHEAD-FORWARD -m conntrack --ctstate DNAT -j RETURN\n\
                  -A BRIDGEHEAD-FORWARD -s 192.168.48.0/24 -d 10.0.0.0/24 -j RETURN\n\
                  -A BRIDGEHEAD-FORWARD -s 192.168.48.0/24 ! -d 192.168.48.0/24 -j REJECT --reject-with icmp-admin-prohibited\n\
                  -I FORWARD 1 -j BRIDGEHEAD-FORWARD\nCOMMIT\n";
    assert_eq!(iptables(&entries, [false; 3]).as_deref(), Ok(chains));
    let printed = chains.replace(":BRIDGEHEAD - [0:0]", "-N BRIDGEHEAD");
    let table = table_of(&printed).expect("our table");
    assert_eq!(model::firewall::translation::entries(&table), entries);
    let gone = "*nat\n:BRIDGEHEAD - [0:0]\n-D POSTROUTING -j BRIDGEHEAD\n-X BRIDGEHEAD\nCOMMIT\n\
                *filter\n:BRIDGEHEAD-FORWARD - [0:0]\n-D FORWARD -j BRIDGEHEAD-FORWARD\n-X BRIDGEHEAD-FORWARD\nCOMMIT\n";
    assert_eq!(iptables(&[], [true, false, true]).as_deref(), Ok(gone));
}

#[test]
fn refuses_what_it_cannot_say() {
    for bad in [
        entry("fd00::/64", None, None),
        entry("10.0.0.0/8", Some("fd00::1"), None),
        entry("10.0.0.0/8", None, Some("x\" ; flush ruleset")),
        entry("10.0.0.0/8", None, Some("x\nCOMMIT")),
        TableEntry::Hairpin { hairpin: "fd00::/64".parse().expect("a subnet") },
        TableEntry::Accept {
            accept: "fd00::/64".parse().expect("a subnet"),
            from: "10.0.0.0/8".parse().expect("a subnet"),
        },
        TableEntry::Reject { reject: "fd00::/64".parse().expect("a subnet"), except: None },
        TableEntry::Reject { reject: "10.0.0.0/8".parse().expect("a subnet"), except: Some("x\nCOMMIT".to_owned()) },
        forward(Some("fd00::1"), None, "192.168.48.20:80"),
        forward(None, None, "[fd00::20]:80"),
        forward(None, Some("x\nCOMMIT"), "192.168.48.20:80"),
    ] {
        assert!(nft(std::slice::from_ref(&bad)).is_err(), "{bad:?}");
        assert!(iptables(&[bad], [true, false, false]).is_err());
    }
}

#[test]
fn reads_its_own_chain_as_a_table() {
    let entries = [entry("192.168.48.0/24", Some("192.168.122.202"), None), entry("10.1.0.0/16", None, Some("eth0"))];
    let text = iptables(&entries, [false; 3]).expect("a chain").replace(":BRIDGEHEAD - [0:0]", "-N BRIDGEHEAD");
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
        if let Ok(text) = iptables(&named, [true, false, false]) {
            prop_assert_eq!(text, iptables(&plain, [true, false, false]).expect("a chain").replace("eth0", &name));
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _ = table_of(&format!("-N BRIDGEHEAD\n-A BRIDGEHEAD {text}\n"));
    }
}
