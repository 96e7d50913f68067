use super::Round;
use tidelock::bits::BitWriter;
use tidelock::state::EventId;
use tidelock::wire::ClientMessage;

/// Longest bodies, as long as a server takes them.
const BODY_BYTES_MAX: u64 = ClientMessage::EVENT_BYTES_MAX as u64;

/// Events as fast as they are acknowledged, and answers that it does not take.
pub(super) fn act(round: &mut Round<'_>) {
    round.attacker.is_acknowledging = false;
    for _ in 0..=round.rng.below(6) {
        let message = event(round);
        round.queue(&message);
    }
    let mut w = BitWriter::new();
    event(round).write(&mut w);
    // Unreliably too, unless it is too long, or as many wait as can.
    let _ = round.attacker.connection.send_unreliable(w.finish());
    (0..=round.rng.below(3)).for_each(|_| round.say_queued());
}

fn event(round: &mut Round<'_>) -> ClientMessage {
    let known = round.events.len() as u64;
    if known > 0 && round.rng.chance(0.5) {
        let (id, body) = &round.events[round.rng.below(known) as usize];
        return ClientMessage::Event { id: EventId(*id), body: body.clone() };
    }
    let id = if round.rng.chance(0.5) { round.rng.below(known + 1) as u8 } else { round.rng.next_u64() as u8 };
    let bytes = if round.rng.chance(0.1) { round.rng.below(BODY_BYTES_MAX) } else { round.rng.below(40) };
    ClientMessage::Event { id: EventId(id), body: (0..bytes).map(|_| round.rng.next_u64() as u8).collect() }
}
