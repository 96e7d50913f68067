//! From a netcode connection to a player: greeting, hello, welcome.

use super::Engine;
use super::congestion::RateBounds;
use super::session::{Phase, Session};
use super::view::Views;
use crate::game::JoinPayload;
use bevy_ecs::change_detection::DetectChanges;
use core::net::SocketAddr;
use std::time::Duration;
use tidelock::netcode::Slot;
use tidelock::state::{Delivery, FNV1A_OFFSET, fnv1a};
use tidelock::wire::{
    CloseReason, Farewell, Greeting, RejectReason, ResumeClaim, ServerMessage, WIRE_VERSION, Welcome,
};
use tidelock::{ClientId, Instant};

/// Netcode is connected, but nobody says hello: so long its place is its own, even if others need it.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may take to receive what it needs to join.
const WELCOME_TIMEOUT: Duration = Duration::from_secs(60);

impl Engine {
    /// Netcode let a client in.
    pub(super) fn begin_session(
        &mut self,
        slot: Slot,
        client_id: ClientId,
        address: SocketAddr,
        superseded: Option<Slot>,
        now: Instant,
    ) {
        if let Some(old) = superseded {
            self.supersede(old, now);
        }
        let bounds = RateBounds::new(self.config.client_bandwidth_bytes_s, self.config.snapshot_hz);
        let mut session = Session::new(slot, client_id, address, now + HELLO_TIMEOUT, self.input, bounds);
        session.superseded = superseded;
        self.sessions.insert(session);
    }

    /// The player of this session has a newer one. However often that happens, he holds three slots at most: the one before
    /// the last has been told long enough, and one that never said hello need not be told.
    fn supersede(&mut self, old: Slot, now: Instant) {
        let Some(session) = self.sessions.at(old) else { return };
        let (client_id, older) = (session.client_id, session.superseded);
        let is_of_player = |session: &Session| session.client_id == client_id && !session.is_open();
        if let Some(older) = older.filter(|older| self.sessions.at(*older).is_some_and(is_of_player)) {
            self.end_closed(older);
        }
        if matches!(self.sessions.at(old), Some(Session { phase: Phase::Hello { .. }, .. })) {
            self.end_closed(old);
        } else {
            self.close(old, CloseReason::DuplicateLogin, now);
        }
    }

    /// A client says which version it speaks, for the case that its hello cannot be read.
    pub(super) fn on_greeting(&mut self, slot: Slot, greeting: Greeting, now: Instant) {
        let waits = |session: &Session| matches!(session.phase, Phase::Hello { .. });
        if greeting.version != u16::from(WIRE_VERSION) && self.sessions.at(slot).is_some_and(waits) {
            self.reject(slot, RejectReason::VersionMismatch, now);
        }
    }

    /// A client says what it was made for, and what it holds if it was here before.
    pub(super) fn on_hello(&mut self, slot: Slot, schema_hash: u64, claim: Option<&ResumeClaim>, now: Instant) {
        let Some(client_id) = self.sessions.at(slot).map(|session| session.client_id) else { return };
        if let Some(reason) = self.refusal(client_id, schema_hash) {
            self.reject(slot, reason, now);
            return;
        }
        let place = self.absentees.remove(client_id);
        let resumed = place.is_some();
        let kept = place.and_then(|views| self.resume_views(views, claim));
        let state_kept = kept.is_some();
        let welcome = self.welcome(resumed, state_kept, claim);
        let Some(session) = self.sessions.at_mut(slot) else { return };
        session.in_game = resumed;
        session.views = kept.unwrap_or_default();
        let sent = session.send(&ServerMessage::Welcome(welcome), Delivery::Reliable);
        self.sessions.welcome(slot, now + WELCOME_TIMEOUT);
        if sent.is_err() {
            // The game's join payload is too long for a message.
            self.close(slot, CloseReason::ProtocolError, now);
        }
    }

    /// A client that has acknowledged the welcome plays, and may say so in the same datagram.
    pub(super) fn begin_playing_if_welcomed(&mut self, slot: Slot) {
        let Some(session) = self.sessions.at_mut(slot) else { return };
        if !matches!(session.phase, Phase::Welcoming { .. }) || !session.connection.messages_delivered() {
            return;
        }
        session.phase = Phase::Playing { since: self.tick };
        self.stats.connections += 1;
        let client_id = session.client_id;
        if std::mem::replace(&mut session.in_game, true) {
            self.roster.resume(client_id);
        } else {
            self.roster.join(client_id);
        }
    }

    /// Turns a client away.
    pub(super) fn reject(&mut self, slot: Slot, reason: RejectReason, now: Instant) {
        if self.sessions.at(slot).is_some_and(Session::is_open) {
            self.stats.rejected.count(reason);
            self.sessions.begin_closing(slot, Farewell::Rejected(reason), false, now);
        }
    }

    /// Why this client may not play, if so.
    fn refusal(&self, client_id: ClientId, schema_hash: u64) -> Option<RejectReason> {
        let has_place = self.absentees.contains(client_id);
        if schema_hash != self.schema.hash() {
            Some(RejectReason::SchemaMismatch)
        } else if self.bans.contains(&client_id) {
            Some(RejectReason::Banned)
        } else if self.draining && !has_place {
            Some(RejectReason::Draining)
        } else if self.places_taken() >= self.config.max_clients && !has_place {
            Some(RejectReason::Full)
        } else {
            None
        }
    }

    /// Those who play, are about to, or may come back.
    #[must_use]
    pub fn places_taken(&self) -> usize {
        self.player_count() + self.absentees.len()
    }

    /// What a player saw, if it proves to hold something of it; what it does not hold is forgotten.
    fn resume_views(&mut self, mut views: Views, claim: Option<&ResumeClaim>) -> Option<Views> {
        let kept = claim.is_some_and(|claim| views.resume(claim, &self.history, self.tick));
        let counts = &mut self.stats.resumes;
        *(if kept { &mut counts.state_kept } else { &mut counts.state_lost }) += 1;
        if !kept {
            views.clear(&mut self.history, self.tick);
            return None;
        }
        Some(views)
    }

    fn welcome(&mut self, resumed: bool, state_kept: bool, claim: Option<&ResumeClaim>) -> Welcome {
        let known = claim.filter(|_| resumed).map(|claim| claim.payload_hash);
        let has_payload = known.is_some_and(|known| known == self.payload_hash());
        let payload = &self.app.world().resource::<JoinPayload>().0;
        Welcome {
            tick_hz: self.config.tick_hz as u8,
            snapshot_hz: self.config.snapshot_hz as u8,
            tick: self.tick,
            due: self.due,
            resumed,
            state_kept,
            payload: (!has_payload).then(|| payload.clone()),
        }
    }

    /// Of the join payload, made anew when the game has changed that.
    fn payload_hash(&mut self) -> u64 {
        let payload = self.app.world().get_resource_ref::<JoinPayload>().expect("the engine put one there");
        let changed = payload.last_changed();
        match self.payload_hash {
            Some((made, hash)) if made == changed => hash,
            _ => self.payload_hash.insert((changed, fnv1a(FNV1A_OFFSET, &payload.0))).1,
        }
    }
}
