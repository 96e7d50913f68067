use super::draft::Drafts;
use super::history::History;
use super::marks::bits;
use super::record_tables::{RecordTable, RecordTables};
use super::session::{Carried, Session};
use super::share::Scene;
use super::snapshot_tick::SnapshotTick;
use super::stats::SendCounts;
use super::view::{Extra, ExtraKind};
use glam::Vec2;
use std::cmp::Ordering;
use tidelock::bits::BitWriter;
use tidelock::state::{Audience, Checksum};
use tidelock::wire::{
    Audit, DATAGRAM_BITS_MAX, DATAGRAM_BYTES_MAX, HEAD_BITS_MAX, Load, RecordWriter, RecordsHead, SnapshotHeader,
};

/// Writes snapshots: what of a client's view is due, what of that fits the budget, and the datagrams that carry it.
#[derive(Debug, Default)]
pub(crate) struct SnapshotWriter {
    /// What is due, when not all of it fits, by audience and index.
    queue: Vec<Queued>,
    /// Places in the queue, by priority.
    order: Vec<u32>,
    drafts: Drafts,
    datagram: BitWriter,
}

/// What there is to send, and where a client sees it from.
#[derive(Clone, Copy)]
pub(crate) struct Sight<'a> {
    pub(crate) scene: &'a Scene<'a>,
    pub(crate) center: Option<Vec2>,
}

/// A record that competes for the budget.
#[derive(Clone, Copy, Debug)]
struct Queued {
    audience: Audience,
    index: u32,
    bits: usize,
    priority: f32,
    fits: bool,
}

impl SnapshotWriter {
    /// Writes one client's snapshot, and gives each datagram to `send`. What is due is collected already.
    pub(crate) fn write(
        &mut self,
        session: &mut Session,
        sight: Sight<'_>,
        counts: &mut SendCounts,
        mut send: impl FnMut(&[u8]),
    ) {
        let Scene { tables, history, tick, .. } = *sight.scene;
        // What the client has forgotten, and the server not yet, goes out in none of these.
        let complete = self.choose(session, sight, counts) && !session.wants_full;
        if !complete {
            session.congestion.on_short(tick.now);
        }
        session.views.on_collected(tick.tick);
        // Messages that wait for room are no reason to send what has none for them.
        let has_room = session.budget.available_bytes() > HEADERS_BYTES;
        let news = session.views.is_due() || (has_room && session.connection.wants_to_send_messages());
        if !news && !session.heartbeat_due(tick.now, tick.snapshot_interval) && !session.probe_due(tick.now) {
            return;
        }
        self.drafts.write(tables, session, history, tick, &mut counts.snapshot_entities);
        let audit = take_audit(session, history, tick);
        let due = session.take_clock_turn(tick.now).then_some(tick.due);
        session.on_snapshot(tick.now);
        let oldest = session.connection.oldest_in_flight(|carried| *carried == Carried::Records);
        let count = self.drafts.iter().len();
        debug_assert!(count <= SnapshotHeader::DATAGRAMS_MAX as usize, "{count} datagrams of a snapshot");
        if let Some((audit, last)) = audit.zip(self.drafts.iter().last()) {
            session.audits.on_sent(audit.bucket, last.sequence, oldest.unwrap_or(last.sequence));
        }
        for (index, draft) in self.drafts.iter().iter().enumerate() {
            let last = index + 1 == count;
            let header = SnapshotHeader {
                tick: tick.tick,
                index: index as u32,
                count: count as u32,
                complete,
                in_flight: oldest.map_or(0, |oldest| draft.sequence.saturating_sub(oldest) as u32),
                inputs: if index == 0 { session.inputs.report(tick.tick) } else { None },
                load: if index == 0 { tick.load } else { Load::default() },
                due: due.filter(|_| index == 0),
                audit: audit.filter(|_| last),
                checksum: draft.checksum.map(Checksum::to_u16),
            };
            draft.assemble(&header, &mut self.datagram);
            let datagram = self.datagram.finish();
            session.spend(draft.sequence, datagram.len() + super::NETCODE_OVERHEAD_BYTES);
            counts.snapshot_size_bytes.push(datagram.len() as u32);
            send(datagram);
        }
    }

    /// Writes messages that wait into datagrams of their own, as far as the budget goes.
    pub(crate) fn write_messages(&mut self, session: &mut Session, tick: SnapshotTick, mut send: impl FnMut(&[u8])) {
        for _ in 0..MESSAGE_DATAGRAMS_MAX {
            if !session.connection.wants_to_send_messages() {
                return;
            }
            if session.budget.available_bytes() < DATAGRAM_BYTES_MAX {
                session.congestion.on_short(tick.now);
                return;
            }
            self.datagram.clear();
            let room_bits = DATAGRAM_BITS_MAX - HEAD_BITS_MAX - 1;
            let sequence = session.connection.write_head(tick.now, room_bits, &mut self.datagram);
            self.datagram.write_bool(false);
            session.commit(Carried::Messages, tick.now);
            let datagram = self.datagram.finish();
            session.spend(sequence, datagram.len() + super::NETCODE_OVERHEAD_BYTES);
            send(datagram);
        }
    }

    /// Leaves for later what does not fit the budget. Returns whether everything fits.
    fn choose(&mut self, session: &mut Session, sight: Sight<'_>, counts: &mut SendCounts) -> bool {
        let Scene { tables, tick: SnapshotTick { tick, .. }, .. } = *sight.scene;
        let available_bits = session.budget.available_bytes().saturating_sub(HEADERS_BYTES) * 8;
        let room = Cost { budget_bits: available_bits, packed_bits: PACKED_BITS_MAX };
        if cost_max(session, tables).fits(room) || self.enqueue(session, sight).fits(room) {
            return true;
        }
        self.mark_fitting(room);
        self.queue.retain(|queued| !queued.fits);
        let mut put_off = self.queue.as_slice();
        for audience in Audience::ALL {
            let (these, others) = put_off.split_at(put_off.partition_point(|queued| queued.audience <= audience));
            session.views.put_off(audience, these.iter().map(|queued| queued.index), tick);
            put_off = others;
        }
        counts.budget_deferred += self.queue.len() as u64;
        self.queue.is_empty()
    }

    /// Marks what fits, by priority.
    fn mark_fitting(&mut self, room: Cost) {
        let Self { queue, order, .. } = self;
        order.clear();
        order.extend(0..queue.len() as u32);
        let by_priority = |a: &u32, b: &u32| -> Ordering {
            let [first, second] = [a, b].map(|n| queue[*n as usize].priority);
            second.total_cmp(&first).then(a.cmp(b))
        };
        // Of the ten thousand that a client lacks when it joins, only those that may fit are sorted.
        let smallest_bits = queue.iter().map(|queued| queued.bits).min().unwrap_or(0).max(1);
        let fitting_max = room.budget_bits / smallest_bits + 1;
        if fitting_max < order.len() {
            order.select_nth_unstable_by(fitting_max, by_priority);
            order.truncate(fitting_max);
        }
        order.sort_unstable_by(by_priority);
        let mut all = Cost::default();
        for n in order {
            let queued = &mut queue[*n as usize];
            all.add(1, queued.bits);
            // What is first and does not fit must not be overtaken: it waits until the budget has grown.
            if !all.fits(room) {
                return;
            }
            queued.fits = true;
        }
    }

    /// Lists all that is due, with its priority, and returns what it takes.
    fn enqueue(&mut self, session: &Session, sight: Sight<'_>) -> Cost {
        let Scene { tables, history, schema, capture, .. } = *sight.scene;
        let named = session.views.named();
        let mut queue = std::mem::take(&mut self.queue);
        queue.clear();
        for audience in Audience::ALL {
            let part = session.views.of(audience);
            let layout = schema.stream(audience);
            let weight = |index| f32::from(layout.priority(history.of(audience).newest(index).mask));
            let nearness = |index| {
                // Of its own entities not only what nobody else may know: a client predicts from all of it.
                if capture.is_owned_by(session.client_id, index) {
                    return f32::MAX;
                }
                sight.nearness(index) * weight(index)
            };
            let mut extras = part.extras.iter().peekable();
            let of_extra = |extra: &Extra| Queued {
                audience,
                index: extra.index,
                bits: extra_bits(tables, audience, extra),
                priority: match extra.kind {
                    ExtraKind::Record(_) => (nearness(extra.index) * (1.0 + f32::from(extra.waited))).min(f32::MAX),
                    // Of a few bits, before all else: what is not told to have left is shown on.
                    ExtraKind::Leave { .. } => f32::INFINITY,
                },
                fits: false,
            };
            if let Some(table) = tables.table(audience, named) {
                for index in part.due.iter().flat_map(|word| bits(word.bits).map(|bit| word.at * 64 + bit)) {
                    queue.extend(std::iter::from_fn(|| extras.next_if(|extra| extra.index < index)).map(of_extra));
                    let (bits, priority) = (record_bits(table, index), nearness(index));
                    queue.push(Queued { audience, index, bits, priority, fits: false });
                }
            }
            queue.extend(extras.map(of_extra));
        }
        self.queue = queue;
        let mut all = Cost::default();
        self.queue.iter().for_each(|queued| all.add(1, queued.bits));
        all
    }
}

/// What records take, or may take.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// Of the budget, about.
    budget_bits: usize,
    /// Of datagrams, at most.
    packed_bits: usize,
}

impl Cost {
    /// So many records more take so many bits of the budget.
    const fn add(&mut self, records: usize, budget_bits: usize) {
        self.budget_bits += budget_bits;
        self.packed_bits += budget_bits + records * RecordWriter::BITS_MAX;
    }

    const fn fits(self, room: Self) -> bool {
        self.budget_bits <= room.budget_bits && self.packed_bits <= room.packed_bits
    }
}

/// What has no more bits than this fits the datagrams of a snapshot. All but the last are filled until the next record does not
/// fit: so of those without messages, which are all but the first, each two in a row hold more than one has room for.
const PACKED_BITS_MAX: usize = SnapshotHeader::DATAGRAMS_MAX as usize / 2
    * (DATAGRAM_BITS_MAX - HEAD_BITS_MAX - SnapshotHeader::BITS_MAX - RecordsHead::BITS_MAX);
/// Bytes of the budget set aside for headers.
const HEADERS_BYTES: usize = 64;
/// What a head takes of the budget: what it takes more than usual is paid back later.
const DELTA_HEAD_BITS: usize = 4;
const FULL_HEAD_BITS: usize = 24;
const LEAVE_BITS: usize = 10;
/// Datagrams in a tick that carry nothing but messages.
pub(super) const MESSAGE_DATAGRAMS_MAX: usize = 8;

impl Sight<'_> {
    /// What is near goes first when not everything fits.
    fn nearness(&self, index: u32) -> f32 {
        let Scene { interest, history, .. } = self.scene;
        (1.5 - interest.distance(index, history.slot(index).place, self.center)).max(0.1)
    }
}

/// What is due takes no more than this.
fn cost_max(session: &Session, tables: &RecordTables) -> Cost {
    let (named, mut all) = (session.views.named(), Cost::default());
    for audience in Audience::ALL {
        let part = session.views.of(audience);
        let records = part.due.iter().map(|word| word.bits.count_ones() as usize).sum();
        let longest = tables.table(audience, named).map_or(0, |table| table.bits_max);
        all.add(records, records * (FULL_HEAD_BITS + longest as usize));
        part.extras.iter().for_each(|extra| all.add(1, extra_bits(tables, audience, extra)));
    }
    all
}

fn extra_bits(tables: &RecordTables, audience: Audience, extra: &Extra) -> usize {
    let ExtraKind::Record(baseline) = extra.kind else { return LEAVE_BITS };
    let table = tables.table(audience, (baseline, None));
    table.map_or(0, |table| record_bits(table, extra.index))
}

/// About so many bits of the budget.
fn record_bits(table: &RecordTable, index: u32) -> usize {
    table.body_bits(index) + if table.is_full(index) { FULL_HEAD_BITS } else { DELTA_HEAD_BITS }
}

/// The audit that goes out with this snapshot, if one is due and nothing waits that it is about.
fn take_audit(session: &mut Session, history: &History, tick: SnapshotTick) -> Option<Audit> {
    if session.wants_full {
        return None;
    }
    let bucket = session.audits.take_turn(tick.now)?;
    let audit = audit(session, history, bucket);
    if audit.is_none() {
        session.audits.put_off(bucket);
    }
    audit
}

/// The sum over everything in one bucket that the client should hold when it has received all that was sent.
fn audit(session: &Session, history: &History, bucket: u8) -> Option<Audit> {
    let mut sum = Checksum::default();
    for audience in Audience::ALL {
        sum.add(session.views.of(audience).audit(bucket, history.of(audience))?.0);
    }
    Some(Audit { bucket, hash: sum.to_u32() })
}
