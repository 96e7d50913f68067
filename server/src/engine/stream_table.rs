use tidelock::Tick;
use tidelock::state::{Audience, NetId, Ring, StreamLayout, VersionHead, VersionPool, VersionRef, version_hash};

/// The streams of one audience, by index, each with its versions.
///
/// The newest versions of a stream lie in its ring, each tick in which it changed. A ring that is full gives its oldest
/// version up if nobody can need it any more: it stays, among the thinned, if it was the state at a tick that is
/// divisible by 16, and is forgotten else. While it may be needed, the ring grows.
#[derive(Debug)]
pub(super) struct StreamTable {
    audience: Audience,
    full_mask: u32,
    /// Where each component begins in the lanes of all.
    offsets: Vec<usize>,
    lane_counts: Vec<usize>,
    stride: usize,
    keep: Keep,
    pool: VersionPool,
    rings: Vec<Ring>,
    thinned: Vec<Ring>,
    /// Of the newest version: looked at much more often than the rest of it.
    newest_ticks: Vec<Tick>,
    newest_hashes: Vec<u64>,
    /// What is so in the tick now captured: the components present.
    masks: Vec<u32>,
    /// The lanes of all components, present or not, each at its place.
    lanes: Vec<u32>,
    /// Bit `n % 64` of word `n / 64`: stream `n` changes in the tick now captured.
    changing: Vec<u64>,
    /// The same of the last ticks, by tick.
    recent: Vec<Vec<u64>>,
    /// What changed within the last `merged_ticks` ticks.
    merged: Vec<u64>,
    merged_ticks: u32,
    gathered: Vec<u32>,
}

/// How long versions are kept, in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    /// Every version that was the state less long ago than this.
    pub(super) all_ticks: i32,
    /// Thinned ones.
    pub(super) thinned_ticks: i32,
}

/// Versions in a ring, whatever is kept.
pub(super) const RING_MAX: usize = 128;
/// What is thinned keeps the states of ticks divisible by this.
const THINNED_EVERY_TICKS: u32 = 16;
/// For so many ticks it is known in one look what changed.
const RECENT_TICKS: u32 = 16;

impl StreamTable {
    pub(super) const fn audience(&self) -> Audience {
        self.audience
    }

    pub(super) fn new(audience: Audience, layout: &StreamLayout, keep: Keep) -> Self {
        let lane_counts: Vec<usize> = layout.components().iter().map(|component| component.lanes.len()).collect();
        let offsets = (0..lane_counts.len()).map(|bit| layout.lane_offset(layout.full_mask(), bit)).collect();
        let stride = layout.lane_count(layout.full_mask());
        Self {
            audience,
            full_mask: layout.full_mask(),
            offsets,
            lane_counts,
            stride,
            keep,
            pool: VersionPool::new(stride),
            rings: Vec::new(),
            thinned: Vec::new(),
            newest_ticks: Vec::new(),
            newest_hashes: Vec::new(),
            masks: Vec::new(),
            lanes: Vec::new(),
            changing: Vec::new(),
            recent: vec![Vec::new(); RECENT_TICKS as usize],
            merged: Vec::new(),
            merged_ticks: 0,
            gathered: Vec::new(),
        }
    }

    /// The most bytes that one stream takes with all its versions. The pool keeps the rings that it grew out of, which no other
    /// stream may want: all of them together are as large as the last.
    pub(super) fn stream_bytes_max(&self) -> usize {
        let flat = 2 * size_of::<Ring>() + size_of::<Tick>() + size_of::<u64>() + (1 + self.stride) * size_of::<u32>();
        let thinned = self.keep.thinned_max().next_power_of_two();
        flat + VersionPool::ring_bytes(self.stride, 2 * (RING_MAX + thinned))
    }

    /// The bytes of all versions.
    pub(super) fn bytes(&self) -> usize {
        self.pool.bytes()
    }

    /// Every version that was the state less than so many ticks ago is kept from now on.
    pub(super) const fn keep_all_for(&mut self, ticks: i32) {
        self.keep.all_ticks = ticks;
    }

    /// A stream begins at `index`, which may have had another one.
    pub(super) fn begin(&mut self, index: usize) {
        if self.rings.len() <= index {
            let len = index + 1;
            self.rings.resize(len, Ring::default());
            self.thinned.resize(len, Ring::default());
            self.newest_ticks.resize(len, Tick::default());
            self.newest_hashes.resize(len, 0);
            self.masks.resize(len, 0);
            self.lanes.resize(len * self.stride, 0);
            let words = len.div_ceil(64);
            self.changing.resize(words, 0);
            self.merged.resize(words, 0);
            self.recent.iter_mut().for_each(|recent| recent.resize(words, 0));
        }
        self.end(index);
        self.masks[index] = 0;
        self.lanes[index * self.stride..(index + 1) * self.stride].fill(0);
        self.mark(index);
    }

    /// Nobody needs the versions of a stream any more.
    pub(super) fn end(&mut self, index: usize) {
        self.pool.release(&mut self.rings[index]);
        self.pool.release(&mut self.thinned[index]);
    }

    /// Whether a stream has a version.
    pub(super) fn has(&self, index: u32) -> bool {
        self.rings.get(index as usize).is_some_and(|ring| !ring.is_empty())
    }

    /// Sets a component's lanes. What did not change is no change.
    #[inline]
    pub(super) fn set(&mut self, index: usize, bit: usize, lanes: &[u32]) {
        let begin = index * self.stride + self.offsets[bit];
        let current = &mut self.lanes[begin..begin + lanes.len()];
        if self.masks[index] >> bit & 1 == 0 || current != lanes {
            current.copy_from_slice(lanes);
            self.masks[index] |= 1 << bit;
            self.mark(index);
        }
    }

    /// Takes note that a component is gone.
    pub(super) fn unset(&mut self, index: usize, bit: usize) {
        if self.masks[index] >> bit & 1 != 0 {
            self.masks[index] &= !(1 << bit);
            self.mark(index);
        }
    }

    /// Keeps what changed as versions of `tick`, by ascending index.
    pub(super) fn commit(&mut self, tick: Tick, generation_of: impl Fn(u32) -> u16) {
        for word in 0..self.changing.len() {
            let mut bits = self.changing[word];
            while bits != 0 {
                let index = word as u32 * 64 + bits.trailing_zeros();
                bits &= bits - 1;
                self.commit_one(NetId { index, generation: generation_of(index) }, tick);
            }
        }
        let recent = &mut self.recent[(tick.0 % RECENT_TICKS) as usize];
        recent.copy_from_slice(&self.changing);
        self.changing.fill(0);
        self.merged_ticks = 0;
    }

    /// Makes known what changed in the last `ticks` ticks, the one of the last commit included: see
    /// [`StreamTable::changed`].
    pub(super) fn merge_changes(&mut self, tick: Tick, ticks: u32) {
        self.merged_ticks = if ticks <= RECENT_TICKS { ticks } else { 0 };
        self.merged.fill(0);
        for ago in 0..self.merged_ticks {
            let recent = &self.recent[(tick.0.wrapping_sub(ago) % RECENT_TICKS) as usize];
            self.merged.iter_mut().zip(recent).for_each(|(merged, recent)| *merged |= recent);
        }
    }

    /// Which streams of a word changed in the last so many ticks; `among` are those that matter.
    #[inline]
    pub(super) fn changed(&self, word: u32, among: u64, now: Tick, ticks: u32) -> u64 {
        if ticks == self.merged_ticks {
            return self.merged[word as usize] & among;
        }
        let since = now.sub(ticks);
        let mut changed = 0;
        let mut bits = among;
        while bits != 0 {
            let bit = bits.trailing_zeros();
            bits &= bits - 1;
            changed |= u64::from(self.newest_tick(word * 64 + bit).is_newer_than(since)) << bit;
        }
        changed
    }

    /// When a stream last changed.
    #[inline]
    pub(super) fn newest_tick(&self, index: u32) -> Tick {
        self.newest_ticks[index as usize]
    }

    /// The hash of the newest version.
    #[inline]
    pub(super) fn newest_hash(&self, index: u32) -> u64 {
        self.newest_hashes[index as usize]
    }

    /// The state as of the last commit.
    pub(super) fn newest(&self, index: u32) -> VersionRef<'_> {
        let ring = &self.rings[index as usize];
        self.pool.version(ring, ring.len() - 1)
    }

    /// The state as of `tick`, if it is still known.
    #[inline]
    pub(super) fn at(&self, index: u32, tick: Tick) -> Option<VersionRef<'_>> {
        let (ring, n) = self.find(index, tick)?;
        Some(self.pool.version(ring, n))
    }

    /// Of the state as of `tick`, if it is still known, since when it was so, and its hash.
    pub(super) fn head_at(&self, index: u32, tick: Tick) -> Option<&VersionHead> {
        let (ring, n) = self.find(index, tick)?;
        Some(self.pool.head(ring, n))
    }

    /// Flips a bit in every version of a stream but the newest, as failing memory would: their hashes stay what they were.
    #[cfg(feature = "sabotage")]
    pub(super) fn corrupt_baselines(&mut self, index: u32) {
        let ring = self.rings[index as usize];
        for n in 0..ring.len().saturating_sub(1) {
            let (head, mut lanes) = (*self.pool.head(&ring, n), self.pool.version(&ring, n).lanes.to_vec());
            lanes[0] ^= 1;
            self.pool.set(&ring, n, head, &lanes);
        }
    }

    fn find(&self, index: u32, tick: Tick) -> Option<(&Ring, usize)> {
        let ring = &self.rings[index as usize];
        if let Some(n) = self.pool.find(ring, tick) {
            return Some((ring, n));
        }
        let thinned = &self.thinned[index as usize];
        let n = self.pool.find(thinned, tick)?;
        // Versions were left out between those that are kept.
        self.pool.head(thinned, n).end.is_newer_than(tick).then_some((thinned, n))
    }

    #[inline]
    fn mark(&mut self, index: usize) {
        self.changing[index / 64] |= 1 << (index % 64);
    }

    fn commit_one(&mut self, id: NetId, tick: Tick) {
        let index = id.index as usize;
        let mask = self.masks[index];
        self.make_room(index, tick);
        let all = &self.lanes[index * self.stride..(index + 1) * self.stride];
        let lanes = if mask == self.full_mask {
            all
        } else {
            self.gathered.clear();
            for (bit, (offset, count)) in self.offsets.iter().zip(&self.lane_counts).enumerate() {
                if mask >> bit & 1 != 0 {
                    self.gathered.extend_from_slice(&all[*offset..offset + count]);
                }
            }
            &self.gathered
        };
        let hash = version_hash(id, self.audience, mask, lanes);
        self.pool.push(&mut self.rings[index], VersionHead::new(tick, mask, hash), lanes);
        self.newest_ticks[index] = tick;
        self.newest_hashes[index] = hash;
    }

    /// Gives up the oldest version of a full ring, unless it may be needed and the ring can grow.
    fn make_room(&mut self, index: usize, tick: Tick) {
        let (ring, thinned) = (&mut self.rings[index], &mut self.thinned[index]);
        if !ring.is_full() || ring.len() < 2 {
            return;
        }
        let oldest = *self.pool.head(ring, 0);
        let ended_ticks_ago = tick.since(oldest.end);
        if ended_ticks_ago < self.keep.all_ticks && ring.len() < RING_MAX {
            return;
        }
        let into_period = oldest.tick.0.wrapping_neg() % THINNED_EVERY_TICKS;
        let is_kept = oldest.end.since(oldest.tick).cast_unsigned() > into_period;
        let is_young = |end: Tick| tick.since(end) < self.keep.thinned_ticks;
        while !thinned.is_empty()
            && (thinned.len() >= self.keep.thinned_max() || !is_young(self.pool.head(thinned, 0).end))
        {
            self.pool.forget_oldest(thinned);
        }
        if is_kept && is_young(oldest.end) {
            self.pool.move_oldest(ring, thinned);
        } else {
            self.pool.forget_oldest(ring);
        }
    }
}

impl Keep {
    /// So many thinned versions of one stream.
    const fn thinned_max(self) -> usize {
        (self.thinned_ticks.cast_unsigned() / THINNED_EVERY_TICKS + 1) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::points::points_schema;

    const KEEP: Keep = Keep { all_ticks: 20, thinned_ticks: 240 };

    /// A stream that changed in these ticks, to the number of the tick.
    fn table(ticks: impl Iterator<Item = u32>) -> StreamTable {
        let schema = points_schema();
        let mut table = StreamTable::new(Audience::Public, schema.stream(Audience::Public), KEEP);
        table.begin(0);
        for tick in ticks {
            table.set(0, 0, &[tick]);
            table.commit(Tick(tick), |_| 0);
        }
        table
    }

    fn at(table: &StreamTable, tick: u32) -> Option<u32> {
        Some(table.at(0, Tick(tick))?.lanes[0])
    }

    #[test]
    fn what_stands_still_keeps_one_version_for_good() {
        let table = table(5..=5);
        assert_eq!((at(&table, 4), at(&table, 5), at(&table, 1_000_000)), (None, Some(5), Some(5)));
        assert_eq!(table.bytes(), VersionPool::ring_bytes(1, 1));
    }

    #[test]
    fn every_state_of_the_last_ticks_is_known_then_each_16th_and_no_other() {
        let table = table(1..=400);
        for tick in 1..=400 {
            let kept = at(&table, tick);
            assert!(kept.is_none() || kept == Some(tick), "never an older one: {kept:?} at {tick}");
            let is_known = tick >= 381 || (tick % 16 == 0 && tick > 170);
            assert!(!is_known || kept.is_some(), "{tick}");
            assert!(tick > 150 || kept.is_none(), "{tick}");
        }
    }

    #[test]
    fn a_state_that_lasted_is_known_for_all_of_its_ticks() {
        // Changes every third tick: most of its states are none of a 16th tick.
        let table = table((1..=300).step_by(3));
        for tick in 1..=300 {
            let truth = (tick - 1) / 3 * 3 + 1;
            assert!(at(&table, tick).is_none_or(|kept| kept == truth), "{tick}");
            assert!(tick < 280 || at(&table, tick).is_some(), "{tick}");
        }
    }

    #[test]
    fn a_ring_is_no_larger_than_the_ticks_that_are_kept_need() {
        let busy = table(1..=10_000);
        let bytes = VersionPool::ring_bytes(1, 1 + 2 + 4 + 8 + 16 + 32 + 1 + 2 + 4 + 8 + 16);
        assert!(busy.bytes() <= bytes && busy.bytes() <= busy.stream_bytes_max(), "{}", busy.bytes());
        let slow = table((1..=10_000).step_by(40));
        assert!(slow.bytes() < 800, "{}", slow.bytes());
    }

    #[test]
    fn streams_that_grow_together_take_no_more_than_is_told() {
        let schema = points_schema();
        let keep = Keep { all_ticks: 200, ..KEEP };
        let mut table = StreamTable::new(Audience::Public, schema.stream(Audience::Public), keep);
        (0..10).for_each(|index| table.begin(index));
        for tick in 1..=1_000 {
            (0..10).for_each(|index| table.set(index, 0, &[tick]));
            table.commit(Tick(tick), |_| 0);
            assert!(table.bytes() <= 10 * table.stream_bytes_max(), "{} bytes after {tick} ticks", table.bytes());
        }
    }

    #[test]
    fn changes_of_several_ticks_are_known_in_one_look_and_by_looking_at_each() {
        let mut table = table([3, 9].into_iter());
        for (ticks, changed) in [(1, 1), (6, 1), (7, 1)] {
            table.merge_changes(Tick(9), ticks);
            assert_eq!(table.changed(0, u64::MAX, Tick(9), ticks), changed);
        }
        table.commit(Tick(10), |_| 0);
        table.merge_changes(Tick(10), 1);
        assert_eq!(table.changed(0, 1, Tick(10), 1), 0);
        assert_eq!([1, 2, 100].map(|ticks| table.changed(0, 1, Tick(10), ticks)), [0, 1, 1]);
    }
}
