//! The outgoing half: from the history to the outbox.

use super::Engine;
use super::share::{Scene, Share};
use super::snapshot_tick::SnapshotTick;
use std::time::Duration;
use tidelock::Tick;
use tidelock::state::{Audience, Delivery, EventId};
use tidelock::wire::{CloseReason, ServerMessage};

impl Engine {
    /// Writes the snapshots that are due in this tick, and messages.
    ///
    /// In three passes: what every client sees and needs, then all records, then every client's datagrams.
    pub(super) fn send(&mut self, tick: SnapshotTick, slipped: bool) {
        self.queue_events(tick);
        let every = self.ticks_per_snapshot();
        self.collect(tick.tick, every);
        self.tables.encode(&self.history, &self.schema, self.config.tick_hz, &*self.executor);
        self.write(tick, every, slipped);
        let counts = self.tables.counts;
        self.stats.delta_cache_hits = counts.hits;
        self.stats.delta_cache_misses = counts.misses;
        self.stats.baselines_expired = counts.expired;
        self.stats.history_bytes = self.history.bytes() as u64;
    }

    /// Finds out, for each client whose turn it is, what it sees, and what of it is due.
    fn collect(&mut self, tick: Tick, every: u32) {
        let Self { sessions, tables, history, interest, capture, marks, renewed, .. } = self;
        tables.begin(tick);
        history.merge_changes(tick, every);
        marks.reach(history.index_count());
        let mut round_trip_max = Duration::ZERO;
        for session in sessions.iter_mut().filter(|session| session.is_playing()) {
            round_trip_max = round_trip_max.max(session.connection.rtt().timeout(Duration::ZERO));
            if !session.takes_turn(tick, every) {
                continue;
            }
            let center = capture.viewpoint_of(session.client_id).and_then(|index| history.slot(index).place);
            let mates = capture.team_of(session.client_id).and_then(|team| capture.members(team));
            interest.select(center, mates, marks);
            interest.filter.apply(session.client_id, capture.layers_seen_by(session.client_id), marks);
            capture.owned_by(session.client_id).for_each(|index| marks.add(index, true));
            session.views.update(Audience::Public, marks, history, renewed, tick);
            if let Some(mates) = mates {
                let seen = session.views.of(Audience::Public).visible_words();
                seen.for_each(|(word, visible)| marks.add_word(word, visible & mates.word(word)));
            }
            session.views.update(Audience::Team, marks, history, renewed, tick);
            capture.owned_by(session.client_id).for_each(|index| marks.add(index, true));
            session.views.update(Audience::Owner, marks, history, renewed, tick);
            session.views.collect(history, tick, tables);
        }
        history.serve_round_trips_of(round_trip_max);
    }

    /// Writes what is due to each client, on as many cores as the executor has.
    fn write(&mut self, tick: SnapshotTick, every: u32, slipped: bool) {
        let Self { sessions, netcode, outbox, stats, tables, senders, history, interest, capture, schema, .. } = self;
        let tick_period = self.config.tick_period();
        let scene = Scene { tables, history, interest, capture, schema, tick, tick_period, every, slipped };
        // The first goes on where the outbox ends.
        std::mem::swap(&mut senders[0].outbox, outbox);
        let share = Share { senders, sessions: sessions.slots_mut(), first_slot: 0, sealers: netcode.sealers() };
        share.send(&scene, &*self.executor);
        std::mem::swap(&mut senders[0].outbox, outbox);
        for sender in senders {
            outbox.append(&mut sender.outbox);
            stats.add(&mut sender.counts);
            sender.sent.drain(..).for_each(|slot| netcode.sent(slot, tick.now));
        }
    }

    /// Gives the game's events to the connections of those they are for.
    fn queue_events(&mut self, tick: SnapshotTick) {
        let mut stuck = Vec::new();
        for event in std::mem::take(&mut self.outgoing_events) {
            let delivery = self.events[usize::from(event.event_index)].delivery;
            let message = ServerMessage::Event { id: EventId(event.event_index), body: event.body };
            let recipients = self.sessions.iter_mut().filter(|session| session.is_playing());
            for session in recipients.filter(|session| event.to.include(session.client_id)) {
                match (session.send(&message, delivery), delivery) {
                    (Ok(()), _) => {}
                    (Err(_), Delivery::Reliable) => stuck.push(session.slot),
                    (Err(_), Delivery::Unreliable) => self.stats.events_unsent += 1,
                }
            }
        }
        // Who does not take its messages is not buffered for without end.
        for slot in stuck {
            self.close(slot, CloseReason::TooSlow, tick.now);
        }
    }
}
