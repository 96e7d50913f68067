use super::ghosts::Ghosts;
use super::past::Hole;
use crate::engine::history::History;
use crate::engine::marks::{MarkedWord, Marks, bits};
use crate::engine::record_tables::RecordTables;
use crate::engine::stream_table::StreamTable;
use tidelock::Tick;
use tidelock::state::Checksum;
use tidelock::wire::{GhostId, RecordsHead};

/// The streams of one audience in one client's view.
#[derive(Debug, Default)]
pub(crate) struct Part {
    words: Vec<Word>,
    /// Of each visible stream, by ascending index.
    ghosts: Vec<GhostId>,
    /// Whether they ascend, too.
    is_sorted: bool,
    /// Streams that were exceptions not long ago, by ascending index.
    settled: Vec<Settled>,
    /// By ascending index.
    pub(super) exceptions: Vec<Exception>,
    /// By ascending index.
    pub(super) leaving: Vec<Leaving>,
    /// What is due in the snapshot now written and is no exception, by ascending index.
    pub(crate) due: Vec<DueWord>,
    /// What else is due, by ascending index.
    pub(crate) extras: Vec<Extra>,
    /// The words and ghosts before the last update, for their memory.
    previous: (Vec<Word>, Vec<GhostId>),
}

/// 64 streams side by side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Word {
    pub(super) at: u32,
    /// How many streams are visible in the words before.
    first: u32,
    pub(super) visible: u64,
    /// Those of the visible that are exceptions.
    pub(super) excepted: u64,
    /// Those that are among the settled.
    settled: u64,
    /// Whether its ghosts lie side by side, in the order of their streams.
    is_in_order: bool,
    /// Those that it may not hold as of the second baseline; only while it is found out what is due.
    young: u64,
}

/// A stream that is no exception any more: the client may not hold it as of bases before `since`.
#[derive(Clone, Copy, Debug)]
struct Settled {
    index: u32,
    since: Tick,
}

/// A visible stream of which it does not hold what [`Views`](super::Views) says of all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exception {
    pub(super) index: u32,
    /// The fate of what was sent before says nothing of it.
    pub(super) since: Tick,
    /// The newest snapshot with this stream that the client acknowledged.
    pub(super) baseline: Option<Tick>,
    /// All versions up to this tick have been sent, and are not lost.
    pub(super) sent: Option<Tick>,
    /// The newest tick as of which it may not have been sent, as it waited, or was lost: the base must have come that far
    /// before it holds of this stream what it holds of all.
    pub(super) gap: Tick,
    /// Snapshots for which it waited because others went first.
    pub(super) waited: u16,
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

/// Streams of one word that are due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DueWord {
    pub(crate) at: u32,
    /// Its place among the words that are visible.
    n: u32,
    pub(crate) bits: u64,
}

/// The ghosts of a word's visible streams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WordGhosts<'a> {
    visible: u64,
    is_in_order: bool,
    ghosts: &'a [GhostId],
}

/// A record that is due besides those against the base.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extra {
    pub(crate) index: u32,
    pub(crate) kind: ExtraKind,
    /// Snapshots for which it waited.
    pub(crate) waited: u16,
    /// It waits for another.
    is_put_off: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExtraKind {
    /// Against a tick, or in full.
    Record(Option<Tick>),
    Leave {
        despawned: bool,
    },
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
        WordGhosts { visible: word.visible, is_in_order: word.is_in_order, ghosts: word.ghosts(&self.ghosts) }
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
        let (mut words, mut ghosts) = std::mem::take(&mut self.previous);
        words.clear();
        ghosts.clear();
        words.extend_from_slice(&self.words[..same]);
        ghosts.extend_from_slice(
            &self.ghosts[..self.words.get(same).map_or(self.ghosts.len(), |word| word.first as usize)],
        );
        std::mem::swap(&mut self.words, &mut words);
        std::mem::swap(&mut self.ghosts, &mut ghosts);
        let mut old = words[same..].iter().copied().peekable();
        for (at, marked) in marked {
            while let Some(word) = old.next_if(|word| word.at < at) {
                self.leave(word, word.visible, &ghosts, history, now);
            }
            let before = old.next_if(|word| word.at == at).unwrap_or(Word { at, ..Word::default() });
            let visible = before.visible_as(marked);
            let mut word = Word { first: self.ghosts.len() as u32, visible, ..before };
            if visible == before.visible {
                self.ghosts.extend_from_slice(before.ghosts(&ghosts));
            } else {
                self.leave(before, before.visible & !visible, &ghosts, history, now);
                for bit in bits(visible) {
                    let ghost = match before.ghost(bit, &ghosts) {
                        Some(ghost) => ghost,
                        None => self.enter(at * 64 + bit, numbers, &ghost_of, history, now),
                    };
                    self.ghosts.push(ghost);
                }
                word.excepted = visible & (before.excepted | !before.visible);
                word.settled &= visible & before.visible;
                let ghosts = &self.ghosts[word.first as usize..];
                word.is_in_order = ghosts.windows(2).all(|two| two[0] + 1 == two[1]);
            }
            if visible != 0 {
                self.words.push(word);
            }
        }
        old.for_each(|word| self.leave(word, word.visible, &ghosts, history, now));
        self.previous = (words, ghosts);
        self.is_sorted = self.ghosts.is_sorted();
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

    /// Lists what is due in the snapshot of `now`, `ticks` after the one before, and tells what records that takes: the
    /// baselines, word, streams of the word.
    pub(super) fn collect(
        &mut self,
        streams: &StreamTable,
        (base, second): (Option<Tick>, Option<Tick>),
        holes: impl Iterator<Item = Hole>,
        (now, ticks): (Tick, u32),
        tables: &mut RecordTables,
    ) {
        let audience = streams.audience();
        self.due.clear();
        self.extras.clear();
        self.forget_settled(base);
        if let Some(second) = second {
            self.mark_young(second, holes);
        }
        let (mut table, mut any_young) = (None, false);
        for (n, word) in self.words.iter_mut().enumerate() {
            let changed = streams.changed(word.at, word.visible & !word.excepted, now, ticks);
            word.young &= changed;
            any_young |= word.young != 0;
            let changed = changed & !word.young;
            if changed != 0 {
                self.due.push(DueWord { at: word.at, n: n as u32, bits: changed });
                let table = *table.get_or_insert_with(|| tables.table_at(audience, (base, second)));
                tables.need(table, word.at, changed);
            }
        }
        let mut need = |baseline, index: u32| {
            let table = tables.table_at(audience, (baseline, None));
            tables.need(table, index / 64, 1 << (index % 64));
        };
        let mut leaving = self.leaving.iter().filter(|leaving| leaving.sent.is_none()).peekable();
        let leave = |leaving: &Leaving| Extra {
            index: leaving.index,
            kind: ExtraKind::Leave { despawned: leaving.despawned },
            waited: 0,
            is_put_off: false,
        };
        for exception in &mut self.exceptions {
            let index = exception.index;
            if exception.sent.is_some_and(|sent| !streams.newest_tick(index).is_newer_than(sent)) {
                continue;
            }
            while let Some(leaving) = leaving.next_if(|leaving| leaving.index < index) {
                self.extras.push(leave(leaving));
            }
            // Where the base does as well, the record is everybody's.
            if exception.holds(base, streams) {
                exception.baseline = base;
            }
            let baseline = exception.baseline;
            let kind = ExtraKind::Record(baseline);
            self.extras.push(Extra { index, kind, waited: exception.waited, is_put_off: false });
            need(baseline, index);
        }
        self.extras.extend(leaving.map(leave));
        if any_young {
            for word in &mut self.words {
                for index in bits(std::mem::take(&mut word.young)).map(|bit| word.at * 64 + bit) {
                    need(base, index);
                    self.extras.push(Extra { index, kind: ExtraKind::Record(base), waited: 0, is_put_off: false });
                }
            }
            self.extras.sort_unstable_by_key(|extra| extra.index);
        }
    }

    /// Marks what the client may not hold as of the second baseline.
    fn mark_young(&mut self, second: Tick, holes: impl Iterator<Item = Hole>) {
        for hole in holes {
            if let Some(word) = self.word_mut(hole.at) {
                word.young |= hole.bits;
            }
        }
        let Self { settled, words, .. } = self;
        for settled in settled.iter().filter(|settled| settled.since.is_newer_than(second)) {
            if let Ok(n) = words.binary_search_by_key(&(settled.index / 64), |word| word.at) {
                words[n].young |= words[n].settled & 1 << (settled.index % 64);
            }
        }
    }

    pub(super) fn put_off(
        &mut self,
        indices: impl Iterator<Item = u32>,
        base: Option<Tick>,
        (considered, now): (Tick, Tick),
    ) {
        let Self { words, exceptions, due, extras, .. } = self;
        let (mut due_at, mut extra_at, mut exception_at) = (0, 0, 0);
        let excepted = exceptions.len();
        for index in indices {
            extra_at += extras[extra_at..].partition_point(|extra| extra.index < index);
            if let Some(extra) = extras.get_mut(extra_at).filter(|extra| extra.index == index) {
                extra.is_put_off = true;
                if matches!(extra.kind, ExtraKind::Leave { .. }) {
                    continue;
                }
                exception_at += exceptions[exception_at..excepted].partition_point(|other| other.index < index);
                if let Some(exception) = exceptions[..excepted].get_mut(exception_at).filter(|e| e.index == index) {
                    (exception.waited, exception.gap) = (exception.waited.saturating_add(1), now);
                    continue;
                }
            } else {
                due_at += due[due_at..].partition_point(|word| word.at < index / 64);
                due[due_at].bits &= !(1 << (index % 64));
            }
            if let Ok(at) = words.binary_search_by_key(&(index / 64), |word| word.at) {
                words[at].excepted |= 1 << (index % 64);
            }
            let since = base.unwrap_or(considered);
            exceptions.push(Exception { index, since, baseline: base, sent: Some(considered), gap: now, waited: 1 });
        }
        if exceptions.len() > excepted {
            exceptions.sort_unstable_by_key(|exception| exception.index);
        }
        due.retain(|word| word.bits != 0);
        extras.retain(|extra| !extra.is_put_off);
    }

    pub(super) fn on_sent(&mut self, now: Tick) {
        for extra in &self.extras {
            match extra.kind {
                ExtraKind::Record(_) => {
                    if let Ok(at) = self.exceptions.binary_search_by_key(&extra.index, |exception| exception.index) {
                        (self.exceptions[at].sent, self.exceptions[at].waited) = (Some(now), 0);
                    }
                }
                ExtraKind::Leave { .. } => {
                    if let Ok(at) = self.leaving.binary_search_by_key(&extra.index, |leaving| leaving.index) {
                        self.leaving[at].sent = Some(now);
                    }
                }
            }
        }
    }

    pub(super) fn forget_baselines(&mut self, next: Tick) {
        self.exceptions.clear();
        self.settled.clear();
        for word in &mut self.words {
            word.excepted = word.visible;
            word.settled = 0;
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
                words[n].settled |= 1 << (exception.index % 64);
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
    fn forget_settled(&mut self, base: Option<Tick>) {
        let Self { settled, words, .. } = self;
        settled.retain(|settled| {
            let is_young = base.is_some_and(|base| base.since(settled.since) <= RecordsHead::SECOND_TICKS_MAX as i32);
            if !is_young && let Ok(n) = words.binary_search_by_key(&(settled.index / 64), |word| word.at) {
                words[n].settled &= !(1 << (settled.index % 64));
            }
            is_young
        });
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

impl Word {
    /// What is visible of it now that so much is marked.
    const fn visible_as(self, marked: MarkedWord) -> u64 {
        marked.may_enter | self.visible & marked.may_stay
    }

    const fn stays_as(self, marked: MarkedWord) -> bool {
        self.visible_as(marked) == self.visible
    }

    /// The ghosts of its visible streams, which lie among those of all words.
    fn ghosts(self, all: &[GhostId]) -> &[GhostId] {
        &all[self.first as usize..][..self.visible.count_ones() as usize]
    }

    /// The ghost of one of its streams, if that is visible.
    #[inline]
    fn ghost(self, bit: u32, all: &[GhostId]) -> Option<GhostId> {
        let rank = (self.visible & ((1 << bit) - 1)).count_ones();
        (self.visible >> bit & 1 != 0).then(|| all[(self.first + rank) as usize])
    }
}

impl WordGhosts<'_> {
    /// The ghost of a stream that is visible.
    #[inline]
    pub(crate) fn of(self, bit: u32) -> GhostId {
        self.ghosts[(self.visible & ((1 << bit) - 1)).count_ones() as usize]
    }

    /// Gives those of some of the visible streams to `sink`.
    #[inline]
    pub(crate) fn each_of(self, streams: u64, mut sink: impl FnMut(GhostId)) {
        if streams == self.visible {
            self.ghosts.iter().for_each(|ghost| sink(*ghost));
        } else {
            bits(streams).for_each(|bit| sink(self.of(bit)));
        }
    }

    /// If ghosts go up with their streams' bits: the one that bit 0 has, or would have.
    #[inline]
    pub(crate) fn in_a_row(self) -> Option<GhostId> {
        let first = self.visible.trailing_zeros();
        let ones = self.visible >> first;
        (self.is_in_order && ones & ones.wrapping_add(1) == 0).then(|| self.ghosts[0].wrapping_sub(first))
    }
}

impl Exception {
    /// Nothing is known to be held of it, and nothing was sent that counts.
    pub(super) const fn new(index: u32, since: Tick) -> Self {
        Self { index, since, baseline: None, sent: None, gap: since, waited: 0 }
    }

    /// Whether the client holds the state as of `base`, and would find it under that tick.
    pub(super) fn holds(&self, base: Option<Tick>, streams: &StreamTable) -> bool {
        let Some((baseline, base)) = self.baseline.zip(base) else { return false };
        baseline == base
            || (base.is_newer_than(baseline)
                && streams.head_at(self.index, base).is_some_and(|state| !state.tick.is_newer_than(baseline)))
    }

    fn was_sent_up_to(&self, considered: Tick, streams: &StreamTable) -> bool {
        self.sent.is_some_and(|sent| {
            let state = streams.head_at(self.index, considered);
            !considered.is_newer_than(sent) || state.is_some_and(|state| !state.tick.is_newer_than(sent))
        })
    }
}
