//! Rates from counters: differences over the server's own time.

use std::collections::BTreeMap;

use model::{event::Traffic, observed::Counters};

/// Bits per second, as the host sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rate {
    pub received: u64,
    pub sent: u64,
}

impl Rate {
    /// 0 (nothing) to 4 (a lot), for the width of a cable: about a factor of thirty each.
    pub fn level(self) -> u8 {
        match self.received.max(self.sent) {
            0..200 => 0,
            200..30_000 => 1,
            30_000..1_000_000 => 2,
            1_000_000..100_000_000 => 3,
            _ => 4,
        }
    }
}

/// `1.3 Mb/s`.
pub fn bits(rate: u64) -> String {
    let (value, unit) = match rate {
        0..1_000 => return format!("{rate} b/s"),
        1_000..1_000_000 => (rate / 100, "kb/s"),
        1_000_000..1_000_000_000 => (rate / 100_000, "Mb/s"),
        _ => (rate / 100_000_000, "Gb/s"),
    };
    if value < 100 { format!("{}.{} {unit}", value / 10, value % 10) } else { format!("{} {unit}", value / 10) }
}

/// The counters of the last frame.
#[derive(Debug, Default)]
pub struct Meter {
    at: u64,
    links: BTreeMap<u32, Counters>,
}

impl Meter {
    /// The rates since the frame before, by link name.
    pub fn read(&mut self, traffic: &Traffic, name: impl Fn(u32) -> Option<String>) -> BTreeMap<String, Rate> {
        let elapsed = traffic.at.saturating_sub(self.at).max(1);
        let rate = |new: u64, old: u64| new.saturating_sub(old).saturating_mul(8_000) / elapsed;
        let mut rates = BTreeMap::new();
        for (index, new) in &traffic.links {
            let Some(old) = self.links.get(index) else { continue };
            let Some(name) = name(*index) else { continue };
            let between = Rate { received: rate(new.rx_bytes, old.rx_bytes), sent: rate(new.tx_bytes, old.tx_bytes) };
            rates.insert(name, between);
        }
        self.at = traffic.at;
        self.links = traffic.links.clone();
        rates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_rates_with_two_digits() {
        assert_eq!(bits(0), "0 b/s");
        assert_eq!(bits(999), "999 b/s");
        assert_eq!(bits(1_340_000), "1.3 Mb/s");
        assert_eq!(bits(25_000_000_000), "25 Gb/s");
    }

    #[test]
    fn a_rate_is_a_difference_over_time() {
        let counters = |bytes| Counters { rx_bytes: bytes, ..Counters::default() };
        let at = |at, bytes| Traffic { at, links: [(2, counters(bytes))].into(), ..Traffic::default() };
        let mut meter = Meter::default();
        let name = |_| Some("eno1".to_owned());
        assert!(meter.read(&at(1_000, 500), name).is_empty());
        assert_eq!(meter.read(&at(3_000, 1_500), name)["eno1"], Rate { received: 4_000, sent: 0 });
    }
}
