//! The incoming half: from a datagram to a session's buffers.

use super::session::{Arrival, Phase, Session};
use super::{Engine, Stats};
use crate::game::{EventType, JoinPayload};
use bevy_ecs::world::World;
use core::net::SocketAddr;
use std::time::Duration;
use tidelock::bits::Malformed;
use tidelock::netcode::{ServerEvent, Slot};
use tidelock::wire::{ClientMessage, CloseReason, RejectReason, ServerMessage, Welcome};
use tidelock::{ClientId, Instant};

/// Netcode is connected, but nobody says hello: so long that is waited for.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may take to receive what it needs to join.
const WELCOME_TIMEOUT: Duration = Duration::from_secs(60);
/// A client that does not acknowledge for so long what it is to forget never will.
const FORGET_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client is told why before it is disconnected.
const CLOSING_TIME: Duration = Duration::from_millis(500);

impl Engine {
    pub(super) fn accept_datagram(&mut self, from: SocketAddr, datagram: &mut [u8], arrival: Arrival, unix_s: u64) {
        match self.netcode.handle_datagram(from, datagram, arrival.at, unix_s) {
            ServerEvent::Dropped(_) | ServerEvent::Handled => {}
            ServerEvent::Connected { slot, client_id, address, .. } => {
                let deadline = arrival.at + HELLO_TIMEOUT;
                let bandwidth = self.config.client_bandwidth_bytes_s;
                self.sessions.insert(Session::new(slot, client_id, address, deadline, self.input, bandwidth));
            }
            ServerEvent::Payload { slot, payload } => {
                let Self { sessions, schema, history, stats, writer, input, .. } = self;
                let Some(session) = sessions.at_mut(slot) else { return };
                let taken =
                    session.receive(payload, arrival, (schema, *input), history, stats, |sent| writer.recycle(sent));
                stats.payloads_malformed += u64::from(taken.is_err());
                if session.connection.messages_broken() && session.is_open() {
                    self.close(slot, CloseReason::ProtocolError, arrival.at);
                    return;
                }
                self.begin_playing_if_welcomed(slot);
                self.take_messages(slot, arrival);
            }
            ServerEvent::Disconnected { slot, .. } => {
                self.stats.disconnects.left += u64::from(self.end_session(slot));
            }
        }
    }

    /// A client that has acknowledged the welcome plays, and may say so in the same datagram.
    fn begin_playing_if_welcomed(&mut self, slot: Slot) {
        let Some(session) = self.sessions.at_mut(slot) else { return };
        if matches!(session.phase, Phase::Welcoming { .. }) && session.connection.messages_delivered() {
            session.phase = Phase::Playing { since: self.tick };
            self.stats.connections += 1;
            self.roster.join(session.client_id);
        }
    }

    /// Ends sessions that were silent, never said hello, or have been told why.
    pub(super) fn expire_sessions(&mut self, now: Instant) {
        while let Some(slot) = self.netcode.poll_timeout(now) {
            self.stats.disconnects.timeout += u64::from(self.end_session(slot));
        }
        let period = self.config.tick_period();
        let leaving_ticks_max = FORGET_TIMEOUT.as_secs() as u32 * self.config.tick_hz;
        let (mut over, mut stuck) = (Vec::new(), Vec::new());
        for session in self.sessions.iter_mut() {
            session.expire(now, self.tick, period, &mut self.history, &mut self.stats);
            // What has waited comes out of the allowance that ends here: a tick never gets more than one.
            deliver_events(session, &self.events, self.app.world_mut(), &mut self.stats);
            session.begin_tick(now, self.tick);
            match session.phase {
                Phase::Hello { deadline } | Phase::Welcoming { deadline } if now > deadline => {
                    self.stats.rejected.hello_timeout += 1;
                    over.push(session.slot);
                }
                Phase::Closing { deadline } if now > deadline || session.connection.messages_delivered() => {
                    over.push(session.slot);
                }
                Phase::Playing { .. } if session.views.leaving_ticks() > leaving_ticks_max => {
                    stuck.push(session.slot);
                }
                _ => {}
            }
        }
        stuck.into_iter().for_each(|slot| self.close(slot, CloseReason::ProtocolError, now));
        for slot in over {
            self.netcode.disconnect(slot);
            self.end_session(slot);
        }
    }

    /// Tells a client why, and disconnects it soon after. The game sees it leave at once.
    pub(super) fn close(&mut self, slot: Slot, reason: CloseReason, now: Instant) {
        let Some(session) = self.sessions.at_mut(slot) else { return };
        let was_playing = session.is_playing();
        let client_id = session.client_id;
        // A client that takes no messages cannot be told.
        let _ = session.send(&ServerMessage::Closing(reason));
        session.phase = Phase::Closing { deadline: now + CLOSING_TIME };
        session.views.clear(&mut self.history, self.tick);
        let counts = &mut self.stats.disconnects;
        if was_playing {
            match reason {
                CloseReason::Kicked => counts.kicked += 1,
                CloseReason::Shutdown => counts.shutdown += 1,
                CloseReason::ProtocolError => counts.protocol_error += 1,
            }
            self.roster.leave(client_id);
        }
    }

    /// Forgets a session whose netcode slot is free. Returns whether it played.
    fn end_session(&mut self, slot: Slot) -> bool {
        let Some(mut session) = self.sessions.remove(slot) else { return false };
        session.views.clear(&mut self.history, self.tick);
        if session.is_playing() {
            self.roster.leave(session.client_id);
        }
        session.is_playing()
    }

    fn take_messages(&mut self, slot: Slot, arrival: Arrival) {
        while let Some(message) = self.sessions.at_mut(slot).and_then(|session| session.connection.poll_message()) {
            let taken = match ClientMessage::read(&message) {
                Ok(message) => self.on_message(slot, message, arrival),
                Err(Malformed) => Err(Malformed),
            };
            if taken.is_err() {
                self.stats.events_malformed += 1;
            }
        }
        if let Some(session) = self.sessions.at_mut(slot) {
            deliver_events(session, &self.events, self.app.world_mut(), &mut self.stats);
        }
    }

    fn on_message(&mut self, slot: Slot, message: ClientMessage, arrival: Arrival) -> Result<(), Malformed> {
        let session = self.sessions.at_mut(slot).ok_or(Malformed)?;
        match message {
            ClientMessage::Hello { schema_hash } if matches!(session.phase, Phase::Hello { .. }) => {
                self.on_hello(slot, schema_hash, arrival);
                Ok(())
            }
            ClientMessage::Desync { .. } if session.is_playing() => {
                self.stats.desyncs += 1;
                session.wants_full = true;
                Ok(())
            }
            ClientMessage::Event { id, body } if session.may_play() => {
                if usize::from(id.0) >= self.events.len() {
                    return Err(Malformed);
                }
                self.stats.events_flooded += u64::from(!session.events.push(id, body));
                Ok(())
            }
            _ => Err(Malformed),
        }
    }

    fn on_hello(&mut self, slot: Slot, schema_hash: u64, arrival: Arrival) {
        let Some(session) = self.sessions.at_mut(slot) else { return };
        let client_id = session.client_id;
        let refusal = if schema_hash != self.schema.hash() {
            self.stats.rejected.schema_mismatch += 1;
            Some(RejectReason::SchemaMismatch)
        } else if self.bans.contains(&client_id) {
            self.stats.rejected.banned += 1;
            Some(RejectReason::Banned)
        } else if self.draining {
            self.stats.rejected.draining += 1;
            Some(RejectReason::Draining)
        } else {
            None
        };
        if let Some(reason) = refusal {
            session.phase = Phase::Closing { deadline: arrival.at + CLOSING_TIME };
            let _ = session.send(&ServerMessage::Rejected(reason));
            return;
        }
        let welcome = Welcome {
            tick_hz: self.config.tick_hz as u8,
            snapshot_hz: self.config.snapshot_hz as u8,
            tick: self.tick,
            due: self.due,
            payload: self.app.world().resource::<JoinPayload>().0.clone(),
        };
        if session.send(&ServerMessage::Welcome(welcome)).is_ok() {
            session.phase = Phase::Welcoming { deadline: arrival.at + WELCOME_TIMEOUT };
        } else {
            // The game's join payload is too long for a message.
            self.close(slot, CloseReason::ProtocolError, arrival.at);
        }
    }

    /// The session of a client, if it has one.
    pub(super) fn slot_of(&mut self, client_id: ClientId) -> Option<Slot> {
        self.sessions.of_client_mut(client_id).map(|session| session.slot)
    }
}

/// Gives the game what a player sent and may have heard in this tick.
fn deliver_events(session: &mut Session, events: &[EventType], world: &mut World, stats: &mut Stats) {
    while session.is_playing()
        && let Some((id, body)) = session.events.pop()
    {
        let taken = (events[usize::from(id.0)].receive)(world, session.client_id, &body);
        stats.events_malformed += u64::from(!taken);
    }
}
