use std::collections::VecDeque;
use tidelock::Tick;
use tidelock::state::Audience;

/// The snapshot datagrams that a client was sent, for as long as their fate matters: which streams each one carried.
#[derive(Debug, Default)]
pub(crate) struct SnapshotsInFlight {
    /// By ascending sequence, and so by tick.
    datagrams: VecDeque<SentDatagram>,
    /// Of all datagrams, one after another.
    words: VecDeque<SentWord>,
    /// How many words there were before the first.
    words_before: u64,
    /// Whose fate was heard and not yet settled.
    pub(super) news: Vec<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct SentDatagram {
    sequence: u64,
    pub(super) tick: Tick,
    pub(super) state: State,
    begin: u64,
    end: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    InFlight,
    Acked,
    Lost,
}

/// 64 streams side by side, of which a datagram carried some.
#[derive(Clone, Copy, Debug)]
pub(super) struct SentWord {
    pub(super) bits: u64,
    pub(super) at: u32,
    pub(super) audience: Audience,
    /// Whether it told that they leave.
    pub(super) leave: bool,
}

impl SnapshotsInFlight {
    pub(super) fn open(&mut self, sequence: u64, tick: Tick) {
        let end = self.words_before + self.words.len() as u64;
        self.datagrams.push_back(SentDatagram { sequence, tick, state: State::InFlight, begin: end, end });
    }

    #[inline]
    pub(crate) fn note(&mut self, audience: Audience, index: u32, leave: bool) {
        let Some(datagram) = self.datagrams.back_mut() else { return };
        let (at, bit) = (index / 64, 1 << (index % 64));
        if datagram.end > datagram.begin
            && let Some(word) = self.words.back_mut()
            && (word.at, word.audience, word.leave) == (at, audience, leave)
        {
            word.bits |= bit;
            return;
        }
        datagram.end += 1;
        self.words.push_back(SentWord { bits: bit, at, audience, leave });
    }

    /// The same for streams of one word.
    pub(crate) fn note_word(&mut self, audience: Audience, at: u32, bits: u64) {
        let Some(datagram) = self.datagrams.back_mut() else { return };
        datagram.end += 1;
        self.words.push_back(SentWord { bits, at, audience, leave: false });
    }

    /// How many datagrams, words of them and fates that are not settled.
    pub(super) fn lens(&self) -> (usize, usize, usize) {
        (self.datagrams.len(), self.words.len(), self.news.len())
    }

    pub(super) fn clear(&mut self) {
        self.datagrams.clear();
        self.words_before += self.words.len() as u64;
        self.words.clear();
        self.news.clear();
    }

    /// The fate of a datagram is known, or is another than it was thought. It may be none of a snapshot.
    pub(super) fn on_fate(&mut self, sequence: u64, acked: bool) {
        if let Ok(at) = self.datagrams.binary_search_by_key(&sequence, |datagram| datagram.sequence) {
            self.datagrams[at].state = if acked { State::Acked } else { State::Lost };
            self.news.push(sequence);
        }
    }

    pub(super) fn datagram(&self, sequence: u64) -> Option<SentDatagram> {
        let at = self.datagrams.binary_search_by_key(&sequence, |datagram| datagram.sequence).ok()?;
        Some(self.datagrams[at])
    }

    /// By descending tick.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &SentDatagram> {
        self.datagrams.iter().rev()
    }

    /// Those of the ticks after `after`, by ascending tick.
    pub(super) fn after(&self, after: Tick) -> impl Iterator<Item = &SentDatagram> {
        let begin = self.datagrams.partition_point(|datagram| !datagram.tick.is_newer_than(after));
        self.datagrams.range(begin..)
    }

    /// Those of the ticks after `after` up to `up_to`.
    pub(super) fn between(&self, after: Tick, up_to: Tick) -> impl Iterator<Item = &SentDatagram> {
        let newest_first = self.newest_first().skip_while(move |datagram| datagram.tick.is_newer_than(up_to));
        newest_first.take_while(move |datagram| datagram.tick.is_newer_than(after))
    }

    /// What a datagram carried.
    pub(super) fn words(&self, datagram: &SentDatagram) -> impl Iterator<Item = &SentWord> {
        let [begin, end] = [datagram.begin, datagram.end].map(|word| (word - self.words_before) as usize);
        self.words.range(begin..end)
    }

    /// Which streams of a word a datagram carried.
    pub(super) fn bits(&self, datagram: &SentDatagram, audience: Audience, at: u32) -> u64 {
        let same = |word: &&SentWord| (word.at, word.audience, word.leave) == (at, audience, false);
        self.words(datagram).filter(same).fold(0, |bits, word| bits | word.bits)
    }

    /// Forgets those whose fate can matter no more: it is settled by `base`, or they are older than `oldest`.
    pub(super) fn prune(&mut self, base: Option<Tick>, oldest: u64) {
        let is_settled = |datagram: &SentDatagram| {
            datagram.sequence < oldest
                || datagram.state == State::Acked && base.is_some_and(|base| !datagram.tick.is_newer_than(base))
        };
        while let Some(datagram) = self.datagrams.pop_front_if(|datagram| is_settled(datagram)) {
            self.words.drain(..(datagram.end - datagram.begin) as usize);
            self.words_before += datagram.end - datagram.begin;
        }
    }
}
