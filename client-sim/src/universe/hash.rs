//! Hashes for a universe's own use: of many datagrams in little time, the same on every machine.

use core::net::{IpAddr, SocketAddr};

/// `hash`, with these bytes behind what it is of: eight at a time, where the hash of what goes over the wire takes one.
pub(super) fn hash(hash: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(hash, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let rest = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    mix(mix(hash, rest), bytes.len() as u64)
}

/// An address as a number: all of a universe are IPv4.
pub(super) fn number(address: SocketAddr) -> u64 {
    let IpAddr::V4(ip) = address.ip() else { unreachable!("everybody has an IPv4 address") };
    u64::from(ip.to_bits()) << 16 | u64::from(address.port())
}

/// The multiplier is an odd number without a pattern: 2^64 divided by the golden ratio.
const fn mix(hash: u64, word: u64) -> u64 {
    let mixed = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ mixed >> 29
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn whatever_differs_has_another_hash() {
        let bytes: Vec<u8> = (0..40).collect();
        let cut = (0..40).map(|len| hash(7, &bytes[..len]));
        let flipped = (0..320).map(|bit| {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            hash(7, &flipped)
        });
        let all: BTreeSet<u64> =
            cut.chain(flipped).chain([hash(7, &bytes), hash(8, &bytes), hash(7, &[0; 40])]).collect();
        assert_eq!(all.len(), 40 + 320 + 3);
    }
}
