use super::Views;
use super::exception::Exception;
use super::part::Part;
use crate::engine::history::History;
use crate::engine::stream_table::StreamTable;
use tidelock::Tick;
use tidelock::state::Audience;
use tidelock::wire::{HeldStream, ResumeClaim};

impl Views {
    /// The client is back and says what it still holds: what proves right is a baseline again, all else goes out in full.
    ///
    /// Returns false if the claim is of something that this client was never shown, or has acknowledged to have
    /// forgotten: nobody could take it back from the client, so that none of the claim is good.
    pub(crate) fn resume(&mut self, claim: &ResumeClaim, history: &History, now: Tick) -> bool {
        self.leaving_ticks = 0;
        self.flight.clear();
        self.past.clear();
        let known = claim.streams.iter().filter(|held| !held.tick.is_newer_than(now));
        self.base = known.map(|held| held.tick).reduce(|a, b| if b.is_newer_than(a) { b } else { a });
        self.considered = now;
        let mut held = claim.streams.as_slice();
        for (audience, part) in Audience::ALL.into_iter().zip(&mut self.parts) {
            let (mine, others) = held.split_at(held.partition_point(|held| held.audience <= audience));
            held = others;
            if !part.resume(mine, history.of(audience), now) {
                return false;
            }
            part.settle_exceptions(self.base, now, history.of(audience));
        }
        held.is_empty()
    }
}

impl Part {
    /// Whatever was under way is lost. `held` is what the client says it holds. Whether all of that is in view.
    fn resume(&mut self, held: &[HeldStream], streams: &StreamTable, now: Tick) -> bool {
        self.forget_baselines(now);
        self.leaving.iter_mut().for_each(|leaving| leaving.since = now);
        let is_in_view = |held: &HeldStream| {
            self.exceptions.binary_search_by_key(&held.index, |exception| exception.index).is_ok()
                || self.leaving.binary_search_by_key(&held.index, |leaving| leaving.index).is_ok()
        };
        if !held.iter().all(is_in_view) {
            return false;
        }
        let mut held = held.iter().peekable();
        for exception in &mut self.exceptions {
            while held.next_if(|held| held.index < exception.index).is_some() {}
            if let Some(held) = held.next_if(|held| held.index == exception.index) {
                exception.resume(held, streams, now);
            }
        }
        true
    }
}

impl Exception {
    fn resume(&mut self, held: &HeldStream, streams: &StreamTable, now: Tick) {
        let state = streams.head_at(held.index, held.tick).filter(|_| !held.tick.is_newer_than(now));
        if state.is_some_and(|state| HeldStream::proof_of(state.hash) == held.proof) {
            (self.baseline, self.sent, self.gap) = (Some(held.tick), Some(held.tick), held.tick);
        }
    }
}
