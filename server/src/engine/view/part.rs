use super::due::{Extra, YoungWord};
use super::exception::{Exception, Settled};
use super::ghosts::Ghosts;
use super::word::{DueWord, Word, WordGhosts};
use crate::engine::history::History;
use crate::engine::marks::{Marks, bits};
use crate::engine::stream_table::StreamTable;
use tidelock::Tick;
use tidelock::state::Checksum;
use tidelock::wire::{GhostId, RecordsHead};

/// The streams of one audience in one client's view.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(super) words: Vec<Word>,
    /// Of each visible stream, by ascending index.
    ghosts: Vec<GhostId>,
    /// Whether they ascend, too.
    is_sorted: bool,
    /// Streams that were exceptions not long ago, by ascending index.
    pub(super) settled: Vec<Settled>,
    /// By ascending index.
    pub(super) exceptions: Vec<Exception>,
    /// By ascending index.
    pub(super) leaving: Vec<Leaving>,
    /// What is due in the snapshot now written and is no exception, by ascending index.
    pub(crate) due: Vec<DueWord>,
    /// What else is due, by ascending index.
    pub(crate) extras: Vec<Extra>,
    /// What does without the second baseline in the snapshot now written, by ascending word.
    pub(super) young: Vec<YoungWord>,
}

/// What is visible from an updated word on, before it is stored. Kept for its memory, by all clients together.
#[derive(Debug, Default)]
pub(crate) struct Renewed {
    words: Vec<Word>,
    ghosts: Vec<GhostId>,
}

/// A stream that the client is to forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaving {
    pub(super) index: u32,
    pub(super) ghost: GhostId,
    pub(super) despawned: bool,
    /// When it ceased to be visible.
    pub(super) since: Tick,
    /// Acks of what was sent before say nothing of it.
    pub(super) valid_since: Tick,
    /// The snapshot that says so, if it was sent and not lost.
    pub(super) sent: Option<Tick>,
}

/// Room for those that leave within a round trip.
const LEAVING_USUAL: usize = 16;

impl Part {
    /// How many streams are in it, those that leave included.
    pub(crate) fn len(&self) -> usize {
        self.words.iter().map(|word| word.visible.count_ones() as usize).sum::<usize>() + self.leaving.len()
    }

    /// What is visible, by ascending index.
    pub(crate) fn visible(&self) -> impl Iterator<Item = u32> {
        self.words.iter().flat_map(|word| bits(word.visible).map(|bit| word.at * 64 + bit))
    }

    /// The same, 64 streams at a time.
    pub(crate) fn visible_words(&self) -> impl Iterator<Item = (u32, u64)> {
        self.words.iter().map(|word| (word.at, word.visible))
    }

    /// Whether the ghosts of all visible streams go up with their indices.
    pub(crate) const fn is_sorted(&self) -> bool {
        self.is_sorted
    }

    /// The ghosts of a word that is due.
    #[inline]
    pub(crate) fn ghosts_in(&self, due: DueWord) -> WordGhosts<'_> {
        let word = self.words[due.n as usize];
        WordGhosts { visible: word.visible, is_in_order: word.is_in_order(), ghosts: word.ghosts(&self.ghosts) }
    }

    pub(crate) fn is_due(&self) -> bool {
        !self.due.is_empty() || !self.extras.is_empty()
    }

    /// The sum over all of one audit bucket that the client should hold when it has received all that was sent; `None` if
    /// something of it still waits to be sent.
    pub(crate) fn audit(&self, bucket: u8, streams: &StreamTable) -> Option<Checksum> {
        let in_bucket = |index: u32| index % 64 == u32::from(bucket);
        let waits = |exception: &Exception| {
            in_bucket(exception.index)
                && exception.sent.is_none_or(|sent| streams.newest_tick(exception.index).is_newer_than(sent))
        };
        if self.exceptions.iter().any(waits) || self.leaving.iter().any(|l| in_bucket(l.index) && l.sent.is_none()) {
            return None;
        }
        let mut sum = Checksum::default();
        for word in self.words.iter().filter(|word| word.visible >> bucket & 1 != 0) {
            sum.add(streams.newest_hash(word.at * 64 + u32::from(bucket)));
        }
        Some(sum)
    }

    /// Takes over what is marked. Of who enters, `ghost_of` tells the number that another stream of the entity gave it.
    pub(super) fn update(
        &mut self,
        marks: &mut Marks,
        numbers: &mut Ghosts,
        ghost_of: impl Fn(u32) -> Option<GhostId>,
        history: &mut History,
        renewed: &mut Renewed,
        now: Tick,
    ) {
        for leaving in &mut self.leaving {
            let despawned = !history.slot(leaving.index).is_alive();
            if despawned != leaving.despawned {
                (leaving.despawned, leaving.sent) = (despawned, None);
            }
        }
        let mut marked = marks.drain().peekable();
        let mut same = 0;
        while let Some(word) = self.words.get(same)
            && marked.next_if(|(at, marked)| *at == word.at && word.stays_as(*marked)).is_some()
        {
            same += 1;
        }
        if same == self.words.len() && marked.peek().is_none() {
            return;
        }
        let (mut words, mut ghosts) = (std::mem::take(&mut self.words), std::mem::take(&mut self.ghosts));
        let same_ghosts = words.get(same).map_or(ghosts.len(), |word| word.first());
        renewed.words.clear();
        renewed.ghosts.clear();
        let mut old = words[same..].iter().copied().peekable();
        for (at, marked) in marked {
            while let Some(word) = old.next_if(|word| word.at < at) {
                self.leave(word, word.visible, &ghosts, history, now);
            }
            let before = old.next_if(|word| word.at == at).unwrap_or(Word { at, ..Word::default() });
            let visible = before.visible_as(marked);
            let mut word = Word { visible, ..before };
            if visible == before.visible {
                renewed.ghosts.extend_from_slice(before.ghosts(&ghosts));
            } else {
                self.leave(before, before.visible & !visible, &ghosts, history, now);
                for bit in bits(visible) {
                    let ghost = match before.ghost(bit, &ghosts) {
                        Some(ghost) => ghost,
                        None => self.enter(at * 64 + bit, numbers, &ghost_of, history, now),
                    };
                    renewed.ghosts.push(ghost);
                }
                word.excepted = visible & (before.excepted | !before.visible);
            }
            renewed.words.extend((visible != 0).then_some(word));
        }
        old.for_each(|word| self.leave(word, word.visible, &ghosts, history, now));
        words.truncate(same);
        ghosts.truncate(same_ghosts);
        let mut from = renewed.ghosts.as_slice();
        for mut word in renewed.words.drain(..) {
            let (its, others) = from.split_at(word.visible.count_ones() as usize);
            ghosts.extend_from_slice(its);
            word.put(&ghosts);
            words.push(word);
            from = others;
        }
        self.is_sorted = ghosts.is_sorted();
        (self.words, self.ghosts) = (words, ghosts);
    }

    /// The ghost of a stream that is visible.
    pub(super) fn ghost_of(&self, index: u32) -> Option<GhostId> {
        let at = self.words.binary_search_by_key(&(index / 64), |word| word.at).ok()?;
        self.words[at].ghost(index % 64, &self.ghosts)
    }

    /// The ghost of a stream that is visible, or leaves.
    pub(crate) fn known_ghost_of(&self, index: u32) -> Option<GhostId> {
        let leaving = || {
            let at = self.leaving.binary_search_by_key(&index, |leaving| leaving.index).ok()?;
            Some(self.leaving[at].ghost)
        };
        self.ghost_of(index).or_else(leaving)
    }

    /// For how long the longest has been leaving.
    pub(super) fn leaving_ticks(&self, now: Tick) -> u32 {
        self.leaving.iter().map(|leaving| now.since(leaving.since).cast_unsigned()).max().unwrap_or(0)
    }

    pub(super) fn forget_baselines(&mut self, next: Tick) {
        self.exceptions.clear();
        self.settled.clear();
        for word in &mut self.words {
            word.excepted = word.visible;
            self.exceptions.extend(bits(word.visible).map(|bit| Exception::new(word.at * 64 + bit, next)));
        }
        for leaving in &mut self.leaving {
            (leaving.valid_since, leaving.sent) = (next, None);
        }
    }

    pub(super) fn clear(&mut self, history: &mut History, now: Tick) {
        self.visible().for_each(|index| history.remove_viewer(index, now));
        self.leaving.iter().for_each(|leaving| history.remove_viewer(leaving.index, now));
    }

    /// The word that a stream is in, if any stream of it is visible.
    pub(super) fn word_mut(&mut self, at: u32) -> Option<&mut Word> {
        let n = self.words.binary_search_by_key(&at, |word| word.at).ok()?;
        Some(&mut self.words[n])
    }

    /// A visible stream becomes an exception.
    pub(super) fn except(&mut self, exception: Exception) {
        let index = exception.index;
        if let Some(word) = self.word_mut(index / 64) {
            word.excepted |= 1 << (index % 64);
        }
        if let Err(at) = self.exceptions.binary_search_by_key(&index, |exception| exception.index) {
            self.exceptions.insert(at, exception);
        }
    }

    /// Exceptions of which everything holds that is said of all streams are none any more.
    pub(super) fn settle_exceptions(&mut self, base: Option<Tick>, considered: Tick, streams: &StreamTable) {
        let Self { exceptions, words, settled, .. } = self;
        let mut any = false;
        exceptions.retain(|exception| {
            let is_as_all = base.is_some_and(|base| !exception.gap.is_newer_than(base))
                && exception.holds(base, streams)
                && exception.was_sent_up_to(considered, streams);
            let stays = !is_as_all;
            if !stays && let Ok(n) = words.binary_search_by_key(&(exception.index / 64), |word| word.at) {
                words[n].excepted &= !(1 << (exception.index % 64));
                settled.extend(base.map(|since| Settled { index: exception.index, since }));
                any = true;
            }
            stays
        });
        if any {
            // Of one that settled twice the later time counts.
            settled.sort_unstable_by(|a, b| a.index.cmp(&b.index).then(b.since.since(a.since).cmp(&0)));
            settled.dedup_by_key(|settled| settled.index);
        }
    }

    /// Streams that have been no exceptions for as long as a second baseline can lie back are as all others.
    pub(super) fn forget_settled(&mut self, base: Option<Tick>) {
        let is_young = |since| base.is_some_and(|base| base.since(since) <= RecordsHead::SECOND_TICKS_MAX as i32);
        self.settled.retain(|settled| is_young(settled.since));
    }

    fn enter(
        &mut self,
        index: u32,
        numbers: &mut Ghosts,
        ghost_of: impl Fn(u32) -> Option<GhostId>,
        history: &mut History,
        now: Tick,
    ) -> GhostId {
        let place = self.exceptions.partition_point(|exception| exception.index < index);
        self.exceptions.insert(place, Exception::new(index, now));
        if let Ok(again) = self.leaving.binary_search_by_key(&index, |leaving| leaving.index) {
            return self.leaving.remove(again).ghost;
        }
        history.add_viewer(index);
        let Some(ghost) = ghost_of(index) else { return numbers.take(index) };
        numbers.share(ghost);
        ghost
    }

    fn leave(&mut self, word: Word, leaving: u64, ghosts: &[GhostId], history: &History, now: Tick) {
        if self.leaving.capacity() == 0 && leaving != 0 {
            self.leaving.reserve(LEAVING_USUAL);
        }
        for bit in bits(leaving) {
            let index = word.at * 64 + bit;
            if let Ok(at) = self.exceptions.binary_search_by_key(&index, |exception| exception.index) {
                self.exceptions.remove(at);
            }
            let Some(ghost) = word.ghost(bit, ghosts) else { continue };
            let despawned = !history.slot(index).is_alive();
            let place = self.leaving.partition_point(|leaving| leaving.index < index);
            let leaving = Leaving { index, ghost, despawned, since: now, valid_since: now, sent: None };
            self.leaving.insert(place, leaving);
        }
    }
}
