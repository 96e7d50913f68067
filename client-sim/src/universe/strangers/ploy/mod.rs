//! What insiders do: one ploy a file.

mod acks;
mod claims;
mod comings;
mod desyncs;
mod events;
mod fragments;
mod hellos;
mod inputs;
mod payloads;

use super::attacker::Attacker;
use super::insider::Leave;
use crate::link::Rng;
use std::time::Duration;
use tidelock::bits::BitWriter;
use tidelock::wire::ClientMessage;
use tidelock::{Instant, Tick};

/// What somebody does who was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ploy {
    /// Acknowledges what was never sent, what will be, and spans of which it received nothing.
    FalseAcks,
    /// Acknowledges nothing at all, and takes no message.
    NoAcks,
    /// Inputs far ahead, far behind, and too many.
    Inputs,
    /// Genuine payloads with bits flipped before they are sealed, and random bytes.
    Payloads,
    /// Events without end: of unknown types, that nobody can decode, and some that are right.
    Events,
    /// Fragments of messages that break the rules.
    Fragments,
    /// Desyncs that are none.
    Desyncs,
    /// Comes back, and claims to hold what it never held.
    Claims,
    /// Says hello twice, wrongly, or never.
    Hellos,
    /// Leaves and is back at once, with the token that it had or another.
    Comings,
}

/// One turn of an insider.
pub(super) struct Round<'a> {
    pub(super) attacker: &'a mut Attacker,
    pub(super) rng: &'a mut Rng,
    pub(super) now: Instant,
    /// The server has welcomed it, and it has been honest for long enough.
    pub(super) is_welcome: bool,
    pub(super) events: &'a [(u8, Vec<u8>)],
    pub(super) schema_hash: u64,
    /// What it does after this turn.
    pub(super) leave: Option<Leave>,
    pub(super) send: &'a mut dyn FnMut(&mut [u8]),
}

/// Fragments of messages that an insider lets wait.
const FRAGMENTS_WAITING_MAX: u64 = 200;

impl Round<'_> {
    /// Seals any payload, and sends it.
    pub(super) fn say(&mut self, payload: &[u8]) {
        if !payload.is_empty() {
            self.attacker.seal(payload, self.now, self.send);
        }
    }

    /// A datagram with a true head and the messages that wait; `write` adds what follows.
    pub(super) fn datagram(&mut self, write: impl FnOnce(&mut BitWriter)) -> Vec<u8> {
        self.attacker.write(self.now, write)
    }

    /// Says what waits, and no inputs.
    pub(super) fn say_queued(&mut self) {
        let datagram = self.datagram(|w| w.write_bool(false));
        self.say(&datagram);
    }

    /// Queues a message, unless so many wait that more would only wait longer.
    pub(super) fn queue(&mut self, message: &ClientMessage) {
        let connection = &self.attacker.connection;
        let earlier = connection.message_mark().saturating_sub(FRAGMENTS_WAITING_MAX);
        if connection.messages_delivered_to(earlier) {
            self.attacker.queue(message);
        }
    }
}

impl Ploy {
    /// Every ploy.
    pub const ALL: [Self; 10] = [
        Self::FalseAcks,
        Self::NoAcks,
        Self::Inputs,
        Self::Payloads,
        Self::Events,
        Self::Fragments,
        Self::Desyncs,
        Self::Claims,
        Self::Hellos,
        Self::Comings,
    ];

    /// The ploy in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FalseAcks => "false_acks",
            Self::NoAcks => "no_acks",
            Self::Inputs => "inputs",
            Self::Payloads => "payloads",
            Self::Events => "events",
            Self::Fragments => "fragments",
            Self::Desyncs => "desyncs",
            Self::Claims => "claims",
            Self::Hellos => "hellos",
            Self::Comings => "comings",
        }
    }

    /// For how long it stays, unless it is thrown out before.
    pub(super) fn stay(self, rng: &mut Rng) -> Duration {
        match self {
            // Until it is let go.
            Self::NoAcks | Self::Events => Duration::from_secs(120),
            _ => Duration::from_millis(2_000 + rng.below(10_000)),
        }
    }

    /// It acts every so many milliseconds at most.
    pub(super) const fn pace_ms(self) -> u64 {
        match self {
            Self::Claims | Self::Comings | Self::Hellos | Self::NoAcks => 60,
            _ => 16,
        }
    }

    /// How it says hello on its connection number `comings`, if it does, when an honest client would say so.
    pub(super) fn hello(
        self,
        honest: ClientMessage,
        heard: Tick,
        comings: u64,
        rng: &mut Rng,
    ) -> Option<ClientMessage> {
        match self {
            Self::Claims => Some(claims::hello(honest, heard, rng)),
            Self::Hellos => hellos::hello(honest, comings, rng),
            _ => Some(honest),
        }
    }

    /// A turn.
    pub(super) fn act(self, round: &mut Round<'_>) {
        if !round.is_welcome && self != Self::Hellos {
            // Until then it is as honest as anybody, but for what it said of itself: that may have been no hello at all.
            round.say_queued();
            let has_doubts = self == Self::Claims && round.rng.chance(0.02);
            round.leave = has_doubts.then_some(Leave::Vanish);
            return;
        }
        match self {
            Self::FalseAcks => acks::lie(round),
            Self::NoAcks => acks::say_nothing(round),
            Self::Inputs => inputs::act(round),
            Self::Payloads => payloads::act(round),
            Self::Events => events::act(round),
            Self::Fragments => fragments::act(round),
            Self::Desyncs => desyncs::act(round),
            Self::Claims => claims::act(round),
            Self::Hellos => hellos::act(round),
            Self::Comings => comings::act(round),
        }
    }
}
