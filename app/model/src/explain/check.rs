//! Questions that nobody can answer: each has a note with the field that is at fault.

use std::net::IpAddr;

use super::{Origin, Probe, Question, Target, named::LONGEST};
use crate::{
    Observed,
    note::{Note, Sentence, Severity, Subject},
};

impl Question {
    /// What is wrong with the question itself, on this host; nothing if it can be asked.
    pub fn check(&self, observed: &Observed) -> Vec<Note> {
        let mut notes = Vec::new();
        match &self.from {
            Origin::Guest { guest, interface } => {
                is_there(observed, guest, "from.guest", &mut notes);
                interface.iter().for_each(|name| has(observed, guest, name, &mut notes));
            }
            Origin::Host => {}
            Origin::Outside { uplink, address } => {
                uplink.iter().for_each(|name| leads_out(observed, name, &mut notes));
                address.iter().for_each(|address| self.asks_from(*address, &mut notes));
            }
        }
        match &self.to {
            Target::Guest { guest } => is_there(observed, guest, "to.guest", &mut notes),
            Target::Host => {}
            Target::Address { address } => is_one(*address, "to.address", &mut notes),
        }
        if let Probe::Tcp { port: 0 } | Probe::Udp { port: 0 } = self.probe {
            notes.push(wrong("bad-port", "probe.port", "nobody listens on port 0", "没有程序监听端口 0"));
        }
        notes
    }

    fn asks_from(&self, address: IpAddr, notes: &mut Vec<Note>) {
        let field = "from.address";
        is_one(address, field, notes);
        if address.is_loopback() {
            let (en, zh) = (format!("nobody outside speaks by {address}"), format!("外部没有机器使用地址 {address}"));
            notes.push(wrong("bad-address", field, en, zh));
        }
        if address.is_ipv6() != self.wants_v6() {
            let (en, zh) = if address.is_ipv6() { ("IPv6", "IPv4") } else { ("IPv4", "IPv6") };
            let (en, zh) = (
                format!("{address} is an address of {en}, and an address of {zh} is asked"),
                format!("{address} 是 {en} 地址，而询问的是 {zh} 地址"),
            );
            notes.push(wrong("mixed-versions", field, en, zh));
        }
    }
}

fn wrong(code: &str, field: &str, en: impl Into<String>, zh: impl Into<String>) -> Note {
    let subject = if field.starts_with("from") { Subject::Outside } else { Subject::Host };
    Note::new(Severity::Block, subject, code, Sentence::new(en, zh)).field(field)
}

/// A name as it may be said again.
fn cut(name: &str) -> String {
    name.chars().take(LONGEST).collect()
}

fn is_there(observed: &Observed, guest: &str, field: &str, notes: &mut Vec<Note>) {
    if !observed.domains.contains_key(guest) {
        let guest = cut(guest);
        let (en, zh) = (format!("there is no guest {guest:?}"), format!("没有名为 {guest:?} 的虚拟机"));
        notes.push(wrong("unknown-guest", field, en, zh));
    }
}

fn has(observed: &Observed, guest: &str, interface: &str, notes: &mut Vec<Note>) {
    let told = observed.guests.get(guest).map_or(&[][..], |facts| &facts.interfaces);
    let unknown = !told.is_empty() && !told.iter().any(|own| own.name == interface);
    if unknown || interface.len() > LONGEST {
        let (guest, interface) = (cut(guest), cut(interface));
        let en = format!("{guest:?} has no interface {interface:?}");
        let zh = format!("{guest:?} 没有接口 {interface:?}");
        notes.push(wrong("unknown-interface", "from.interface", en, zh));
    }
}

fn leads_out(observed: &Observed, uplink: &str, notes: &mut Vec<Note>) {
    if observed.link(uplink).is_none() {
        let uplink = cut(uplink);
        let (en, zh) = (format!("the host has no link {uplink:?}"), format!("主机没有链路 {uplink:?}"));
        notes.push(wrong("unknown-uplink", "from.uplink", en, zh));
    }
}

/// Whether it can be that of one machine.
fn is_one(address: IpAddr, field: &str, notes: &mut Vec<Note>) {
    let everybody = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    if address.is_unspecified() || address.is_multicast() || everybody {
        let en = format!("{address} is not the address of one machine");
        let zh = format!("{address} 不是单独一台机器的地址");
        notes.push(wrong("bad-address", field, en, zh));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observed::{Domain, GuestFacts, GuestInterface, Link};

    fn host() -> Observed {
        let mut observed = Observed::default();
        observed.links.insert(2, Link { index: 2, name: "eno1".to_owned(), ..Link::default() });
        observed.domains.insert("node1".to_owned(), Domain { name: "node1".to_owned(), ..Domain::default() });
        let eth0 = GuestInterface {
            name: "eth0".to_owned(),
            mac: None,
            up: None,
            addresses: Vec::new(),
            mtu: None,
            rp_filter: None,
            dhcp: false,
            accept_ra: None,
        };
        observed.guests.insert("node1".to_owned(), GuestFacts { interfaces: vec![eth0], ..GuestFacts::default() });
        observed
    }

    /// The fields at fault.
    fn fields(question: &str) -> Vec<String> {
        let question: Question = serde_json::from_str(question).unwrap_or_else(|error| panic!("{question}: {error}"));
        question.check(&host()).into_iter().filter_map(|note| note.field).collect()
    }

    fn asked(from: &str, to: &str, probe: &str) -> Vec<String> {
        fields(&format!("{{\"from\": {{{from}}}, \"to\": {{{to}}}, \"probe\": {{{probe}}}}}"))
    }

    const NODE1: &str = r#""is": "guest", "guest": "node1""#;
    const OUTSIDE: &str = r#""is": "outside""#;
    const ECHO: &str = r#""protocol": "echo""#;
    const ADDRESS: &str = r#""is": "address", "address": "10.0.0.9""#;

    #[test]
    fn what_can_be_asked_has_no_note() {
        let nothing: [String; 0] = [];
        assert_eq!(asked(NODE1, ADDRESS, ECHO), nothing);
        assert_eq!(asked(&format!("{NODE1}, \"interface\": \"eth0\""), ADDRESS, ECHO), nothing);
        assert_eq!(asked(&format!("{OUTSIDE}, \"uplink\": \"eno1\", \"address\": \"10.0.0.7\""), NODE1, ECHO), nothing);
        assert_eq!(asked(r#""is": "host""#, r#""is": "host""#, r#""protocol": "tcp", "port": 443"#), nothing);
    }

    #[test]
    fn what_is_wrong_names_its_field() {
        let nobody = NODE1.replace("node1", "nobody");
        assert_eq!(asked(&nobody, &nobody, ECHO), ["from.guest", "to.guest"]);
        assert_eq!(asked(&format!("{NODE1}, \"interface\": \"eth7\""), ADDRESS, ECHO), ["from.interface"]);
        assert_eq!(asked(&format!("{OUTSIDE}, \"uplink\": \"eno7\""), ADDRESS, ECHO), ["from.uplink"]);
        assert_eq!(asked(NODE1, ADDRESS, r#""protocol": "udp", "port": 0"#), ["probe.port"]);
        for address in ["0.0.0.0", "255.255.255.255", "224.0.0.1", "::", "ff02::1"] {
            assert_eq!(asked(NODE1, &ADDRESS.replace("10.0.0.9", address), ECHO), ["to.address"], "{address}");
        }
        for address in ["127.0.0.1", "fd00::9"] {
            let from = format!("{OUTSIDE}, \"address\": \"{address}\"");
            assert_eq!(asked(&from, ADDRESS, ECHO), ["from.address"], "{address}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_not_said_again_whole() {
        let from = NODE1.replace("node1", &"x".repeat(1 << 20));
        let question = format!("{{\"from\": {{{from}}}, \"to\": {{{ADDRESS}}}, \"probe\": {{{ECHO}}}}}");
        let question: Question = serde_json::from_str(&question).expect("a question");
        assert!(question.check(&host()).iter().all(|note| note.text.en.len() < 200));
    }
}
