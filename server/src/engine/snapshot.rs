use super::history::History;
use super::record_cache::{Record, RecordCache};
use super::session::Session;
use super::snapshot_tick::SnapshotTick;
use super::stats::{Samples, Stats};
use super::view::{SentState, SentStream, StreamView};
use std::cmp::Ordering;
use tidelock::Tick;
use tidelock::bits::BitWriter;
use tidelock::state::{Audience, Checksum, Schema};
use tidelock::wire::{
    Audit, DATAGRAM_BITS_MAX, DATAGRAM_BYTES_MAX, HEAD_BITS_MAX, Load, RecordHead, RecordList, RecordWriter,
    RecordsHead, SnapshotHeader, audit_bucket,
};

/// Writes snapshots: what of a client's view is due, what of that fits the budget, and the datagrams that carry it.
#[derive(Debug, Default)]
pub(crate) struct SnapshotWriter {
    pub(crate) cache: RecordCache,
    due: Vec<DueRecord>,
    drafts: Vec<Draft>,
    /// How many of `drafts` are in use.
    draft_count: usize,
    datagram: BitWriter,
    /// Emptied lists of streams, for reuse.
    pool: Vec<Vec<SentStream>>,
}

/// A stream that has news for the client.
#[derive(Clone, Copy, Debug)]
struct DueRecord {
    audience: Audience,
    /// Where in the view.
    at: usize,
    /// `None`: it leaves.
    record: Option<Record>,
    priority: f32,
    chosen: bool,
}

/// A datagram before the header can be written, which tells how many there are.
#[derive(Debug, Default)]
struct Draft {
    sequence: u64,
    head: BitWriter,
    records: BitWriter,
    records_head: RecordsHead,
    checksum: Option<Checksum>,
    sent: SentState,
}

impl SnapshotWriter {
    /// Writes one client's snapshot, and gives each datagram to `send`. The view is up to date already.
    pub(crate) fn write(
        &mut self,
        session: &mut Session,
        history: &mut History,
        schema: &Schema,
        tick: SnapshotTick,
        stats: &mut Stats,
        mut send: impl FnMut(&[u8]),
    ) {
        self.collect(session, history, schema);
        let complete = self.choose(session, stats);
        let news = self.due.iter().any(|due| due.chosen) || session.connection.wants_to_send_messages();
        if !news && !session.heartbeat_due(tick.now, tick.snapshot_interval) {
            return;
        }
        self.draft(session, history, tick, stats);
        let audit = session.take_audit_turn(tick.now).and_then(|bucket| audit(session, history, bucket));
        let due = session.take_clock_turn(tick.now).then_some(tick.due);
        session.on_snapshot(tick.now);
        let oldest = session.connection.oldest_in_flight(|sent| !sent.streams.is_empty());
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
            session.budget.spend(datagram.len() + super::NETCODE_OVERHEAD_BYTES);
            Samples::push(&mut stats.samples.snapshot_size_bytes, datagram.len() as u32);
            send(datagram);
        }
    }

    /// Writes messages that wait into datagrams of their own, as far as the budget goes.
    pub(crate) fn write_messages(
        &mut self,
        session: &mut Session,
        history: &mut History,
        tick: SnapshotTick,
        mut send: impl FnMut(&[u8]),
    ) {
        for _ in 0..MESSAGE_DATAGRAMS_MAX {
            if !session.connection.wants_to_send_messages() || session.budget.available_bytes() < DATAGRAM_BYTES_MAX {
                return;
            }
            self.datagram.clear();
            session.connection.write_head(tick.now, DATAGRAM_BITS_MAX - HEAD_BITS_MAX - 1, &mut self.datagram);
            self.datagram.write_bool(false);
            session.commit(SentState { tick: tick.tick, streams: self.pool.pop().unwrap_or_default() }, tick, history);
            let datagram = self.datagram.finish();
            session.budget.spend(datagram.len() + super::NETCODE_OVERHEAD_BYTES);
            send(datagram);
        }
    }

    /// Takes back the list of streams of a datagram whose fate is known.
    pub(crate) fn recycle(&mut self, sent: SentState) {
        if self.pool.len() < POOL_MAX {
            let mut streams = sent.streams;
            streams.clear();
            self.pool.push(streams);
        }
    }

    /// Lists what is due, with its encoded record.
    fn collect(&mut self, session: &Session, history: &History, schema: &Schema) {
        self.due.clear();
        for audience in Audience::ALL {
            for (at, view) in session.views.of(audience).iter().enumerate() {
                if view.is_dirty(audience, history) {
                    let record = view
                        .leaving
                        .is_none()
                        .then(|| self.cache.record(view.index, audience, view.baseline, history, schema));
                    self.due.push(DueRecord { audience, at, record, priority: priority(view, audience), chosen: true });
                }
            }
        }
    }

    /// Leaves for later what does not fit the budget. Returns whether everything fits.
    fn choose(&mut self, session: &mut Session, stats: &mut Stats) -> bool {
        let available_bits = session.budget.available_bytes().saturating_sub(HEADERS_BYTES) * 8;
        let needed: usize = self.due.iter().map(DueRecord::cost_bits).sum();
        if needed > available_bits {
            let by_priority = |a: &DueRecord, b: &DueRecord| {
                b.priority.total_cmp(&a.priority).then(a.audience.cmp(&b.audience)).then(a.at.cmp(&b.at))
            };
            self.due.sort_unstable_by(by_priority);
            let mut left = available_bits;
            for due in &mut self.due {
                // What is first and does not fit must not be overtaken: it waits until the budget has grown.
                due.chosen = due.cost_bits() <= left;
                left = if due.chosen { left - due.cost_bits() } else { 0 };
            }
            self.due.sort_unstable_by(|a, b| -> Ordering { a.audience.cmp(&b.audience).then(a.at.cmp(&b.at)) });
        }
        for due in &self.due {
            let view = &mut session.views.of_mut(due.audience)[due.at];
            view.waited = if due.chosen { 0 } else { view.waited.saturating_add(1) };
            stats.budget_deferred += u64::from(!due.chosen);
        }
        self.due.iter().all(|due| due.chosen)
    }

    /// Packs the chosen records, by ascending index, into as many datagrams as they need: at least one.
    fn draft(&mut self, session: &mut Session, history: &mut History, tick: SnapshotTick, stats: &mut Stats) {
        self.draft_count = 0;
        let due = std::mem::take(&mut self.due);
        let base = due.iter().find_map(|due| due.record.filter(|_| due.chosen)?.baseline);
        let orders = Audience::ALL.map(|audience| {
            let indices = due.iter().filter(|due| due.audience == audience && due.chosen);
            let indices = indices.map(|due| session.views.of(audience)[due.at].index);
            let (count, last) = indices.fold((0, 0), |(count, _), index| (count + 1, index));
            RecordList::order_for(count, last)
        });
        let mut next = 0;
        loop {
            let draft = self.open_draft(session, tick);
            let capacity = DATAGRAM_BITS_MAX
                - SnapshotHeader::BITS_MAX
                - RecordsHead::BITS_MAX
                - self.drafts[draft].head.len_bits();
            let first = next;
            self.drafts[draft].records_head = RecordsHead { base, ..RecordsHead::default() };
            for (audience, order) in Audience::ALL.into_iter().zip(orders) {
                let mut heads = RecordWriter::new(tick.tick, base, order);
                let mut count = 0;
                while let Some(record) = due.get(next).filter(|due| due.audience == audience) {
                    if record.chosen {
                        if self.drafts[draft].records.len_bits() + record.bits_max() > capacity {
                            break;
                        }
                        self.put(draft, session, history, *record, &mut heads, tick.tick, stats);
                        count += 1;
                    }
                    next += 1;
                }
                self.drafts[draft].records_head.lists[audience as usize] = RecordList { count, gap_order: order };
            }
            let sent = std::mem::take(&mut self.drafts[draft].sent);
            session.commit(sent, tick, history);
            if next == due.len() {
                break;
            }
            assert!(draft == 0 || next > first, "a datagram without messages has room for every record");
        }
        self.due = due;
    }

    fn open_draft(&mut self, session: &mut Session, tick: SnapshotTick) -> usize {
        let at = self.draft_count;
        self.draft_count += 1;
        if self.drafts.len() == at {
            self.drafts.push(Draft::default());
        }
        let draft = &mut self.drafts[at];
        draft.head.clear();
        draft.records.clear();
        draft.checksum = None;
        draft.sent = SentState { tick: tick.tick, streams: self.pool.pop().unwrap_or_default() };
        // The first datagram brings messages too, as far as the budget goes.
        let room_bits = MESSAGE_BITS_MAX.min(session.budget.available_bytes() * 8);
        draft.sequence = session.connection.write_head(tick.now, if at == 0 { room_bits } else { 0 }, &mut draft.head);
        at
    }

    #[expect(clippy::too_many_arguments, reason = "the one place where a record meets its datagram")]
    fn put(
        &mut self,
        draft: usize,
        session: &mut Session,
        history: &History,
        due: DueRecord,
        heads: &mut RecordWriter,
        tick: Tick,
        stats: &mut Stats,
    ) {
        let draft = &mut self.drafts[draft];
        let view = &mut session.views.of_mut(due.audience)[due.at];
        view.sent = Some(tick);
        let index = view.index;
        draft.sent.streams.push(SentStream { index, audience: due.audience, leave: due.record.is_none() });
        draft.checksum.get_or_insert_default();
        let kinds = &mut stats.snapshot_entities;
        let head = match (due.record, view.leaving) {
            (Some(Record { baseline: Some(baseline), .. }), _) => {
                kinds.delta += 1;
                RecordHead::Delta { baseline }
            }
            (Some(_), _) => {
                kinds.full += 1;
                RecordHead::Full { generation: history.net_id(index).generation }
            }
            (None, leaving) => {
                kinds.despawn += 1;
                RecordHead::Leave { despawned: leaving.is_some_and(|leaving| leaving.despawned) }
            }
        };
        heads.write(index, head, &mut draft.records);
        if let Some(record) = due.record {
            draft.records.append(self.cache.body(record), record.bits as usize);
            draft.checksum.get_or_insert_default().add(history.stream(index, due.audience).newest().hash);
        }
    }
}

/// Bytes of the budget set aside for headers.
const HEADERS_BYTES: usize = 64;
/// Lists of streams kept for reuse.
const POOL_MAX: usize = 1 << 16;
/// Messages may take so much of a snapshot's first datagram.
const MESSAGE_BITS_MAX: usize = DATAGRAM_BITS_MAX - HEAD_BITS_MAX - SnapshotHeader::BITS_MAX - RecordsHead::BITS_MAX;
/// A datagram without messages has room for every record that the schema allows.
const _: () = assert!(
    HEAD_BITS_MAX + SnapshotHeader::BITS_MAX + RecordsHead::BITS_MAX + RecordWriter::BITS_MAX + Schema::RECORD_BITS_MAX
        <= DATAGRAM_BITS_MAX
);
/// Datagrams in a tick that carry nothing but messages.
const MESSAGE_DATAGRAMS_MAX: usize = 8;

impl DueRecord {
    /// About so many bits of the budget: what a head takes more than usual is paid back later.
    fn cost_bits(&self) -> usize {
        match self.record {
            Some(Record { baseline: Some(_), bits, .. }) => 10 + bits as usize,
            Some(Record { baseline: None, bits, .. }) => 34 + bits as usize,
            None => 20,
        }
    }

    /// At most so many bits of a datagram.
    fn bits_max(&self) -> usize {
        RecordWriter::BITS_MAX + self.record.map_or(0, |record| record.bits as usize)
    }
}

impl Draft {
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

/// What goes first when not everything fits: what is the client's own, then what leaves, then what is near or waited long.
fn priority(view: &StreamView, audience: Audience) -> f32 {
    if audience == Audience::Owner || view.leaving.is_some() {
        return f32::MAX;
    }
    (1.5 - view.distance).max(0.1) * (1.0 + f32::from(view.waited))
}

/// The sum over everything in one bucket that the client should hold when it has received all that was sent.
fn audit(session: &Session, history: &History, bucket: u8) -> Option<Audit> {
    let mut sum = Checksum::default();
    for audience in Audience::ALL {
        for view in session.views.of(audience).iter().filter(|view| audit_bucket(view.index) == bucket) {
            if view.is_dirty(audience, history) {
                return None;
            }
            if view.leaving.is_none() {
                sum.add(history.stream(view.index, audience).newest().hash);
            }
        }
    }
    Some(Audit { bucket, hash: sum.to_u32() })
}
