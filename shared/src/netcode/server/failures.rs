use alloc::vec;
use alloc::vec::Vec;
use core::hash::BuildHasher;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use crate::Instant;
use crate::netcode::keyed_hash::KeyedHash;

const COUNTERS: usize = 4096;
const WINDOW: Duration = Duration::from_secs(1);

/// How many connect tokens from each address could not be decrypted within the last second. Only failure is charged,
/// never asking: thousands of players may share an address. The memory is fixed, so that addresses share counters; which
/// ones do is secret, and filling many of them takes more failures than the budget for decryptions has.
pub(super) struct Failures {
    counts: Vec<u32>,
    max: u32,
    since: Instant,
    hash: KeyedHash,
}

impl Failures {
    pub(super) fn new(max_per_s: u32, hash: KeyedHash, now: Instant) -> Self {
        Self { counts: vec![0; COUNTERS], max: max_per_s, since: now, hash }
    }

    /// Whether nothing more is decrypted for this address for now.
    pub(super) fn refuses(&mut self, from: SocketAddr, now: Instant) -> bool {
        if now.since(self.since) >= WINDOW {
            self.counts.fill(0);
            self.since = now;
        }
        self.counts[self.counter(from)] >= self.max
    }

    pub(super) fn count(&mut self, from: SocketAddr) {
        let counter = self.counter(from);
        self.counts[counter] = self.counts[counter].saturating_add(1);
    }

    /// An IPv6 host has a /64 to itself, and could send from a new address each time.
    fn counter(&self, from: SocketAddr) -> usize {
        let prefix = match from.ip().to_canonical() {
            IpAddr::V4(ip) => u64::from(ip.to_bits()),
            IpAddr::V6(ip) => (ip.to_bits() >> 64) as u64,
        };
        self.hash.hash_one(prefix) as usize % COUNTERS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_failed_too_often_waits_for_the_next_second() {
        let at = Instant::from_us;
        let mut failures = Failures::new(2, KeyedHash::new(&[1; 16]), at(0));
        let (one, other) = (SocketAddr::from(([10, 0, 0, 1], 1)), SocketAddr::from(([10, 0, 0, 2], 1)));
        failures.count(one);
        assert!(!failures.refuses(one, at(1)));
        failures.count(SocketAddr::new(one.ip(), 2));
        assert!(failures.refuses(one, at(999_999)));
        assert!(!failures.refuses(other, at(999_999)));
        assert!(!failures.refuses(one, at(1_000_000)));
    }

    #[test]
    fn a_network_of_64_bits_counts_as_one_address() {
        let now = Instant::from_us(0);
        let mut failures = Failures::new(1, KeyedHash::new(&[1; 16]), now);
        failures.count("[2001:db8::1]:1".parse().unwrap());
        assert!(failures.refuses("[2001:db8::ffff:ffff:ffff:ffff]:2".parse().unwrap(), now));
        assert!(!failures.refuses("[2001:db8:0:1::1]:1".parse().unwrap(), now));
    }
}
