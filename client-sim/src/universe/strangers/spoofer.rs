use super::super::{Packet, SERVER};
use super::forger::mutilated;
use super::{Send, Stranger};
use crate::link::Rng;
use core::net::SocketAddr;
use std::collections::BTreeMap;
use tidelock::Instant;
use tidelock::netcode::Cipher;

/// An outsider who speaks to players in the server's name: what it overheard, again or changed, and garbage.
#[derive(Debug)]
pub struct Spoofer {
    per_s: u64,
    cipher: Cipher,
    rng: Rng,
    /// What the server sent to each player lately.
    overheard: BTreeMap<SocketAddr, Vec<Packet>>,
    heard: usize,
}

/// Addresses that it speaks to.
const ADDRESSES_MAX: usize = 256;
/// Packets to one player that are kept.
const PACKETS_MAX: usize = 64;

impl Spoofer {
    /// Sends about `per_s` datagrams in a second, which take their share of the players' links.
    #[must_use]
    pub fn new(per_s: u64, cipher: Cipher, seed: u64) -> Self {
        Self { per_s, cipher, rng: Rng::stream(seed, 63), overheard: BTreeMap::new(), heard: 0 }
    }

    fn forge(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        let Self { cipher, rng, overheard, .. } = self;
        let (to, packets) = overheard.iter().nth(rng.below(overheard.len().max(1) as u64) as usize)?;
        let packet = &packets[rng.below(packets.len() as u64) as usize];
        let datagram = match rng.below(4) {
            0 => packet.datagram.clone(),
            1 => (0..rng.below(1_300)).map(|_| rng.next_u64() as u8).collect(),
            _ => mutilated(&packet.datagram, *cipher, rng),
        };
        Some((*to, datagram))
    }
}

impl Stranger for Spoofer {
    fn name(&self) -> &'static str {
        "spoofer"
    }

    fn step(&mut self, _: Instant, send: &mut Send<'_>) {
        for _ in 0..self.per_s / 1_000 + u64::from(self.rng.below(1_000) < self.per_s % 1_000) {
            let Some((to, mut datagram)) = self.forge() else { return };
            send(SERVER, to, &mut datagram);
        }
    }

    fn overhear(&mut self, packet: &Packet) {
        let is_new = !self.overheard.contains_key(&packet.to);
        if packet.from != SERVER || is_new && self.overheard.len() >= ADDRESSES_MAX {
            return;
        }
        let packets = self.overheard.entry(packet.to).or_default();
        if packets.len() < PACKETS_MAX {
            packets.push(packet.clone());
        } else {
            packets[self.heard % PACKETS_MAX] = packet.clone();
        }
        self.heard += 1;
    }
}
