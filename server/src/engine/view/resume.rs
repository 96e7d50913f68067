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
        self.leaving_ticks = Default::default();
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
        // What was held before the stream left and came again, the client forgets when it hears of that.
        let is_of_now = |held: &&HeldStream| !held.tick.is_newer_than(now) && !self.entered.is_newer_than(held.tick);
        let proven = held.filter(is_of_now).filter(|held| {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::empty_schema::empty_schema;
    use crate::engine::interest::Candidate;
    use bevy_ecs::entity::Entity;
    use tidelock::state::Audience;

    const SEEN: Candidate = Candidate { index: 0, may_enter: true, distance: 0.0 };

    /// One entity, seen since tick 10, whose client is away.
    fn away() -> (Views, History) {
        let schema = empty_schema();
        let (mut views, mut history) = (Views::default(), History::default());
        history.insert(Entity::from_raw_u32(0).unwrap(), Tick(10), &schema).unwrap();
        history.commit(Tick(10), &schema);
        views.update(Audience::Public, &[SEEN], &mut history, Tick(10));
        (views, history)
    }

    fn held(history: &History, tick: u32) -> HeldStream {
        let proof = HeldStream::proof_of(history.stream(0, Audience::Public).newest().hash);
        HeldStream { audience: Audience::Public, index: 0, tick: Tick(tick), proof }
    }

    /// Whether the claim is taken, and what is a baseline after it, in tick 50.
    fn resumed(views: &mut Views, history: &History, streams: Vec<HeldStream>) -> (bool, Option<Tick>, Option<Tick>) {
        let taken = views.resume(&ResumeClaim { payload_hash: 0, streams }, history, Tick(50));
        let view = views.of(Audience::Public)[0];
        (taken, view.baseline, view.sent)
    }

    #[test]
    fn what_proves_to_be_held_is_a_baseline() {
        let (mut views, history) = away();
        let claim = vec![held(&history, 12)];
        assert_eq!(resumed(&mut views, &history, claim), (true, Some(Tick(12)), Some(Tick(12))));
        assert_eq!(resumed(&mut views, &history, vec![]), (true, None, None), "and what is not claimed is none");
    }

    #[test]
    fn what_does_not_prove_to_be_held_goes_out_in_full() {
        let (mut views, history) = away();
        let right = held(&history, 12);
        let wrong = [
            HeldStream { proof: right.proof ^ 1, ..right },
            HeldStream { tick: Tick(51), ..right },
            HeldStream { tick: Tick(9), ..right },
        ];
        for claim in wrong {
            assert_eq!(resumed(&mut views, &history, vec![claim]), (true, None, None), "{claim:?}");
        }
    }

    #[test]
    fn a_claim_of_what_is_not_in_view_is_refused() {
        let (mut views, history) = away();
        let right = held(&history, 12);
        for stranger in [HeldStream { index: 1, ..right }, HeldStream { audience: Audience::Owner, ..right }] {
            assert!(!resumed(&mut views, &history, vec![right, stranger]).0);
        }
    }

    #[test]
    fn what_was_held_before_a_stream_left_and_came_again_is_no_baseline() {
        let (mut views, mut history) = away();
        let claim = held(&history, 12);
        views.update(Audience::Public, &[], &mut history, Tick(20));
        views.update(Audience::Public, &[SEEN], &mut history, Tick(30));
        assert_eq!(resumed(&mut views, &history, vec![claim]), (true, None, None));
        let claim = HeldStream { tick: Tick(30), ..claim };
        assert_eq!(resumed(&mut views, &history, vec![claim]), (true, Some(Tick(30)), Some(Tick(30))));
    }

    #[test]
    fn a_leave_that_was_under_way_is_said_again_and_is_no_older_for_the_absence() {
        let (mut views, mut history) = away();
        views.update(Audience::Public, &[], &mut history, Tick(20));
        views.update(Audience::Public, &[], &mut history, Tick(40));
        assert_eq!(views.leaving_ticks(), 20);
        let claim = vec![held(&history, 12)];
        assert_eq!(resumed(&mut views, &history, claim).2, None);
        assert_eq!(views.leaving_ticks(), 0);
        views.update(Audience::Public, &[], &mut history, Tick(51));
        assert_eq!(views.leaving_ticks(), 1);
    }
}
