use super::super::insider::tick_near;
use super::{Attacker, Round};

/// Inputs for ticks far from now, as many as a datagram may have, again and again.
pub(super) fn act(round: &mut Round<'_>) {
    for _ in 0..=round.rng.below(3) {
        let distance = [3, 60, 127, 128, 129, 200, 32_000, -1, -64, -32_000][round.rng.below(10) as usize];
        let newest = tick_near(round.attacker, distance);
        // More than 64 are malformed.
        let count = [1, 9, 64, 64, 65, 200][round.rng.below(6) as usize];
        let payload = round.datagram(|w| Attacker::inputs(newest, count, w));
        round.say(&payload);
    }
}
