use super::super::insider::Leave;
use super::Round;
use crate::link::Rng;
use tidelock::Tick;
use tidelock::state::{Audience, NetId};
use tidelock::wire::{ClientMessage, HeldStream, ResumeClaim};

/// Streams that it was never shown, or of ticks that never were, with proofs of nothing; none, some, or as many as fit.
pub(super) fn hello(honest: ClientMessage, heard: Tick, rng: &mut Rng) -> ClientMessage {
    let ClientMessage::Hello { schema_hash, .. } = honest else { return honest };
    let count = [0, 1, 20, 150, 3_000][rng.below(5) as usize];
    let (index_max, gap) = if rng.chance(0.5) { (200, 3) } else { (NetId::INDEX_MAX, 900) };
    let newest = if rng.chance(0.7) { Tick(heard.0.max(200)) } else { Tick(rng.next_u64() as u32) };
    let mut streams = Vec::new();
    for audience in Audience::ALL {
        let mut index = 0;
        for _ in 0..count {
            index += rng.below(gap) as u32;
            if index > index_max {
                break;
            }
            let tick = newest.sub(rng.below(300) as u32);
            streams.push(HeldStream { audience, index, tick, proof: rng.next_u64() as u16 });
            index += 1;
        }
    }
    let claim = Some(ResumeClaim { payload_hash: rng.next_u64(), streams });
    ClientMessage::Hello { schema_hash, claim }
}

/// Plays for a moment, and is gone without a word, so that its place waits for it.
pub(super) fn act(round: &mut Round<'_>) {
    round.say_queued();
    if round.rng.chance(0.04) {
        round.leave = Some(Leave::Vanish);
    }
}
