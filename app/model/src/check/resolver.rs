//! Name servers and hostnames of guests.

use std::net::{IpAddr, Ipv4Addr};

use crate::{
    Cluster,
    note::{Note, Sentence, Severity, Subject},
    resolver::{LONGEST, MOST},
};

use super::note;

/// The longest label (RFC 1123, section 2.1; RFC 1035, section 2.3.4).
const LABEL: usize = 63;

pub fn check(draft: &Cluster, notes: &mut Vec<Note>) {
    for guest in &draft.guests {
        let (name, subject) = (&guest.name, Subject::Guest(guest.name.to_string()));
        let mut block = |code: &str, field: &str, text| {
            notes.push(note(Severity::Block, subject.clone(), code, text, Some(format!("guest.{name}.{field}"))));
        };
        for (nth, server) in guest.dns.iter().enumerate() {
            if is_nobody(*server) {
                let text = Sentence::new(
                    format!("{server} is no machine's own address, so nothing answers there."),
                    format!("{server} 不是某台机器自己的地址，不会有应答。"),
                );
                block("bad-dns", "dns", text);
            } else if guest.dns[..nth].contains(server) {
                let text = Sentence::new(format!("{server} is there twice."), format!("{server} 出现了两次。"));
                block("bad-dns", "dns", text);
            }
        }
        if guest.dns.len() > MOST {
            let many = guest.dns.len();
            let text = Sentence::new(
                format!("A guest asks {MOST} name servers at most, not {many}."),
                format!("虚拟机最多使用 {MOST} 个 DNS 服务器，不能是 {many} 个。"),
            );
            block("many-dns", "dns", text);
        }
        if let Some(text) = guest.hostname.as_deref().and_then(wrong_hostname) {
            block("bad-hostname", "hostname", text);
        }
    }
}

fn is_nobody(server: IpAddr) -> bool {
    server.is_unspecified() || server.is_multicast() || server == IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// What is wrong with a hostname.
pub fn wrong_hostname(name: &str) -> Option<Sentence> {
    // It may be as long as it likes.
    let shown: String = name.chars().take(LONGEST).collect();
    if name.len() > LONGEST {
        return Some(Sentence::new(
            format!("A hostname has {LONGEST} bytes at most; {shown}… has {}.", name.len()),
            format!("主机名最多 {LONGEST} 字节；{shown}… 有 {} 字节。", name.len()),
        ));
    }
    let is_label = |label: &str| {
        (1..=LABEL).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (!name.split('.').all(is_label)).then(|| {
        Sentence::new(
            format!(
                "“{shown}” is no hostname: letters, digits and hyphens, in parts of at most {LABEL} that dots separate and \
                 that no hyphen begins or ends."
            ),
            format!(
                "“{shown}” 不是主机名：应由字母、数字和连字符组成，以点分段，每段最多 {LABEL} 个字符，首尾不能是连字符。"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostnames_are_labels() {
        for name in ["a", "node1", "3com", "db-1.example.org", &"a".repeat(63)] {
            assert_eq!(wrong_hostname(name), None, "{name}");
        }
        let long = "a".repeat(64);
        let longer = format!("{}.{}", "a".repeat(32), "b".repeat(32));
        for name in ["", ".", "a..b", "a.", "-a", "a-", "a.-b", "a_b", "a b", "größe", "a\n", &long, &longer] {
            assert!(wrong_hostname(name).is_some(), "{name:?}");
        }
    }

    #[test]
    fn nobody_answers_at_some_addresses() {
        for text in ["0.0.0.0", "::", "224.0.0.251", "ff02::fb", "255.255.255.255"] {
            assert!(is_nobody(text.parse().expect("an address")), "{text}");
        }
        assert!(!is_nobody("127.0.0.53".parse().expect("an address")));
    }
}
