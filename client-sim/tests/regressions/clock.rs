//! A server that loses time: players follow it, and nobody notices but by the clock.

use super::game::{is_sound, link};
use std::time::Duration;
use tidelock::Tick;
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::churn::{Churn, Stamp};
use tidelock_sim::universe::{Universe, UniverseConfig};

/// Players near, far and on a bad link.
fn universe(seed: u64) -> Universe<Stamp> {
    let config = UniverseConfig { seed, client_bandwidth_bytes_s: 256 * 1024, ..Default::default() };
    let mut universe = Universe::new(config, Churn::new(40, 200));
    let shaky = LinkConfig { jitter: Duration::from_millis(5), reorder: 0.02, ..link(40, 0.02) };
    for link in [link(5, 0.0), link(75, 0.0), link(150, 0.0), shaky] {
        let mut last = None;
        let mind = move |_: &_, tick: Tick| {
            let before = last.replace(tick);
            assert!(before.is_none_or(|before| tick.is_newer_than(before)), "{tick} after {before:?}");
            Stamp::of(tick)
        };
        universe.add_player(link, link, Box::new(mind));
    }
    universe.run(Duration::from_secs(5)).unwrap();
    inputs_are_on_time(&mut universe);
    universe
}

/// Nearly every tick of the next seconds has every player's input.
fn inputs_are_on_time(universe: &mut Universe<Stamp>) {
    let (before, tick) = (universe.engine().stats().inputs, universe.engine().tick_number());
    universe.run(Duration::from_secs(5)).unwrap();
    let after = universe.engine().stats().inputs;
    let (on_time, missing) = (after.on_time - before.on_time, after.missing - before.missing);
    let ticks = universe.engine().tick_number().since(tick).cast_unsigned();
    assert_eq!(on_time + missing, u64::from(ticks) * universe.players().len() as u64);
    assert!(missing * 200 < on_time, "{missing} missing, {on_time} on time");
    is_sound(universe);
}

#[test]
fn a_server_that_stood_still_for_a_second_is_followed_within_five() {
    let mut universe = universe(61);
    for _ in 0..2 {
        let tick = universe.engine().tick_number();
        universe.stall(Duration::from_secs(1));
        universe.run(Duration::from_secs(6)).unwrap();
        let ticks = universe.engine().tick_number().since(tick);
        assert!((300..=301).contains(&ticks), "a second of six is gone: {ticks}");
        inputs_are_on_time(&mut universe);
    }
}

#[test]
fn ticks_that_are_too_long_for_good_are_followed_within_five_seconds_and_back() {
    let mut universe = universe(62);
    universe.set_tick_cost(Duration::from_millis(22));
    let tick = universe.engine().tick_number();
    universe.run(Duration::from_secs(5)).unwrap();
    let ticks = universe.engine().tick_number().since(tick);
    assert!((226..=228).contains(&ticks), "{ticks}");
    inputs_are_on_time(&mut universe);
    universe.set_tick_cost(Duration::ZERO);
    universe.run(Duration::from_secs(5)).unwrap();
    inputs_are_on_time(&mut universe);
}

#[test]
fn an_input_is_for_the_tick_that_its_player_was_told_also_after_its_program_hung() {
    let game = Churn::new(10, 200);
    let applied = game.applied.clone();
    let mut universe = Universe::new(UniverseConfig { seed: 63, ..Default::default() }, game);
    universe.add_player(link(15, 0.0), link(15, 0.0), Box::new(|_, tick| Stamp::of(tick)));
    for hung_ms in [0, 240, 600, 2_000] {
        universe.run(Duration::from_secs(2)).unwrap();
        universe.pause(0, Duration::from_millis(hung_ms));
    }
    universe.run(Duration::from_secs(4)).unwrap();
    let applied = applied.lock().unwrap();
    assert!(applied.len() > 400, "{}", applied.len());
    for (_, tick, stamp) in applied.iter() {
        assert_eq!(Stamp(*stamp), Stamp::of(*tick), "in {tick}");
    }
}
