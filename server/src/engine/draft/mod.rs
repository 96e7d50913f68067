//! From what is due to datagrams.

mod list;

use super::history::History;
use super::record_tables::{RecordTable, RecordTables};
use super::session::{Carried, Session};
use super::snapshot_tick::SnapshotTick;
use super::stats::SnapshotEntityCounts;
use super::view::{ExtraKind, Views};
use list::{List, Other, Place};
use tidelock::bits::BitWriter;
use tidelock::state::{Audience, Checksum, Schema};
use tidelock::wire::{
    DATAGRAM_BITS_MAX, HEAD_BITS_MAX, RecordHead, RecordList, RecordWriter, RecordsHead, RunWriter, SnapshotHeader,
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

/// How far drafting has come in what is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cursor {
    audience: usize,
    regular: Place,
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
                self.note(tables, &mut session.views, from, at);
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
        let named = views.named();
        self.marked.resize(self.marked.len().max(views.ghosts().len().div_ceil(64)), 0);
        for (audience, list) in Audience::ALL.into_iter().zip(&mut self.lists) {
            list.stretches.clear();
            list.others.clear();
            let part = views.of(audience);
            if let Some(table) = tables.table(audience, named).filter(|_| !part.due.is_empty()) {
                list.fill_regular(part, table, named, &mut self.marked, views);
            }
            list.fill_others(part);
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
        let (base, second) = session.views.named();
        draft.records_head = RecordsHead { base, second, ..Default::default() };
        // The first datagram brings messages too, as far as the budget goes.
        let room_bits = MESSAGE_BITS_MAX.min(session.budget.available_bytes() * 8);
        let room_bits = if at == 0 { room_bits } else { 0 };
        draft.sequence = session.connection.write_head(tick.now, room_bits, &mut draft.head);
        session.views.open_datagram(draft.sequence, tick.tick);
        at
    }

    /// Notes which streams the datagram carries that was begun last.
    fn note(&self, tables: &RecordTables, views: &mut Views, from: Cursor, to: Cursor) {
        let named = views.named();
        for (n, audience) in Audience::ALL.into_iter().enumerate().take(to.audience + 1).skip(from.audience) {
            let list = &self.lists[n];
            let begin = if n == from.audience { from } else { Cursor::default() };
            let (regular_end, other_end) =
                if n == to.audience { (to.regular, to.other) } else { (list.end(), list.others.len()) };
            let (_, flight) = views.part_and_flight(audience);
            if let Some(table) = tables.table(audience, named) {
                let words = list.between(begin.regular, regular_end).flat_map(|stretch| table.words(stretch.numbers()));
                words.for_each(|(word, bits)| flight.note_word(audience, word, bits));
            }
            let others = &list.others[begin.other..other_end];
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
        let mut written = RecordList { runs: 0, gap_order: list.gap_order, others: 0 };
        let mut sum = Checksum::default();
        if at.regular != list.end() {
            written.runs = self.fill_runs(source, list, at, capacity_bits, &mut sum, kinds);
        }
        if at.regular == list.end() {
            written.others = self.fill_others(source, list, at, capacity_bits, &mut sum, kinds);
        }
        self.records_head.lists[audience as usize] = written;
        if written.runs + written.others > 0 {
            self.checksum.get_or_insert_default().add(sum.0);
        }
        at.regular == list.end() && at.other == list.others.len()
    }

    /// Writes runs: first which ghosts, then all bodies. Returns how many runs.
    fn fill_runs(
        &mut self,
        source: Source<'_>,
        list: &List,
        at: &mut Cursor,
        capacity_bits: usize,
        sum: &mut Checksum,
        kinds: &mut SnapshotEntityCounts,
    ) -> u32 {
        let audience = Audience::ALL[at.audience];
        let head = &self.records_head;
        let Some(table) = source.tables.table(audience, (head.base, head.second)) else { return 0 };
        let end = list.fitting(at.regular, capacity_bits.saturating_sub(self.records.len_bits()), table);
        let (mut writer, mut runs) = (RunWriter::new(list.gap_order), 0);
        let (mut begin, mut len) = (0, 0);
        for stretch in list.between(at.regular, end) {
            if len > 0 && begin + len != stretch.ghost {
                writer.write(begin, len, &mut self.records);
                (runs, len) = (runs + 1, 0);
            }
            begin = if len == 0 { stretch.ghost } else { begin };
            len += stretch.len;
        }
        if len > 0 {
            writer.write(begin, len, &mut self.records);
            runs += 1;
        }
        let mut numbers = 0..0;
        for stretch in list.between(at.regular, end) {
            kinds.delta += u64::from(stretch.len);
            if numbers.end != stretch.numbers().start {
                table.copy(numbers.clone(), &mut self.records);
                sum.add(table.sum(numbers).0);
                numbers = stretch.numbers();
            }
            numbers.end = stretch.numbers().end;
        }
        table.copy(numbers.clone(), &mut self.records);
        sum.add(table.sum(numbers).0);
        at.regular = end;
        runs
    }

    /// Writes what is in no run. Returns how many.
    fn fill_others(
        &mut self,
        source: Source<'_>,
        list: &List,
        at: &mut Cursor,
        capacity_bits: usize,
        sum: &mut Checksum,
        kinds: &mut SnapshotEntityCounts,
    ) -> u32 {
        let audience = Audience::ALL[at.audience];
        let mut heads = RecordWriter::new(source.tick.tick);
        let begin = at.other;
        for other in &list.others[begin..] {
            let table = other.named.and_then(|named| source.tables.table(audience, named));
            let body_bits = table.map_or(0, |table| table.body_bits(other.index));
            if self.records.len_bits() + RecordWriter::BITS_MAX + body_bits > capacity_bits {
                break;
            }
            let kind = source.head_of(other, table, self.records_head.base);
            heads.write(other.ghost, kind, &mut self.records);
            if let Some(table) = table {
                let number = table.number(other.index);
                table.copy(number..number + 1, &mut self.records);
                sum.add(table.sum(number..number + 1).0);
            }
            kinds.count(kind);
            at.other += 1;
        }
        (at.other - begin) as u32
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

impl Source<'_> {
    fn head_of(&self, other: &Other, table: Option<&RecordTable>, base: Option<tidelock::Tick>) -> RecordHead {
        let Some((table, (first, _))) = table.zip(other.named) else {
            return RecordHead::Leave { despawned: other.despawned };
        };
        match first.filter(|_| !table.is_full(other.index)) {
            None => RecordHead::Full { id: self.history.net_id(other.index) },
            first if first == base => RecordHead::Base,
            Some(baseline) => RecordHead::Delta { baseline },
        }
    }
}
