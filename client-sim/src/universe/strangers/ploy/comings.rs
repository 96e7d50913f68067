use super::super::insider::Leave;
use super::Round;

/// Goes after a moment, with a goodbye or without one.
pub(super) fn act(round: &mut Round<'_>) {
    round.say_queued();
    if round.rng.chance(0.06) {
        let ways = [Leave::Goodbye, Leave::Goodbye, Leave::Vanish, Leave::SameToken];
        round.leave = Some(ways[round.rng.below(4) as usize]);
    }
}
