use super::flight::SentWord;
use std::collections::VecDeque;
use tidelock::Tick;
use tidelock::state::Audience;
use tidelock::wire::RecordsHead;

/// The ticks before the base as of which a client holds nearly all: one of them is the second baseline.
///
/// Not the bases alone, which depend on when acks happened to arrive: with all ticks to choose from, clients with the same base
/// choose the same one, and share their records.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// Ascending.
    ticks: VecDeque<Tick>,
    /// What it does not hold as of them, by ascending tick.
    holes: VecDeque<(Tick, Hole)>,
    /// What it does not hold as of the tick that is being noted.
    missing: Vec<Hole>,
    /// How many streams it was sent in that tick, and has.
    arrived: u32,
}

/// Streams of one word that the client does not hold as of a past tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hole {
    pub(super) audience: Audience,
    pub(super) at: u32,
    pub(super) bits: u64,
}

/// A tick serves if the client has so many times more of it than it misses.
const ARRIVED_PER_MISSING_MIN: u32 = 4;
/// Room for what a few lost datagrams leave open.
const HOLES_USUAL: usize = 64;
impl Past {
    /// Ticks that can be named, at most.
    pub(super) const TICKS_MAX: usize = RecordsHead::SECOND_TICKS_MAX as usize + 2;

    /// How many ticks and holes are remembered.
    pub(super) fn lens(&self) -> (usize, usize) {
        (self.ticks.len(), self.holes.len())
    }

    /// A base. Of streams that it does not hold for, the view itself knows.
    pub(super) fn push(&mut self, base: Tick) {
        self.missing.clear();
        self.arrived = 0;
        if self.ticks.capacity() == 0 {
            self.ticks.reserve(Self::TICKS_MAX);
        }
        self.ticks.push_back(base);
    }

    /// A datagram of a tick after that base carried this, and is acknowledged or not.
    pub(super) fn note(&mut self, word: &SentWord, is_acked: bool) {
        if word.leave {
            return;
        }
        let same = |hole: &&mut Hole| (hole.audience, hole.at) == (word.audience, word.at);
        let hole = self.missing.iter_mut().find(same);
        if is_acked {
            self.arrived += word.bits.count_ones();
            hole.into_iter().for_each(|hole| hole.bits &= !word.bits);
        } else if let Some(hole) = hole {
            hole.bits |= word.bits;
        } else {
            self.missing.push(Hole { audience: word.audience, at: word.at, bits: word.bits });
        }
    }

    /// All of `tick` is noted.
    pub(super) fn push_noted(&mut self, tick: Tick) {
        let missing: u32 = self.missing.iter().map(|hole| hole.bits.count_ones()).sum();
        if std::mem::take(&mut self.arrived) >= missing * ARRIVED_PER_MISSING_MIN {
            self.ticks.push_back(tick);
            if self.holes.capacity() == 0 {
                self.holes.reserve(HOLES_USUAL);
            }
            let holes = self.missing.iter().filter(|hole| hole.bits != 0);
            self.holes.extend(holes.map(|hole| (tick, *hole)));
        }
    }

    /// What lies too far back to be named beside `base` is no use any more.
    pub(super) fn forget_before(&mut self, base: Tick) {
        let is_old = |tick: Tick| base.since(tick) > RecordsHead::SECOND_TICKS_MAX as i32;
        while self.ticks.pop_front_if(|tick| is_old(*tick)).is_some() {}
        while self.holes.pop_front_if(|(tick, _)| is_old(*tick)).is_some() {}
    }

    pub(super) fn clear(&mut self) {
        self.ticks.clear();
        self.holes.clear();
    }

    /// The second baseline of what is sent in `now`: the tick that lies about as far before `base` as `now` lies after.
    pub(super) fn choose(&self, base: Tick, now: Tick) -> Option<Tick> {
        let target = base.sub(now.since(base).cast_unsigned());
        let near = self.ticks.iter().filter(|past| base.since(**past) <= RecordsHead::SECOND_TICKS_MAX as i32);
        near.min_by_key(|past| target.since(**past).unsigned_abs()).copied()
    }

    /// What it does not hold as of `tick`.
    pub(super) fn holes(&self, tick: Tick) -> impl Iterator<Item = Hole> {
        let begin = self.holes.partition_point(|(at, _)| tick.is_newer_than(*at));
        self.holes.range(begin..).take_while(move |(at, _)| *at == tick).map(|(_, hole)| *hole)
    }
}
