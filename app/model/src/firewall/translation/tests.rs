use super::{script::expression, *};

fn entries() -> Vec<TableEntry> {
    let subnet = "192.168.48.0/24".parse().expect("a prefix");
    let to = "192.168.48.20:80".parse().expect("a socket address");
    let forward = |protocol, address: &str, except: Option<&str>| {
        let (address, except) = (address.parse().ok(), except.map(str::to_owned));
        TableEntry::Destination(DestinationTranslation { protocol, port: 8080, address, except, to })
    };
    vec![
        TableEntry::Source(SourceTranslation { subnet, to: "192.168.122.202".parse().ok(), out_link: None }),
        TableEntry::Source(SourceTranslation { subnet, to: None, out_link: Some("eno1".to_owned()) }),
        TableEntry::Hairpin { hairpin: subnet },
        forward(Protocol::Tcp, "192.168.122.202", None),
        forward(Protocol::Udp, "", Some("virbr0")),
        TableEntry::Accept { accept: "10.0.0.0/24".parse().expect("a prefix"), from: subnet },
        TableEntry::Accept { accept: "192.0.2.1/32".parse().expect("a prefix"), from: subnet },
        TableEntry::Reject { reject: subnet, except: None },
        TableEntry::Reject { reject: subnet, except: Some("mybr0".to_owned()) },
    ]
}

#[test]
fn a_table_reads_back() {
    for family in ["ip", "inet"] {
        assert_eq!(super::entries(&table(family, &entries())), entries());
        // The picture is of translations.
        assert_eq!(read(&table(family, &entries())), entries()[..5]);
    }
}

#[test]
fn says_it_as_nft_does() {
    let said = table("inet", &entries());
    let rules: Vec<String> = said.chains.iter().flat_map(|chain| &chain.rules).map(Rule::text).collect();
    let written: Vec<String> = entries().iter().map(|entry| expression("inet", entry)).collect();
    assert_eq!(rules[0], "fib saddr type local accept");
    assert_eq!(rules[1..6], written[..5]);
    assert_eq!(rules[6..8], ["ct state established,related accept", "ct status dnat accept"]);
    // nft does not say `type` itself, and older ones need it.
    let limits: Vec<String> = written[5..].iter().map(|rule| rule.replace("icmp type", "icmp")).collect();
    assert_eq!(rules[8..], limits);
    let script = script("inet", &entries());
    let added = script.lines().filter_map(|line| line.strip_prefix("add rule inet bridgehead ")?.split_once(' '));
    let added: Vec<String> = added.map(|(_, rule)| rule.replace("icmp type", "icmp")).collect();
    assert_eq!(rules, added);
    assert_eq!(
        written[2..],
        [
            "ip saddr 192.168.48.0/24 ip daddr 192.168.48.0/24 ct status dnat counter masquerade",
            "ip daddr 192.168.122.202 tcp dport 8080 counter dnat ip to 192.168.48.20:80",
            "iifname != \"virbr0\" fib daddr type local udp dport 8080 counter dnat ip to 192.168.48.20:80",
            "ip saddr 192.168.48.0/24 ip daddr 10.0.0.0/24 counter accept",
            "ip saddr 192.168.48.0/24 ip daddr 192.0.2.1 counter accept",
            "ip saddr 192.168.48.0/24 ip daddr != 192.168.48.0/24 counter reject with icmp type admin-prohibited",
            "oifname != \"mybr0\" ip saddr 192.168.48.0/24 ip daddr != 192.168.48.0/24 counter reject with icmp type \
             admin-prohibited",
        ]
    );
}

#[test]
fn iptables_reads_back() {
    let printed = "-P POSTROUTING ACCEPT\n-N BRIDGEHEAD\n-N BRIDGEHEAD-DNAT\n\
         -A PREROUTING -j BRIDGEHEAD-DNAT\n-A POSTROUTING -j BRIDGEHEAD\n\
         -A BRIDGEHEAD -m addrtype --src-type LOCAL -j ACCEPT\n\
         -A BRIDGEHEAD -s 192.168.48.0/24 ! -d 192.168.48.0/24 -j SNAT --to-source 192.168.122.202\n\
         -A BRIDGEHEAD -s 192.168.48.0/24 ! -d 192.168.48.0/24 -o eno1 -j MASQUERADE\n\
         -A BRIDGEHEAD -s 192.168.48.0/24 -d 192.168.48.0/24 -m conntrack --ctstate DNAT -j MASQUERADE\n\
         -A BRIDGEHEAD-DNAT -d 192.168.122.202/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.168.48.20:80\n\
         -A BRIDGEHEAD-DNAT ! -i virbr0 -p udp -m addrtype --dst-type LOCAL -m udp --dport 8080 -j DNAT --to-destination 192.168.48.20:80\n\
         -P FORWARD DROP\n-N BRIDGEHEAD-FORWARD\n-A FORWARD -j BRIDGEHEAD-FORWARD\n-A FORWARD -s 10.9.0.0/16 -j ACCEPT\n\
         -A BRIDGEHEAD-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN\n\
         -A BRIDGEHEAD-FORWARD -m conntrack --ctstate DNAT -j RETURN\n\
         -A BRIDGEHEAD-FORWARD -s 192.168.48.0/24 -d 10.0.0.0/24 -j RETURN\n\
         -A BRIDGEHEAD-FORWARD -s 192.168.48.0/24 -d 192.0.2.1/32 -j RETURN\n\
         -A BRIDGEHEAD-FORWARD -s 192.168.48.0/24 ! -d 192.168.48.0/24 -j REJECT --reject-with icmp-admin-prohibited\n\
         -A BRIDGEHEAD-FORWARD -s 192.168.48.0/24 ! -d 192.168.48.0/24 ! -o mybr0 -j REJECT --reject-with icmp-admin-prohibited\n";
    assert_eq!(read_iptables(printed), Some(entries()));
    assert_eq!(read_iptables("-P POSTROUTING ACCEPT\n"), None);
}

#[test]
fn iptables_reads_what_is_written() {
    let commands = iptables(&entries());
    let rules = commands.iter().map(|(words, _)| words[3..].join(" ")).collect::<Vec<_>>();
    assert_eq!(read_iptables(&rules.join("\n")), Some(entries()));
}
