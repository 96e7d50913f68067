use std::collections::VecDeque;
use tidelock::wire::SnapshotHeader;
use tidelock::{Buffer, Tick};

/// Which snapshots are here, of the last ticks: what one does not bring stood still, if it is here with all its datagrams
/// and brought all that there was to bring.
#[derive(Debug)]
pub(super) struct Arrivals {
    /// By ascending tick.
    snapshots: VecDeque<Snapshot>,
    /// Ticks between two snapshots, while the server has no load.
    every_ticks: u32,
    /// Older ones are forgotten.
    keep_ticks: i32,
    newest: Option<Tick>,
}

#[derive(Clone, Copy, Debug)]
struct Snapshot {
    tick: Tick,
    /// Sequence of its first datagram.
    first: u64,
    datagrams: u32,
    here: u32,
    /// It left nothing for later.
    complete: bool,
    /// Ticks since the server had the turn to send one before.
    every_ticks: u32,
}

impl Snapshot {
    const fn is_here(&self) -> bool {
        self.here >= self.datagrams
    }

    /// Whether what it does not bring did not change.
    const fn tells_all(&self) -> bool {
        self.is_here() && self.complete
    }

    /// Whether no datagram lies between the two.
    const fn follows(&self, other: &Self) -> bool {
        self.first == other.first + other.datagrams as u64
    }
}

/// A snapshot is here, newer than those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) tick: Tick,
    /// Up to then all was known before it came: the snapshot before, or later if the server had nothing to say.
    pub(super) known_before: Option<Tick>,
}

impl Arrivals {
    pub(super) const fn new(every_ticks: u32, keep_ticks: u32) -> Self {
        Self { snapshots: VecDeque::new(), every_ticks, keep_ticks: keep_ticks.cast_signed(), newest: None }
    }

    /// How many snapshots are remembered: one of each tick at most.
    pub(super) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        let max = usize::try_from(self.keep_ticks).unwrap_or(0);
        see(Buffer { name: "snapshots that came", len: self.snapshots.len(), max });
    }

    /// What was here is forgotten.
    pub(super) fn clear(&mut self) {
        self.snapshots.clear();
        self.newest = None;
    }

    /// A datagram of a snapshot was stored. Gives the snapshot if it is here now, and is the newest.
    pub(super) fn on_datagram(&mut self, sequence: u64, header: &SnapshotHeader) -> Option<Arrival> {
        let n = self.place(sequence, header)?;
        self.snapshots[n].here += 1;
        let snapshot = self.snapshots[n];
        let is_news = self.newest.is_none_or(|newest| snapshot.tick.is_newer_than(newest));
        if !snapshot.is_here() || !is_news {
            return None;
        }
        let before = self.newest.replace(snapshot.tick);
        let silent_to =
            n.checked_sub(1).map(|n| &self.snapshots[n]).filter(|before| before.is_here()).and_then(|before| {
                snapshot.follows(before).then(|| newer(before.tick, snapshot.tick.sub(snapshot.every_ticks)))
            });
        Some(Arrival { tick: snapshot.tick, known_before: silent_to.or(before) })
    }

    /// The newest snapshot that is here.
    #[cfg(test)]
    const fn newest(&self) -> Option<Tick> {
        self.newest
    }

    /// The newest tick, after `tick`, at which what had last changed at `tick` had still not; `tick` itself if none is
    /// known.
    pub(super) fn unchanged_since(&self, tick: Tick) -> Tick {
        let newer = self.snapshots.iter().rev().take_while(|snapshot| snapshot.tick.is_newer_than(tick));
        newer.into_iter().find(|snapshot| snapshot.tells_all()).map_or(tick, |snapshot| snapshot.tick)
    }

    /// When what changed at `from`, and then at `to`, began to change again: it stood still until then, if snapshots in
    /// between did not bring it. Else it is `from`.
    pub(super) fn rested_until(&self, from: Tick, to: Tick) -> Tick {
        let end = self.snapshots.partition_point(|snapshot| to.is_newer_than(snapshot.tick));
        let next = self.snapshots.get(end).filter(|snapshot| snapshot.tick == to);
        for n in (0..end).rev() {
            let snapshot = &self.snapshots[n];
            if from.is_newer_than(snapshot.tick) {
                break;
            }
            if !snapshot.tells_all() {
                continue;
            }
            // Had anything changed in a turn of the server's between the two, it would have said so.
            let said_nothing = next.filter(|next| n + 1 == end && next.follows(snapshot));
            return said_nothing.map_or(snapshot.tick, |next| newer(snapshot.tick, to.sub(next.every_ticks)));
        }
        from
    }

    /// Ticks between two snapshots, while the server has no load.
    pub(super) const fn every_ticks(&self) -> u32 {
        self.every_ticks
    }

    /// The place of the snapshot that a datagram is of; `None` if it is too old to matter.
    fn place(&mut self, sequence: u64, header: &SnapshotHeader) -> Option<usize> {
        let newest = self.snapshots.back().map_or(header.tick, |newest| newer(newest.tick, header.tick));
        while self.snapshots.front().is_some_and(|oldest| newest.since(oldest.tick) >= self.keep_ticks) {
            self.snapshots.pop_front();
        }
        if newest.since(header.tick) >= self.keep_ticks {
            return None;
        }
        let n = self.snapshots.partition_point(|snapshot| header.tick.is_newer_than(snapshot.tick));
        if self.snapshots.get(n).is_none_or(|snapshot| snapshot.tick != header.tick) {
            let first = sequence.saturating_sub(u64::from(header.index));
            let (tick, datagrams, every_ticks) = (header.tick, header.count, self.every_ticks);
            let snapshot = Snapshot { tick, first, datagrams, here: 0, complete: header.complete, every_ticks };
            self.snapshots.insert(n, snapshot);
        }
        if header.load.level > 0 {
            // Every other turn is left out.
            self.snapshots[n].every_ticks = self.every_ticks * 2;
        }
        Some(n)
    }
}

fn newer(a: Tick, b: Tick) -> Tick {
    if a.is_newer_than(b) { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidelock::wire::Load;

    fn header(tick: u32, index: u32, count: u32) -> SnapshotHeader {
        SnapshotHeader { tick: Tick(tick), index, count, complete: true, ..SnapshotHeader::default() }
    }

    /// Snapshots of one datagram each.
    fn arrivals(snapshots: &[(u64, u32)]) -> Arrivals {
        let mut arrivals = Arrivals::new(1, 64);
        for (sequence, tick) in snapshots {
            arrivals.on_datagram(*sequence, &header(*tick, 0, 1));
        }
        arrivals
    }

    #[test]
    fn a_snapshot_is_here_with_its_last_datagram() {
        let mut arrivals = arrivals(&[(7, 10)]);
        assert_eq!(arrivals.on_datagram(9, &header(11, 1, 2)), None);
        let arrival = arrivals.on_datagram(8, &header(11, 0, 2));
        assert_eq!(arrival, Some(Arrival { tick: Tick(11), known_before: Some(Tick(10)) }));
        assert_eq!(arrivals.on_datagram(6, &header(9, 0, 1)), None, "old");
        assert_eq!(arrivals.newest(), Some(Tick(11)));
    }

    #[test]
    fn a_server_that_has_nothing_to_say_is_no_gap_but_a_loss_is() {
        let mut silent = arrivals(&[(7, 10)]);
        let known_before = |arrival: Option<Arrival>| arrival.unwrap().known_before;
        assert_eq!(known_before(silent.on_datagram(8, &header(16, 0, 1))), Some(Tick(15)));
        assert_eq!(known_before(silent.on_datagram(10, &header(22, 0, 1))), Some(Tick(16)));
    }

    #[test]
    fn what_snapshots_do_not_bring_rested_until_the_last_of_them() {
        let rested = arrivals(&[(1, 10), (2, 11), (3, 12), (4, 13)]);
        assert_eq!(rested.rested_until(Tick(10), Tick(13)), Tick(12));
        assert_eq!(rested.rested_until(Tick(12), Tick(13)), Tick(12));
        // The one before it is lost: nobody knows of 12, but 11 is known.
        let lost = arrivals(&[(1, 10), (2, 11), (4, 13)]);
        assert_eq!(lost.rested_until(Tick(10), Tick(13)), Tick(11));
        assert_eq!(lost.rested_until(Tick(11), Tick(13)), Tick(11));
        // The server said nothing from 11 to 15.
        let silent = arrivals(&[(1, 10), (2, 16)]);
        assert_eq!(silent.rested_until(Tick(10), Tick(16)), Tick(15));
        // What came before all that is remembered.
        assert_eq!(silent.rested_until(Tick(2), Tick(16)), Tick(15));
        assert_eq!(silent.rested_until(Tick(2), Tick(10)), Tick(2));
    }

    #[test]
    fn a_snapshot_that_left_something_for_later_says_nothing_of_the_rest() {
        let mut arrivals = Arrivals::new(1, 64);
        arrivals.on_datagram(1, &header(10, 0, 1));
        arrivals.on_datagram(2, &SnapshotHeader { complete: false, ..header(11, 0, 1) });
        arrivals.on_datagram(3, &header(12, 0, 1));
        assert_eq!(arrivals.rested_until(Tick(10), Tick(12)), Tick(10));
        assert_eq!(arrivals.unchanged_since(Tick(10)), Tick(12));
        arrivals.on_datagram(4, &header(13, 0, 2));
        assert_eq!(arrivals.unchanged_since(Tick(12)), Tick(12));
    }

    #[test]
    fn under_load_every_other_turn_is_left_out() {
        let mut arrivals = arrivals(&[(1, 10)]);
        let load = Load { level: 1, dilation_pct: 0 };
        arrivals.on_datagram(2, &SnapshotHeader { load, ..header(16, 0, 1) });
        assert_eq!(arrivals.rested_until(Tick(10), Tick(16)), Tick(14));
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let mut arrivals = arrivals(&[(1, 10)]);
        for n in 2..2000 {
            arrivals.on_datagram(n, &header(10 + n as u32, 0, 1));
        }
        assert_eq!(arrivals.snapshots.len(), 64);
        assert_eq!(arrivals.on_datagram(1, &header(11, 0, 1)), None);
    }
}
