use super::version::VersionRef;
use crate::Tick;
use alloc::vec::Vec;

/// Versions of many streams of one layout: each stream has a [`Ring`] of its own, and all rings lie in a few flat tables.
///
/// A ring has room for a power of two of versions and moves to one twice as large when it is full; what it leaves, another
/// takes. So in a steady state nothing is allocated, and a stream that stands still takes the room of one version.
#[derive(Debug)]
pub struct VersionPool {
    /// Lanes set aside for each version: those of a version with all components.
    stride: usize,
    /// Slab `n` has rings of `2^n` versions.
    slabs: [Slab; CLASSES],
}

#[derive(Debug, Default)]
struct Slab {
    heads: Vec<VersionHead>,
    lanes: Vec<u32>,
    free: Vec<u32>,
}

/// One stream's versions in a [`VersionPool`], oldest first. A handle: give it back with [`VersionPool::release`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Ring {
    block: u32,
    first: u16,
    len: u16,
    /// A power of two, or 0 before the first version.
    capacity: u16,
}

/// A version without its lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VersionHead {
    /// Since when the stream is so: at the server the tick in which it changed, at a client the snapshot that said so.
    pub tick: Tick,
    /// When the version after it came. Means nothing for the newest.
    pub end: Tick,
    /// Bit `n` is set when the stream's component `n` is present.
    pub mask: u32,
    lane_count: u32,
    /// [`version_hash`](super::version_hash) of it.
    pub hash: u64,
}

impl VersionHead {
    /// Of a version with this mask and hash, which is so since `tick`.
    #[must_use]
    pub const fn new(tick: Tick, mask: u32, hash: u64) -> Self {
        Self { tick, end: tick, mask, lane_count: 0, hash }
    }
}

impl Ring {
    /// How many versions it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether one version more makes it grow.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.len == self.capacity
    }

    const fn class(&self) -> usize {
        self.capacity.trailing_zeros() as usize
    }

    /// Where version `n` lies in its slab.
    const fn place(&self, n: usize) -> usize {
        let capacity = self.capacity as usize;
        self.block as usize * capacity + ((self.first as usize + n) & (capacity - 1))
    }
}

impl VersionPool {
    /// The most versions that a ring has room for.
    pub const RING_MAX: usize = 1 << (CLASSES - 1);

    /// A pool for streams of at most `stride` lanes.
    #[must_use]
    pub fn new(stride: usize) -> Self {
        Self { stride, slabs: Default::default() }
    }

    /// The bytes that a ring of so many versions takes, which is a power of two.
    #[must_use]
    pub const fn ring_bytes(stride: usize, capacity: usize) -> usize {
        capacity * (size_of::<VersionHead>() + stride * size_of::<u32>())
    }

    /// The bytes of all rings, those that wait to be taken included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.slabs.iter().map(|slab| Self::ring_bytes(self.stride, slab.heads.len())).sum()
    }

    /// Version `n`, from the oldest.
    ///
    /// # Panics
    /// If there are not so many.
    #[inline]
    #[must_use]
    pub fn head(&self, ring: &Ring, n: usize) -> &VersionHead {
        assert!(n < ring.len());
        &self.slabs[ring.class()].heads[ring.place(n)]
    }

    /// What version `n` says.
    ///
    /// # Panics
    /// If there are not so many.
    #[inline]
    #[must_use]
    pub fn version(&self, ring: &Ring, n: usize) -> VersionRef<'_> {
        assert!(n < ring.len());
        let (slab, place) = (&self.slabs[ring.class()], ring.place(n));
        let head = &slab.heads[place];
        VersionRef { mask: head.mask, lanes: &slab.lanes[place * self.stride..][..head.lane_count as usize] }
    }

    /// The newest version.
    #[inline]
    #[must_use]
    pub fn newest(&self, ring: &Ring) -> Option<&VersionHead> {
        (!ring.is_empty()).then(|| self.head(ring, ring.len() - 1))
    }

    /// Which version is the newest at or before `tick`.
    #[must_use]
    pub fn find(&self, ring: &Ring, tick: Tick) -> Option<usize> {
        let newest = self.newest(ring)?;
        let behind = newest.tick.since(tick);
        if behind <= 0 {
            return Some(ring.len() - 1);
        }
        // There is at most one version a tick: so many before the newest none is too new, and most often that is it.
        let mut n = (ring.len() - 1).saturating_sub(behind.cast_unsigned() as usize);
        let guess = self.head(ring, n).tick;
        if guess == tick {
            return Some(n);
        }
        if guess.is_newer_than(tick) {
            return None;
        }
        while !self.head(ring, n + 1).tick.is_newer_than(tick) {
            n += 1;
        }
        Some(n)
    }

    /// Adds the newest version, and ends the one before it.
    ///
    /// # Panics
    /// If there are more lanes than the pool was made for, or [`VersionPool::RING_MAX`] versions.
    pub fn push(&mut self, ring: &mut Ring, head: VersionHead, lanes: &[u32]) {
        if ring.is_full() {
            self.grow(ring);
        }
        if let Some(last) = ring.len().checked_sub(1) {
            self.slabs[ring.class()].heads[ring.place(last)].end = head.tick;
        }
        ring.len += 1;
        self.set(ring, ring.len() - 1, head, lanes);
    }

    /// Adds a version before version `n`, which comes late.
    ///
    /// # Panics
    /// As [`VersionPool::push`].
    pub fn insert(&mut self, ring: &mut Ring, n: usize, head: VersionHead, lanes: &[u32]) {
        if ring.is_full() {
            self.grow(ring);
        }
        ring.len += 1;
        let slab = &mut self.slabs[ring.class()];
        for at in (n + 1..ring.len()).rev() {
            let (from, to) = (ring.place(at - 1), ring.place(at));
            slab.heads[to] = slab.heads[from];
            slab.lanes.copy_within(from * self.stride..(from + 1) * self.stride, to * self.stride);
        }
        self.set(ring, n, head, lanes);
    }

    /// Replaces version `n`.
    ///
    /// # Panics
    /// As [`VersionPool::push`].
    pub fn set(&mut self, ring: &Ring, n: usize, head: VersionHead, lanes: &[u32]) {
        assert!(lanes.len() <= self.stride && n < ring.len());
        let (slab, place) = (&mut self.slabs[ring.class()], ring.place(n));
        slab.heads[place] = VersionHead { lane_count: lanes.len() as u32, ..head };
        let begin = place * self.stride;
        slab.lanes[begin..begin + lanes.len()].copy_from_slice(lanes);
    }

    /// Moves the oldest version to the end of another ring.
    ///
    /// # Panics
    /// If there is none.
    pub fn move_oldest(&mut self, from: &mut Ring, to: &mut Ring) {
        if to.is_full() {
            self.grow(to);
        }
        to.len += 1;
        let oldest = *self.head(from, 0);
        let (source, target) = ((from.class(), from.place(0)), (to.class(), to.place(to.len() - 1)));
        self.copy(source, target, oldest);
        self.forget_oldest(from);
    }

    /// Forgets the oldest version.
    ///
    /// # Panics
    /// If there is none.
    pub fn forget_oldest(&mut self, ring: &mut Ring) {
        assert!(ring.len > 0);
        ring.first = (ring.first + 1) & (ring.capacity - 1);
        ring.len -= 1;
    }

    /// Forgets all versions, and gives the room back.
    pub fn release(&mut self, ring: &mut Ring) {
        if ring.capacity > 0 {
            self.slabs[ring.class()].free.push(ring.block);
        }
        *ring = Ring::default();
    }

    /// Moves a ring to one with twice the room.
    fn grow(&mut self, ring: &mut Ring) {
        let capacity = if ring.capacity == 0 { 1 } else { ring.capacity * 2 };
        assert!(usize::from(capacity) <= Self::RING_MAX, "the owner of a ring keeps it within its bound");
        let mut larger = Ring { block: 0, first: 0, len: ring.len, capacity };
        let stride = self.stride;
        let slab = &mut self.slabs[larger.class()];
        larger.block = slab.free.pop().unwrap_or_else(|| {
            let block = slab.heads.len() / usize::from(capacity);
            slab.heads.resize(slab.heads.len() + usize::from(capacity), VersionHead::default());
            slab.lanes.resize(slab.heads.len() * stride, 0);
            block as u32
        });
        for n in 0..ring.len() {
            let head = *self.head(ring, n);
            self.copy((ring.class(), ring.place(n)), (larger.class(), larger.place(n)), head);
        }
        self.release(ring);
        *ring = larger;
    }

    /// Copies a version from one slab and place to another.
    fn copy(&mut self, source: (usize, usize), target: (usize, usize), head: VersionHead) {
        let (from, to, len) = (source.1 * self.stride, target.1 * self.stride, head.lane_count as usize);
        if source.0 == target.0 {
            self.slabs[source.0].lanes.copy_within(from..from + len, to);
        } else if let Ok([source, target]) = self.slabs.get_disjoint_mut([source.0, target.0]) {
            target.lanes[to..to + len].copy_from_slice(&source.lanes[from..from + len]);
        }
        self.slabs[target.0].heads[target.1] = head;
    }
}

const CLASSES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::VecDeque;
    use proptest::prelude::*;

    fn head(tick: u32) -> VersionHead {
        VersionHead::new(Tick(tick), tick, u64::from(tick) * 7)
    }

    fn lanes(tick: u32) -> Vec<u32> {
        (0..tick % 4).map(|lane| tick * 10 + lane).collect()
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push { ring: usize, after: u32 },
        Insert { ring: usize, before: u32 },
        ForgetOldest { ring: usize },
        Move,
        Release { ring: usize },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..3usize, 1u32..5).prop_map(|(ring, after)| Step::Push { ring, after }),
            2 => (0..3usize, 1u32..20).prop_map(|(ring, before)| Step::Insert { ring, before }),
            2 => (0..3usize).prop_map(|ring| Step::ForgetOldest { ring }),
            1 => Just(Step::Move),
            1 => (0..3usize).prop_map(|ring| Step::Release { ring }),
        ]
    }

    proptest! {
        #[test]
        fn rings_hold_what_lists_would(steps in prop::collection::vec(step(), 0..200)) {
            let mut pool = VersionPool::new(4);
            let mut rings = [Ring::default(); 3];
            let mut models: [VecDeque<u32>; 3] = Default::default();
            for step in steps {
                match step {
                    Step::Push { ring, after } => {
                        let tick = models[ring].back().map_or(100, |last| last + after);
                        models[ring].push_back(tick);
                        pool.push(&mut rings[ring], head(tick), &lanes(tick));
                    }
                    Step::Insert { ring, before } => {
                        let Some(tick) = models[ring].back().map(|last| last - before) else { continue };
                        let Err(at) = models[ring].binary_search(&tick) else { continue };
                        models[ring].insert(at, tick);
                        pool.insert(&mut rings[ring], at, head(tick), &lanes(tick));
                    }
                    Step::ForgetOldest { ring } if models[ring].is_empty() => continue,
                    Step::ForgetOldest { ring } => {
                        models[ring].pop_front();
                        pool.forget_oldest(&mut rings[ring]);
                    }
                    Step::Move => {
                        let Some(tick) = models[0].front().copied() else { continue };
                        if models[1].back().is_some_and(|last| *last >= tick) { continue }
                        models[0].pop_front();
                        models[1].push_back(tick);
                        let [from, to, _] = &mut rings;
                        pool.move_oldest(from, to);
                    }
                    Step::Release { ring } => {
                        models[ring].clear();
                        pool.release(&mut rings[ring]);
                    }
                }
                for (ring, model) in rings.iter().zip(&models) {
                    prop_assert_eq!((ring.len(), ring.is_empty()), (model.len(), model.is_empty()));
                    prop_assert_eq!(pool.newest(ring).map(|head| head.tick), model.back().map(|tick| Tick(*tick)));
                    for (n, tick) in model.iter().enumerate() {
                        prop_assert_eq!(pool.head(ring, n).hash, u64::from(*tick) * 7);
                        let expected = lanes(*tick);
                        prop_assert_eq!(pool.version(ring, n), VersionRef { mask: *tick, lanes: &expected });
                    }
                    for tick in 60..240 {
                        let expected = model.partition_point(|held| *held <= tick).checked_sub(1);
                        prop_assert_eq!(pool.find(ring, Tick(tick)), expected);
                    }
                }
            }
        }
    }

    #[test]
    fn what_a_ring_leaves_another_takes() {
        let mut pool = VersionPool::new(4);
        let mut round = || {
            let mut rings = [Ring::default(); 8];
            for ring in &mut rings {
                (1..=9).for_each(|tick| pool.push(ring, head(tick), &lanes(tick)));
            }
            rings.iter_mut().for_each(|ring| pool.release(ring));
            pool.bytes()
        };
        let bytes = round();
        // All grew to sixteen, one after the other, through the same smaller rings.
        assert_eq!(bytes, VersionPool::ring_bytes(4, 8 * 16 + 8 + 4 + 2 + 1));
        assert_eq!((0..100).map(|_| round()).max(), Some(bytes));
        assert_eq!(VersionPool::ring_bytes(4, 3), 3 * (size_of::<VersionHead>() + 16));
    }

    #[test]
    fn a_ring_grows_to_its_bound_by_doubling() {
        let (mut pool, mut ring) = (VersionPool::new(1), Ring::default());
        for n in 0..VersionPool::RING_MAX {
            assert_eq!(ring.is_full(), n == 0 || n.is_power_of_two(), "{n}");
            pool.push(&mut ring, head(n as u32), &[n as u32]);
        }
        assert!(ring.is_full());
        assert!((0..VersionPool::RING_MAX).all(|n| pool.version(&ring, n).lanes == [n as u32]));
        // As one goes for each that comes, it has room enough.
        let bytes = pool.bytes();
        for n in VersionPool::RING_MAX..2_000 {
            pool.forget_oldest(&mut ring);
            pool.push(&mut ring, head(n as u32), &[n as u32]);
        }
        assert_eq!((pool.bytes(), pool.version(&ring, 0).lanes), (bytes, &[2_000 - VersionPool::RING_MAX as u32][..]));
    }

    #[test]
    fn a_version_ends_when_the_next_begins() {
        let (mut pool, mut ring) = (VersionPool::new(4), Ring::default());
        [3, 4, 9].into_iter().for_each(|tick| pool.push(&mut ring, head(tick), &[]));
        assert_eq!([0, 1].map(|n| pool.head(&ring, n).end), [Tick(4), Tick(9)]);
    }
}
