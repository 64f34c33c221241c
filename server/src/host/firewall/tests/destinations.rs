//! Packets of a member, of the world outside, and a gateway between them that has our table.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use model::step::TableEntry;

use crate::host::{
    firewall::Firewall,
    kernel::netns::{inside, ip, run},
};

/// A namespace behind one of our links; it ends with the process that holds it.
struct Neighbour(Child);

impl Neighbour {
    /// `link` is ours, `via` its address; the neighbour has `addresses`.
    fn behind(link: &str, via: &str, addresses: &[&str]) -> Self {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "echo ready; exec cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut neighbour = Self(command.spawn().expect("unshare runs"));
        let mut line = String::new();
        let said = neighbour.0.stdout.as_mut().expect("a pipe");
        BufReader::new(said).read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        ip(&format!("link add {link} type veth peer name eth0 netns {}", neighbour.0.id()));
        ip(&format!("address add {via}/24 dev {link}"));
        ip(&format!("link set {link} up"));
        for address in addresses {
            neighbour.run(&["ip", "address", "add", &format!("{address}/24"), "dev", "eth0"]);
        }
        neighbour.run(&["ip", "link", "set", "eth0", "up"]);
        neighbour.run(&["ip", "route", "add", "default", "via", via]);
        neighbour
    }

    fn run(&self, command: &[&str]) {
        run("nsenter", &[&["--net", &format!("--target={}", self.0.id())], command].concat());
    }

    /// What `ping` says of one packet.
    fn ping(&self, address: &str) -> String {
        let target = format!("--target={}", self.0.id());
        let output = Command::new("nsenter").args(["--net", &target, "ping", "-c", "1", "-W", "5", address]).output();
        String::from_utf8_lossy(&output.expect("nsenter runs").stdout).into_owned()
    }

    fn reaches(&self, address: &str) -> bool {
        self.ping(address).contains(" 1 received")
    }

    fn is_refused(&self, address: &str) -> bool {
        self.ping(address).contains("From 192.168.48.1 icmp_seq=1 Packet filtered")
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs root in a network namespace"]
fn members_reach_what_they_may() {
    inside(|| async {
        let member = Neighbour::behind("mybr0", "192.168.48.1", &["192.168.48.20"]);
        let outside = Neighbour::behind("eno1", "10.0.0.1", &["10.0.0.8", "10.0.0.9"]);
        run("sysctl", &["-qw", "net.ipv4.ip_forward=1"]);
        assert!(member.reaches("10.0.0.8") && member.reaches("10.0.0.9"));

        let from = "192.168.48.0/24".parse().expect("a prefix");
        let accept = TableEntry::Accept { accept: "10.0.0.9/32".parse().expect("a prefix"), from };
        let reject = TableEntry::Reject { reject: from, except: Some("mybr0".to_owned()) };
        Firewall.replace_table(&[accept, reject.clone()]).await.expect("replaced");
        assert!(member.reaches("10.0.0.9"), "it is in the list");
        assert!(member.is_refused("10.0.0.8"), "it is not");
        assert!(member.reaches("192.168.48.1") && member.reaches("10.0.0.1"), "the gateway itself is not outside");

        Firewall.replace_table(&[reject]).await.expect("replaced");
        assert!(member.is_refused("10.0.0.9"));
        assert!(outside.reaches("192.168.48.20"), "whoever asks a member is answered");

        Firewall.replace_table(&[]).await.expect("removed");
        assert!(member.reaches("10.0.0.8"));
    });
}
