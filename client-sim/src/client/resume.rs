//! Coming back: a new connection for a player whose old one is lost.

use super::Client;
use super::event::{ClientEvent, Status};
use super::inputs::UnconfirmedInputs;
use super::tap::Tapped;
use std::time::Duration;
use tidelock::Instant;
use tidelock::netcode::{self, ConnectToken};
use tidelock::state::{Audience, Input};
use tidelock::wire::{ClientMessage, Connection, HeldStream, Load, MESSAGE_BYTES_MAX, ResumeClaim};

/// Notices when nothing comes from a server that should be speaking.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Silence {
    heard_at: Instant,
    /// How long a silence is normal.
    patience: Duration,
    /// The same while the server has no load to tell of.
    patience_at_ease: Duration,
    told: bool,
}

/// The server says something at least this often.
const HEARTBEAT: Duration = Duration::from_millis(100);
/// So many missing snapshots in a row are no chance: at 20 % loss, three in a million.
const MISSING_SNAPSHOTS: u32 = 8;

impl Silence {
    /// A server that sends a snapshot every `interval` welcomed the client. The first comes when it knows that it was heard, a
    /// round trip later.
    pub(super) fn begin(interval: Duration, rtt: Duration, now: Instant) -> Self {
        let patience = interval.max(HEARTBEAT) * MISSING_SNAPSHOTS;
        Self { heard_at: now + rtt, patience, patience_at_ease: patience, told: false }
    }

    /// A server under load sends half as many snapshots, and its ticks take longer.
    pub(super) fn expect(&mut self, load: Load) {
        let snapshots_pct = if load.level > 0 { 200 } else { 100 };
        self.patience = self.patience_at_ease * snapshots_pct / 100 * (100 + u32::from(load.dilation_pct)) / 100;
    }

    pub(super) fn on_heard(&mut self, now: Instant) {
        self.heard_at = self.heard_at.max(now);
        self.told = false;
    }

    /// When it will have lasted too long, unless that was told.
    pub(super) fn ends_patience_at(&self) -> Option<Instant> {
        (!self.told).then(|| self.heard_at + self.patience)
    }

    /// For how long nothing came, once it is too long.
    fn poll(&mut self, now: Instant) -> Option<Duration> {
        self.ends_patience_at().filter(|at| *at <= now)?;
        self.told = true;
        Some(now.since(self.heard_at))
    }
}

impl<I: Input> Client<I> {
    /// Connects anew as the same player, with a fresh token: after [`ClientEvent::Silent`], as when the network under the
    /// client has changed, or after a disconnect that was not meant. The address may be another.
    ///
    /// The server lets the player have its place in the game back if it still waits, and what is shown stays; else the
    /// client joins like a new one. The view stands still until then. Events that are not acknowledged are lost, in both
    /// directions.
    pub fn resume(&mut self, token: ConnectToken, now: Instant) {
        self.tap.on_call(now, || Tapped::Reconnecting);
        self.past = self.connection_counts();
        // The old connection gets no goodbye: where it is heard, that would give up the place.
        self.netcode = netcode::Client::with_cipher(token, self.cipher, now);
        self.connection = Connection::new(MESSAGE_BYTES_MAX);
        self.status = Status::Connecting;
        self.hello_sent = false;
        self.greets = true;
        self.clock = None;
        self.resync = None;
        self.claim = None;
        self.pacer = None;
        self.inputs = UnconfirmedInputs::default();
        self.outgoing.clear();
        self.last_sent_at = None;
    }

    /// Tells of a silence that has become too long.
    pub(super) fn follow_silence(&mut self, now: Instant) {
        if self.status == Status::Playing
            && let Some(lasted) = self.silence.poll(now)
        {
            self.emit(ClientEvent::Silent { lasted });
        }
    }

    /// The first message: what this client was made for, and what it holds if it was here before. All else it forgets.
    pub(super) fn hello(&mut self) -> ClientMessage {
        let schema_hash = self.schema.hash();
        let Some(payload_hash) = self.payload_hash else {
            return ClientMessage::Hello { schema_hash, claim: None };
        };
        let mut claim = ResumeClaim { payload_hash, streams: self.view.collapse() };
        loop {
            let hello = ClientMessage::Hello { schema_hash, claim: Some(claim.clone()) };
            self.writer.clear();
            hello.write(&mut self.writer);
            if self.writer.len_bytes() <= ClientMessage::BYTES_MAX {
                self.view.retain(&claim.streams);
                return hello;
            }
            shorten(&mut claim.streams);
        }
    }
}

/// Gives up on a part of what is claimed: not on what is the client's own.
fn shorten(streams: &mut Vec<HeldStream>) {
    let public = streams.partition_point(|held| held.audience == Audience::Public);
    let cut = if public > 0 { public - public.div_ceil(8)..public } else { streams.len() - 1..streams.len() };
    streams.drain(cut);
}
