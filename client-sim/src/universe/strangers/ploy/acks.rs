use super::Round;
use tidelock::bits::BitWriter;

/// Speaks of sequences around the newest that it heard, or far ahead of it, and says that it has all of a span.
pub(super) fn lie(round: &mut Round<'_>) {
    round.attacker.is_listening = false;
    if round.attacker.sequence == 0 {
        // Beyond what it said while it was honest.
        round.attacker.sequence = 500;
    }
    for _ in 0..=round.rng.below(4) {
        let lead = [0, 0, 1, 5, 300, 30_000][round.rng.below(6) as usize];
        let newest = round.attacker.heard_sequence.wrapping_add(lead);
        let span = [0, 3, 60, 1_000, 1_023][round.rng.below(5) as usize];
        let mut w = BitWriter::new();
        round.attacker.forged_head(newest, span.min(u32::from(newest)), &mut w);
        w.write_bool(false);
        round.say(w.finish());
    }
}

/// It hears nothing, and so acknowledges nothing; what it says itself is well-formed.
pub(super) fn say_nothing(round: &mut Round<'_>) {
    round.attacker.is_acknowledging = false;
    round.say_queued();
}
