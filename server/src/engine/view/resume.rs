use super::{StreamView, Views};
use crate::engine::history::History;
use tidelock::Tick;
use tidelock::wire::{HeldStream, ResumeClaim};

impl Views {
    /// The client is back and says what it still holds: what proves right is a baseline again, all else goes out in full.
    ///
    /// Returns false if the claim is of something that this client was never shown, or has acknowledged to have
    /// forgotten: nobody could take it back from the client, so that none of the claim is good.
    pub(crate) fn resume(&mut self, claim: &ResumeClaim, history: &History, now: Tick) -> bool {
        let mut held = claim.streams.iter().peekable();
        for (audience, views) in tidelock::state::Audience::ALL.into_iter().zip(&mut self.streams) {
            for view in views {
                let this = |held: &&HeldStream| (held.audience, held.index) == (audience, view.index);
                view.resume(held.next_if(this), history, now);
            }
        }
        held.next().is_none()
    }
}

impl StreamView {
    /// Whatever was under way is lost. `held` is what the client says it holds.
    fn resume(&mut self, held: Option<&HeldStream>, history: &History, now: Tick) {
        let proven = held.filter(|held| !held.tick.is_newer_than(now)).filter(|held| {
            let version = history.stream(held.index, held.audience).at(held.tick);
            version.is_some_and(|version| HeldStream::proof_of(version.hash) == held.proof)
        });
        self.baseline = proven.map(|held| held.tick);
        self.sent = self.baseline;
        self.since = now;
        self.waited = 0;
        if let Some(leaving) = &mut self.leaving {
            leaving.since = now;
            self.sent = None;
        }
    }
}
