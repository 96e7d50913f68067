use super::capture::Capture;
use super::history::History;
use super::interest::Interest;
use super::marks::bits;
use super::record_tables::{RecordTable, RecordTables};
use super::session::{Carried, Session};
use super::snapshot_tick::SnapshotTick;
use super::stats::{Samples, SnapshotEntityCounts, Stats};
use super::view::{Extra, ExtraKind};
use glam::Vec2;
use std::cmp::Ordering;
use tidelock::Tick;
use tidelock::bits::BitWriter;
use tidelock::state::{Audience, Checksum, Schema};
use tidelock::wire::{
    Audit, DATAGRAM_BITS_MAX, DATAGRAM_BYTES_MAX, HEAD_BITS_MAX, Load, RecordHead, RecordList, RecordWriter,
    RecordsHead, SnapshotHeader,
};

/// Writes snapshots: what of a client's view is due, what of that fits the budget, and the datagrams that carry it.
#[derive(Debug, Default)]
pub(crate) struct SnapshotWriter {
    pub(crate) tables: RecordTables,
    /// What is due, when not all of it fits.
    queue: Vec<Queued>,
    drafts: Vec<Draft>,
    /// How many of `drafts` are in use.
    draft_count: usize,
    datagram: BitWriter,
}

/// Where a client sees from, what is far from there, and what is its own.
#[derive(Clone, Copy)]
pub(crate) struct Sight<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) interest: &'a Interest,
    pub(crate) capture: &'a Capture,
    pub(crate) center: Option<Vec2>,
}

/// A record that competes for the budget.
#[derive(Clone, Copy, Debug)]
struct Queued {
    audience: Audience,
    index: u32,
    bits: usize,
    priority: f32,
}

/// A datagram before the header can be written, which tells how many there are.
#[derive(Debug, Default)]
struct Draft {
    sequence: u64,
    head: BitWriter,
    records: BitWriter,
    records_head: RecordsHead,
    checksum: Option<Checksum>,
}

impl SnapshotWriter {
    /// Writes one client's snapshot, and gives each datagram to `send`. What is due is collected already.
    pub(crate) fn write(
        &mut self,
        session: &mut Session,
        sight: Sight<'_>,
        history: &History,
        tick: SnapshotTick,
        stats: &mut Stats,
        mut send: impl FnMut(&[u8]),
    ) {
        let complete = self.choose(session, sight, history, tick.tick, stats);
        if !complete {
            session.congestion.on_short(tick.now);
        }
        session.views.on_collected(tick.tick);
        let news = session.views.is_due() || session.connection.wants_to_send_messages();
        if !news && !session.heartbeat_due(tick.now, tick.snapshot_interval) {
            return;
        }
        self.draft(session, history, tick, stats);
        let audit = session.take_audit_turn(tick.now).and_then(|bucket| audit(session, history, bucket));
        let due = session.take_clock_turn(tick.now).then_some(tick.due);
        session.on_snapshot(tick.now);
        let oldest = session.connection.oldest_in_flight(|carried| *carried == Carried::Records);
        let count = self.draft_count;
        for (index, draft) in self.drafts[..count].iter_mut().enumerate() {
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
            Samples::push(&mut stats.samples.snapshot_size_bytes, datagram.len() as u32);
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
    fn choose(
        &mut self,
        session: &mut Session,
        sight: Sight<'_>,
        history: &History,
        tick: Tick,
        stats: &mut Stats,
    ) -> bool {
        let available_bits = session.budget.available_bytes().saturating_sub(HEADERS_BYTES) * 8;
        if self.cost_bits_max(session) <= available_bits || self.enqueue(session, sight, history) <= available_bits {
            return true;
        }
        let by_place = |a: &Queued, b: &Queued| a.audience.cmp(&b.audience).then(a.index.cmp(&b.index));
        let by_priority =
            |a: &Queued, b: &Queued| -> Ordering { b.priority.total_cmp(&a.priority).then(by_place(a, b)) };
        self.queue.sort_unstable_by(by_priority);
        let mut left = available_bits;
        self.queue.retain(|queued| {
            // What is first and does not fit must not be overtaken: it waits until the budget has grown.
            let fits = queued.bits <= left;
            left = if fits { left - queued.bits } else { 0 };
            !fits
        });
        self.queue.sort_unstable_by(by_place);
        let mut put_off = self.queue.as_slice();
        for audience in Audience::ALL {
            let (these, others) = put_off.split_at(put_off.partition_point(|queued| queued.audience <= audience));
            session.views.put_off(audience, these.iter().map(|queued| queued.index), tick);
            put_off = others;
        }
        stats.budget_deferred += self.queue.len() as u64;
        self.queue.is_empty()
    }

    /// About so many bits of the budget, and no fewer.
    fn cost_bits_max(&self, session: &Session) -> usize {
        let base = session.views.base();
        let parts = Audience::ALL.into_iter().map(|audience| {
            let part = session.views.of(audience);
            let records: u32 = part.due.iter().map(|word| word.bits.count_ones()).sum();
            let longest = self.tables.table(audience, base).map_or(0, |table| table.bits_max);
            records as usize * (FULL_HEAD_BITS + longest as usize)
                + part.extras.iter().map(|extra| self.extra_bits(audience, extra)).sum::<usize>()
        });
        parts.sum()
    }

    fn extra_bits(&self, audience: Audience, extra: &Extra) -> usize {
        let ExtraKind::Record(baseline) = extra.kind else { return LEAVE_BITS };
        let table = self.tables.table(audience, baseline);
        table.map_or(0, |table| self.record_bits(table, extra.index))
    }

    fn record_bits(&self, table: &RecordTable, index: u32) -> usize {
        let (record, _) = self.tables.record(table, index);
        record.bits() as usize + if record.is_full() { FULL_HEAD_BITS } else { DELTA_HEAD_BITS }
    }

    /// Lists all that is due, with its priority, and returns about how many bits it takes.
    fn enqueue(&mut self, session: &Session, sight: Sight<'_>, history: &History) -> usize {
        let mut queue = std::mem::take(&mut self.queue);
        queue.clear();
        for audience in Audience::ALL {
            let part = session.views.of(audience);
            let layout = sight.schema.stream(audience);
            let weight = |index| f32::from(layout.priority(history.of(audience).newest(index).mask));
            let nearness = |index| {
                // Of its own entities not only what nobody else may know: a client predicts from all of it.
                if sight.capture.is_owned_by(session.client_id, index) {
                    return f32::INFINITY;
                }
                sight.nearness(index, history) * weight(index)
            };
            if let Some(table) = self.tables.table(audience, session.views.base()) {
                let due = part.due.iter().flat_map(|word| bits(word.bits).map(|bit| word.at * 64 + bit));
                queue.extend(due.map(|index| Queued {
                    audience,
                    index,
                    bits: self.record_bits(table, index),
                    priority: nearness(index),
                }));
            }
            queue.extend(part.extras.iter().map(|extra| Queued {
                audience,
                index: extra.index,
                bits: self.extra_bits(audience, extra),
                priority: match extra.kind {
                    ExtraKind::Record(_) => nearness(extra.index) * (1.0 + f32::from(extra.waited)),
                    ExtraKind::Leave { .. } => f32::MAX,
                },
            }));
        }
        self.queue = queue;
        self.queue.iter().map(|queued| queued.bits).sum()
    }

    /// Packs what is due, by ascending index, into as many datagrams as it needs: at least one.
    fn draft(&mut self, session: &mut Session, history: &History, tick: SnapshotTick, stats: &mut Stats) {
        self.draft_count = 0;
        let orders = Audience::ALL.map(|audience| session.views.of(audience).gap_order());
        let mut at = Cursor::default();
        loop {
            let first = at;
            let Self { tables, drafts, draft_count, .. } = self;
            let draft = open_draft(drafts, draft_count, session, tick);
            draft.records_head = RecordsHead { base: session.views.base(), ..RecordsHead::default() };
            while at.audience < Audience::COUNT {
                let order = orders[at.audience];
                let done = draft.fill(tables, session, history, tick, order, &mut at, &mut stats.snapshot_entities);
                if !done {
                    break;
                }
                at = Cursor { audience: at.audience + 1, ..Cursor::default() };
            }
            let carried = if draft.checksum.is_some() { Carried::Records } else { Carried::Messages };
            session.commit(carried, tick.now);
            if at.audience == Audience::COUNT {
                break;
            }
            assert!(*draft_count == 1 || at != first, "a datagram without messages has room for every record");
        }
        session.views.on_sent(tick.tick);
    }
}

/// How far drafting has come in what is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cursor {
    audience: usize,
    /// Which word, and which of its streams are written already.
    word: usize,
    written: u64,
    extra: usize,
}

/// Bytes of the budget set aside for headers.
const HEADERS_BYTES: usize = 64;
/// What a head takes of the budget: what it takes more than usual is paid back later.
const DELTA_HEAD_BITS: usize = 5;
const FULL_HEAD_BITS: usize = 24;
const LEAVE_BITS: usize = 10;
/// Messages may take so much of a snapshot's first datagram.
const MESSAGE_BITS_MAX: usize = DATAGRAM_BITS_MAX - HEAD_BITS_MAX - SnapshotHeader::BITS_MAX - RecordsHead::BITS_MAX;
/// A datagram without messages has room for every record that the schema allows.
const _: () = assert!(
    HEAD_BITS_MAX + SnapshotHeader::BITS_MAX + RecordsHead::BITS_MAX + RecordWriter::BITS_MAX + Schema::RECORD_BITS_MAX
        <= DATAGRAM_BITS_MAX
);
/// Datagrams in a tick that carry nothing but messages.
const MESSAGE_DATAGRAMS_MAX: usize = 8;

impl Sight<'_> {
    /// What is near goes first when not everything fits.
    fn nearness(&self, index: u32, history: &History) -> f32 {
        (1.5 - self.interest.distance(index, history.slot(index).place, self.center)).max(0.1)
    }
}

fn open_draft<'a>(
    drafts: &'a mut Vec<Draft>,
    count: &mut usize,
    session: &mut Session,
    tick: SnapshotTick,
) -> &'a mut Draft {
    let at = *count;
    *count += 1;
    if drafts.len() == at {
        drafts.push(Draft::default());
    }
    let draft = &mut drafts[at];
    draft.head.clear();
    draft.records.clear();
    draft.checksum = None;
    // The first datagram brings messages too, as far as the budget goes.
    let room_bits = MESSAGE_BITS_MAX.min(session.budget.available_bytes() * 8);
    draft.sequence = session.connection.write_head(tick.now, if at == 0 { room_bits } else { 0 }, &mut draft.head);
    session.views.open_datagram(draft.sequence, tick.tick);
    draft
}

impl Draft {
    /// Writes what is due of one audience, from `at` on, as far as there is room. Whether that is all of it.
    #[expect(clippy::too_many_arguments, reason = "the one place where records meet their datagram")]
    fn fill(
        &mut self,
        tables: &RecordTables,
        session: &mut Session,
        history: &History,
        tick: SnapshotTick,
        order: u32,
        at: &mut Cursor,
        kinds: &mut SnapshotEntityCounts,
    ) -> bool {
        let audience = Audience::ALL[at.audience];
        let base = session.views.base();
        let mut list = DraftList {
            capacity_bits: DATAGRAM_BITS_MAX - SnapshotHeader::BITS_MAX - RecordsHead::BITS_MAX - self.head.len_bits(),
            heads: RecordWriter::new(tick.tick, base, order),
            records: &mut self.records,
            tables,
            history,
            audience,
            count: 0,
            sum: Checksum::default(),
            kinds,
        };
        let table = tables.table(audience, base);
        let (part, flight) = session.views.part_and_flight(audience);
        let done = 'all: loop {
            let word = part.due.get(at.word);
            let extra = part.extras.get(at.extra);
            let Some(word) = word.filter(|word| extra.is_none_or(|extra| word.at <= extra.index / 64)) else {
                let Some(extra) = extra else { break true };
                if !list.put_extra(extra) {
                    break false;
                }
                flight.note(audience, extra.index, matches!(extra.kind, ExtraKind::Leave { .. }));
                at.extra += 1;
                continue;
            };
            // Of the word's streams first those before the next of the others.
            let before = extra.filter(|extra| extra.index / 64 == word.at);
            let before = before.map_or(u64::MAX, |extra| (1 << (extra.index % 64)) - 1);
            let Some(table) = table else { break true };
            for bit in bits(word.bits & !at.written & before) {
                let index = word.at * 64 + bit;
                if !list.put_due(table, index) {
                    break 'all false;
                }
                flight.note(audience, index, false);
                at.written |= 1 << bit;
            }
            if at.written == word.bits {
                (at.word, at.written) = (at.word + 1, 0);
            } else if let Some(extra) = extra {
                if !list.put_extra(extra) {
                    break false;
                }
                flight.note(audience, extra.index, matches!(extra.kind, ExtraKind::Leave { .. }));
                at.extra += 1;
            }
        };
        let (count, sum) = (list.count, list.sum);
        self.records_head.lists[audience as usize] = RecordList { count, gap_order: order };
        if count > 0 {
            self.checksum.get_or_insert_default().add(sum.0);
        }
        done
    }

    fn assemble(&self, header: &SnapshotHeader, w: &mut BitWriter) {
        w.clear();
        w.append_writer(&self.head);
        header.write(w);
        if header.checksum.is_some() {
            self.records_head.write(header.tick, w);
            w.append_writer(&self.records);
        }
    }
}

/// One audience's records in a datagram that is being drafted.
struct DraftList<'a> {
    capacity_bits: usize,
    heads: RecordWriter,
    records: &'a mut BitWriter,
    tables: &'a RecordTables,
    history: &'a History,
    audience: Audience,
    count: u32,
    sum: Checksum,
    kinds: &'a mut SnapshotEntityCounts,
}

impl DraftList<'_> {
    /// Writes a record against the base. False if there is no room for it.
    #[inline]
    fn put_due(&mut self, table: &RecordTable, index: u32) -> bool {
        let (record, body) = self.tables.record(table, index);
        if self.records.len_bits() + RecordWriter::BITS_MAX + record.bits() as usize > self.capacity_bits {
            return false;
        }
        if record.is_full() {
            self.put_full(index, body, record.bits());
        } else {
            self.heads.write_base_delta(index, body, record.bits(), self.records);
            self.kinds.delta += 1;
        }
        self.count += 1;
        self.sum.add(self.history.of(self.audience).newest_hash(index));
        true
    }

    /// Writes what is due besides. False if there is no room for it.
    fn put_extra(&mut self, extra: &Extra) -> bool {
        let index = extra.index;
        let baseline = match extra.kind {
            ExtraKind::Record(baseline) => baseline,
            ExtraKind::Leave { despawned } => return self.put_leave(index, despawned),
        };
        let Some(table) = self.tables.table(self.audience, baseline) else { return true };
        let (record, body) = self.tables.record(table, index);
        if self.records.len_bits() + RecordWriter::BITS_MAX + record.bits() as usize > self.capacity_bits {
            return false;
        }
        match baseline.filter(|_| !record.is_full()) {
            Some(baseline) => {
                self.heads.write(index, RecordHead::Delta { baseline }, self.records);
                self.records.append_words(body, record.bits() as usize);
                self.kinds.delta += 1;
            }
            None => self.put_full(index, body, record.bits()),
        }
        self.count += 1;
        self.sum.add(self.history.of(self.audience).newest_hash(index));
        true
    }

    fn put_full(&mut self, index: u32, body: &[u64], bits: u32) {
        let generation = self.history.net_id(index).generation;
        self.heads.write(index, RecordHead::Full { generation }, self.records);
        self.records.append_words(body, bits as usize);
        self.kinds.full += 1;
    }

    fn put_leave(&mut self, index: u32, despawned: bool) -> bool {
        if self.records.len_bits() + RecordWriter::BITS_MAX > self.capacity_bits {
            return false;
        }
        self.heads.write(index, RecordHead::Leave { despawned }, self.records);
        self.kinds.despawn += 1;
        self.count += 1;
        true
    }
}

/// The sum over everything in one bucket that the client should hold when it has received all that was sent.
fn audit(session: &Session, history: &History, bucket: u8) -> Option<Audit> {
    let mut sum = Checksum::default();
    for audience in Audience::ALL {
        sum.add(session.views.of(audience).audit(bucket, history.of(audience))?.0);
    }
    Some(Audit { bucket, hash: sum.to_u32() })
}
