use super::Round;
use tidelock::bits::BitWriter;
use tidelock::wire::WIRE_VERSION;

/// A message that never ends, fragments beyond the window, fragments too long, the same again and again, and empty ones by
/// the hundred.
pub(super) fn act(round: &mut Round<'_>) {
    let sequence = 1_000 + u64::from(round.attacker.sequence);
    round.attacker.sequence = round.attacker.sequence.wrapping_add(1);
    let mut w = BitWriter::new();
    w.write(u64::from(WIRE_VERSION), 4);
    w.write(sequence & 0xFFFF, 16);
    // No acks, and no unreliable messages.
    w.write(0, 2);
    let next = round.attacker.connection.message_mark();
    let n = u64::from(round.attacker.sequence) % 60;
    let (first, count, bytes, is_last) = match round.rng.below(12) {
        0 => (next + 64 + round.rng.below(30_000), 1, 1, true),
        1 => (next + n, 1, 801 + round.rng.below(222), false),
        2 => (next, 300, 0, true),
        3 => (next + n, 1, 5, true),
        _ => (next + n, 1, 700, false),
    };
    for id in first..first + count {
        w.write_bool(true);
        w.write(id & 0xFFFF, 16);
        w.write_bool(is_last);
        w.write(bytes, 10);
        (0..bytes).for_each(|_| w.write(0x55, 8));
    }
    // No more of them, and no inputs.
    w.write(0, 2);
    round.say(w.finish());
}
