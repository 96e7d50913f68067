//! A flood takes no memory that was not declared: what strangers can make netcode keep is taken at the start.

mod heap;

use heap::{CountingHeap, live_bytes};
use std::time::Duration;
use tidelock_arena::ArenaInput;
use tidelock_server::arena::Arena;
use tidelock_sim::link::LinkConfig;
use tidelock_sim::siege::{FloodKind, Siege};
use tidelock_sim::universe::{Universe, UniverseConfig};

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

/// The outbox has to hold, once, as many answers as may wait: 512 of less than 350 bytes.
const GROWTH_BYTES_MAX: isize = 512 * 350 * 2;

#[test]
fn a_flood_of_any_kind_takes_no_more_memory_than_its_answers_need() {
    for kind in FloodKind::ALL {
        let mut universe = Universe::new(UniverseConfig { seed: 9, ..Default::default() }, Arena { npcs: 0 });
        // What checkers remember is not the server's.
        universe.set_checked(false);
        universe.tap();
        let link = LinkConfig { latency: Duration::from_millis(5), ..Default::default() };
        (0..4).for_each(|_| {
            universe.add_player(link, link, Box::new(|_, _| ArenaInput::default()));
        });
        universe.run(Duration::from_secs(2)).unwrap();
        let mut siege = Siege::new(kind, universe, 100_000, 1);
        siege.load();
        let mut grown = 0;
        for _ in 0..300 {
            siege.load();
            let before = live_bytes();
            siege.fire();
            siege.pass();
            grown += live_bytes() - before;
            assert!(grown < GROWTH_BYTES_MAX, "{}: {grown} bytes", kind.name());
        }
    }
}
