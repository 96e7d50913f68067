use super::super::{Packet, SERVER};
use super::flood::stranger_address;
use super::overheard::Overheard;
use super::{Send, Stranger};
use crate::link::Rng;
use tidelock::Instant;
use tidelock::netcode::Cipher;

/// An outsider who changes what it overhears, and sends it from the address that it came from, or from another.
#[derive(Debug)]
pub struct Forger {
    per_s: u64,
    cipher: Cipher,
    rng: Rng,
    overheard: Overheard,
}

impl Forger {
    /// Sends about `per_s` datagrams in a second. From one address a server tries a thousand tokens a second that it cannot
    /// read, and then no more: with that many, players from there cannot join.
    #[must_use]
    pub fn new(per_s: u64, cipher: Cipher, seed: u64) -> Self {
        Self { per_s, cipher, rng: Rng::stream(seed, 62), overheard: Overheard::default() }
    }
}

impl Stranger for Forger {
    fn name(&self) -> &'static str {
        "forger"
    }

    fn step(&mut self, _: Instant, send: &mut Send<'_>) {
        let Self { per_s, cipher, rng, overheard } = self;
        for _ in 0..*per_s / 1_000 + u64::from(rng.below(1_000) < *per_s % 1_000) {
            let Some(packet) = overheard.any(rng).cloned() else { return };
            let from = if rng.chance(0.7) { packet.from } else { stranger_address(rng.next_u64() as u16) };
            let mut forged = mutilated(&packet.datagram, *cipher, rng);
            send(from, SERVER, &mut forged);
        }
    }

    fn overhear(&mut self, packet: &Packet) {
        self.overheard.on_packet(packet);
    }
}

/// A copy that is not what it was: bits flipped, cut, grown, or said to be something else. Without a cipher nobody could tell,
/// but for the tag: so that is never right.
pub(super) fn mutilated(datagram: &[u8], cipher: Cipher, rng: &mut Rng) -> Vec<u8> {
    let mut copy = datagram.to_vec();
    let at = |rng: &mut Rng, len: usize| rng.below(len.max(1) as u64) as usize;
    match rng.below(6) {
        // Bits anywhere.
        0 => (0..=rng.below(8)).for_each(|_| flip(&mut copy, rng.next_u64() as usize)),
        // Cut.
        1 => copy.truncate(at(rng, datagram.len())),
        // Longer.
        2 => (0..=rng.below(40)).for_each(|_| copy.push(rng.next_u64() as u8)),
        // Another prefix.
        3 => copy.iter_mut().take(1).for_each(|prefix| *prefix = rng.next_u64() as u8),
        // Another sequence, a newer one as like as not.
        4 => {
            let sequence_bytes = usize::from(copy.first().map_or(0, |prefix| prefix >> 4)).min(copy.len().max(1) - 1);
            copy.iter_mut().skip(1).take(sequence_bytes).for_each(|byte| *byte = rng.next_u64() as u8);
        }
        // The tag.
        _ => (1..=TAG_BYTES.min(copy.len())).for_each(|back| {
            let end = copy.len();
            copy[end - back] = rng.next_u64() as u8;
        }),
    }
    if cipher == Cipher::Null
        && let Some(key) = key_of(datagram)
        && key_of(&copy) == Some(key)
    {
        let tag = (copy.len() - TAG_BYTES) * 8;
        flip(&mut copy, tag + rng.below(KEY_BYTES as u64 * 8) as usize);
    }
    if copy == datagram {
        flip(&mut copy, rng.next_u64() as usize);
    }
    copy
}

const TAG_BYTES: usize = 16;
/// What a tag has of the key, without a cipher.
const KEY_BYTES: usize = 8;

fn key_of(datagram: &[u8]) -> Option<&[u8]> {
    let tag = datagram.len().checked_sub(TAG_BYTES)?;
    Some(&datagram[tag..tag + KEY_BYTES])
}

fn flip(bytes: &mut [u8], bit: usize) {
    if !bytes.is_empty() {
        let bit = bit % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mutilated_is_not_what_it_was() {
        let mut rng = Rng::stream(1, 1);
        for len in [18, 26, 326, 1_078] {
            let datagram: Vec<u8> = (0..len).map(|n| if n == 0 { 0x25 } else { n as u8 }).collect();
            assert!((0..2_000).all(|_| mutilated(&datagram, Cipher::default(), &mut rng) != datagram));
            let mut forged = (0..2_000).map(|_| mutilated(&datagram, Cipher::Null, &mut rng));
            assert!(forged.all(|forged| key_of(&forged) != key_of(&datagram)));
        }
    }
}
