//! Against nft and iptables themselves, in a namespace of our own.

mod destinations;

use std::io::Write;

use model::{
    cluster::Protocol,
    observed::Table,
    step::{DestinationTranslation, Forwarded, NarrowRule, SourceTranslation, TableEntry},
};

use super::*;
use crate::host::kernel::netns::{inside, run};

fn nft(text: &str) {
    let mut child = std::process::Command::new("nft")
        .args(["-f", "-"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("nft runs");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
    assert!(child.wait().expect("nft ends").success(), "{text}");
}

/// Rules as nft prints them, by handle, counters without their numbers.
fn texts(family: &str, table: &str) -> BTreeMap<u64, String> {
    run("nft", &["-a", "list", "table", family, table])
        .lines()
        .filter_map(|line| {
            let (text, handle) = line.trim().rsplit_once(" # handle ")?;
            let mut words: Vec<_> = text.split(' ').collect();
            while let Some(at) = words.windows(2).position(|pair| pair == ["counter", "packets"]) {
                words.drain(at + 1..at + 5);
            }
            Some((handle.parse().ok()?, words.join(" ")))
        })
        .collect()
}

fn rules(table: &Table) -> impl Iterator<Item = &model::observed::Rule> {
    table.chains.iter().flat_map(|chain| &chain.rules)
}

#[test]
#[ignore = "needs root in a network namespace"]
fn says_every_rule_as_nft_says_it() {
    inside(|| async {
        nft(include_str!("ruleset.nft"));
        let (tables, _) = Firewall.read().await.expect("the ruleset");
        for table in tables.values() {
            let texts = texts(&table.family, &table.name);
            for rule in rules(table) {
                assert_eq!(rule.text(), texts[&rule.handle], "{:?}", rule.statements);
            }
        }
        assert!(tables.values().flat_map(rules).count() > 50);
        assert!(tables["inet t"].raw.iter().any(|object| object.get("set").is_some()));
    });
}

#[test]
#[ignore = "needs root in a network namespace"]
fn replaces_our_table_and_removes_it() {
    inside(|| async {
        let entry = |subnet: &str, to: Option<&str>, out: Option<&str>| {
            TableEntry::Source(SourceTranslation {
                subnet: subnet.parse().expect("a prefix"),
                to: to.map(|to| to.parse().expect("an address")),
                out_link: out.map(str::to_owned),
            })
        };
        let forward = |address: Option<&str>, except: Option<&str>, protocol| {
            TableEntry::Destination(DestinationTranslation {
                protocol,
                port: 8080,
                address: address.map(|address| address.parse().expect("an address")),
                except: except.map(str::to_owned),
                to: "192.168.48.20:80".parse().expect("an address and port"),
            })
        };
        let entries = [
            entry("192.168.48.0/24", Some("192.168.122.202"), Some("virbr0")),
            entry("192.168.49.0/24", None, None),
            entry("fd00:48::/64", Some("fd00::1"), None),
            TableEntry::Hairpin { hairpin: "192.168.48.0/24".parse().expect("a prefix") },
            forward(Some("192.168.122.202"), None, Protocol::Tcp),
            forward(None, Some("virbr0"), Protocol::Udp),
            TableEntry::Accept {
                accept: "10.0.0.0/24".parse().expect("a prefix"),
                from: "192.168.48.0/24".parse().expect("a prefix"),
            },
            TableEntry::Accept {
                accept: "192.0.2.1/32".parse().expect("a prefix"),
                from: "192.168.48.0/24".parse().expect("a prefix"),
            },
            TableEntry::Reject {
                reject: "192.168.48.0/24".parse().expect("a prefix"),
                except: Some("mybr0".to_owned()),
            },
        ];
        let expected = [
            "fib saddr type local accept",
            "ip saddr 192.168.48.0/24 ip daddr != 192.168.48.0/24 oifname \"virbr0\" counter snat ip to 192.168.122.202",
            "ip saddr 192.168.49.0/24 ip daddr != 192.168.49.0/24 counter masquerade",
            "ip6 saddr fd00:48::/64 ip6 daddr != fd00:48::/64 counter snat ip6 to fd00::1",
            "ip saddr 192.168.48.0/24 ip daddr 192.168.48.0/24 ct status dnat counter masquerade",
        ];
        let forwarded = [
            "ip daddr 192.168.122.202 tcp dport 8080 counter dnat ip to 192.168.48.20:80",
            "iifname != \"virbr0\" fib daddr type local udp dport 8080 counter dnat ip to 192.168.48.20:80",
        ];
        let limits = [
            "ct state established,related accept",
            "ct status dnat accept",
            "ip saddr 192.168.48.0/24 ip daddr 10.0.0.0/24 counter accept",
            "ip saddr 192.168.48.0/24 ip daddr 192.0.2.1 counter accept",
            "oifname != \"mybr0\" ip saddr 192.168.48.0/24 ip daddr != 192.168.48.0/24 counter reject with icmp \
             admin-prohibited",
        ];
        for _ in 0..2 {
            Firewall.replace_table(&entries).await.expect("replaced");
            let (tables, _) = Firewall.read().await.expect("the ruleset");
            let chain = tables["inet bridgehead"].chain("postrouting").expect("our chain");
            assert_eq!((chain.hook.as_deref(), chain.priority), (Some("postrouting"), Some(100)));
            assert_eq!(chain.rules.iter().map(model::observed::Rule::text).collect::<Vec<_>>(), expected);
            let chain = tables["inet bridgehead"].chain("prerouting").expect("our chain");
            assert_eq!((chain.hook.as_deref(), chain.priority), (Some("prerouting"), Some(-100)));
            assert_eq!(chain.rules.iter().map(model::observed::Rule::text).collect::<Vec<_>>(), forwarded);
            let chain = tables["inet bridgehead"].chain("forward").expect("our chain");
            assert_eq!((chain.kind.as_deref(), chain.priority), (Some("filter"), Some(0)));
            assert_eq!(chain.rules.iter().map(model::observed::Rule::text).collect::<Vec<_>>(), limits);
            assert_eq!(model::firewall::translation::entries(&tables["inet bridgehead"]), entries);
            // What is written down for a start says the same.
            let script = model::firewall::translation::script("inet", &entries);
            nft(&script);
            let (again, _) = Firewall.read().await.expect("the ruleset");
            assert_eq!(model::firewall::translation::entries(&again["inet bridgehead"]), entries);
        }
        Firewall.replace_table(&[]).await.expect("removed");
        Firewall.replace_table(&[]).await.expect("removing what is not there");
        assert!(Firewall.read().await.expect("the ruleset").0.is_empty());
    });
}

#[test]
#[ignore = "needs root in a network namespace"]
fn a_narrow_rule_stands_first_and_reads_back_in_iptables() {
    inside(|| async {
        run("iptables-nft", &["-P", "FORWARD", "DROP"]);
        run(
            "iptables-nft",
            &["-A", "FORWARD", "-i", "virbr0", "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"],
        );
        run("iptables-nft", &["-A", "FORWARD", "-m", "comment", "--comment", "why not", "-j", "REJECT"]);
        run(
            "iptables-nft",
            &["-t", "nat", "-A", "POSTROUTING", "-p", "tcp", "-j", "MASQUERADE", "--to-ports", "1024-65535"],
        );
        let before = Firewall.read().await.expect("the ruleset").0;
        let forward = before["ip filter"].chain("FORWARD").expect("the chain");
        assert_eq!(forward.rules[0].text(), "iifname \"virbr0\" ct state established,related counter accept");
        assert_eq!(forward.rules[1].text(), "counter reject with icmp port-unreachable comment \"why not\"");
        assert_eq!(
            rules(&before["ip nat"]).next().expect("a rule").text(),
            "meta l4proto tcp counter masquerade to :1024-65535"
        );

        let rule = |established| NarrowRule {
            family: "ip".to_owned(),
            table: "filter".to_owned(),
            chain: "FORWARD".to_owned(),
            in_link: "mybr0".to_owned(),
            out_link: "mybr0".to_owned(),
            established,
            to: None,
            serves: "mybr0".to_owned(),
        };
        for established in [false, true] {
            let rule = rule(established);
            Firewall.insert_rule(&rule).await.expect("inserted");
            let (tables, hits) = Firewall.read().await.expect("the ruleset");
            let first = &tables["ip filter"].chain("FORWARD").expect("the chain").rules[0];
            assert_eq!(first.serves(), Some("mybr0"));
            assert!(is_same(first, &rule), "{:?}", first.statements);
            assert!(hits.contains_key(&format!("ip filter {}", first.handle)));
            let saved = run("iptables-nft-save", &["-t", "filter"]);
            let state = if established { "-m conntrack --ctstate RELATED,ESTABLISHED " } else { "" };
            let line =
                format!("-A FORWARD -i mybr0 -o mybr0 {state}-m comment --comment \"bridgehead:mybr0\" -j ACCEPT");
            assert!(saved.lines().any(|saved| saved == line), "{saved}");
        }
        for protocol in Protocol::ALL {
            let to = Forwarded { protocol, to: "192.168.48.20:80".parse().expect("an address and port") };
            let rule = NarrowRule { in_link: String::new(), to: Some(to), ..rule(false) };
            Firewall.insert_rule(&rule).await.expect("inserted");
            let (tables, _) = Firewall.read().await.expect("the ruleset");
            let table = &tables["ip filter"];
            let chain = table.chain("FORWARD").expect("the chain");
            assert_eq!(NarrowRule::read(table, chain, &chain.rules[0]).as_ref(), Some(&rule));
            let saved = run("iptables-nft-save", &["-t", "filter"]);
            let line = format!(
                "-A FORWARD -d 192.168.48.20/32 -o mybr0 -p {protocol} -m {protocol} --dport 80 -m comment --comment \
                 \"bridgehead:mybr0\" -j ACCEPT"
            );
            assert!(saved.lines().any(|saved| saved == line), "{saved}");
            Firewall.delete_rule(&rule).await.expect("deleted");
        }
        Firewall.delete_rule(&rule(false)).await.expect("deleted");
        Firewall.delete_rule(&rule(true)).await.expect("deleted");
        assert_eq!(Firewall.read().await.expect("the ruleset").0, before);
        let error = Firewall.delete_rule(&rule(true)).await.expect_err("it is gone");
        assert!(matches!(error, Error::NoRule { .. }));
    });
}

#[test]
#[ignore = "needs root in a network namespace"]
fn refusals_carry_what_nft_said() {
    inside(|| async {
        let rule = NarrowRule {
            family: "ip".to_owned(),
            table: "nowhere".to_owned(),
            chain: "FORWARD".to_owned(),
            in_link: "a".to_owned(),
            out_link: "b".to_owned(),
            established: false,
            to: None,
            serves: "a".to_owned(),
        };
        let error = Firewall.insert_rule(&rule).await.expect_err("no such table").to_string();
        assert!(error.starts_with("cannot insert a rule into ip nowhere FORWARD: nft refuses: "), "{error}");
        assert!(error.contains("No such file or directory"), "{error}");
    });
}

#[test]
#[ignore = "needs root in a network namespace"]
fn hears_of_changes() {
    inside(|| async {
        let mut monitor = Firewall.monitor().expect("listening");
        nft("table inet t { }");
        monitor.changed().await.expect("a nudge");
        run("iptables-nft", &["-A", "INPUT", "-j", "ACCEPT"]);
        monitor.changed().await.expect("a nudge");
    });
}
