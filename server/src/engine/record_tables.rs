use super::history::History;
use super::marks::bits;
use tidelock::Tick;
use tidelock::bits::BitWriter;
use tidelock::state::{Audience, Schema, encode_delta, encode_full};

/// The bodies of records of one tick, each encoded once and copied to every client: a table for each (audience, baseline).
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
    /// `None`: full records.
    baseline: Option<Tick>,
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
/// Older baselines are too few to be looked up by their age.
const AGE_MAX: usize = 1024;

impl Record {
    pub(crate) const fn bits(self) -> u32 {
        self.bits & !FULL
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

    /// A client needs the records that lead from `baseline` to these streams of a word.
    pub(crate) fn need(&mut self, audience: Audience, baseline: Option<Tick>, word: u32, bits: u64) {
        let at = self.table_at(audience, baseline);
        let needed = &mut self.tables[at].needed;
        if needed.len() <= word as usize {
            needed.resize(word as usize + 1, 0);
        }
        let hits = needed[word as usize] & bits;
        needed[word as usize] |= bits;
        self.counts.hits += u64::from(hits.count_ones());
    }

    /// Encodes all that is needed.
    pub(crate) fn encode(&mut self, history: &History, schema: &Schema) {
        let Self { tables, len, bodies, scratch, counts, .. } = self;
        for table in &mut tables[..*len] {
            table.encode(history, schema, bodies, scratch, counts);
        }
    }

    /// The table of a baseline that was asked for.
    pub(crate) fn table(&self, audience: Audience, baseline: Option<Tick>) -> Option<&RecordTable> {
        Some(&self.tables[self.find(audience, baseline)?])
    }

    /// A record of a table that was asked for, if it was needed.
    #[inline]
    pub(crate) fn record<'a>(&'a self, table: &RecordTable, index: u32) -> (Record, &'a [u64]) {
        let record = table.records[index as usize];
        let begin = record.begin as usize;
        (record, &self.bodies[begin..begin + record.bits().div_ceil(64) as usize])
    }

    fn find(&self, audience: Audience, baseline: Option<Tick>) -> Option<usize> {
        match self.age(baseline) {
            Some(age) => self.by_age[audience as usize].get(age)?.checked_sub(1).map(|at| at as usize),
            None => self.tables[..self.len]
                .iter()
                .position(|table| (table.audience, table.baseline) == (audience, baseline)),
        }
    }

    /// Where the table of a baseline is looked up.
    fn age(&self, baseline: Option<Tick>) -> Option<usize> {
        let age = baseline.map_or(0, |baseline| self.tick.since(baseline).cast_unsigned() as usize);
        (age < AGE_MAX).then_some(age)
    }

    fn table_at(&mut self, audience: Audience, baseline: Option<Tick>) -> usize {
        if let Some(at) = self.find(audience, baseline) {
            return at;
        }
        let at = self.len;
        self.len += 1;
        match self.tables.get_mut(at) {
            Some(table) => (table.audience, table.baseline, table.bits_max) = (audience, baseline, 0),
            None => self.tables.push(RecordTable {
                audience,
                baseline,
                needed: Vec::new(),
                records: Vec::new(),
                bits_max: 0,
            }),
        }
        if let Some(age) = self.age(baseline) {
            let ages = &mut self.by_age[audience as usize];
            if ages.is_empty() {
                ages.resize(AGE_MAX, 0);
            }
            ages[age] = at as u32 + 1;
        }
        at
    }
}

impl RecordTable {
    fn encode(
        &mut self,
        history: &History,
        schema: &Schema,
        bodies: &mut Vec<u64>,
        scratch: &mut BitWriter,
        counts: &mut RecordCounts,
    ) {
        let (layout, streams) = (schema.stream(self.audience), history.of(self.audience));
        if self.records.len() < self.needed.len() * 64 {
            self.records.resize(self.needed.len() * 64, Record::default());
        }
        for (word, needed) in self.needed.iter().enumerate() {
            for index in bits(*needed).map(|bit| word as u32 * 64 + bit) {
                counts.misses += 1;
                let new = streams.newest(index);
                let old = self.baseline.map(|baseline| streams.at(index, baseline));
                let mut is_full = true;
                if let Some(old) = old.flatten() {
                    encode_delta(layout, old, new, scratch);
                    // Where nearly all changed by much, a delta can be longer than the whole.
                    is_full = scratch.len_bits() > layout.record_bits(new.mask);
                } else if old.is_some() {
                    counts.expired += 1;
                }
                if is_full {
                    scratch.clear();
                    encode_full(layout, new, scratch);
                }
                let flag = if is_full && self.baseline.is_some() { FULL } else { 0 };
                let bits = scratch.len_bits() as u32;
                self.records[index as usize] = Record { begin: bodies.len() as u32, bits: bits | flag };
                self.bits_max = self.bits_max.max(bits);
                scratch.drain_words(bodies);
            }
        }
    }
}
