use super::super::{Packet, SERVER};
use super::flood::{Flood, FloodKind, Loot, stranger_number};
use super::overheard::Overheard;
use super::{Send, Stranger};
use crate::link::Rng;
use core::net::SocketAddr;
use tidelock::Instant;

/// An outsider who sends a [`Flood`], from when it has overheard somebody connect.
#[derive(Debug)]
pub struct Flooder {
    kind: FloodKind,
    /// In a thousand steps.
    per_s: u64,
    seed: u64,
    rng: Rng,
    overheard: Overheard,
    /// Requests with good tokens of its own.
    requests: Vec<Vec<u8>>,
    flood: Option<Flood>,
}

impl Flooder {
    /// Sends about `per_s` datagrams in a second. `requests` are requests with good tokens that nobody uses, of which only
    /// [`FloodKind::HalfOpen`] makes anything; without them it sends again what it overheard.
    #[must_use]
    pub fn new(kind: FloodKind, per_s: u64, requests: Vec<Vec<u8>>, seed: u64) -> Self {
        let rng = Rng::stream(seed, 61);
        Self { kind, per_s, seed, rng, overheard: Overheard::default(), requests, flood: None }
    }

    fn begin(&mut self, packet: Packet) {
        let is_request = packet.datagram.first() == Some(&0);
        if is_request {
            let mut requests = std::mem::take(&mut self.requests);
            if requests.is_empty() {
                requests.push(packet.datagram.clone());
            }
            let loot = Loot { genuine: vec![packet], requests };
            self.flood = Some(Flood::new(self.kind, loot, self.seed));
        }
    }
}

impl Stranger for Flooder {
    fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn is_at(&self, address: SocketAddr) -> bool {
        stranger_number(address).is_some()
    }

    fn step(&mut self, _: Instant, send: &mut Send<'_>) {
        let Some(flood) = &mut self.flood else { return };
        let mut datagram = Vec::new();
        for _ in 0..self.per_s / 1_000 + u64::from(self.rng.below(1_000) < self.per_s % 1_000) {
            let (from, made) = flood.make();
            datagram.clear();
            datagram.extend_from_slice(made);
            send(from, SERVER, &mut datagram);
        }
    }

    fn overhear(&mut self, packet: &Packet) {
        let Some(packet) = self.overheard.on_packet(packet) else { return };
        match &mut self.flood {
            Some(flood) => flood.learn(packet),
            None => self.begin(packet),
        }
    }
}
