//! The proof of an explanation: captures on the host's links, a probe, and what they saw beside what was predicted.
//!
//! Nothing of it stays: captures end with the request, or with the server.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::{
    Observed,
    explain::{Explanation, Origin, Packet, Probe, Target},
    trace::{Sighting, Trace, addresses, links},
};
use tokio::{sync::Mutex, task::spawn_blocking, time::sleep};

use crate::host::{
    Host,
    capture::{Captures, Frame},
    probe::Reply,
};

/// What is on its way when the probe ends still comes.
const LATE: Duration = Duration::from_millis(100);

/// Proves one question at a time.
pub struct Tracer {
    host: Host,
    one: Mutex<()>,
}

/// Why nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    #[error("another question is being proved: try again in some seconds")]
    Busy,
    #[error("nothing can be sent from outside: ask from a guest or from the host, or only have it predicted")]
    Outside,
    #[error("there is nothing to send: {0}")]
    Nothing(String),
}

impl Tracer {
    pub fn new(host: Host) -> Self {
        Self { host, one: Mutex::new(()) }
    }

    /// Sends what was explained, and watches it on its way.
    pub async fn trace(&self, observed: &Observed, explanation: Explanation) -> Result<Trace, NotSent> {
        let _one = self.one.try_lock().map_err(|_| NotSent::Busy)?;
        if matches!(explanation.question.from, Origin::Outside { .. }) {
            return Err(NotSent::Outside);
        }
        let to = destination(&explanation)?;
        let (from, probe) = (explanation.question.from.clone(), explanation.question.probe);
        let (links, filter) = (links(observed, &explanation), filter(&explanation));
        let captures = spawn_blocking(move || Captures::begin(&links, &filter));
        let captures = captures.await.map_err(|error| NotSent::Nothing(error.to_string()))?;
        let (watched, failed) = (captures.links().cloned().collect(), captures.failed.clone());
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let reply = self.host.probe(&from, probe, to).await;
        sleep(LATE).await;
        let frames = spawn_blocking(move || captures.end()).await.unwrap_or_default();
        let Reply { answered, said } = reply.unwrap_or_else(|said| Reply { answered: false, said });
        let sightings = sightings(&frames, begun, probe);
        Ok(Trace::of(explanation, &watched, sightings, answered, said, failed))
    }
}

/// The address that the asker asks, as it writes it.
fn destination(explanation: &Explanation) -> Result<std::net::IpAddr, NotSent> {
    let first = explanation.hops.first().map(|hop| hop.packet.destination);
    let named = match explanation.question.to {
        Target::Address { address } => Some(address),
        _ => None,
    };
    named.or(first).ok_or_else(|| {
        NotSent::Nothing(explanation.finding.as_ref().map_or_else(String::new, |finding| finding.text.en.clone()))
    })
}

/// In the words of pcap-filter(7).
fn filter(explanation: &Explanation) -> String {
    let protocol = match explanation.question.probe {
        Probe::Echo => "(icmp or icmp6)",
        Probe::Tcp { .. } => "tcp",
        Probe::Udp { .. } => "udp",
    };
    let hosts: Vec<String> = addresses(explanation).iter().map(|address| format!("host {address}")).collect();
    if hosts.is_empty() { protocol.to_owned() } else { format!("{protocol} and ({})", hosts.join(" or ")) }
}

fn sightings(frames: &[Frame], begun: Duration, probe: Probe) -> Vec<Sighting> {
    let sighting = |frame: &Frame| {
        let since = frame.at.checked_sub(begun)?;
        let packet = Packet::of_frame(&frame.bytes, probe)?;
        Some(Sighting { micros: u64::try_from(since.as_micros()).ok()?, link: frame.link.clone(), packet })
    };
    frames.iter().filter_map(sighting).collect()
}
