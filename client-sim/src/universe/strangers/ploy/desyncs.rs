use super::Round;
use tidelock::Tick;
use tidelock::wire::ClientMessage;

/// Wants everything in full, all the time.
pub(super) fn act(round: &mut Round<'_>) {
    for _ in 0..=round.rng.below(30) {
        let tick = Tick(round.rng.next_u64() as u32);
        round.queue(&ClientMessage::Desync { tick });
    }
    round.say_queued();
}
