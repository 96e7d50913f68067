use super::Round;
use crate::link::Rng;
use tidelock::Tick;
use tidelock::state::EventId;
use tidelock::wire::ClientMessage;

/// None at all, one for another game, or one that is right, and then more of them.
pub(super) fn hello(honest: ClientMessage, comings: u64, rng: &mut Rng) -> Option<ClientMessage> {
    match comings % 3 {
        0 => None,
        1 => Some(ClientMessage::Hello { schema_hash: rng.next_u64(), claim: None }),
        _ => Some(honest),
    }
}

/// Speaks of the game before it may, and says hello again.
pub(super) fn act(round: &mut Round<'_>) {
    if round.attacker.connection.messages_delivered() && round.rng.chance(0.3) {
        let message = match round.rng.below(3) {
            0 => ClientMessage::Event { id: EventId(0), body: vec![1, 2, 3] },
            1 => ClientMessage::Desync { tick: Tick(1) },
            // A guest who says hello at last is let in: that is not what it is here for.
            _ if round.is_welcome => ClientMessage::Hello { schema_hash: round.schema_hash, claim: None },
            _ => ClientMessage::Desync { tick: Tick(2) },
        };
        round.queue(&message);
    }
    round.say_queued();
}
