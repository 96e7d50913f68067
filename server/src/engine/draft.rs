//! From what is due to datagrams.

use super::history::History;
use super::marks::bits;
use super::record_tables::{Named, Record, RecordTable, RecordTables};
use super::session::{Carried, Session};
use super::snapshot_tick::SnapshotTick;
use super::stats::SnapshotEntityCounts;
use super::view::{ExtraKind, Views};
use tidelock::bits::BitWriter;
use tidelock::state::{Audience, Checksum, Schema};
use tidelock::wire::{
    DATAGRAM_BITS_MAX, GhostId, HEAD_BITS_MAX, RecordHead, RecordList, RecordWriter, RecordsHead, RunWriter,
    SnapshotHeader,
};

/// The datagrams of one snapshot before their headers can be written, which tell how many there are.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    /// In use are the first `len`.
    drafts: Vec<Draft>,
    len: usize,
    lists: [List; Audience::COUNT],
    /// Which ghosts are due, a bit each.
    marked: Vec<u64>,
}

/// One datagram.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) sequence: u64,
    head: BitWriter,
    records: BitWriter,
    records_head: RecordsHead,
    pub(super) checksum: Option<Checksum>,
}

/// What is due of one audience, by ascending ghost.
#[derive(Debug, Default)]
struct List {
    /// Ghost and index of what goes into runs.
    regular: Vec<(GhostId, u32)>,
    gap_order: u32,
    others: Vec<Other>,
}

#[derive(Clone, Copy, Debug)]
struct Other {
    ghost: GhostId,
    index: u32,
    /// The table of its record; `None`: it leaves.
    named: Option<Named>,
    despawned: bool,
}

/// How far drafting has come in what is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cursor {
    audience: usize,
    regular: usize,
    other: usize,
}

/// Messages may take so much of a snapshot's first datagram.
const MESSAGE_BITS_MAX: usize = DATAGRAM_BITS_MAX - HEAD_BITS_MAX - SnapshotHeader::BITS_MAX - RecordsHead::BITS_MAX;
/// A datagram without messages has room for every record that the schema allows.
const _: () = assert!(
    HEAD_BITS_MAX + SnapshotHeader::BITS_MAX + RecordsHead::BITS_MAX + RecordWriter::BITS_MAX + Schema::RECORD_BITS_MAX
        <= DATAGRAM_BITS_MAX
);
const _: () = assert!(RunWriter::BITS_MAX <= RecordWriter::BITS_MAX);

impl Drafts {
    /// All of the snapshot.
    pub(super) fn iter(&self) -> &[Draft] {
        &self.drafts[..self.len]
    }

    /// Packs what is due into as many datagrams as it needs: at least one.
    pub(super) fn write(
        &mut self,
        tables: &RecordTables,
        session: &mut Session,
        history: &History,
        tick: SnapshotTick,
        kinds: &mut SnapshotEntityCounts,
    ) {
        self.sort(tables, &session.views);
        self.len = 0;
        let mut at = Cursor::default();
        loop {
            let from = at;
            let draft = self.open(session, tick);
            let source = Source { tables, history, tick };
            while at.audience < Audience::COUNT {
                let list = &self.lists[at.audience];
                if !self.drafts[draft].fill(source, list, &mut at, kinds) {
                    break;
                }
                at = Cursor { audience: at.audience + 1, ..Cursor::default() };
            }
            let done = at.audience == Audience::COUNT;
            if done && draft == 0 {
                note_all(&mut session.views);
            } else {
                self.note(&mut session.views, from, at);
            }
            let carried = if self.drafts[draft].checksum.is_some() { Carried::Records } else { Carried::Messages };
            session.commit(carried, tick.now);
            if done {
                break;
            }
            assert!(draft == 0 || at != from, "a datagram without messages has room for every record");
        }
        session.views.on_sent(tick.tick);
    }

    /// Sorts what is due by ghost.
    fn sort(&mut self, tables: &RecordTables, views: &Views) {
        let named = (views.base(), views.second());
        self.marked.resize(self.marked.len().max(views.ghosts().len().div_ceil(64)), 0);
        for (audience, list) in Audience::ALL.into_iter().zip(&mut self.lists) {
            list.regular.clear();
            list.others.clear();
            let part = views.of(audience);
            if let Some(table) = tables.table(audience, named).filter(|_| !part.due.is_empty()) {
                let mut is_sorted = true;
                let mut last = None;
                for word in &part.due {
                    for (ghost, index) in part.due_ghosts(*word) {
                        if table.record(index).is_odd() {
                            list.others.push(Other { ghost, index, named: Some(named), despawned: false });
                        } else {
                            is_sorted &= last < Some(ghost);
                            last = Some(ghost);
                            list.regular.push((ghost, index));
                        }
                    }
                }
                if !is_sorted {
                    list.sort(&mut self.marked, views);
                }
                list.choose_order();
            }
            for extra in &part.extras {
                let Some(ghost) = part.known_ghost_of(extra.index) else { continue };
                let (named, despawned) = match extra.kind {
                    ExtraKind::Record(baseline) => (Some((baseline, None)), false),
                    ExtraKind::Leave { despawned } => (None, despawned),
                };
                list.others.push(Other { ghost, index: extra.index, named, despawned });
            }
            list.others.sort_unstable_by_key(|other| other.ghost);
        }
    }

    /// Begins a datagram.
    fn open(&mut self, session: &mut Session, tick: SnapshotTick) -> usize {
        let at = self.len;
        self.len += 1;
        if self.drafts.len() == at {
            self.drafts.push(Draft::default());
        }
        let draft = &mut self.drafts[at];
        draft.head.clear();
        draft.records.clear();
        draft.checksum = None;
        draft.records_head =
            RecordsHead { base: session.views.base(), second: session.views.second(), ..Default::default() };
        // The first datagram brings messages too, as far as the budget goes.
        let room_bits = MESSAGE_BITS_MAX.min(session.budget.available_bytes() * 8);
        let room_bits = if at == 0 { room_bits } else { 0 };
        draft.sequence = session.connection.write_head(tick.now, room_bits, &mut draft.head);
        session.views.open_datagram(draft.sequence, tick.tick);
        at
    }

    /// Notes which streams the datagram carries that was begun last.
    fn note(&self, views: &mut Views, from: Cursor, to: Cursor) {
        for (n, audience) in Audience::ALL.into_iter().enumerate() {
            let list = &self.lists[n];
            let begin = if n == from.audience { (from.regular, from.other) } else { (0, 0) };
            let (regular_end, other_end) = match n.cmp(&to.audience) {
                std::cmp::Ordering::Less => (list.regular.len(), list.others.len()),
                std::cmp::Ordering::Equal => (to.regular, to.other),
                std::cmp::Ordering::Greater => (0, 0),
            };
            if n < from.audience || n > to.audience {
                continue;
            }
            let (_, flight) = views.part_and_flight(audience);
            list.regular[begin.0..regular_end].iter().for_each(|(_, index)| flight.note(audience, *index, false));
            let others = &list.others[begin.1..other_end];
            others.iter().for_each(|other| flight.note(audience, other.index, other.named.is_none()));
        }
    }
}

/// The datagram that was begun last carries all that is due.
fn note_all(views: &mut Views) {
    for audience in Audience::ALL {
        let (part, flight) = views.part_and_flight(audience);
        part.due.iter().for_each(|word| flight.note_word(audience, word.at, word.bits));
        for extra in &part.extras {
            flight.note(audience, extra.index, matches!(extra.kind, ExtraKind::Leave { .. }));
        }
    }
}

impl List {
    /// Puts what goes into runs in the order of ghosts.
    fn sort(&mut self, marked: &mut [u64], views: &Views) {
        for (ghost, _) in self.regular.drain(..) {
            marked[ghost as usize / 64] |= 1 << (ghost % 64);
        }
        for (word, marked) in marked.iter_mut().enumerate() {
            let ghosts = bits(std::mem::take(marked)).map(|bit| word as u32 * 64 + bit);
            self.regular.extend(ghosts.map(|ghost| (ghost, views.ghosts().index_of(ghost))));
        }
    }

    /// Chooses the code of the gaps between runs.
    fn choose_order(&mut self) {
        let runs = self.regular.chunk_by(|a, b| a.0 + 1 == b.0).count() as u32;
        let end = self.regular.last().map_or(0, |(ghost, _)| ghost + 1);
        let left_out = end - self.regular.len() as u32;
        self.gap_order = left_out.checked_div(runs).and_then(u32::checked_ilog2).unwrap_or(0).min(3);
    }
}

/// From where records come.
#[derive(Clone, Copy)]
struct Source<'a> {
    tables: &'a RecordTables,
    history: &'a History,
    tick: SnapshotTick,
}

impl Draft {
    /// Writes what is due of one audience, from `at` on, as far as there is room. Whether that is all of it.
    fn fill(&mut self, source: Source<'_>, list: &List, at: &mut Cursor, kinds: &mut SnapshotEntityCounts) -> bool {
        let audience = Audience::ALL[at.audience];
        let capacity_bits = DATAGRAM_BITS_MAX - SnapshotHeader::BITS_MAX - RecordsHead::BITS_MAX - self.head.len_bits();
        let head = &mut self.records_head;
        let mut written = RecordList { runs: 0, gap_order: list.gap_order, others: 0 };
        let mut sum = Checksum::default();
        let streams = source.history.of(audience);
        if let Some(table) = source.tables.table(audience, (head.base, head.second)) {
            let all = &list.regular[at.regular..];
            let these =
                &all[..fitting(all, table, list.gap_order, capacity_bits.saturating_sub(self.records.len_bits()))];
            let mut runs = RunWriter::new(list.gap_order);
            for run in these.chunk_by(|a, b| a.0 + 1 == b.0) {
                runs.write(run[0].0, run.len() as u32, &mut self.records);
                written.runs += 1;
                for (_, index) in run {
                    let record = table.record(*index);
                    self.records.append_words(source.tables.body(record), record.bits() as usize);
                    sum.add(streams.newest_hash(*index));
                }
            }
            kinds.delta += these.len() as u64;
            at.regular += these.len();
        }
        if at.regular == list.regular.len() {
            let mut heads = RecordWriter::new(source.tick.tick);
            for other in &list.others[at.other..] {
                let record =
                    other.named.and_then(|named| Some(source.tables.table(audience, named)?.record(other.index)));
                let bits = record.map_or(0, Record::bits) as usize;
                if self.records.len_bits() + RecordWriter::BITS_MAX + bits > capacity_bits {
                    break;
                }
                let kind = source.head_of(other, record, head.base);
                heads.write(other.ghost, kind, &mut self.records);
                if let Some(record) = record {
                    self.records.append_words(source.tables.body(record), bits);
                    sum.add(streams.newest_hash(other.index));
                }
                kinds.count(kind);
                written.others += 1;
                at.other += 1;
            }
        }
        head.lists[audience as usize] = written;
        if written.runs + written.others > 0 {
            self.checksum.get_or_insert_default().add(sum.0);
        }
        at.regular == list.regular.len() && at.other == list.others.len()
    }

    pub(super) fn assemble(&self, header: &SnapshotHeader, w: &mut BitWriter) {
        w.clear();
        w.append_writer(&self.head);
        header.write(w);
        if header.checksum.is_some() {
            self.records_head.write(header.tick, w);
            w.append_writer(&self.records);
        }
    }
}

/// How many of these fit so many bits, in runs.
fn fitting(all: &[(GhostId, u32)], table: &RecordTable, gap_order: u32, room_bits: usize) -> usize {
    let runs = RunWriter::new(gap_order);
    let (mut bits, mut next, mut run_len) = (0, None, 0u32);
    for (n, (ghost, index)) in all.iter().enumerate() {
        if Some(*ghost) == next {
            // One more doubles the length now and then, which costs two bits.
            run_len += 1;
            bits += if run_len.is_power_of_two() { 2 } else { 0 };
        } else {
            bits += runs.cost_bits(*ghost, next);
            run_len = 1;
        }
        next = Some(ghost + 1);
        bits += table.record(*index).bits() as usize;
        if bits > room_bits {
            return n;
        }
    }
    all.len()
}

impl Source<'_> {
    fn head_of(&self, other: &Other, record: Option<Record>, base: Option<tidelock::Tick>) -> RecordHead {
        let Some((record, (first, _))) = record.zip(other.named) else {
            return RecordHead::Leave { despawned: other.despawned };
        };
        match first.filter(|_| !record.is_full()) {
            None => RecordHead::Full { id: self.history.net_id(other.index) },
            first if first == base => RecordHead::Base,
            Some(baseline) => RecordHead::Delta { baseline },
        }
    }
}
