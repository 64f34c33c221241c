//! Why can't A reach B? What would become of a packet, hop by hop, there and back.
//!
//! ```text
//! Question ─► ends: who asks, at which address
//!    ┌─► stack: route, source, netfilter hooks, rp_filter, ip_forward of one machine, host or guest alike
//!    │     └─ machine, route, hook, firewall, conntrack
//!    └── cable: its NIC, tap and bridge to the next machine
//!          └─ bridge, segment
//! Explanation: the hops, and the first "no" or the first thing that is not known
//! ```
//!
//! Nothing is guessed. What is not known and may decide makes the verdict *unknown*; if there is a certain "no" further on,
//! that is the verdict, as it would not get past it in either case.

mod answer;
mod bridge;
mod cable;
mod check;
mod conntrack;
mod ends;
mod firewall;
mod hook;
mod machine;
mod named;
mod outward;
mod owner;
mod packet;
mod question;
mod route;
mod segment;
mod stack;
mod stop;
mod text;
mod validate;
mod walk;

pub use answer::{Explanation, Finding, Hop, Matched, Place, Verdict};
pub use named::NoEnd;
pub use owner::Owner;
pub use packet::{Packet, Transport};
pub use question::{Origin, Probe, Question, Target};

use crate::{
    Observed,
    note::{Sentence, Subject},
    observed::{Source, SourceState},
};
use ends::Asker;
use stop::Stop;
use walk::{At, End, Walk};

/// Walks the packet's way as the kernels on it would, and its answer's way back.
pub fn explain(observed: &Observed, question: &Question) -> Explanation {
    let mut walk = Walk::new(observed);
    let stopped = walk.there_and_back(question).err();
    walk.settle();
    let Walk { hops, doubts, assumed, .. } = walk;
    let stop = stopped.map(|stop| stop.at(hops.len()));
    let first = match (stop, doubts.into_iter().next()) {
        (Some(stop), _) if stop.is_no() => Some(stop),
        (stop, doubt) => doubt.or(stop),
    };
    let (verdict, finding) = match first.map(Stop::into_parts) {
        Some((verdict, finding)) => (verdict, Some(finding)),
        None => (Verdict::Yes, None),
    };
    Explanation { question: question.clone(), verdict, hops, finding, assumed }
}

impl<'a> Walk<'a> {
    fn there_and_back(&mut self, question: &Question) -> Result<(), Stop> {
        self.sources()?;
        let asker = self.asker(question)?;
        let destination = self.destination(asker, question)?;
        self.finds_neighbours(destination.is_ipv6());
        let nothing = match destination.is_ipv6() {
            true => std::net::Ipv6Addr::UNSPECIFIED.into(),
            false => std::net::Ipv4Addr::UNSPECIFIED.into(),
        };
        let (sent, End { at, packet }) = match asker {
            Asker::Machine { station, interface } => {
                self.send(station, Packet::asking(question.probe, nothing, destination), None, interface)?
            }
            Asker::Outside { uplink, address } => {
                let packet = Packet::asking(question.probe, address, destination);
                (packet, self.come_in(uplink, packet)?)
            }
        };
        self.ended(question, at)?;
        self.listens(question);
        let answer = packet.answer();
        let End { at, packet } = match at {
            At::Machine(station) => self.send(station, answer, Some(answer.source), None)?.1,
            At::Outside(uplink) => {
                self.finds_back(uplink, &answer)?;
                self.come_in(uplink, answer)?
            }
        };
        self.answered(asker, &sent, at, &packet)
    }

    /// What a source said last may be old. That of the firewall is looked after where rules are asked.
    fn sources(&mut self) -> Result<(), Stop> {
        if !answers(self.observed, Source::Kernel) {
            return Err(Stop::unknown(
                Subject::Source(Source::Kernel.to_string()),
                "the kernel of the host cannot be read",
                "读不到主机的内核",
            ));
        }
        if !answers(self.observed, Source::Libvirt) {
            self.assume(Sentence::new(
                "the guests are as libvirt said before it fell silent",
                "虚拟机仍是 libvirt 失去响应之前所说的样子",
            ));
        }
        Ok(())
    }

    /// ARP and NDP are not followed through rules.
    fn finds_neighbours(&mut self, v6: bool) {
        let mut rules = self.observed.tables.values().filter(|table| matches!(&*table.family, "arp" | "bridge"));
        if v6 || rules.any(|table| !table.chains.is_empty()) {
            let protocol = if v6 { "NDP" } else { "ARP" };
            self.assume(Sentence::new(
                format!("no firewall on the way keeps {protocol} from finding neighbours"),
                format!("路上没有防火墙妨碍 {protocol} 找到邻居"),
            ));
        }
    }

    fn listens(&mut self, question: &Question) {
        if let Probe::Tcp { port } | Probe::Udp { port } = question.probe {
            self.assume(Sentence::new(
                format!("something listens on port {port} and answers"),
                format!("有程序在端口 {port} 上监听并应答"),
            ));
        }
    }

    /// The outside knows the way to what is on the uplink's own segment, and to no other address that we know of.
    fn finds_back(&mut self, uplink: &'a crate::observed::Link, answer: &Packet) -> Result<(), Stop> {
        let to = answer.destination;
        if self.machine(None)?.has(to) {
            return Ok(());
        }
        let bridge = uplink.master.and_then(|index| self.observed.links.get(&index)).filter(|link| link.is_bridge());
        if bridge.is_some_and(|bridge| self.holder(bridge, Some(uplink), to).is_ok()) {
            return Ok(());
        }
        let name = &uplink.name;
        self.doubt(Stop::unknown(
            Subject::Link(name.clone()),
            format!(
                "it leaves by {name} from {to}, an address that nobody translated: whether the outside has a route back \
                 to it cannot be seen"
            ),
            format!("它以没有人转换过的地址 {to} 从 {name} 出去：看不到外部是否有回到它的路由"),
        ));
        Ok(())
    }
}

fn answers(observed: &Observed, source: Source) -> bool {
    observed.sources.get(&source) == Some(&SourceState::Answers)
}
