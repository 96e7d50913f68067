use crate::engine::marks::{MarkedWord, bits};
use tidelock::wire::GhostId;

/// 64 streams side by side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Word {
    pub(super) at: u32,
    /// Where its ghosts begin, and a flag: see [`Word::put`].
    pub(super) place: u32,
    pub(super) visible: u64,
    /// Those of the visible that are exceptions.
    pub(super) excepted: u64,
}

impl Word {
    /// Set in [`Word::place`] if its ghosts lie side by side, in the order of their streams.
    const IN_ORDER: u32 = 1 << 31;

    /// Where its ghosts begin among those of all words.
    pub(super) const fn first(self) -> usize {
        (self.place & !Self::IN_ORDER) as usize
    }

    pub(super) const fn is_in_order(self) -> bool {
        self.place & Self::IN_ORDER != 0
    }

    /// Takes note of where its ghosts are, now the last of all, and of their order.
    pub(super) fn put(&mut self, all: &[GhostId]) {
        let first = all.len() - self.visible.count_ones() as usize;
        let in_order = all[first..].windows(2).all(|two| two[0] + 1 == two[1]);
        self.place = first as u32 | if in_order { Self::IN_ORDER } else { 0 };
    }
}

/// Streams of one word that are due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DueWord {
    pub(crate) at: u32,
    /// Its place among the words that are visible.
    pub(super) n: u32,
    pub(crate) bits: u64,
}

/// The ghosts of a word's visible streams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WordGhosts<'a> {
    pub(super) visible: u64,
    pub(super) is_in_order: bool,
    pub(super) ghosts: &'a [GhostId],
}

impl Word {
    /// What is visible of it now that so much is marked.
    pub(super) const fn visible_as(self, marked: MarkedWord) -> u64 {
        marked.may_enter | self.visible & marked.may_stay
    }

    pub(super) const fn stays_as(self, marked: MarkedWord) -> bool {
        self.visible_as(marked) == self.visible
    }

    /// The ghosts of its visible streams, which lie among those of all words.
    pub(super) fn ghosts(self, all: &[GhostId]) -> &[GhostId] {
        &all[self.first()..][..self.visible.count_ones() as usize]
    }

    /// The ghost of one of its streams, if that is visible.
    #[inline]
    pub(super) fn ghost(self, bit: u32, all: &[GhostId]) -> Option<GhostId> {
        let rank = (self.visible & ((1 << bit) - 1)).count_ones();
        (self.visible >> bit & 1 != 0).then(|| all[self.first() + rank as usize])
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
