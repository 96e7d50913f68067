mod buffers;
mod due;
mod exception;
mod fate;
mod flight;
mod ghosts;
mod part;
mod past;
mod resume;
#[cfg(test)]
mod tests;
mod word;

pub(crate) use due::{Extra, ExtraKind};
pub(crate) use flight::SnapshotsInFlight;
pub(crate) use ghosts::Ghosts;
pub(crate) use part::{Part, Renewed};
use past::Past;

use super::history::History;
use super::marks::Marks;
use super::record_tables::{Named, RecordTables};
use tidelock::Tick;
use tidelock::state::Audience;
use tidelock::wire::RecordsHead;

/// What one client sees, and what it is known to hold of it. A baseline is a tick, never a copy.
///
/// Of most streams nothing is kept but a bit: **the client holds the state of all that is visible as of `base`, and whatever
/// changed between `base` and `considered` has been sent, in the snapshot of each tick, and is not known to be lost.** A
/// stream for which that is not so is an exception, and has its own ticks: one that entered, was lost, or was put off.
#[derive(Debug, Default)]
pub(crate) struct Views {
    parts: [Part; Audience::COUNT],
    /// The newest snapshot of which the client acknowledged something. Before the first all streams are exceptions.
    base: Option<Tick>,
    past: Past,
    /// The baselines of what was collected last.
    named: Named,
    ghosts: Ghosts,
    /// The newest tick of which it was asked what is due.
    considered: Tick,
    flight: SnapshotsInFlight,
    /// For how many ticks the client has owed us an ack of something that it was to forget, at the last update.
    leaving_ticks: u32,
}

/// Whether clients can be expected to hold what was the state in `tick`.
fn may_be_named(tick: Tick, now: Tick) -> bool {
    now.since(tick) <= RecordsHead::BASELINE_TICKS_MAX as i32
}

impl Views {
    /// One audience's streams.
    pub(crate) const fn of(&self, audience: Audience) -> &Part {
        &self.parts[audience as usize]
    }

    /// How many streams are in it, those that leave included.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(Part::len).sum()
    }

    /// The tick as of which the client holds all streams but exceptions.
    #[cfg(test)]
    pub(crate) const fn base(&self) -> Option<Tick> {
        self.base
    }

    /// The baselines of what was collected last and is no exception: the base, unless it lies too far back, and a second one.
    pub(crate) const fn named(&self) -> Named {
        self.named
    }

    /// What numbers entities have.
    pub(crate) const fn ghosts(&self) -> &Ghosts {
        &self.ghosts
    }

    /// Takes over what is visible of an audience's streams in the tick that has just run: some enter, some begin to leave.
    pub(crate) fn update(
        &mut self,
        audience: Audience,
        marks: &mut Marks,
        history: &mut History,
        renewed: &mut Renewed,
        now: Tick,
    ) {
        let Self { parts, ghosts, .. } = self;
        let (before, others) = parts.split_at_mut(audience as usize);
        let Some((part, after)) = others.split_first_mut() else { return };
        let ghost_of = |index| before.iter().chain(&*after).find_map(|part| part.known_ghost_of(index));
        part.update(marks, ghosts, ghost_of, history, renewed, now);
        if audience == Audience::ALL[Audience::COUNT - 1] {
            self.leaving_ticks = self.parts.iter().map(|part| part.leaving_ticks(now)).max().unwrap_or(0);
        }
    }

    /// Lists what is due in the snapshot of `now`, and asks for the records of it.
    pub(crate) fn collect(&mut self, history: &History, now: Tick, tables: &mut RecordTables) {
        let first = self.base.filter(|base| may_be_named(*base, now));
        let second = first.and_then(|base| self.past.choose(base, now)).filter(|second| may_be_named(*second, now));
        self.named = (first, second);
        for (audience, part) in Audience::ALL.into_iter().zip(&mut self.parts) {
            if let Some(far) = self.base.filter(|_| first.is_none()) {
                part.except_changed(history.of(audience), far, self.considered, now);
            }
            let holes = second.into_iter().flat_map(|second| self.past.holes(second));
            let holes = holes.filter(|hole| hole.audience == audience);
            let ticks = now.since(self.considered).cast_unsigned();
            part.collect(history.of(audience), (self.base, self.named), holes, (now, ticks), tables);
        }
    }

    /// Whether anything is due.
    pub(crate) fn is_due(&self) -> bool {
        self.parts.iter().any(Part::is_due)
    }

    /// What is due by `collect` goes out with the snapshot of `now`, but for what was put off.
    pub(crate) fn on_collected(&mut self, now: Tick) {
        self.considered = now;
    }

    /// These streams of an audience, which are due in the snapshot of `now`, have to wait for a later one. They are by
    /// ascending index.
    pub(crate) fn put_off(&mut self, audience: Audience, indices: impl Iterator<Item = u32>, now: Tick) {
        self.parts[audience as usize].put_off(indices, self.base, (self.considered, now));
    }

    /// Leaves go out with the snapshot of `now`, and so do exceptions that are due.
    pub(crate) fn on_sent(&mut self, now: Tick) {
        self.parts.iter_mut().for_each(|part| part.on_sent(now));
    }

    /// A datagram of the snapshot of `tick` is begun. What is written into it is noted until the next one begins.
    pub(crate) fn open_datagram(&mut self, sequence: u64, tick: Tick) {
        self.flight.open(sequence, tick);
    }

    /// One audience's streams, and where to note which of them the datagram that was begun last carries.
    pub(crate) const fn part_and_flight(&mut self, audience: Audience) -> (&Part, &mut SnapshotsInFlight) {
        (&self.parts[audience as usize], &mut self.flight)
    }

    /// For how many ticks the client has not acknowledged something that it was to forget. Until it does, an index is not
    /// free: who never acknowledges would keep all of them.
    pub(crate) const fn leaving_ticks(&self) -> u32 {
        self.leaving_ticks
    }

    /// The client holds something else than it should: from the snapshot of `next` on, everything goes out in full.
    pub(crate) fn forget_baselines(&mut self, next: Tick) {
        self.base = None;
        self.past.clear();
        self.flight.clear();
        self.parts.iter_mut().for_each(|part| part.forget_baselines(next));
    }

    /// The client is gone: it knows nothing any more.
    pub(crate) fn clear(&mut self, history: &mut History, now: Tick) {
        for part in &mut self.parts {
            part.clear(history, now);
        }
        *self = Self::default();
    }
}
