use super::Traffic;
use super::capture::Capture;
use super::executor::Executor;
use super::history::History;
use super::interest::Interest;
use super::outbox::Outbox;
use super::record_tables::RecordTables;
use super::session::Session;
use super::snapshot::{Sight, SnapshotWriter};
use super::snapshot_tick::SnapshotTick;
use super::stats::SendCounts;
use std::time::Duration;
use tidelock::netcode::{PACKET_BYTES_MAX, Sealers, Slot};
use tidelock::state::Schema;

/// What one thread writes of a tick: the datagrams of clients with slots side by side. Kept for its memory.
#[derive(Debug, Default)]
pub(crate) struct Sender {
    writer: SnapshotWriter,
    pub(crate) outbox: Outbox,
    pub(crate) counts: SendCounts,
    /// Who was sent something.
    pub(crate) sent: Vec<Slot>,
}

/// What all senders of a tick look at, and none changes.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) tables: &'a RecordTables,
    pub(crate) history: &'a History,
    pub(crate) interest: &'a Interest,
    pub(crate) capture: &'a Capture,
    pub(crate) schema: &'a Schema,
    pub(crate) tick: SnapshotTick,
    pub(crate) tick_period: Duration,
    /// Ticks between two snapshots of a client.
    pub(crate) every: u32,
    pub(crate) slipped: bool,
}

/// Clients with slots side by side, and who writes to them.
pub(crate) struct Share<'a> {
    pub(crate) senders: &'a mut [Sender],
    pub(crate) sessions: &'a mut [Option<Box<Session>>],
    pub(crate) first_slot: usize,
    pub(crate) sealers: Sealers<'a>,
}

impl Share<'_> {
    /// Writes to all of them. The senders' outboxes, one after the other, are the same however many there are.
    pub(crate) fn send(self, scene: &Scene<'_>, executor: &dyn Executor) {
        let Self { senders, sessions, first_slot, mut sealers } = self;
        if let [sender] = senders {
            let all = sessions.iter_mut().filter_map(Option::as_deref_mut);
            return all.for_each(|session| sender.send(session, scene, &mut sealers));
        }
        let middle = first_slot + sessions.len() / 2;
        let (senders_a, senders_b) = senders.split_at_mut(senders.len() / 2);
        let (sessions_a, sessions_b) = sessions.split_at_mut(sessions.len() / 2);
        let (sealers_a, sealers_b) = sealers.split_at(middle);
        let a = Share { senders: senders_a, sessions: sessions_a, first_slot, sealers: sealers_a };
        let b = Share { senders: senders_b, sessions: sessions_b, first_slot: middle, sealers: sealers_b };
        let (mut a, mut b) = (Some(a), Some(b));
        executor.join(&mut || a.take().into_iter().for_each(|a| a.send(scene, executor)), &mut || {
            b.take().into_iter().for_each(|b| b.send(scene, executor));
        });
    }
}

impl Sender {
    /// Writes what is due to one client.
    fn send(&mut self, session: &mut Session, scene: &Scene<'_>, sealers: &mut Sealers<'_>) {
        let Scene { history, capture, tick, .. } = *scene;
        session.begin_sending(tick, scene.tick_period, &mut self.counts);
        if scene.slipped {
            session.tell_clock();
        }
        let Self { writer, outbox, counts, sent } = self;
        let (slot, mut traffic, mut packet) = (session.slot, Traffic::default(), [0; PACKET_BYTES_MAX]);
        let mut seal = |payload: &[u8]| {
            if let Some((len, to)) = sealers.seal(slot, payload, &mut packet) {
                outbox.push(to, &packet[..len]);
                traffic.count(len);
            }
        };
        if session.takes_turn(tick.tick, scene.every) {
            let center = capture.viewpoint_of(session.client_id).and_then(|index| history.slot(index).place);
            writer.write(session, Sight { scene, center }, counts, &mut seal);
        }
        if let Some(farewell) = session.poll_farewell(tick.now) {
            seal(&farewell);
        } else if session.takes_messages(tick.now) {
            writer.write_messages(session, tick, &mut seal);
        }
        counts.events_unsent += session.connection.drop_unreliable() as u64;
        session.sent_bytes += traffic.bytes;
        counts.sent.packets += traffic.packets;
        counts.sent.bytes += traffic.bytes;
        sent.extend((traffic.packets > 0).then_some(slot));
    }
}
