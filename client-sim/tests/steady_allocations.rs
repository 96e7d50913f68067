//! A tick of a world that goes on as it did takes nothing from the heap but what the game takes.

#![expect(clippy::needless_pass_by_value, reason = "systems take their parameters by value")]
#![expect(unsafe_code, reason = "to count what is allocated one has to be the allocator")]

use bevy_app::{App, Plugin};
use bevy_ecs::prelude::*;
use glam::Vec2;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;
use tidelock::ClientId;
use tidelock::state::{Field, Input, LaneReader, LaneWriter, Replicate};
use tidelock_server::engine::Phase;
use tidelock_server::game::{
    ApplyInput, Owner, PlayerJoined, Replicated, Replication, Simulate, TickTime, Viewpoint, Visibility,
};
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::{Lap, Universe, UniverseConfig};

/// The system's allocator, and how often it was asked for more.
struct CountingHeap;

thread_local! {
    /// Tests run side by side.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for CountingHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

#[derive(Component, Clone, Copy, Default)]
struct Place(Vec2);

impl Replicate for Place {
    const NAME: &'static str = "place";
    const FIELDS: &'static [Field] = &[Field::range("x", -100.0, 100.0, 0.01), Field::range("y", -100.0, 100.0, 0.01)];
    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.range(self.0.x);
        lanes.range(self.0.y);
    }
    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(Vec2::new(lanes.range(), lanes.range()))
    }
}

#[derive(Clone, Copy, Default)]
struct Keys(u32);

impl Replicate for Keys {
    const NAME: &'static str = "keys";
    const FIELDS: &'static [Field] = &[Field::flags("held", 8)];
    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.flags(self.0);
    }
    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.flags())
    }
}

impl Input for Keys {
    fn clear_one_shots(&mut self) {}
}

/// How fast something goes round, how far from its center, and where that is.
#[derive(Component)]
struct Orbit {
    rounds: u32,
    radius: f32,
    center: Vec2,
}

/// Things go round and round, into sight and out of it; players stand and watch. After a round all is as it was.
struct Carousel;

const ROUND_TICKS: i32 = 300;

impl Plugin for Carousel {
    fn build(&self, app: &mut App) {
        app.replicate::<Place>().input::<Keys>().locate::<Place>(|place| place.0).view_radius(40.0);
        for n in 0..300 {
            let center = Vec2::new((n * 37 % 150) as f32 - 75.0, (n * 71 % 150) as f32 - 75.0);
            let orbit = Orbit { rounds: n % 4, radius: (n % 25) as f32, center };
            app.world_mut().spawn((Replicated, Place::default(), orbit));
        }
        app.add_systems(ApplyInput, greet).add_systems(Simulate, (turn, reveal).chain());
    }
}

/// Each tick the players are shown another thing, far away or not.
fn reveal(time: Res<'_, TickTime>, things: Query<'_, '_, Entity, With<Orbit>>, mut visibility: ResMut<'_, Visibility>) {
    let shown = |tick: u32| things.iter().nth(tick as usize * 7 % 300);
    for client_id in (1..=8).map(ClientId) {
        shown(time.tick.0 - 1).into_iter().for_each(|thing| visibility.reset(client_id, thing));
        shown(time.tick.0).into_iter().for_each(|thing| visibility.show(client_id, thing));
    }
}

fn greet(mut joined: MessageReader<PlayerJoined>, mut commands: Commands<'_, '_>) {
    for PlayerJoined(client_id) in joined.read() {
        let place = Place(Vec2::splat(client_id.0 as f32 * 8.0 - 36.0));
        commands.spawn((Replicated, Owner(*client_id), Viewpoint, place));
    }
}

fn turn(time: Res<'_, TickTime>, mut orbits: Query<'_, '_, (&Orbit, &mut Place)>) {
    for (orbit, mut place) in &mut orbits {
        let angle = (time.tick.0 % ROUND_TICKS.unsigned_abs() * orbit.rounds) as f32 * std::f32::consts::TAU
            / ROUND_TICKS as f32;
        let at = orbit.center + Vec2::from_angle(angle) * orbit.radius;
        if place.0 != at {
            place.0 = at;
        }
    }
}

/// Players, and how often the engine takes something from the heap.
struct Scene {
    universe: Universe<Keys>,
}

impl Scene {
    fn new(link_of: impl Fn(u64) -> LinkConfig) -> Self {
        let config = UniverseConfig { seed: 5, client_bandwidth_bytes_s: 1024 * 1024, ..Default::default() };
        let mut universe = Universe::new(config, Carousel);
        universe.set_checked(false);
        for n in 0..8 {
            let link = link_of(n);
            universe.add_player(link, link, Box::new(|_, tick| Keys(tick.0 / 7 % 256)));
        }
        Self { universe }
    }

    /// Runs so many ticks, and counts what taking datagrams, capture and sending allocate.
    fn run(&mut self, ticks: i32) -> u64 {
        let (mut allocated, mut begun) = (0, 0);
        let begin = self.universe.engine().tick_number();
        while self.universe.engine().tick_number().since(begin) < ticks {
            // They wait for whoever reads statistics.
            self.universe.engine_mut().stats_mut().samples.clear();
            let mut on_lap = |lap: Lap| match lap {
                // A step is the game's.
                Lap::Begun | Lap::Ended(Phase::Step) => begun = ALLOCATIONS.get(),
                Lap::Received | Lap::Ended(Phase::Send) => allocated += ALLOCATIONS.get() - begun,
                Lap::Ended(Phase::Capture) => {}
            };
            self.universe.run_timed(&mut on_lap).unwrap();
        }
        allocated
    }
}

#[test]
fn a_thousand_ticks_of_capture_and_sending_allocate_nothing() {
    let link = LinkConfig { latency: Duration::from_millis(30), ..LinkConfig::default() };
    let mut scene = Scene::new(|_| link);
    assert!(scene.run(8 * ROUND_TICKS) > 0, "it is counted");
    let before = scene.universe.engine().stats().snapshot_entities;
    let steady = scene.run(1_000);
    let after = scene.universe.engine().stats().snapshot_entities;
    assert!(after.delta - before.delta > 100_000 && after.full - before.full > 100, "{before:?} {after:?}");
    assert_eq!(steady, 0, "allocations in a thousand ticks");
}

#[test]
fn nor_do_a_thousand_ticks_under_loss_over_links_of_all_lengths() {
    let mut scene = Scene::new(|n| LinkConfig {
        latency: Duration::from_millis(10 + n * 12),
        jitter: Duration::from_millis(4),
        loss: 0.02,
        ..LinkConfig::default()
    });
    scene.run(2_000);
    // Now and then more is lost at once than ever before, and one list grows. So it stands after thousands of ticks only.
    let mut grown = 0;
    let stands = (0..8).any(|_| {
        let lost_before = scene.universe.engine().stats().lost_down;
        let allocated = scene.run(1_000);
        assert!(scene.universe.engine().stats().lost_down - lost_before > 100);
        grown += allocated;
        allocated == 0
    });
    assert!(stands && grown < 8, "{grown} allocations until a thousand ticks went by without any");
    assert_eq!(scene.universe.engine().stats().desyncs, 0);
}
