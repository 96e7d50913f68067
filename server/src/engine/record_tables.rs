use super::executor::Executor;
use super::history::History;
use super::marks::bits;
use std::ops::Range;
use tidelock::bits::BitWriter;
use tidelock::state::codec::{DeltaCoder, encode_full};
use tidelock::state::{Audience, Checksum, Schema};
use tidelock::wire::RecordsHead;
use tidelock::{Buffer, Tick};

/// The bodies of records of one tick, each encoded once and copied to every client: a table for each (audience, baselines).
///
/// First every client tells what it needs, then all is encoded, then every client looks up its own: by table and index.
#[derive(Debug, Default)]
pub(crate) struct RecordTables {
    /// In use are the first `len`.
    tables: Vec<RecordTable>,
    len: usize,
    /// So many are kept, if there are, for ticks that need more than the last.
    kept: usize,
    /// Of each audience, one above the table of each age of a baseline, 0 being that of full records.
    by_age: [Vec<u32>; Audience::COUNT],
    tick: Tick,
    /// What tables begin with room for.
    room: Room,
    pub(crate) counts: RecordCounts,
}

/// The ticks that a record builds on, as they are named: without the first it is full.
pub(crate) type Named = (Option<Tick>, Option<Tick>);

/// How often records were encoded, and how often copied.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RecordCounts {
    /// Asked for by another client before.
    pub(crate) hits: u64,
    /// Encoded.
    pub(crate) misses: u64,
    /// Of those that went out, the ones in full because the baseline is not known any more, or lies too far back.
    pub(crate) expired: u64,
}

/// The records that lead from one tick to the newest versions of one audience's streams.
///
/// They are ordered by index, and have a number in that order; bodies lie side by side in it.
#[derive(Debug)]
pub(crate) struct RecordTable {
    audience: Audience,
    baselines: Named,
    /// One above the next table with the same audience and first baseline.
    next: u32,
    /// Bit `n % 64` of word `n / 64`: stream `n` is asked for.
    needed: Vec<u64>,
    /// Likewise of these: word `n` is not empty. So a table costs what is in it, however large the world.
    needed_words: Vec<u64>,
    /// Likewise: its record is full though a delta was asked for.
    full: Vec<u64>,
    /// Likewise: it is a delta against the first baseline alone in a table with two.
    single: Vec<u64>,
    /// By index, for what is asked for: the number of its record.
    numbers: Vec<u32>,
    /// By number: the index.
    indices: Vec<u32>,
    /// By ascending index, so that what is copied together lies side by side.
    bodies: BitWriter,
    /// By number: the bit where the bodies of all records before it end.
    ends: Vec<usize>,
    /// The hashes of the versions that these lead to, added up.
    sums: Vec<Checksum>,
    /// The longest body.
    pub(crate) bits_max: u32,
    /// How many are full because the baseline is not known any more.
    expired: u64,
}

/// From what records are made.
#[derive(Clone, Copy)]
struct Source<'a> {
    history: &'a History,
    schema: &'a Schema,
    tick: Tick,
    tick_hz: u32,
    room: Room,
}

/// The most that a table ever had, or somewhat more; but no more than what is usual, as a single client that joins may need
/// all of a large world.
#[derive(Clone, Copy, Debug, Default)]
struct Room {
    records: usize,
    /// Of bodies.
    bytes: usize,
}

impl Room {
    const MAX: Self = Self { records: 512, bytes: 8 << 10 };

    /// A table has so many records.
    fn reach_records(&mut self, records: usize) {
        self.records = records.next_power_of_two().clamp(self.records, Self::MAX.records);
    }

    /// A table's bodies take so many bytes.
    fn reach_bytes(&mut self, bytes: usize) {
        self.bytes = bytes.next_power_of_two().clamp(self.bytes, Self::MAX.bytes);
    }
}

/// Ages of baselines, from 0: older ones are not named.
const AGES: usize = RecordsHead::BASELINE_TICKS_MAX as usize + 1;
/// So many tables are kept though no tick needs them.
const TABLES_USUAL: usize = 64;

impl RecordTables {
    /// Forgets the records of the tick before.
    pub(crate) fn begin(&mut self, tick: Tick) {
        for table in &mut self.tables[..self.len] {
            table.forget();
        }
        self.by_age.iter_mut().for_each(|ages| ages.fill(0));
        // What a single tick needed, as when many acks are missing, is given back in a few seconds.
        self.kept = self.len.max(self.kept - self.kept.div_ceil(128).min(self.kept));
        self.tables.truncate(self.kept.max(TABLES_USUAL));
        self.len = 0;
        self.tick = tick;
    }

    /// A client needs a table's records of these streams of a word.
    #[inline]
    pub(crate) fn need(&mut self, table: usize, word: u32, bits: u64) {
        let already = self.tables[table].need(word as usize, bits);
        self.counts.hits += u64::from(already.count_ones());
    }

    /// Encodes all that is needed.
    pub(crate) fn encode(&mut self, history: &History, schema: &Schema, tick_hz: u32, executor: &dyn Executor) {
        let Self { tables, len, counts, tick, room, .. } = self;
        let tables = &mut tables[..*len];
        for table in &mut *tables {
            room.reach_records(table.needed_count());
        }
        let source = Source { history, schema, tick: *tick, tick_hz, room: *room };
        encode_all(tables, source, executor, executor.width());
        for table in tables {
            room.reach_bytes(table.bodies.len_bytes());
            counts.misses += table.indices.len() as u64;
            counts.expired += table.expired;
        }
    }

    /// The table of baselines that were asked for.
    pub(crate) fn table(&self, audience: Audience, baselines: Named) -> Option<&RecordTable> {
        Some(&self.tables[self.find(audience, baselines)?])
    }

    fn find(&self, audience: Audience, baselines: Named) -> Option<usize> {
        let age = self.age(baselines.0);
        let mut at = self.by_age[audience as usize].get(age)?.checked_sub(1)? as usize;
        while self.tables[at].baselines != baselines {
            at = self.tables[at].next.checked_sub(1)? as usize;
        }
        Some(at)
    }

    /// Where the tables of a first baseline are looked up.
    fn age(&self, baseline: Option<Tick>) -> usize {
        baseline.map_or(0, |baseline| self.tick.since(baseline).cast_unsigned() as usize)
    }

    /// How many tables there are, of how many at most: one of each first baseline alone, and of each client one with a second.
    pub(crate) fn buffers(&self, clients: usize, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "record tables", len: self.tables.len(), max: Audience::COUNT * (AGES + clients) });
    }

    /// The place of the table of records that lead from these baselines. It is kept till the next tick.
    ///
    /// # Panics
    /// If the first baseline lies farther back than any may be named.
    pub(crate) fn table_at(&mut self, audience: Audience, baselines: Named) -> usize {
        if let Some(at) = self.find(audience, baselines) {
            return at;
        }
        let (at, age) = (self.len, self.age(baselines.0));
        assert!(age < AGES, "who asks names no older ones");
        self.len += 1;
        if at == self.tables.len() {
            self.tables.push(RecordTable::default());
        }
        let table = &mut self.tables[at];
        (table.audience, table.baselines, table.next, table.bits_max) = (audience, baselines, 0, 0);
        let ages = &mut self.by_age[audience as usize];
        if ages.is_empty() {
            ages.resize(AGES, 0);
        }
        table.next = std::mem::replace(&mut ages[age], at as u32 + 1);
        at
    }
}

impl Default for RecordTable {
    fn default() -> Self {
        Self {
            audience: Audience::Public,
            baselines: (None, None),
            next: 0,
            needed: Vec::new(),
            needed_words: Vec::new(),
            full: Vec::new(),
            single: Vec::new(),
            numbers: Vec::new(),
            indices: Vec::new(),
            bodies: BitWriter::new(),
            ends: Vec::new(),
            sums: Vec::new(),
            bits_max: 0,
            expired: 0,
        }
    }
}

impl RecordTable {
    /// Asks for some streams of a word. Gives those that were asked for before.
    #[inline]
    fn need(&mut self, word: usize, bits: u64) -> u64 {
        if self.needed.len() <= word {
            for words in [&mut self.needed, &mut self.full, &mut self.single] {
                words.resize(word + 1, 0);
            }
            self.needed_words.resize(word / 64 + 1, 0);
        }
        let before = self.needed[word];
        self.needed_words[word / 64] |= 1 << (word % 64);
        self.needed[word] |= bits;
        before & bits
    }

    /// Nothing is asked for any more.
    fn forget(&mut self) {
        let Self { needed, needed_words, full, single, .. } = self;
        for word in needed_words
            .iter_mut()
            .enumerate()
            .flat_map(|(n, words)| bits(std::mem::take(words)).map(move |bit| n * 64 + bit as usize))
        {
            (needed[word], full[word], single[word]) = (0, 0, 0);
        }
    }

    /// The number of the record of a stream that was asked for.
    #[inline]
    pub(crate) fn number(&self, index: u32) -> u32 {
        self.numbers[index as usize]
    }

    /// How many bits the bodies of records have.
    #[inline]
    pub(crate) fn bits(&self, numbers: Range<u32>) -> usize {
        self.ends[numbers.end as usize] - self.ends[numbers.start as usize]
    }

    /// Copies the bodies of records.
    #[inline]
    pub(crate) fn copy(&self, numbers: Range<u32>, w: &mut BitWriter) {
        let len_bits = self.bits(numbers.clone());
        w.append_from(self.bodies.complete_bytes(), self.ends[numbers.start as usize], len_bits);
    }

    /// How many records from one on, at most `len`, take no more than so many bits.
    pub(crate) fn fitting(&self, begin: u32, len: u32, bits: usize) -> u32 {
        let ends = &self.ends[begin as usize..=(begin + len) as usize];
        let last = ends.partition_point(|end| end - ends[0] <= bits);
        (last - 1) as u32
    }

    /// The bits of a stream's body.
    #[inline]
    pub(crate) fn body_bits(&self, index: u32) -> usize {
        let number = self.number(index);
        self.bits(number..number + 1)
    }

    /// The hashes of the versions that records lead to, added up.
    #[inline]
    pub(crate) fn sum(&self, numbers: Range<u32>) -> Checksum {
        let [before, all] = [numbers.start, numbers.end].map(|number| self.sums[number as usize].0);
        Checksum(all.wrapping_sub(before))
    }

    /// The streams of records, 64 at a time: words and what of them.
    pub(crate) fn words(&self, numbers: Range<u32>) -> impl Iterator<Item = (u32, u64)> {
        let [first, last] = [numbers.start, numbers.end - 1].map(|number| self.indices[number as usize]);
        (first / 64..=last / 64).map(move |word| {
            let from = if word == first / 64 { u64::MAX << (first % 64) } else { u64::MAX };
            let to = if word == last / 64 { u64::MAX >> (63 - last % 64) } else { u64::MAX };
            (word, self.needed[word as usize] & from & to)
        })
    }

    /// Which of a word's records are no deltas against all baselines that were asked for.
    #[inline]
    pub(crate) fn odd(&self, word: u32) -> u64 {
        self.full[word as usize] | self.single[word as usize]
    }

    /// Whether a record is full though a delta was asked for.
    #[inline]
    pub(crate) fn is_full(&self, index: u32) -> bool {
        self.full[index as usize / 64] >> (index % 64) & 1 != 0
    }

    /// Whether all that is asked for between the first and the last of some of a word's streams are these.
    #[inline]
    pub(crate) fn are_side_by_side(&self, word: u32, bits: u64) -> bool {
        let between = u64::MAX >> bits.leading_zeros() & u64::MAX << bits.trailing_zeros();
        self.needed[word as usize] & between == bits
    }

    fn encode(&mut self, source: Source<'_>) {
        let Source { history, schema, tick, tick_hz, room } = source;
        let (layout, streams) = (schema.stream(self.audience), history.of(self.audience));
        self.begin(room);
        let age = |baseline| tick.since(baseline).cast_unsigned();
        let [first_age, second_age] = [self.baselines.0, self.baselines.1].map(|baseline| baseline.map(age));
        let coder = DeltaCoder::new(layout, first_age.unwrap_or(1), second_age, tick_hz);
        let mut sum = Checksum::default();
        let words = self.needed_words.iter().enumerate();
        for word in words.flat_map(|(n, words)| bits(*words).map(move |bit| n * 64 + bit as usize)) {
            for bit in bits(self.needed[word]) {
                let index = word as u32 * 64 + bit;
                let new = streams.newest(index);
                let first = self.baselines.0.and_then(|first| streams.at(index, first));
                let second = self.baselines.1.and_then(|second| streams.at(index, second));
                let begin = self.bodies.len_bits();
                let mut is_full = first.is_none();
                if let Some(first) = first {
                    coder.encode(first, second, new, &mut self.bodies);
                    // Where nearly all changed by much, a delta can be longer than the whole.
                    is_full = self.bodies.len_bits() - begin > layout.record_bits(new.mask);
                }
                if is_full {
                    self.bodies.truncate(begin);
                    encode_full(layout, new, &mut self.bodies);
                    self.expired += u64::from(first.is_none() && self.baselines.0.is_some());
                }
                self.full[word] |= u64::from(is_full && self.baselines.0.is_some()) << bit;
                self.single[word] |= u64::from(second.is_none() && self.baselines.1.is_some()) << bit;
                self.numbers[index as usize] = self.indices.len() as u32;
                self.indices.push(index);
                self.ends.push(self.bodies.len_bits());
                sum.add(streams.newest_hash(index));
                self.sums.push(sum);
                self.bits_max = self.bits_max.max((self.bodies.len_bits() - begin) as u32);
            }
        }
        // So that all bits are in whole bytes, and whoever copies the last may look beyond.
        self.bodies.write_bytes(&[0; BitWriter::TAIL_BYTES + 8]);
    }

    /// How many records are needed.
    fn needed_count(&self) -> usize {
        let words = self.needed_words.iter().enumerate();
        let words = words.flat_map(|(n, words)| bits(*words).map(move |bit| n * 64 + bit as usize));
        words.map(|word| self.needed[word].count_ones() as usize).sum()
    }

    /// Makes room for what is needed, and for what may be in another tick.
    fn begin(&mut self, room: Room) {
        let Self { needed, numbers, indices, bodies, ends, sums, .. } = self;
        numbers.resize(needed.len() * 64, 0);
        indices.clear();
        bodies.clear();
        ends.clear();
        sums.clear();
        // A table is of other baselines in each tick, and in time each has the most records: so all grow at once.
        indices.reserve(room.records);
        ends.reserve(room.records + 1);
        sums.reserve(room.records + 1);
        bodies.reserve_bytes(room.bytes);
        ends.push(0);
        sums.push(Checksum::default());
        self.expired = 0;
    }
}

/// Encodes all of some tables, in up to `width` parts side by side.
fn encode_all(tables: &mut [RecordTable], source: Source<'_>, executor: &dyn Executor, width: usize) {
    if width < 2 || tables.len() < 2 {
        return tables.iter_mut().for_each(|table| table.encode(source));
    }
    let (a, b) = tables.split_at_mut(tables.len() / 2);
    executor.join(&mut || encode_all(a, source, executor, width / 2), &mut || {
        encode_all(b, source, executor, width - width / 2);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Tick = Tick(10_000);

    /// One client asks for a table of its own base and second baseline, and for one of each tick that may be named.
    fn ask_for_all(tables: &mut RecordTables, tick: Tick) {
        tables.begin(tick);
        tables.table_at(Audience::Public, (Some(tick.sub(5)), Some(tick.sub(9))));
        for age in 0..AGES as u32 {
            let first = (age > 0).then(|| tick.sub(age));
            Audience::ALL.into_iter().for_each(|audience| {
                let at = tables.table_at(audience, (first, None));
                assert_eq!(tables.table_at(audience, (first, None)), at, "once");
            });
        }
    }

    fn is_within(tables: &RecordTables) -> bool {
        let mut is_within = true;
        tables.buffers(1, &mut |buffer| is_within &= buffer.is_within());
        is_within
    }

    #[test]
    fn whatever_is_asked_for_there_are_no_more_tables_than_are_told() {
        let mut tables = RecordTables::default();
        ask_for_all(&mut tables, NOW);
        assert_eq!(tables.tables.len(), Audience::COUNT * AGES + 1);
        assert!(is_within(&tables));
    }

    #[test]
    fn the_tables_of_an_unusual_tick_are_given_back() {
        let mut tables = RecordTables::default();
        ask_for_all(&mut tables, NOW);
        for n in 1..=1_000 {
            tables.begin(Tick(NOW.0 + n));
            tables.table_at(Audience::Public, (None, None));
        }
        assert_eq!(tables.tables.len(), TABLES_USUAL);
    }

    #[test]
    #[should_panic(expected = "who asks names no older ones")]
    fn an_older_baseline_is_nobodys() {
        let mut tables = RecordTables::default();
        tables.begin(NOW);
        tables.table_at(Audience::Public, (Some(NOW.sub(AGES as u32)), None));
    }
}
