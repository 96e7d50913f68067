use tidelock::state::{
    Audience, Checksum, NetId, Ring, StreamLayout, VersionHead, VersionPool, VersionRef, version_hash,
};
use tidelock::wire::RecordsHead;
use tidelock::{Buffer, Tick};

/// The streams of one audience that a client knows, by index: pages of 64 side by side, and all versions in one pool.
#[derive(Debug)]
pub(super) struct Streams {
    /// For each 64 indices one above the place of their page; 0 where nothing is held.
    directory: Vec<u32>,
    pages: Vec<Page>,
    free: Vec<u32>,
    pool: VersionPool,
    /// A version is kept until what is built upon is newer by so many ticks.
    keep_ticks: i32,
}

/// 64 indices in a row.
#[derive(Debug)]
struct Page {
    /// Bit `n`: the stream of the page's index `n` is known.
    held: u64,
    /// Those of them that have not left.
    shown: u64,
    streams: [Stream; 64],
}

/// One stream of one entity, as this client knows it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stream {
    pub(super) generation: u16,
    /// The snapshot that ended its visibility. It is kept for a while: late datagrams may build on it, or try to revive it.
    pub(super) left: Option<Tick>,
    /// When it had left before, and when it was back, the last time first: what is shown between snapshots may lie before that.
    absences: [Option<(Tick, Tick)>; 2],
    /// By ascending tick.
    versions: Ring,
}

/// Versions of a stream around a tick, each with the tick of the snapshot that brought it: of the same stay in view.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    streams: &'a Streams,
    stream: &'a Stream,
    /// The newest of the tick or before.
    n: usize,
}

impl<'a> Around<'a> {
    /// The newest of the tick or before.
    pub(super) fn last(&self) -> (Tick, VersionRef<'a>) {
        self.at(self.n)
    }

    /// The first after the tick.
    pub(super) fn next(&self) -> Option<(Tick, VersionRef<'a>)> {
        let n = self.n + 1;
        let next = (n < self.stream.versions.len()).then(|| self.at(n));
        next.filter(|(tick, _)| self.is_of_this_stay(*tick))
    }

    /// Those before the last, newest first.
    pub(super) fn earlier(&self) -> impl Iterator<Item = (Tick, VersionRef<'a>)> {
        (0..self.n).rev().map(|n| self.at(n)).take_while(|(tick, _)| self.is_of_this_stay(*tick))
    }

    /// Those after the tick, oldest first.
    pub(super) fn later(&self) -> impl Iterator<Item = (Tick, VersionRef<'a>)> {
        let all = self.n + 1..self.stream.versions.len();
        all.map(|n| self.at(n)).take_while(|(tick, _)| self.is_of_this_stay(*tick))
    }

    fn at(&self, n: usize) -> (Tick, VersionRef<'a>) {
        let (Streams { pool, .. }, Stream { versions, .. }) = (self.streams, self.stream);
        (pool.head(versions, n).tick, pool.version(versions, n))
    }

    fn is_of_this_stay(&self, tick: Tick) -> bool {
        !self.stream.has_been_away() || !self.stream.was_away_between(tick, self.last().0)
    }
}

/// Versions held of a stream at most, of a tick each: all that were the state in the ticks that a server may name, or that began
/// since then.
const VERSIONS_MAX: usize = VersionPool::RING_MAX;
const _: () = assert!(VERSIONS_MAX > RecordsHead::BASELINE_TICKS_MAX as usize);
/// Baselines never go back, but a datagram that was overtaken by this many ticks may still build on an older one.
/// Half of it is how far the second baseline lies before the first.
const REORDER_TICKS: i32 = 64;

impl Stream {
    /// Whether it was visible at the end of `tick`, if there is a version of then.
    pub(super) fn is_visible_at(&self, tick: Tick) -> bool {
        let is_over = |from: Tick| !from.is_newer_than(tick);
        let is_within = |(left, back): &(Tick, Tick)| is_over(*left) && back.is_newer_than(tick);
        let was_away = self.has_been_away() && self.absences.iter().flatten().any(is_within);
        !was_away && !self.left.is_some_and(is_over)
    }

    /// Whether there is an absence that is remembered: few have any.
    const fn has_been_away(&self) -> bool {
        self.absences[0].is_some()
    }

    /// Whether it left and came back between two ticks, whichever comes first.
    fn was_away_between(&self, a: Tick, b: Tick) -> bool {
        self.absences.iter().flatten().any(|(_, back)| back.is_newer_than(a) != back.is_newer_than(b))
    }

    /// It was away from the first tick to the second. Of three absences of the last `keep_ticks`, the first two count as one:
    /// something may rather be missing for a moment than be shown where it is no longer.
    fn note_absence(&mut self, left: Tick, back: Tick, keep_ticks: i32) {
        let before = match self.absences {
            [Some((_, last)), Some((first, older))] if back.since(older) <= keep_ticks => Some((first, last)),
            [last, _] => last,
        };
        self.absences = [Some((left, back)), before];
    }
}

impl Streams {
    pub(super) fn new(layout: &StreamLayout) -> Self {
        let pool = VersionPool::new(layout.lane_count(layout.full_mask()));
        Self { directory: Vec::new(), pages: Vec::new(), free: Vec::new(), pool, keep_ticks: REORDER_TICKS }
    }

    /// What it holds: as many streams as have an index, and of each so many versions, in rings that may double to hold them.
    pub(super) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        let indices = NetId::INDEX_MAX as usize + 1;
        see(Buffer { name: "pages of streams", len: self.pages.len(), max: indices.div_ceil(64) });
        let versions = self.iter_held().map(|(_, stream)| stream.versions.len()).max().unwrap_or(0);
        see(Buffer { name: "versions of a stream", len: versions, max: VERSIONS_MAX });
    }

    /// From now on keeps versions for at least so many ticks: as far back as something may be shown.
    pub(super) fn keep_for(&mut self, ticks: i32) {
        self.keep_ticks = ticks.max(REORDER_TICKS);
    }

    /// What is known of one stream.
    pub(super) fn at(&self, index: u32) -> Option<&Stream> {
        let page = self.page(index)?;
        (page.held >> (index % 64) & 1 != 0).then(|| &page.streams[index as usize % 64])
    }

    /// The same if it is visible now.
    pub(super) fn shown(&self, index: u32) -> Option<&Stream> {
        let page = self.page(index)?;
        (page.shown >> (index % 64) & 1 != 0).then(|| &page.streams[index as usize % 64])
    }

    /// All that are visible now, by ascending index.
    pub(super) fn iter_shown(&self) -> impl Iterator<Item = (u32, &Stream)> {
        self.iter_by(|page| page.shown)
    }

    /// All that are known, by ascending index.
    pub(super) fn iter_held(&self) -> impl Iterator<Item = (u32, &Stream)> {
        self.iter_by(|page| page.held)
    }

    /// How many are visible now.
    pub(super) fn shown_count(&self) -> usize {
        self.iter_pages().map(|(_, page)| page.shown.count_ones() as usize).sum()
    }

    /// How many are known: those shown, and for a while those that left.
    pub(super) fn held_count(&self) -> usize {
        self.iter_pages().map(|(_, page)| page.held.count_ones() as usize).sum()
    }

    /// The newest version of a stream, if any came.
    pub(super) fn newest(&self, stream: &Stream) -> Option<(VersionHead, VersionRef<'_>)> {
        let n = stream.versions.len().checked_sub(1)?;
        Some((*self.pool.head(&stream.versions, n), self.pool.version(&stream.versions, n)))
    }

    /// Its state as of `tick`: the newest version of then or before.
    pub(super) fn as_of(&self, stream: &Stream, tick: Tick) -> Option<VersionRef<'_>> {
        let n = self.pool.find(&stream.versions, tick)?;
        Some(self.pool.version(&stream.versions, n))
    }

    /// Its versions around `tick`, if there is one of then or before.
    pub(super) fn around<'a>(&'a self, stream: &'a Stream, tick: Tick) -> Option<Around<'a>> {
        let n = self.pool.find(&stream.versions, tick)?;
        Some(Around { streams: self, stream, n })
    }

    /// The sum over all that are shown in one audit bucket, of what they are now: what was their hash when they came says
    /// nothing of what has become of them.
    pub(super) fn audit(&self, audience: Audience, bucket: u8) -> Checksum {
        let mut sum = Checksum::default();
        for (first, page) in self.iter_pages().filter(|(_, page)| page.shown >> bucket & 1 != 0) {
            let stream = &page.streams[usize::from(bucket)];
            let id = NetId { index: first + u32::from(bucket), generation: stream.generation };
            if let Some((_, VersionRef { mask, lanes })) = self.newest(stream) {
                sum.add(version_hash(id, audience, mask, lanes));
            }
        }
        sum
    }

    /// Forgets a stream, if it is known, and begins it anew.
    pub(super) fn renew(&mut self, index: u32, generation: u16, left: Option<Tick>) {
        let page = self.page_mut(index);
        let mut old = std::mem::replace(
            &mut page.streams[index as usize % 64],
            Stream { generation, left, absences: [None; 2], versions: Ring::default() },
        );
        page.held |= 1 << (index % 64);
        page.shown &= !(1 << (index % 64));
        self.pool.release(&mut old.versions);
    }

    /// A known stream is not visible any more in the snapshot of `tick`.
    pub(super) fn leave(&mut self, index: u32, tick: Tick) {
        let page = self.page_mut(index);
        page.streams[index as usize % 64].left = Some(tick);
        set_bit(&mut page.shown, index % 64, false);
    }

    /// A known stream is visible in the snapshot of `tick`; if it had left, it is again.
    pub(super) fn come_back(&mut self, index: u32, tick: Tick) {
        let keep_ticks = self.keep_ticks;
        let page = self.page_mut(index);
        let stream = &mut page.streams[index as usize % 64];
        if let Some(left) = stream.left.take() {
            stream.note_absence(left, tick, keep_ticks);
            set_bit(&mut page.shown, index % 64, !stream.versions.is_empty());
        }
    }

    /// Keeps a version of a known stream, also one too old to be shown: the server may build on it. What is older than the
    /// state as of `baseline` on which it was built can soon be forgotten.
    pub(super) fn keep(&mut self, index: u32, head: VersionHead, lanes: &[u32], baseline: Option<Tick>) {
        let at = self.place_of(index);
        let Self { pages, pool, keep_ticks, .. } = self;
        let page = &mut pages[at];
        let Stream { versions, left, .. } = &mut page.streams[index as usize % 64];
        if versions.len() == VERSIONS_MAX {
            if pool.head(versions, 0).tick.is_newer_than(head.tick) {
                // The server builds on newer ones, of which more are held than it may name.
                return;
            }
            pool.forget_oldest(versions);
        }
        // Only when room is wanted: many at once lie side by side in memory, and one each time would be far from all else.
        if let Some(baseline) = baseline.filter(|_| versions.is_full()) {
            while versions.len() > 1 && baseline.since(pool.head(versions, 1).tick) >= *keep_ticks {
                pool.forget_oldest(versions);
            }
        }
        match pool.find(versions, head.tick) {
            Some(n) if pool.head(versions, n).tick == head.tick => pool.set(versions, n, head, lanes),
            Some(n) if n + 1 == versions.len() => pool.push(versions, head, lanes),
            older => pool.insert(versions, older.map_or(0, |n| n + 1), head, lanes),
        }
        set_bit(&mut page.shown, index % 64, left.is_none());
    }

    /// Forgets all but the newest version of each stream that is shown.
    pub(super) fn collapse(&mut self) {
        self.retain(|_, stream| stream.left.is_none());
        for at in self.directory.iter().filter_map(|at| at.checked_sub(1)) {
            let page = &mut self.pages[at as usize];
            for bit in bits(page.held) {
                let versions = &mut page.streams[bit as usize].versions;
                while versions.len() > 1 {
                    self.pool.forget_oldest(versions);
                }
            }
        }
    }

    /// Forgets those for which `keep` does not hold.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(u32, &Stream) -> bool) {
        for (n, at) in self.directory.iter_mut().enumerate().filter(|(_, at)| **at != 0) {
            let page = &mut self.pages[*at as usize - 1];
            for bit in bits(page.held) {
                let stream = &mut page.streams[bit as usize];
                if !keep(n as u32 * 64 + bit, stream) {
                    self.pool.release(&mut stream.versions);
                    page.held &= !(1 << bit);
                    page.shown &= !(1 << bit);
                }
            }
            if page.held == 0 {
                self.free.push(*at - 1);
                *at = 0;
            }
        }
    }

    /// Flips a bit in every version of a stream, as failing memory would: their hashes stay what they were.
    #[cfg(test)]
    pub(super) fn corrupt(&mut self, index: u32) {
        let versions = self.at(index).expect("the stream is known").versions;
        for n in 0..versions.len() {
            let (head, mut lanes) = (*self.pool.head(&versions, n), self.pool.version(&versions, n).lanes.to_vec());
            lanes[0] ^= 1;
            self.pool.set(&versions, n, head, &lanes);
        }
    }

    /// The streams of which each page has the bits that `word` gives.
    fn iter_by(&self, word: impl Fn(&Page) -> u64) -> impl Iterator<Item = (u32, &Stream)> {
        let mut pages = self.directory.iter().enumerate();
        let (mut first, mut streams, mut left) = (0, &[][..], 0);
        std::iter::from_fn(move || {
            while left == 0 {
                let (n, at) = pages.next()?;
                if let Some(page) = self.pages.get((*at as usize).wrapping_sub(1)) {
                    (first, streams, left) = (n as u32 * 64, &page.streams[..], word(page));
                }
            }
            let bit: u32 = left.trailing_zeros();
            left &= left - 1;
            Some((first + bit, &streams[bit as usize]))
        })
    }

    fn iter_pages(&self) -> impl Iterator<Item = (u32, &Page)> {
        let held = self.directory.iter().enumerate().filter(|(_, at)| **at != 0);
        held.map(|(n, at)| (n as u32 * 64, &self.pages[*at as usize - 1]))
    }

    fn page(&self, index: u32) -> Option<&Page> {
        let at = self.directory.get(index as usize / 64)?.checked_sub(1)?;
        Some(&self.pages[at as usize])
    }

    fn page_mut(&mut self, index: u32) -> &mut Page {
        let at = self.place_of(index);
        &mut self.pages[at]
    }

    /// Where the page of an index lies, which is made if there is none.
    fn place_of(&mut self, index: u32) -> usize {
        let n = index as usize / 64;
        if self.directory.len() <= n {
            self.directory.resize(n + 1, 0);
        }
        if self.directory[n] == 0 {
            let at = self.free.pop().unwrap_or_else(|| {
                self.pages.push(Page { held: 0, shown: 0, streams: [Stream::default(); 64] });
                self.pages.len() as u32 - 1
            });
            self.directory[n] = at + 1;
        }
        self.directory[n] as usize - 1
    }
}

/// The bits that are set, from the lowest.
fn bits(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros())?;
        word &= word - 1;
        Some(bit)
    })
}

const fn set_bit(word: &mut u64, bit: u32, value: bool) {
    *word = *word & !(1 << bit) | (value as u64) << bit;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidelock::state::{Input, Replicate, Schema};

    #[derive(Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Level(#[field(range(0..=1_000_000))] u32);

    impl Input for Level {
        fn clear_one_shots(&mut self) {}
    }

    /// A stream of which versions of these ticks came one after the other, each against what was the state in tick 100.
    fn streams(ticks: impl Iterator<Item = u32>) -> Streams {
        let schema = Schema::builder("levels").component::<Level>(Audience::Public).input::<Level>().build().unwrap();
        let mut streams = Streams::new(schema.stream(Audience::Public));
        streams.renew(0, 0, None);
        for tick in ticks {
            streams.keep(0, VersionHead::new(Tick(tick), 1, 0), &[tick], Some(Tick(100)));
        }
        streams
    }

    /// Which version is taken for the state as of a tick.
    fn as_of(streams: &Streams, tick: u32) -> Option<u32> {
        Some(streams.as_of(streams.at(0)?, Tick(tick))?.lanes[0])
    }

    #[test]
    fn all_that_a_server_may_name_is_held_whatever_came_since() {
        let now = 100 + RecordsHead::BASELINE_TICKS_MAX;
        assert_eq!(as_of(&streams((90..now).step_by(1)), 100), Some(100));
        assert_eq!(as_of(&streams([20].into_iter().chain(101..now)), 100), Some(20));
    }

    #[test]
    fn what_is_older_than_all_of_very_many_versions_is_never_taken_for_what_was_forgotten() {
        let streams = streams((1_000..3_000).chain([1_500]));
        assert_eq!((as_of(&streams, 2_000), as_of(&streams, 2_999)), (None, Some(2_999)));
    }
}
