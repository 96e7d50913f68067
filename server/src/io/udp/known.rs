use crate::io::random;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// The addresses that the server has sent to lately: all that are connected, as each of them is sent something ten times
/// a second. The tick thread writes it and the receive thread reads it, and neither waits.
///
/// It is a set of places, of which each address has one, known to nobody outside. A few addresses share a place: then a
/// stranger passes for a player, but never a player for a stranger.
#[derive(Debug)]
pub(super) struct KnownAddresses {
    keys: [u64; 4],
    /// The present one, and the one before, in which everybody is while the present one fills. One bit for each place.
    generations: [Box<[AtomicU64]>; 2],
    present: AtomicUsize,
}

/// Places for each client: a stranger passes for a player once in so many times at most.
const PLACES_PER_CLIENT: usize = 32;

impl KnownAddresses {
    pub(super) fn new(clients_max: usize) -> Self {
        let words = (clients_max * PLACES_PER_CLIENT).next_power_of_two().max(4096) / 64;
        let generation = || (0..words).map(|_| AtomicU64::new(0)).collect();
        let keys = [(); 4].map(|()| u64::from_le_bytes(random()));
        Self { keys, generations: [generation(), generation()], present: AtomicUsize::new(0) }
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.generations[0].len() * 64
    }

    /// The place of an address. Whoever does not know the keys cannot find another address with the same.
    pub(super) fn place(&self, address: SocketAddr) -> usize {
        let ip = match address.ip() {
            IpAddr::V4(ip) => u128::from(ip.to_bits()),
            IpAddr::V6(ip) => ip.to_bits(),
        };
        let [a, b, c, d] = self.keys;
        let folded = fold(fold((ip >> 64) as u64 ^ a, ip as u64 ^ b) ^ u64::from(address.port()), c);
        // Once more: with one key in some hundreds, ports next to each other differ in too few bits so far.
        fold(folded, d) as usize & (self.places() - 1)
    }

    /// Whether something was sent to the address of this place lately.
    pub(super) fn contains(&self, place: usize) -> bool {
        let bit = 1 << (place % 64);
        self.generations.iter().any(|generation| generation[place / 64].load(Relaxed) & bit != 0)
    }

    /// Notes that something is sent to an address. Only one thread may call this.
    pub(super) fn note(&self, address: SocketAddr) {
        let place = self.place(address);
        let word = &self.generations[self.present.load(Relaxed)][place / 64];
        word.store(word.load(Relaxed) | 1 << (place % 64), Relaxed);
    }

    /// Begins a generation: who is not noted in this one will be forgotten at the end of it. Only one thread may call it.
    pub(super) fn turn(&self) {
        let next = 1 - self.present.load(Relaxed);
        self.generations[next].iter().for_each(|word| word.store(0, Relaxed));
        self.present.store(next, Relaxed);
    }
}

/// Mixes two numbers into one, each bit of which depends on all of theirs.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> SocketAddr {
        let [_, a, b, c] = number.to_be_bytes();
        SocketAddr::from(([10, a, b, c], 5000))
    }

    fn knows(known: &KnownAddresses, address: SocketAddr) -> bool {
        known.contains(known.place(address))
    }

    #[test]
    fn who_is_sent_something_is_known_until_nothing_is_sent_for_a_generation() {
        let known = KnownAddresses::new(64);
        known.note(address(1));
        assert!(knows(&known, address(1)));
        known.turn();
        assert!(knows(&known, address(1)));
        known.turn();
        assert!(!knows(&known, address(1)));
    }

    #[test]
    fn who_is_noted_again_stays_known_all_the_time() {
        let known = KnownAddresses::new(64);
        for _ in 0..10 {
            known.note(address(1));
            known.turn();
            assert!(knows(&known, address(1)));
        }
    }

    #[test]
    fn few_strangers_pass_for_players() {
        for clients in [16, 64, 4096] {
            let known = KnownAddresses::new(clients);
            (0..clients as u32).for_each(|number| known.note(address(number)));
            let strangers = 100_000;
            let passed = (0..strangers).filter(|number| knows(&known, address(1_000_000 + number))).count();
            assert!(passed < strangers as usize / 25, "{passed} of {strangers} with {clients} clients");
        }
    }

    #[test]
    fn neighbouring_ports_have_places_of_their_own_whatever_the_keys() {
        for _ in 0..3_000 {
            let known = KnownAddresses::new(64);
            let mut places: Vec<usize> =
                (5_000..5_064u16).map(|port| known.place(([10, 0, 0, 1], port).into())).collect();
            places.sort_unstable();
            places.dedup();
            assert!(places.len() >= 54, "{} places of 64 ports", places.len());
        }
    }

    #[test]
    fn ports_and_addresses_of_both_versions_have_their_own_places() {
        let known = KnownAddresses::new(4096);
        let addresses = ["10.0.0.1:1", "10.0.0.1:2", "10.0.0.2:1", "[2001:db8::1]:1", "[2001:db8:0:1::1]:1"];
        let mut places: Vec<usize> = addresses.iter().map(|address| known.place(address.parse().unwrap())).collect();
        places.sort_unstable();
        places.dedup();
        assert!(places.len() >= 4, "{places:?}");
    }
}
