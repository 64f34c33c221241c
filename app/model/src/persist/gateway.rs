//! What makes a guest a gateway again: sysctl.d(5), and a table of ours that a service of the guest's own loads.

use std::{collections::BTreeSet, net::IpAddr};

use crate::{
    firewall::translation,
    step::{DestinationTranslation, SourceTranslation, TableEntry},
};

/// Where tables of ours are.
pub const TABLES: &str = "/etc/nftables.d";
/// What is started with the target that every start reaches.
pub const DROP_IN: &str = "/etc/systemd/system/multi-user.target.d";

const SERVICE: &str = "90-bridgehead-nftables.service";

/// Without systemd nobody is known who would load the table.
pub fn write(entries: &[TableEntry], systemd: bool) -> Vec<(String, String)> {
    let mut files = vec![("/etc/sysctl.d/90-bridgehead.conf".to_owned(), "net.ipv4.ip_forward = 1\n".to_owned())];
    if systemd && !entries.is_empty() {
        let table = format!("{TABLES}/90-bridgehead.nft");
        let service = format!(
            "[Unit]\nDescription=Source translation for the members of this gateway\nAfter=nftables.service\n\n\
             [Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=nft -f {table}\n"
        );
        files.push((table, translation::script("ip", entries)));
        files.push((format!("/etc/systemd/system/{SERVICE}"), service));
        files.push((format!("{DROP_IN}/90-bridgehead.conf"), format!("[Unit]\nWants={SERVICE}\n")));
    }
    files
}

/// What is to be loaded at the next start. An address that the document does not give the guest is a lease's, say: it may be
/// another one then, so the table speaks of whatever the guest has.
pub fn lasting(entry: &TableEntry, given: &BTreeSet<IpAddr>) -> TableEntry {
    let known = |address: &Option<IpAddr>| address.filter(|address| given.contains(address));
    match entry.clone() {
        TableEntry::Source(own) => TableEntry::Source(SourceTranslation { to: known(&own.to), ..own }),
        TableEntry::Destination(own) => {
            TableEntry::Destination(DestinationTranslation { address: known(&own.address), ..own })
        }
        other => other,
    }
}
