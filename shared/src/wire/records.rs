use crate::Tick;
use crate::bits::{BitReader, BitWriter, Malformed};
use crate::state::{Audience, NetId};

/// What the records of one datagram have in common. It follows the header; the lists of records follow it.
///
/// ```text
/// base age golomb 3 | if it is not 0: second: 0, or 1 and ticks before the base, less one, 5
///   | for each audience: runs golomb 2 | if there are any: order of their gaps 2 | others golomb 2
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordsHead {
    /// The tick that deltas in runs build on; its age is 0 if there is none.
    pub base: Option<Tick>,
    /// An older tick, which tells them where things were going; at most [`RecordsHead::SECOND_TICKS_MAX`] before the base.
    pub second: Option<Tick>,
    /// The lists, by audience.
    pub lists: [RecordList; Audience::COUNT],
}

/// The records of one audience in a datagram: runs of deltas against the base, which ghosts first and then all bodies, so that bodies
/// which lie side by side are copied at once; then all others. Both are by ascending ghost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordList {
    /// How many runs of ghosts side by side there are.
    pub runs: u32,
    /// The order of the Golomb code of the gaps between them, 0 to 3.
    pub gap_order: u32,
    /// How many records there are besides.
    pub others: u32,
}

/// The number of an entity in one client's view: the lowest that was free when it entered. So what a client sees lies close
/// together, whatever network ids it has. Source: M. Frohnmayer, T. Gift, "The TRIBES Engine Networking Model", 2000.
pub type GhostId = u32;

/// The largest ghost.
pub const GHOST_MAX: GhostId = NetId::INDEX_MAX;

impl RecordsHead {
    /// How long before the base the second baseline may lie.
    pub const SECOND_TICKS_MAX: u32 = 32;

    /// How long before the snapshot any baseline may lie, the second included: as far back clients hold what was the state.
    pub const BASELINE_TICKS_MAX: u32 = 511;

    /// The most bits it takes: an age of 16, the second baseline, and for each audience two counts of no more records than a
    /// datagram has bits, and an order.
    pub const BITS_MAX: usize = 16 + 6 + Audience::COUNT * (2 * 25 + 2);

    /// Writes what comes before the records of a snapshot of `tick`.
    pub fn write(&self, tick: Tick, w: &mut BitWriter) {
        w.write_golomb(self.base.map_or(0, |base| tick.since(base).cast_unsigned()), 3);
        if let Some(base) = self.base {
            w.write_bool(self.second.is_some());
            if let Some(second) = self.second {
                w.write(u64::from(base.since(second).cast_unsigned() - 1), 5);
            }
        }
        for list in self.lists {
            w.write_golomb(list.runs, 2);
            if list.runs > 0 {
                w.write(u64::from(list.gap_order), 2);
            }
            w.write_golomb(list.others, 2);
        }
    }

    /// Reads it.
    pub fn read(tick: Tick, r: &mut BitReader<'_>) -> Result<Self, Malformed> {
        let age = r.read_golomb(3)?;
        let second_age = match age {
            0 => None,
            // Added up with care: the age may be all 32 bits can hold.
            _ if r.read_bool()? => Some(age.saturating_add(r.read_u32(5)? + 1)),
            _ => None,
        };
        if second_age.unwrap_or(age) > Self::BASELINE_TICKS_MAX {
            return Err(Malformed);
        }
        let base = (age > 0).then(|| tick.sub(age));
        let second = second_age.map(|age| tick.sub(age));
        let mut lists = [RecordList::default(); Audience::COUNT];
        for list in &mut lists {
            list.runs = r.read_golomb(2)?;
            if list.runs > 0 && base.is_none() {
                return Err(Malformed);
            }
            list.gap_order = if list.runs > 0 { r.read_u32(2)? } else { 0 };
            list.others = r.read_golomb(2)?;
        }
        Ok(Self { base, second, lists })
    }
}

/// What comes before the body of a record that is in no run.
///
/// ```text
/// ghost: distance to the last one's golomb 2
///   | 0 2                                delta against the base, without the second
///   | 1 2 | age in ticks golomb 3        delta
///   | 2 2 | index | generation golomb 0  full
///   | 3 2 | despawned 1                  leave
/// ```
/// *Index* is what the entity's lies beyond the one that is expected, signed golomb 1: where ghosts go up by one from one full
/// record to the next, so do indices. Of the first, its ghost is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordHead {
    /// The body is a delta. It starts from the newest version that the client holds of the base or before.
    Base,
    /// The body is a delta.
    Delta {
        /// It starts from the newest version that the client holds of this tick or before.
        baseline: Tick,
    },
    /// The body is full: the entity enters, or no baseline is left.
    Full {
        /// Which entity the ghost means from now on.
        id: NetId,
    },
    /// The stream is no longer visible. No body.
    Leave {
        /// Whether the entity is gone from the world, too.
        despawned: bool,
    },
}

/// Writes the heads of a list's records that are in no run, by ascending ghost.
#[derive(Clone, Copy, Debug)]
pub struct RecordWriter {
    tick: Tick,
    next: GhostId,
    /// What the index of the last full record lies beyond its ghost.
    ahead: i32,
}

impl RecordWriter {
    /// The most bits of a head: that of a full record with the largest distance of ghosts, 39, of indices, 44, and the
    /// largest generation, 33.
    pub const BITS_MAX: usize = 39 + 2 + 44 + 33;

    /// A writer for the records of a snapshot of `tick`.
    #[must_use]
    pub const fn new(tick: Tick) -> Self {
        Self { tick, next: 0, ahead: 0 }
    }

    /// Writes one head; the body follows, if it has one.
    pub fn write(&mut self, ghost: GhostId, head: RecordHead, w: &mut BitWriter) {
        w.write_golomb(ghost - self.next, 2);
        self.next = ghost + 1;
        match head {
            RecordHead::Base => w.write(0, 2),
            RecordHead::Delta { baseline } => {
                w.write(1, 2);
                w.write_golomb(self.tick.since(baseline).cast_unsigned(), 3);
            }
            RecordHead::Full { id } => {
                w.write(2, 2);
                let ahead = id.index.cast_signed() - ghost.cast_signed();
                w.write_signed_golomb(ahead - self.ahead, 1);
                w.write_golomb(u32::from(id.generation), 0);
                self.ahead = ahead;
            }
            RecordHead::Leave { despawned } => {
                w.write(3, 2);
                w.write_bool(despawned);
            }
        }
    }
}

/// Reads what [`RecordWriter`] wrote.
#[derive(Clone, Copy, Debug)]
pub struct RecordReader {
    writer: RecordWriter,
    has_base: bool,
    left: u32,
}

impl RecordReader {
    /// A reader for one list of a snapshot of `tick`, whose records have this in common.
    #[must_use]
    pub const fn new(tick: Tick, head: &RecordsHead, list: RecordList) -> Self {
        Self { writer: RecordWriter::new(tick), has_base: head.base.is_some(), left: list.others }
    }

    /// Reads the next head; `None` at the end.
    pub fn next(&mut self, r: &mut BitReader<'_>) -> Result<Option<(GhostId, RecordHead)>, Malformed> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let ghost = self.writer.next.checked_add(r.read_golomb(2)?).filter(|ghost| *ghost <= GHOST_MAX);
        let ghost = ghost.ok_or(Malformed)?;
        self.writer.next = ghost + 1;
        let head = match r.read(2)? {
            0 if self.has_base => RecordHead::Base,
            0 => return Err(Malformed),
            1 => {
                let age = r.read_golomb(3)?;
                if age == 0 || age > RecordsHead::BASELINE_TICKS_MAX {
                    return Err(Malformed);
                }
                RecordHead::Delta { baseline: self.writer.tick.sub(age) }
            }
            2 => RecordHead::Full { id: self.read_id(ghost, r)? },
            _ => RecordHead::Leave { despawned: r.read_bool()? },
        };
        Ok(Some((ghost, head)))
    }

    /// The entity of a full record.
    fn read_id(&mut self, ghost: GhostId, r: &mut BitReader<'_>) -> Result<NetId, Malformed> {
        let ahead = self.writer.ahead.checked_add(r.read_signed_golomb(1)?).ok_or(Malformed)?;
        let index = ghost.checked_add_signed(ahead).filter(|index| *index <= NetId::INDEX_MAX).ok_or(Malformed)?;
        let generation = u16::try_from(r.read_golomb(0)?).map_err(|_| Malformed)?;
        self.writer.ahead = ahead;
        Ok(NetId { index, generation })
    }
}

#[cfg(test)]
mod tests {
    use super::super::RunReader;
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const TICK: Tick = Tick(1_000);

    #[test]
    fn record_heads_come_back_as_they_were() {
        let heads = [
            (0, RecordHead::Base),
            (1, RecordHead::Delta { baseline: Tick(990) }),
            (40, RecordHead::Full { id: NetId { index: 1_000_000, generation: 7 } }),
            (43, RecordHead::Full { id: NetId { index: 1_000_003, generation: u16::MAX } }),
            (44, RecordHead::Full { id: NetId { index: 0, generation: 0 } }),
            (1_000_000, RecordHead::Leave { despawned: true }),
        ];
        let mut w = BitWriter::new();
        let mut writer = RecordWriter::new(TICK);
        heads.iter().for_each(|(ghost, head)| writer.write(*ghost, *head, &mut w));
        let head = RecordsHead { base: Some(Tick(999)), ..RecordsHead::default() };
        let list = RecordList { others: heads.len() as u32, ..RecordList::default() };
        let (bytes, mut reader) = (w.finish().to_vec(), RecordReader::new(TICK, &head, list));
        let mut r = BitReader::new(&bytes);
        let read: Result<Vec<_>, _> = core::iter::from_fn(|| reader.next(&mut r).transpose()).collect();
        assert_eq!(read, Ok(heads.to_vec()));
        let without = RecordReader::new(TICK, &RecordsHead::default(), list).next(&mut BitReader::new(&bytes));
        assert_eq!(without, Err(Malformed), "there is no base");
    }

    #[test]
    fn what_records_have_in_common_comes_back_as_it_was() {
        let lists = [RecordList { runs: 9_600, gap_order: 3, others: 9_600 }; Audience::COUNT];
        let without = lists.map(|list| RecordList { runs: 0, gap_order: 0, ..list });
        let heads = [
            RecordsHead { base: None, second: None, lists: without },
            RecordsHead { base: Some(Tick(999)), second: None, lists },
            RecordsHead { base: Some(Tick(990)), second: Some(Tick(958)), lists },
            RecordsHead { base: Some(TICK.sub(510)), second: Some(TICK.sub(511)), lists },
        ];
        let mut longest_bits = 0;
        for head in heads {
            let mut w = BitWriter::new();
            head.write(TICK, &mut w);
            assert!(w.len_bits() <= RecordsHead::BITS_MAX);
            longest_bits = longest_bits.max(w.len_bits());
            assert_eq!(RecordsHead::read(TICK, &mut BitReader::new(w.finish())), Ok(head));
        }
        assert!(longest_bits + 8 > RecordsHead::BITS_MAX, "not a byte is kept free for nothing");
    }

    #[test]
    fn runs_without_a_base_are_malformed() {
        let of = |base: Option<Tick>| {
            let runs = RecordList { runs: 1, ..RecordList::default() };
            let head = RecordsHead { base, second: None, lists: [runs; Audience::COUNT] };
            let mut w = BitWriter::new();
            head.write(TICK, &mut w);
            RecordsHead::read(TICK, &mut BitReader::new(w.finish()))
        };
        assert!(of(Some(Tick(999))).is_ok());
        assert_eq!(of(None), Err(Malformed));
    }

    #[test]
    fn a_baseline_before_the_oldest_is_malformed() {
        let read = |base: u32, second: Option<u32>| {
            let [base, second] = [Some(base), second].map(|age| age.map(|age| TICK.sub(age)));
            let mut w = BitWriter::new();
            RecordsHead { base, second, ..RecordsHead::default() }.write(TICK, &mut w);
            RecordsHead::read(TICK, &mut BitReader::new(w.finish())).is_ok()
        };
        let oldest = RecordsHead::BASELINE_TICKS_MAX;
        assert!(read(oldest, None) && read(480, Some(oldest)));
        assert!(!read(oldest + 1, None) && !read(480, Some(oldest + 1)) && !read(i32::MAX as u32, Some(1 << 31)));
    }

    #[test]
    fn no_record_head_is_longer_than_the_longest() {
        let mut w = BitWriter::new();
        let baseline = Tick(5).sub(RecordsHead::BASELINE_TICKS_MAX);
        RecordWriter::new(Tick(5)).write(GHOST_MAX, RecordHead::Delta { baseline }, &mut w);
        assert!(w.len_bits() <= RecordWriter::BITS_MAX, "{}", w.len_bits());
        let (mut w, mut writer) = (BitWriter::new(), RecordWriter::new(Tick(5)));
        let full = |index| RecordHead::Full { id: NetId { index, generation: u16::MAX } };
        writer.write(0, full(NetId::INDEX_MAX), &mut w);
        let before = w.len_bits();
        writer.write(GHOST_MAX, full(0), &mut w);
        let longest_bits = w.len_bits() - before;
        assert!((RecordWriter::BITS_MAX - 7..=RecordWriter::BITS_MAX).contains(&longest_bits), "{longest_bits}");
    }

    #[test]
    fn where_indices_follow_ghosts_a_full_record_names_its_own_in_two_bits() {
        let (mut w, mut writer) = (BitWriter::new(), RecordWriter::new(TICK));
        let full = |index| RecordHead::Full { id: NetId { index, generation: 0 } };
        writer.write(10, full(5_000), &mut w);
        let before = w.len_bits();
        writer.write(11, full(5_001), &mut w);
        assert_eq!(w.len_bits() - before, 3 + 2 + 2 + 1);
    }

    fn record() -> impl Strategy<Value = (u32, RecordHead)> {
        let index = prop_oneof![0u32..50, 0..=NetId::INDEX_MAX];
        let head = prop_oneof![
            Just(RecordHead::Base),
            (1..=RecordsHead::BASELINE_TICKS_MAX).prop_map(|age| RecordHead::Delta { baseline: TICK.sub(age) }),
            (index, any::<u16>()).prop_map(|(index, generation)| RecordHead::Full { id: NetId { index, generation } }),
            any::<bool>().prop_map(|despawned| RecordHead::Leave { despawned }),
        ];
        (prop_oneof![8 => 0u32..4, 1 => 0u32..50_000], head)
    }

    proptest! {
        #[test]
        fn any_records_come_back_as_they_were(records in prop::collection::vec(record(), 0..20)) {
            let mut next = 0;
            let records: Vec<(GhostId, RecordHead)> = records
                .into_iter()
                .map(|(gap, head)| {
                    let ghost = next + gap;
                    next = ghost + 1;
                    (ghost, head)
                })
                .collect();
            let mut w = BitWriter::new();
            let mut writer = RecordWriter::new(TICK);
            for (ghost, head) in &records {
                let before = w.len_bits();
                writer.write(*ghost, *head, &mut w);
                prop_assert!(w.len_bits() - before <= RecordWriter::BITS_MAX);
            }
            let len_bits = w.len_bits();
            let head = RecordsHead { base: Some(Tick(999)), ..RecordsHead::default() };
            let list = RecordList { others: records.len() as u32, ..RecordList::default() };
            let (mut r, mut reader) = (BitReader::new(w.finish()), RecordReader::new(TICK, &head, list));
            for record in &records {
                prop_assert_eq!(reader.next(&mut r), Ok(Some(*record)));
            }
            prop_assert_eq!((reader.next(&mut r), r.position_bits()), (Ok(None), len_bits));
        }

        #[test]
        fn what_any_records_have_in_common_comes_back_as_it_was(
            tick in any::<u32>(), base in prop::option::of((1u32..=479, prop::option::of(1u32..=32))),
            lists in prop::collection::vec((prop_oneof![Just(0u32), 0..9_601u32], 0u32..4, 0u32..9_601), Audience::COUNT),
        ) {
            let base_tick = base.map(|(age, _)| Tick(tick).sub(age));
            let second = base.and_then(|(age, second)| Some(Tick(tick).sub(age).sub(second?)));
            let lists = core::array::from_fn(|n| {
                let (runs, gap_order, others) = lists[n];
                let runs = if base.is_some() { runs } else { 0 };
                RecordList { runs, gap_order: if runs > 0 { gap_order } else { 0 }, others }
            });
            let head = RecordsHead { base: base_tick, second, lists };
            let mut w = BitWriter::new();
            head.write(Tick(tick), &mut w);
            prop_assert!(w.len_bits() <= RecordsHead::BITS_MAX);
            prop_assert_eq!(RecordsHead::read(Tick(tick), &mut BitReader::new(w.finish())), Ok(head));
        }

        #[test]
        fn any_bytes_read_as_records_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut r = BitReader::new(&bytes);
            let Ok(head) = RecordsHead::read(TICK, &mut r) else { return Ok(()) };
            for list in head.lists {
                let mut runs = RunReader::new(list);
                while let Ok(Some((begin, len))) = runs.next(&mut r) {
                    prop_assert!(len > 0 && begin + (len - 1) <= GHOST_MAX);
                }
                let mut reader = RecordReader::new(TICK, &head, list);
                while let Ok(Some((ghost, head))) = reader.next(&mut r) {
                    prop_assert!(ghost <= GHOST_MAX);
                    if let RecordHead::Delta { baseline } = head {
                        prop_assert!((1..=RecordsHead::BASELINE_TICKS_MAX as i32).contains(&TICK.since(baseline)));
                    }
                }
            }
        }
    }
}
