//! A universe under a flood of hostile datagrams, and what comes of it. Pure, as the universe is.

pub use crate::universe::strangers::{Flood, FloodKind, Loot, STRANGERS, request, stranger_address, stranger_number};

use crate::client::Status;
use crate::universe::{SERVER, Universe};
use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::time::Duration;
use tidelock::ClientId;
use tidelock::state::Input;

/// A universe whose players play on while strangers send datagrams of one kind.
#[derive(Debug)]
pub struct Siege<I: Input> {
    universe: Universe<I>,
    flood: Flood,
    volley: Vec<(SocketAddr, Vec<u8>)>,
    per_ms: usize,
    before: Counts,
    packets: u64,
    /// By the number of the stranger.
    exchanged: Vec<Exchanged>,
    answers: u64,
}

/// What a stranger sent and got, in bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Exchanged {
    sent: u64,
    got: u64,
}

/// What a siege has done.
#[derive(Clone, Debug)]
pub struct Damage {
    /// Hostile datagrams.
    pub packets: u64,
    /// How many of them were refused, by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// Packets that the server sent to strangers.
    pub answers: u64,
    /// Bytes that strangers got for each that they sent, the luckiest of them.
    pub amplification_max: f64,
    /// Players that no longer play.
    pub disconnected: usize,
    /// Datagrams of players, up and down, that were lost or refused.
    pub lost: u64,
    /// Snapshots of players that were not what they should have been.
    pub desyncs: u64,
}

impl Damage {
    /// Hostile datagrams that were refused.
    #[must_use]
    pub fn refused_total(&self) -> u64 {
        self.refused.values().sum()
    }

    /// How many were refused for one reason, as `DropReason` names it.
    #[must_use]
    pub fn refused_as(&self, reason: &str) -> u64 {
        self.refused.get(reason).copied().unwrap_or(0)
    }
}

/// Good tokens that an attacker has.
const TOKENS: u64 = 4_096;
/// What else he has overheard: the newest packets, besides all handshakes.
const OVERHEARD_MAX: usize = 4_096;
/// His tokens are none of the players'.
const FIRST_CLIENT_ID: u64 = 1 << 32;

impl<I: Input> Siege<I> {
    /// Begins, with `per_s` datagrams in a second of the universe. Its players must play, and it must have been tapped
    /// since before they connected.
    #[must_use]
    pub fn new(kind: FloodKind, mut universe: Universe<I>, per_s: usize, seed: u64) -> Self {
        let mut genuine: Vec<_> = universe.take_tapped().into_iter().filter(|packet| packet.to == SERVER).collect();
        // Whatever was under way has arrived: what comes first is genuine.
        universe.run(Duration::from_millis(200)).expect("a universe in peace is sound");
        let old = genuine.len().saturating_sub(OVERHEARD_MAX);
        let mut number = 0;
        genuine.retain(|packet| {
            number += 1;
            number > old || matches!(packet.datagram[0] & 0xf, 0 | 3)
        });
        let requests = (0..TOKENS)
            .map(|number| request(universe.issue_token(ClientId(FIRST_CLIENT_ID + number)), universe.now()))
            .collect();
        universe.take_tapped();
        Self {
            flood: Flood::new(kind, Loot { genuine, requests }, seed),
            volley: Vec::new(),
            per_ms: per_s / 1_000,
            before: Counts::of(&universe),
            universe,
            packets: 0,
            exchanged: vec![Exchanged::default(); STRANGERS],
            answers: 0,
        }
    }

    /// Makes the hostile datagrams of the next millisecond.
    pub fn load(&mut self) {
        self.volley.resize_with(self.per_ms, || (SERVER, Vec::new()));
        for (from, datagram) in &mut self.volley {
            let made = self.flood.make();
            *from = made.0;
            datagram.clear();
            datagram.extend_from_slice(made.1);
            if let Some(number) = stranger_number(*from) {
                self.exchanged[usize::from(number)].sent += datagram.len() as u64;
            }
        }
    }

    /// The server gets them.
    pub fn fire(&mut self) {
        for (from, datagram) in &mut self.volley {
            self.universe.inject_in_place(*from, datagram);
        }
        self.packets += self.volley.len() as u64;
    }

    /// A millisecond passes.
    pub fn pass(&mut self) {
        self.universe.run_timed(&mut |_| {}).expect("a universe under siege is sound");
        // What nobody reads is not to be taken for memory that strangers take.
        self.universe.engine_mut().stats_mut().samples.clear();
        self.universe.players_mut().iter_mut().for_each(|player| player.events.clear());
        for packet in self.universe.take_tapped() {
            if let Some(number) = stranger_number(packet.to) {
                self.exchanged[usize::from(number)].got += packet.datagram.len() as u64;
                self.answers += 1;
            }
        }
    }

    /// So long strangers send.
    pub fn run(&mut self, duration: Duration) {
        for _ in 0..duration.as_millis() {
            self.load();
            self.fire();
            self.pass();
        }
    }

    /// So long they do not.
    pub fn rest(&mut self, duration: Duration) {
        (0..duration.as_millis()).for_each(|_| self.pass());
    }

    /// What has come of it so far.
    #[must_use]
    pub fn damage(&self) -> Damage {
        let now = Counts::of(&self.universe);
        let refused = now.refused.iter().map(|(reason, count)| (*reason, count - self.before.refused[reason]));
        let lucky = |exchanged: &Exchanged| match (exchanged.got, exchanged.sent) {
            (0, _) => 0.0,
            (got, sent) => got as f64 / sent as f64,
        };
        Damage {
            packets: self.packets,
            refused: refused.filter(|(_, count)| *count > 0).collect(),
            answers: self.answers,
            amplification_max: self.exchanged.iter().map(lucky).fold(0.0, f64::max),
            disconnected: now.disconnected,
            lost: now.lost.saturating_sub(self.before.lost),
            desyncs: now.desyncs,
        }
    }

    /// What is besieged.
    #[must_use]
    pub const fn universe(&self) -> &Universe<I> {
        &self.universe
    }

    /// The same, to do something to it.
    pub const fn universe_mut(&mut self) -> &mut Universe<I> {
        &mut self.universe
    }
}

/// What counters say at one time.
#[derive(Debug)]
struct Counts {
    refused: BTreeMap<&'static str, u64>,
    disconnected: usize,
    lost: u64,
    desyncs: u64,
}

impl Counts {
    fn of<I: Input>(universe: &Universe<I>) -> Self {
        let players = universe.players().iter().map(|player| player.client.stats());
        let lost = players
            .clone()
            .map(|stats| stats.down.expected - stats.down.received + stats.up.lost + stats.snapshots.undecodable);
        let playing = universe.players().iter().filter(|player| player.client.status() == Status::Playing).count();
        Self {
            refused: universe.engine().netcode_drops().collect(),
            disconnected: universe.players().len() - playing,
            lost: lost.sum(),
            desyncs: players.map(|stats| stats.desyncs).sum(),
        }
    }
}
