use crate::engine::history::History;
use crate::engine::marks::{Marks, bits};
use crate::engine::stream_table::StreamTable;
use tidelock::Tick;
use tidelock::state::Checksum;
use tidelock::wire::RecordList;

/// The streams of one audience in one client's view.
#[derive(Debug, Default)]
pub(crate) struct Part {
    words: Vec<Word>,
    /// By ascending index.
    pub(super) exceptions: Vec<Exception>,
    /// By ascending index.
    pub(super) leaving: Vec<Leaving>,
    /// What is due in the snapshot now written and is no exception, by ascending index.
    pub(crate) due: Vec<DueWord>,
    /// What else is due, by ascending index.
    pub(crate) extras: Vec<Extra>,
    /// The words before the last update, for their memory.
    previous: Vec<Word>,
}

/// 64 streams side by side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Word {
    pub(super) at: u32,
    pub(super) visible: u64,
    /// Those of the visible that are exceptions.
    pub(super) excepted: u64,
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
    pub(crate) bits: u64,
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

    pub(super) fn update(&mut self, marks: &mut Marks, history: &mut History, now: Tick) {
        for leaving in &mut self.leaving {
            let despawned = !history.slot(leaving.index).is_alive();
            if despawned != leaving.despawned {
                (leaving.despawned, leaving.sent) = (despawned, None);
            }
        }
        std::mem::swap(&mut self.words, &mut self.previous);
        self.words.clear();
        let previous = std::mem::take(&mut self.previous);
        let mut old = previous.iter().copied().peekable();
        for (at, marked) in marks.drain() {
            while let Some(word) = old.next_if(|word| word.at < at) {
                self.leave(word, word.visible, history, now);
            }
            let mut word = old.next_if(|word| word.at == at).unwrap_or(Word { at, ..Word::default() });
            let visible = marked.may_enter | word.visible & marked.may_stay;
            if visible != word.visible {
                self.leave(word, word.visible & !visible, history, now);
                self.enter(at, visible & !word.visible, history, now);
                word.excepted = visible & (word.excepted | !word.visible);
                word.visible = visible;
            }
            if visible != 0 {
                self.words.push(word);
            }
        }
        old.for_each(|word| self.leave(word, word.visible, history, now));
        self.previous = previous;
    }

    /// For how long the longest has been leaving.
    pub(super) fn leaving_ticks(&self, now: Tick) -> u32 {
        self.leaving.iter().map(|leaving| now.since(leaving.since).cast_unsigned()).max().unwrap_or(0)
    }

    /// Lists what is due in the snapshot of `now`, `ticks` after the one before, and tells what records that takes:
    /// baseline, word, streams of the word.
    pub(super) fn collect(
        &mut self,
        streams: &StreamTable,
        base: Option<Tick>,
        now: Tick,
        ticks: u32,
        mut need: impl FnMut(Option<Tick>, u32, u64),
    ) {
        self.due.clear();
        self.extras.clear();
        for word in &self.words {
            let bits = streams.changed(word.at, word.visible & !word.excepted, now, ticks);
            if bits != 0 {
                self.due.push(DueWord { at: word.at, bits });
                need(base, word.at, bits);
            }
        }
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
            need(baseline, index / 64, 1 << (index % 64));
        }
        self.extras.extend(leaving.map(leave));
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
                exception_at += exceptions[exception_at..excepted].partition_point(|other| other.index < index);
                if let Some(exception) = exceptions[..excepted].get_mut(exception_at).filter(|e| e.index == index) {
                    (exception.waited, exception.gap) = (exception.waited.saturating_add(1), now);
                }
                continue;
            }
            due_at += due[due_at..].partition_point(|word| word.at < index / 64);
            due[due_at].bits &= !(1 << (index % 64));
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

    /// The order of the code of distances that suits what is due.
    pub(crate) fn gap_order(&self) -> u32 {
        let count: u32 = self.due.iter().map(|word| word.bits.count_ones()).sum();
        let last_due = self.due.last().map_or(0, |word| word.at * 64 + 63 - word.bits.leading_zeros());
        let last_extra = self.extras.last().map_or(0, |extra| extra.index);
        RecordList::order_for(count + self.extras.len() as u32, last_due.max(last_extra))
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
        let Self { exceptions, words, .. } = self;
        exceptions.retain(|exception| {
            let is_as_all = base.is_some_and(|base| !exception.gap.is_newer_than(base))
                && exception.holds(base, streams)
                && exception.was_sent_up_to(considered, streams);
            let stays = !is_as_all;
            if !stays && let Ok(n) = words.binary_search_by_key(&(exception.index / 64), |word| word.at) {
                words[n].excepted &= !(1 << (exception.index % 64));
            }
            stays
        });
    }

    fn enter(&mut self, at: u32, entering: u64, history: &mut History, now: Tick) {
        for index in bits(entering).map(|bit| at * 64 + bit) {
            match self.leaving.binary_search_by_key(&index, |leaving| leaving.index) {
                Ok(again) => drop(self.leaving.remove(again)),
                Err(_) => history.add_viewer(index),
            }
            let place = self.exceptions.partition_point(|exception| exception.index < index);
            self.exceptions.insert(place, Exception::new(index, now));
        }
    }

    fn leave(&mut self, word: Word, leaving: u64, history: &History, now: Tick) {
        for index in bits(leaving).map(|bit| word.at * 64 + bit) {
            if let Ok(at) = self.exceptions.binary_search_by_key(&index, |exception| exception.index) {
                self.exceptions.remove(at);
            }
            let despawned = !history.slot(index).is_alive();
            let place = self.leaving.partition_point(|leaving| leaving.index < index);
            let leaving = Leaving { index, despawned, since: now, valid_since: now, sent: None };
            self.leaving.insert(place, leaving);
        }
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
