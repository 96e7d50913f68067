//! Who leaves sequences out, so that much is missing to report, costs nobody anything.

use super::game::{datagrams_fit, is_sound, link};
use std::time::Duration;
use tidelock::Tick;
use tidelock::bits::BitWriter;
use tidelock::wire::{ClientMessage, WIRE_VERSION};
use tidelock_sim::universe::churn::{Churn, Stamp};
use tidelock_sim::universe::strangers::Attacker;
use tidelock_sim::universe::{Universe, UniverseConfig};

/// A datagram of this sequence without acks and messages, and with the inputs of some ticks.
fn datagram(sequence: u16, newest: Tick) -> Vec<u8> {
    let mut w = BitWriter::new();
    w.write(u64::from(WIRE_VERSION), 4);
    w.write(u64::from(sequence), 16);
    // Acks, unreliable and reliable messages: none.
    w.write(0, 3);
    Attacker::inputs(newest, 3, &mut w);
    w.finish().to_vec()
}

#[test]
fn inputs_that_are_malformed_take_no_acks_with_them() {
    let config = UniverseConfig { seed: 52, ..Default::default() };
    let mut universe: Universe<Stamp> = Universe::new(config, Churn::new(1, 200));
    // Nothing is acknowledged before inputs that end in their midst, the welcome included.
    let mut attacker = Attacker::connect(&mut universe, 1, None);
    attacker.queue(&ClientMessage::Hello { schema_hash: universe.engine().schema().hash(), claim: None });
    attacker.say_queued(&mut universe);
    attacker.wait(&mut universe, 100);
    assert_eq!(universe.engine().clients()[0].joined_tick, None);
    let malformed = universe.engine().stats().payloads_malformed;
    let cut_short = attacker.datagram(&universe, |w| w.write_bool(true));
    attacker.say(&mut universe, &cut_short);
    attacker.wait(&mut universe, 20);
    assert_eq!(universe.engine().stats().payloads_malformed - malformed, 1);
    assert!(universe.engine().clients()[0].joined_tick.is_some());
}

#[test]
fn sequences_left_out_make_no_datagram_long_and_nothing_slow() {
    let config = UniverseConfig { seed: 51, client_bandwidth_bytes_s: 256 * 1024, ..Default::default() };
    let mut universe: Universe<Stamp> = Universe::new(config, Churn::new(60, 200));
    (0..2).for_each(|_| {
        universe.add_player(link(15, 0.0), link(15, 0.0), Box::new(|_, tick| Stamp::of(tick)));
    });
    universe.run(Duration::from_secs(1)).unwrap();
    let hello = universe.engine().schema().hash();
    // He joins with the first sequences, then jumps to 1,023 and goes on in gaps of all sizes.
    let mut attacker = Attacker::connect(&mut universe, 1, Some(hello));
    let gaps = [2, 3, 17, 2, 2, 1_023, 64, 5, 2, 900, 2];
    let mut sequence = 1_023u16;
    let inputs = universe.engine().stats().inputs;
    let ticks = universe.engine().tick_number();
    for round in 0..1_500 {
        let newest = universe.engine().tick_number().add(3);
        attacker.say(&mut universe, &datagram(sequence, newest));
        sequence = sequence.wrapping_add(gaps[round % gaps.len()]);
        universe.run(Duration::from_millis(4)).unwrap();
    }
    datagrams_fit(&universe.take_tapped());
    assert_eq!(universe.engine().tick_number().since(ticks), 360, "no tick is left out");
    let on_time = universe.engine().stats().inputs.on_time - inputs.on_time;
    assert!(on_time >= 3 * 355, "{on_time}");
    assert!(universe.engine().stats().lost_up > 10_000, "all that he left out is lost");
    is_sound(&universe);
    for player in universe.players() {
        let stats = player.client.stats();
        assert_eq!((stats.down.expected - stats.down.received, stats.up.lost), (0, 0), "{stats:?}");
    }
}
