//! The incoming half: from a datagram to a session's buffers.

use super::session::{Arrival, Phase, Session};
use super::{Engine, Stats};
use crate::game::EventType;
use bevy_ecs::world::World;
use core::net::SocketAddr;
use tidelock::Tick;
use tidelock::bits::Malformed;
use tidelock::netcode::{ServerEvent, Slot};
use tidelock::state::{Delivery, EventId};
use tidelock::wire::{ClientMessage, CloseReason, Greeting};

impl Engine {
    pub(super) fn accept_datagram(&mut self, from: SocketAddr, datagram: &mut [u8], arrival: Arrival, unix_s: u64) {
        match self.netcode.handle_datagram(from, datagram, arrival.at, unix_s) {
            ServerEvent::Dropped(_) | ServerEvent::Handled => {}
            ServerEvent::Connected { slot, client_id, address, superseded, .. } => {
                self.begin_session(slot, client_id, address, superseded, arrival.at);
            }
            ServerEvent::Payload { slot, payload } => {
                if let Some(greeting) = Greeting::read(payload) {
                    self.on_greeting(slot, greeting, arrival.at);
                    return;
                }
                let Self { sessions, schema, history, stats, input, .. } = self;
                let Some(session) = sessions.at_mut(slot) else { return };
                let taken = session.receive(payload, arrival, (schema, *input), history, stats);
                stats.payloads_malformed += u64::from(taken.is_err());
                // Who has not said hello does not claim to speak this protocol, and cannot break it.
                let speaks = !matches!(session.phase, Phase::Hello { .. });
                if speaks && session.connection.messages_broken() && session.is_open() {
                    self.close(slot, CloseReason::ProtocolError, arrival.at);
                    return;
                }
                self.begin_playing_if_welcomed(slot);
                if self.sessions.at(slot).is_some_and(Session::is_open) {
                    self.take_messages(slot, arrival);
                }
            }
            ServerEvent::Disconnected { slot, .. } => self.on_left(slot),
        }
    }

    fn take_messages(&mut self, slot: Slot, arrival: Arrival) {
        while let Some(message) = self.sessions.at_mut(slot).and_then(|session| session.connection.poll_unreliable()) {
            let taken = match ClientMessage::read(&message) {
                Ok(ClientMessage::Event { id, body }) => {
                    self.on_event(slot, id, body, Delivery::Unreliable, arrival.simulated)
                }
                _ => Err(Malformed),
            };
            self.stats.events_malformed += u64::from(taken.is_err());
        }
        while let Some(message) = self.sessions.at_mut(slot).and_then(|session| session.connection.poll_message()) {
            let taken = match ClientMessage::read(&message) {
                Ok(message) => self.on_message(slot, message, arrival),
                Err(Malformed) => Err(Malformed),
            };
            self.stats.events_malformed += u64::from(taken.is_err());
        }
        if let Some(session) = self.sessions.at_mut(slot) {
            deliver_events(session, &self.events, self.app.world_mut(), &mut self.stats);
        }
    }

    fn on_message(&mut self, slot: Slot, message: ClientMessage, arrival: Arrival) -> Result<(), Malformed> {
        let session = self.sessions.at_mut(slot).ok_or(Malformed)?;
        match message {
            ClientMessage::Hello { schema_hash, claim } if matches!(session.phase, Phase::Hello { .. }) => {
                self.on_hello(slot, schema_hash, claim.as_ref(), arrival.at);
                Ok(())
            }
            ClientMessage::Desync { .. } if session.is_playing() => {
                self.stats.desyncs += 1;
                session.wants_full = true;
                Ok(())
            }
            ClientMessage::Event { id, body } => self.on_event(slot, id, body, Delivery::Reliable, arrival.simulated),
            _ => Err(Malformed),
        }
    }

    /// An event came, by `delivery`.
    fn on_event(
        &mut self,
        slot: Slot,
        id: EventId,
        body: Vec<u8>,
        delivery: Delivery,
        tick: Tick,
    ) -> Result<(), Malformed> {
        let session = self.sessions.at_mut(slot).filter(|session| session.may_play()).ok_or(Malformed)?;
        let event = self.events.get(usize::from(id.0)).filter(|event| event.delivery == delivery).ok_or(Malformed)?;
        if !session.event_rates.take(id, event.rate, tick, self.config.tick_hz) {
            self.stats.events_over_rate += 1;
        } else if !session.events.push(id, body) {
            self.stats.events_flooded += 1;
        }
        Ok(())
    }
}

/// Gives the game what a player sent and may have heard in this tick.
pub(super) fn deliver_events(session: &mut Session, events: &[EventType], world: &mut World, stats: &mut Stats) {
    while session.is_playing()
        && let Some((id, body)) = session.events.pop()
    {
        let taken = (events[usize::from(id.0)].receive)(world, session.client_id, &body);
        stats.events_malformed += u64::from(!taken);
    }
}
