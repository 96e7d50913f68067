use crate::engine::stream_table::StreamTable;
use tidelock::Tick;

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

/// A stream that is no exception any more: the client may not hold it as of bases before `since`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    pub(super) index: u32,
    pub(super) since: Tick,
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

    pub(super) fn was_sent_up_to(&self, considered: Tick, streams: &StreamTable) -> bool {
        self.sent.is_some_and(|sent| {
            let state = streams.head_at(self.index, considered);
            !considered.is_newer_than(sent) || state.is_some_and(|state| !state.tick.is_newer_than(sent))
        })
    }
}
