use crate::Tick;
use crate::bits::{BitReader, BitWriter, Malformed, golomb};
use crate::state::{Audience, NetId};

/// What the records of one datagram have in common. It follows the header; the records follow it, list by list.
///
/// ```text
/// base age golomb 3 | for each audience: count golomb 2 | if it has any: order of its gaps 3
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordsHead {
    /// The snapshot that deltas build on if they name no other; its age is 0 if there is none.
    pub base: Option<Tick>,
    /// The lists, by audience.
    pub lists: [RecordList; Audience::COUNT],
}

/// The records of one audience in a datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordList {
    /// How many there are; never more than fit a datagram.
    pub count: u32,
    /// The order of the Golomb code of their distances, 0 to 7: low where they lie close.
    pub gap_order: u32,
}

impl RecordsHead {
    /// The most bits it takes: an age of 61, and for each audience a count of no more records than a datagram has bits, and
    /// an order.
    pub const BITS_MAX: usize = 61 + Audience::COUNT * (25 + 3);

    /// Writes what comes before the records of a snapshot of `tick`.
    pub fn write(&self, tick: Tick, w: &mut BitWriter) {
        w.write_golomb(self.base.map_or(0, |base| tick.since(base).cast_unsigned()), 3);
        for list in self.lists {
            w.write_golomb(list.count, 2);
            if list.count > 0 {
                w.write(u64::from(list.gap_order), 3);
            }
        }
    }

    /// Reads it.
    pub fn read(tick: Tick, r: &mut BitReader<'_>) -> Result<Self, Malformed> {
        let age = read_age(r)?;
        let mut head = Self { base: (age > 0).then(|| tick.sub(age)), ..Self::default() };
        for list in &mut head.lists {
            list.count = r.read_golomb(2)?;
            list.gap_order = if list.count > 0 { r.read_u32(3)? } else { 0 };
        }
        Ok(head)
    }
}

impl RecordList {
    /// The order that suits `count` records of which the last has index `last`.
    #[must_use]
    pub const fn order_for(count: u32, last: u32) -> u32 {
        match (last + 1).saturating_sub(count) / if count > 0 { count } else { 1 } {
            0 => 0,
            gap if gap.ilog2() > 7 => 7,
            gap => gap.ilog2(),
        }
    }
}

/// What comes before a record's body and is each client's own.
///
/// ```text
/// index: distance to the last one's, golomb of the list's order
///   | 1                                  delta against the base
///   | 0 1 | 1                            delta, as old a baseline as the last one that was named in this list
///   | 0 1 | 0 | age in ticks golomb 3    delta
///   | 0 0 0 | generation 16              full
///   | 0 0 1 | despawned 1                leave
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordHead {
    /// The body is a delta.
    Delta {
        /// It starts from the newest version that the client holds of this tick or before.
        baseline: Tick,
    },
    /// The body is full: the entity enters, or no baseline is left.
    Full {
        /// Of the entity.
        generation: u16,
    },
    /// The stream is no longer visible. No body.
    Leave {
        /// Whether the entity is gone from the world, too.
        despawned: bool,
    },
}

/// Writes the heads of one audience's records in a datagram, by ascending index.
#[derive(Clone, Copy, Debug)]
pub struct RecordWriter {
    tick: Tick,
    base: Option<Tick>,
    gap_order: u32,
    next_index: u32,
    last_age: u32,
}

/// Reads what [`RecordWriter`] wrote.
#[derive(Clone, Copy, Debug)]
pub struct RecordReader {
    writer: RecordWriter,
    left: u32,
}

impl RecordWriter {
    /// The most bits of a head: that of a delta with the largest distance of index, 41, and of age, 61.
    pub const BITS_MAX: usize = 41 + 3 + 61;

    /// A writer for the records of a snapshot of `tick`.
    #[must_use]
    pub const fn new(tick: Tick, base: Option<Tick>, gap_order: u32) -> Self {
        Self { tick, base, gap_order, next_index: 0, last_age: 0 }
    }

    /// Writes one head; the body follows, if it has one.
    pub fn write(&mut self, index: u32, head: RecordHead, w: &mut BitWriter) {
        w.write_golomb(index - self.next_index, self.gap_order);
        self.next_index = index + 1;
        match head {
            RecordHead::Delta { baseline } if Some(baseline) == self.base => w.write_bool(true),
            RecordHead::Delta { baseline } => {
                let age = self.tick.since(baseline).cast_unsigned();
                w.write(0b10, 2);
                w.write_bool(age == self.last_age);
                if age != self.last_age {
                    w.write_golomb(age, 3);
                    self.last_age = age;
                }
            }
            RecordHead::Full { generation } => {
                w.write(0b000, 3);
                w.write(u64::from(generation), 16);
            }
            RecordHead::Leave { despawned } => {
                w.write(0b100, 3);
                w.write_bool(despawned);
            }
        }
    }

    /// Writes a delta against the base, head and body: what most records are. `body` has no bits but its `bits`.
    #[inline]
    pub fn write_base_delta(&mut self, index: u32, body: &[u64], bits: u32, w: &mut BitWriter) {
        let (gap, gap_bits) = golomb(index - self.next_index, self.gap_order);
        self.next_index = index + 1;
        let (head, head_bits) = (gap | 1 << gap_bits, gap_bits + 1);
        if head_bits + bits <= 64 && bits > 0 {
            w.write(head | body[0] << head_bits, head_bits + bits);
        } else {
            w.write(head, head_bits);
            w.append_words(body, bits as usize);
        }
    }
}

impl RecordReader {
    /// A reader for one list of a snapshot of `tick`.
    #[must_use]
    pub const fn new(tick: Tick, base: Option<Tick>, list: RecordList) -> Self {
        Self { writer: RecordWriter::new(tick, base, list.gap_order), left: list.count }
    }

    /// Reads the next head; `None` at the end.
    pub fn next(&mut self, r: &mut BitReader<'_>) -> Result<Option<(u32, RecordHead)>, Malformed> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let this = &mut self.writer;
        let index = this.next_index.checked_add(r.read_golomb(this.gap_order)?).filter(|i| *i <= NetId::INDEX_MAX);
        let index = index.ok_or(Malformed)?;
        this.next_index = index + 1;
        let head = if r.read_bool()? {
            RecordHead::Delta { baseline: this.base.ok_or(Malformed)? }
        } else if r.read_bool()? {
            if !r.read_bool()? {
                this.last_age = read_age(r)?;
            }
            let age = Some(this.last_age).filter(|age| *age > 0).ok_or(Malformed)?;
            RecordHead::Delta { baseline: this.tick.sub(age) }
        } else if r.read_bool()? {
            RecordHead::Leave { despawned: r.read_bool()? }
        } else {
            RecordHead::Full { generation: r.read(16)? as u16 }
        };
        Ok(Some((index, head)))
    }
}

/// Ticks that wrap have no greater distance than half of all.
fn read_age(r: &mut BitReader<'_>) -> Result<u32, Malformed> {
    r.read_golomb(3).and_then(|age| if age > i32::MAX as u32 { Err(Malformed) } else { Ok(age) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const TICK: Tick = Tick(1_000);

    fn read_all(list: RecordList, base: Option<Tick>, bytes: &[u8]) -> Result<Vec<(u32, RecordHead)>, Malformed> {
        let mut r = BitReader::new(bytes);
        let mut reader = RecordReader::new(TICK, base, list);
        core::iter::from_fn(|| reader.next(&mut r).transpose()).collect()
    }

    #[test]
    fn record_heads_come_back_as_they_were() {
        let heads = [
            (0, RecordHead::Delta { baseline: Tick(994) }),
            (1, RecordHead::Delta { baseline: Tick(990) }),
            (2, RecordHead::Delta { baseline: Tick(990) }),
            (40, RecordHead::Full { generation: 7 }),
            (41, RecordHead::Delta { baseline: Tick(994) }),
            (1_000_000, RecordHead::Leave { despawned: true }),
        ];
        for (base, gap_order) in [(None, 0), (Some(Tick(994)), 2), (Some(Tick(990)), 7)] {
            let mut w = BitWriter::new();
            let mut writer = RecordWriter::new(TICK, base, gap_order);
            heads.iter().for_each(|(index, head)| writer.write(*index, *head, &mut w));
            let list = RecordList { count: heads.len() as u32, gap_order };
            assert_eq!(read_all(list, base, w.finish()), Ok(heads.to_vec()));
        }
    }

    #[test]
    fn a_delta_against_the_base_is_the_same_with_its_body_as_without() {
        for bits in [0u32, 1, 40, 60, 61, 62, 63, 64, 65, 130] {
            let words = [u64::MAX; 3];
            let mut body = BitWriter::new();
            words
                .iter()
                .scan(bits, |left, word| {
                    let take = (*left).min(64);
                    *left -= take;
                    Some((*word, take))
                })
                .filter(|(_, take)| *take > 0)
                .for_each(|(word, take)| body.write(word >> (64 - take), take));
            let mut drained = Vec::new();
            let (mut slow, mut fast) = (BitWriter::new(), BitWriter::new());
            let mut writers = [RecordWriter::new(TICK, Some(Tick(9)), 1); 2];
            writers[0].write(5, RecordHead::Delta { baseline: Tick(9) }, &mut slow);
            slow.append_writer(&body);
            body.drain_words(&mut drained);
            writers[1].write_base_delta(5, &drained, bits, &mut fast);
            assert_eq!(slow.len_bits(), fast.len_bits());
            assert_eq!(slow.finish(), fast.finish());
        }
    }

    #[test]
    fn what_records_have_in_common_comes_back_as_it_was() {
        let mut lists = [RecordList::default(); Audience::COUNT];
        lists[0] = RecordList { count: 9_600, gap_order: 7 };
        for base in [None, Some(Tick(999)), Some(TICK.sub(i32::MAX as u32))] {
            let head = RecordsHead { base, lists };
            let mut w = BitWriter::new();
            head.write(TICK, &mut w);
            assert!(w.len_bits() <= RecordsHead::BITS_MAX);
            assert_eq!(RecordsHead::read(TICK, &mut BitReader::new(w.finish())), Ok(head));
        }
    }

    #[test]
    fn no_record_head_is_longer_than_the_longest() {
        for gap_order in 0..8 {
            let mut w = BitWriter::new();
            let baseline = Tick(5).sub(i32::MAX as u32);
            let mut writer = RecordWriter::new(Tick(5), None, gap_order);
            writer.write(NetId::INDEX_MAX, RecordHead::Delta { baseline }, &mut w);
            assert!(w.len_bits() <= RecordWriter::BITS_MAX, "{}", w.len_bits());
        }
    }

    #[test]
    fn the_order_follows_how_close_records_lie() {
        let orders = [(0, 0), (1, 0), (100, 99), (50, 99), (50, 199), (10, 10_000), (1, 1 << 19)];
        assert_eq!(orders.map(|(count, last)| RecordList::order_for(count, last)), [0, 0, 0, 0, 1, 7, 7]);
    }

    proptest! {
        #[test]
        fn any_bytes_read_as_records_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut r = BitReader::new(&bytes);
            let Ok(head) = RecordsHead::read(TICK, &mut r) else { return Ok(()) };
            for list in head.lists {
                let mut reader = RecordReader::new(TICK, head.base, list);
                while let Ok(Some((index, head))) = reader.next(&mut r) {
                    prop_assert!(index <= NetId::INDEX_MAX);
                    if let RecordHead::Delta { baseline } = head { prop_assert!(TICK.since(baseline) > 0); }
                }
            }
        }
    }
}
