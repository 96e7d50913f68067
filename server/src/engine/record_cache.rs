use super::history::{History, Version};
use tidelock::Tick;
use tidelock::bits::BitWriter;
use tidelock::state::{Audience, Schema, encode_delta, encode_full};

/// The bodies of records made in this tick: one for each (stream, baseline), encoded once and copied to every client.
#[derive(Debug, Default)]
pub(crate) struct RecordCache {
    tick: Tick,
    /// For each stream the newest of its entries, valid if it was made in this tick.
    heads: Vec<(Tick, u32)>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
    scratch: BitWriter,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The baseline that was asked for.
    baseline: Option<Tick>,
    record: Record,
    previous: Option<u32>,
}

/// An encoded body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    /// `None`: a full record.
    pub(crate) baseline: Option<Tick>,
    pub(crate) bits: u32,
    begin: u32,
}

impl RecordCache {
    /// Forgets the records of the tick before.
    pub(crate) fn begin(&mut self, tick: Tick) {
        self.tick = tick;
        self.entries.clear();
        self.bytes.clear();
    }

    /// The record that leads from `baseline`, if the history still has it, to the newest version of a stream.
    pub(crate) fn record(
        &mut self,
        index: u32,
        audience: Audience,
        baseline: Option<Tick>,
        history: &History,
        schema: &Schema,
    ) -> Record {
        let stream = history.stream(index, audience);
        let old = baseline.and_then(|tick| Some((tick, stream.at(tick)?)));
        let baseline = old.map(|(tick, _)| tick);
        let head = index as usize * Audience::COUNT + audience as usize;
        if self.heads.len() <= head {
            self.heads.resize(head + 1, (self.tick.sub(1), 0));
        }
        let mut at = (self.heads[head].0 == self.tick).then_some(self.heads[head].1);
        let newest = at;
        while let Some(entry) = at.map(|at| self.entries[at as usize]) {
            if entry.baseline == baseline {
                self.hits += 1;
                return entry.record;
            }
            at = entry.previous;
        }
        self.misses += 1;
        let record = self.encode(old, stream.newest(), audience, schema);
        self.heads[head] = (self.tick, self.entries.len() as u32);
        self.entries.push(Entry { baseline, record, previous: newest });
        record
    }

    /// The bytes of a record.
    pub(crate) fn body(&self, record: Record) -> &[u8] {
        &self.bytes[record.begin as usize..][..record.bits.div_ceil(8) as usize]
    }

    fn encode(&mut self, old: Option<(Tick, &Version)>, new: &Version, audience: Audience, schema: &Schema) -> Record {
        let layout = schema.stream(audience);
        self.scratch.clear();
        let mut baseline = None;
        if let Some((tick, old)) = old {
            encode_delta(layout, old.borrow(), new.borrow(), &mut self.scratch);
            // Where nearly all changed by much, a delta can be longer than the whole.
            if self.scratch.len_bits() <= layout.record_bits(new.borrow().mask) {
                baseline = Some(tick);
            } else {
                self.scratch.clear();
            }
        }
        if baseline.is_none() {
            encode_full(layout, new.borrow(), &mut self.scratch);
        }
        let bits = self.scratch.len_bits() as u32;
        let begin = self.bytes.len() as u32;
        self.bytes.extend_from_slice(self.scratch.finish());
        Record { baseline, bits, begin }
    }
}
