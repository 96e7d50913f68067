use super::history::History;
use super::marks::bits;
use tidelock::Tick;
use tidelock::bits::BitWriter;
use tidelock::state::codec::{DeltaCoder, encode_full};
use tidelock::state::{Audience, Schema};

/// The bodies of records of one tick, each encoded once and copied to every client: a table for each (audience, baselines).
///
/// First every client tells what it needs, then all is encoded, then every client looks up its own: by table and index.
#[derive(Debug, Default)]
pub(crate) struct RecordTables {
    /// In use are the first `len`.
    tables: Vec<RecordTable>,
    len: usize,
    /// Of each audience, one above the table of each age of a baseline, 0 being that of full records.
    by_age: [Vec<u32>; Audience::COUNT],
    tick: Tick,
    bodies: Vec<u64>,
    scratch: BitWriter,
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
    /// Of those that went out, the ones in full because the baseline is not known any more.
    pub(crate) expired: u64,
}

/// The records that lead from one tick to the newest versions of one audience's streams.
#[derive(Debug)]
pub(crate) struct RecordTable {
    audience: Audience,
    baselines: Named,
    /// One above the next table with the same audience and first baseline.
    next: u32,
    /// Bit `n % 64` of word `n / 64`: stream `n` is asked for.
    needed: Vec<u64>,
    records: Vec<Record>,
    /// The longest of them.
    pub(crate) bits_max: u32,
}

/// An encoded body.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Record {
    begin: u32,
    bits: u32,
}

/// Set in [`Record::bits`] for a full record in a table of deltas.
const FULL: u32 = 1 << 31;
/// Set for a delta against the first baseline alone in a table with two.
const SINGLE: u32 = 1 << 30;
/// Older baselines are too few to be looked up by their age.
const AGE_MAX: usize = 1024;

impl Record {
    pub(crate) const fn bits(self) -> u32 {
        self.bits & !(FULL | SINGLE)
    }

    /// Whether it is no delta against all baselines that were asked for.
    #[inline]
    pub(crate) const fn is_odd(self) -> bool {
        self.bits & (FULL | SINGLE) != 0
    }

    /// Whether it is full though a delta was asked for.
    pub(crate) const fn is_full(self) -> bool {
        self.bits & FULL != 0
    }
}

impl RecordTables {
    /// Forgets the records of the tick before.
    pub(crate) fn begin(&mut self, tick: Tick) {
        for table in &mut self.tables[..self.len] {
            table.needed.fill(0);
        }
        self.by_age.iter_mut().for_each(|ages| ages.fill(0));
        self.len = 0;
        self.tick = tick;
        self.bodies.clear();
    }

    /// A client needs the records that lead from these baselines to these streams of a word.
    pub(crate) fn need(&mut self, audience: Audience, baselines: Named, word: u32, bits: u64) {
        let at = self.table_at(audience, baselines);
        let needed = &mut self.tables[at].needed;
        if needed.len() <= word as usize {
            needed.resize(word as usize + 1, 0);
        }
        let hits = needed[word as usize] & bits;
        needed[word as usize] |= bits;
        self.counts.hits += u64::from(hits.count_ones());
    }

    /// Encodes all that is needed.
    pub(crate) fn encode(&mut self, history: &History, schema: &Schema, tick_hz: u32) {
        let Self { tables, len, bodies, scratch, counts, tick, .. } = self;
        for table in &mut tables[..*len] {
            table.encode(history, schema, (*tick, tick_hz), bodies, scratch, counts);
        }
    }

    /// The table of baselines that were asked for.
    pub(crate) fn table(&self, audience: Audience, baselines: Named) -> Option<&RecordTable> {
        Some(&self.tables[self.find(audience, baselines)?])
    }

    /// The bits of a record.
    #[inline]
    pub(crate) fn body(&self, record: Record) -> &[u64] {
        &self.bodies[record.begin as usize..][..record.bits().div_ceil(64) as usize]
    }

    fn find(&self, audience: Audience, baselines: Named) -> Option<usize> {
        let Some(age) = self.age(baselines.0) else {
            let same = |table: &RecordTable| (table.audience, table.baselines) == (audience, baselines);
            return self.tables[..self.len].iter().position(same);
        };
        let mut at = self.by_age[audience as usize].get(age)?.checked_sub(1)? as usize;
        while self.tables[at].baselines != baselines {
            at = self.tables[at].next.checked_sub(1)? as usize;
        }
        Some(at)
    }

    /// Where the tables of a first baseline are looked up.
    fn age(&self, baseline: Option<Tick>) -> Option<usize> {
        let age = baseline.map_or(0, |baseline| self.tick.since(baseline).cast_unsigned() as usize);
        (age < AGE_MAX).then_some(age)
    }

    fn table_at(&mut self, audience: Audience, baselines: Named) -> usize {
        if let Some(at) = self.find(audience, baselines) {
            return at;
        }
        let at = self.len;
        self.len += 1;
        if at == self.tables.len() {
            self.tables.push(RecordTable::default());
        }
        let age = self.age(baselines.0);
        let table = &mut self.tables[at];
        (table.audience, table.baselines, table.next, table.bits_max) = (audience, baselines, 0, 0);
        if let Some(age) = age {
            let ages = &mut self.by_age[audience as usize];
            if ages.is_empty() {
                ages.resize(AGE_MAX, 0);
            }
            table.next = std::mem::replace(&mut ages[age], at as u32 + 1);
        }
        at
    }
}

impl Default for RecordTable {
    fn default() -> Self {
        let (needed, records) = (Vec::new(), Vec::new());
        Self { audience: Audience::Public, baselines: (None, None), next: 0, needed, records, bits_max: 0 }
    }
}

impl RecordTable {
    /// The record of a stream that was asked for.
    #[inline]
    pub(crate) fn record(&self, index: u32) -> Record {
        self.records[index as usize]
    }

    fn encode(
        &mut self,
        history: &History,
        schema: &Schema,
        (tick, tick_hz): (Tick, u32),
        bodies: &mut Vec<u64>,
        scratch: &mut BitWriter,
        counts: &mut RecordCounts,
    ) {
        let (layout, streams) = (schema.stream(self.audience), history.of(self.audience));
        if self.records.len() < self.needed.len() * 64 {
            self.records.resize(self.needed.len() * 64, Record::default());
        }
        let age = |baseline| tick.since(baseline).cast_unsigned();
        let [first_age, second_age] = [self.baselines.0, self.baselines.1].map(|baseline| baseline.map(age));
        let coder = DeltaCoder::new(layout, first_age.unwrap_or(1), second_age, tick_hz);
        for (word, needed) in self.needed.iter().enumerate() {
            for index in bits(*needed).map(|bit| word as u32 * 64 + bit) {
                counts.misses += 1;
                let new = streams.newest(index);
                let first = self.baselines.0.and_then(|first| streams.at(index, first));
                let second = self.baselines.1.and_then(|second| streams.at(index, second));
                let mut flags = if second.is_none() && self.baselines.1.is_some() { SINGLE } else { 0 };
                match first {
                    Some(first) => {
                        coder.encode(first, second, new, scratch);
                        // Where nearly all changed by much, a delta can be longer than the whole.
                        if scratch.len_bits() > layout.record_bits(new.mask) {
                            flags = FULL;
                            scratch.clear();
                            encode_full(layout, new, scratch);
                        }
                    }
                    None => {
                        flags = if self.baselines.0.is_some() { FULL } else { 0 };
                        counts.expired += u64::from(flags != 0);
                        encode_full(layout, new, scratch);
                    }
                }
                let bits = scratch.len_bits() as u32;
                self.records[index as usize] = Record { begin: bodies.len() as u32, bits: bits | flags };
                self.bits_max = self.bits_max.max(bits);
                scratch.drain_words(bodies);
            }
        }
    }
}
