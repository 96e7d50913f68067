//! The outgoing half: from the history to the outbox.

use super::Engine;
use super::capture::Capture;
use super::history::History;
use super::interest::Candidate;
use super::session::Session;
use super::snapshot_tick::SnapshotTick;
use super::view::StreamView;
use tidelock::Tick;
use tidelock::netcode::PACKET_BYTES_MAX;
use tidelock::state::{Audience, EventId};
use tidelock::wire::{CloseReason, ServerMessage};

/// Lists kept between clients, for their memory.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    owned: Vec<u32>,
    visible: Vec<Candidate>,
}

impl Engine {
    /// Writes the snapshots that are due in this tick, and messages.
    pub(super) fn send(&mut self, tick: SnapshotTick, slipped: bool) {
        self.queue_events(tick);
        self.writer.cache.begin(tick.tick);
        let every = self.ticks_per_snapshot();
        let period = self.config.tick_period();
        let mut packet = [0; PACKET_BYTES_MAX];
        let Self { sessions, netcode, outbox, stats, writer, history, interest, capture, schema, scratch, .. } = self;
        for session in sessions.iter_mut() {
            session.budget.refill(period);
            if slipped {
                session.tell_clock();
            }
            let slot = session.slot;
            let mut sent = super::Traffic::default();
            let mut seal = |payload: &[u8]| {
                if let Some((len, to)) = netcode.seal(slot, payload, &mut packet, tick.now) {
                    outbox.push(to, &packet[..len]);
                    sent.count(len);
                }
            };
            // Clients take turns, so that a rate below the tick's spreads the work over the ticks.
            let turn = tick.tick.0.wrapping_add(u32::from(slot.0)).is_multiple_of(every);
            if session.is_playing() && turn {
                let center = capture.viewpoint_of(session.client_id).and_then(|index| history.slot(index).place);
                scratch.owned.clear();
                scratch.owned.extend(capture.owned_by(session.client_id));
                interest.select(center, &scratch.owned, history, &mut scratch.visible);
                scratch.update_views(session, capture, history, tick.tick);
                writer.write(session, history, schema, tick, stats, &mut seal);
            }
            if let Some(farewell) = session.poll_farewell(tick.now) {
                seal(&farewell);
            } else if session.takes_messages(tick.now) {
                writer.write_messages(session, history, tick, &mut seal);
            }
            session.sent_bytes += sent.bytes;
            stats.sent.packets += sent.packets;
            stats.sent.bytes += sent.bytes;
        }
        stats.delta_cache_hits = writer.cache.hits;
        stats.delta_cache_misses = writer.cache.misses;
    }

    /// Gives the game's events to the connections of those they are for.
    fn queue_events(&mut self, tick: SnapshotTick) {
        let mut stuck = Vec::new();
        for event in std::mem::take(&mut self.outgoing_events) {
            let message = ServerMessage::Event { id: EventId(event.event_index), body: event.body };
            for session in
                self.sessions.iter_mut().filter(|session| session.is_playing() && event.to.include(session.client_id))
            {
                if session.send(&message).is_err() {
                    stuck.push(session.slot);
                }
            }
        }
        // Who does not take its messages is not buffered for without end.
        for slot in stuck {
            self.close(slot, CloseReason::ProtocolError, tick.now);
        }
    }
}

impl Scratch {
    fn update_views(&mut self, session: &mut Session, capture: &Capture, history: &mut History, now: Tick) {
        session.views.update(Audience::Public, &self.visible, history, now);
        self.visible.clear();
        if let Some(team) = capture.team_of(session.client_id) {
            let seen = session.views.of(Audience::Public).iter().filter(|view| view.leaving.is_none());
            let mates = seen.filter(|view| capture.is_of_team(view.index, team));
            let candidate =
                |view: &StreamView| Candidate { index: view.index, may_enter: true, distance: view.distance };
            self.visible.extend(mates.map(candidate));
        }
        session.views.update(Audience::Team, &self.visible, history, now);
        self.visible.clear();
        let own = |index: &u32| Candidate { index: *index, may_enter: true, distance: 0.0 };
        self.visible.extend(self.owned.iter().map(own));
        session.views.update(Audience::Owner, &self.visible, history, now);
    }
}
