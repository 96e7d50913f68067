use super::super::insider::tick_near;
use super::{Attacker, Round};

/// What an honest client would say, with a few bits flipped, cut, or other bytes altogether.
pub(super) fn act(round: &mut Round<'_>) {
    for _ in 0..=round.rng.below(3) {
        let count = 1 + round.rng.below(9) as u32;
        let newest = tick_near(round.attacker, 3);
        let mut payload = round.datagram(|w| Attacker::inputs(newest, count, w));
        match round.rng.below(4) {
            0 => {
                let bytes = 1 + round.rng.below(1_200);
                payload = (0..bytes).map(|_| round.rng.next_u64() as u8).collect();
                // Every other one is of the right version.
                payload[0] =
                    if round.rng.chance(0.5) { payload[0] & 0xF0 | tidelock::wire::WIRE_VERSION } else { payload[0] };
            }
            1 => payload.truncate(1 + round.rng.below(payload.len() as u64) as usize),
            _ => (0..=round.rng.below(8)).for_each(|_| {
                let bit = round.rng.below(payload.len() as u64 * 8) as usize;
                payload[bit / 8] ^= 1 << (bit % 8);
            }),
        }
        round.say(&payload);
    }
}
