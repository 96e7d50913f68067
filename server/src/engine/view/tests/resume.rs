use super::pair::{PUBLIC, Pair};
use crate::engine::view::*;
use tidelock::wire::{HeldStream, ResumeClaim};

/// What a client says it holds of streams 0 to 2, as of `ticks`.
fn claim(pair: &Pair, ticks: [u32; 3]) -> ResumeClaim {
    let held = |(index, tick): (usize, u32)| {
        let hash = pair.history.of(PUBLIC).head_at(index as u32, Tick(tick)).map_or(0, |head| head.hash);
        HeldStream { audience: PUBLIC, index: index as u32, tick: Tick(tick), proof: HeldStream::proof_of(hash) }
    };
    ResumeClaim { payload_hash: 0, streams: ticks.into_iter().enumerate().map(held).collect() }
}

#[test]
fn what_proves_to_be_held_after_an_absence_is_not_sent_again() {
    let mut pair = Pair::settled();
    pair.sends(0b001);
    let claim = claim(&pair, [1, 1, 1]);
    assert!(pair.views.resume(&claim, &pair.history, pair.tick));
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(1)), 1));
    pair.step(0);
    assert_eq!(pair.due(), [(0, Some(Tick(1)))], "only that changed meanwhile");
}

#[test]
fn what_does_not_prove_to_be_held_goes_out_in_full() {
    let pair = || {
        let mut pair = Pair::settled();
        pair.sends(0b001);
        pair
    };
    let right = claim(&pair(), [1, 1, 1]).streams[0];
    let wrong = [
        HeldStream { proof: right.proof ^ 1, ..right },
        HeldStream { tick: Tick(2), ..right },
        HeldStream { tick: Tick(3), ..right },
        HeldStream { tick: Tick(0), ..right },
    ];
    for held in wrong {
        let mut pair = pair();
        let claim = ResumeClaim { payload_hash: 0, streams: vec![held] };
        assert!(pair.views.resume(&claim, &pair.history, pair.tick));
        pair.step(0);
        assert_eq!(pair.due(), [(0, None), (1, None), (2, None)], "{held:?}");
    }
}

#[test]
fn a_claim_of_what_is_not_in_view_is_refused() {
    let mut pair = Pair::settled();
    let right = claim(&pair, [1, 1, 1]);
    for stranger in [(PUBLIC, 3), (Audience::Owner, 0)] {
        let mut claim = right.clone();
        claim.streams.push(HeldStream { audience: stranger.0, index: stranger.1, ..right.streams[0] });
        assert!(!pair.views.resume(&claim, &pair.history, pair.tick));
    }
}

#[test]
fn a_leave_that_was_under_way_is_said_again_and_is_no_older_for_the_absence() {
    let mut pair = Pair::settled();
    pair.visible = 0b110;
    pair.sends(0);
    (0..20).for_each(|_| pair.step(0));
    assert_eq!(pair.views.leaving_ticks(), 20);
    let claim = claim(&pair, [1, 1, 1]);
    assert!(pair.views.resume(&claim, &pair.history, pair.tick));
    assert_eq!(pair.views.leaving_ticks(), 0);
    let again = pair.sends(0);
    assert_eq!((&*pair.sent[again].leaves, pair.views.leaving_ticks()), (&[0][..], 1));
}
