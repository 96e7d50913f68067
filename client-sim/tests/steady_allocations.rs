//! A tick of a world that goes on as it did takes nothing from the heap but what the game takes.

#![expect(clippy::needless_pass_by_value, reason = "systems take their parameters by value")]
#![expect(unsafe_code, reason = "to count what is allocated one has to be the allocator")]

use bevy_app::{App, Plugin};
use bevy_ecs::prelude::*;
use glam::Vec2;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tidelock::state::{Field, Input, LaneReader, LaneWriter, Replicate};
use tidelock_server::engine::Phase;
use tidelock_server::game::{ApplyInput, Owner, PlayerJoined, Replicated, Replication, Simulate, TickTime, Viewpoint};
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::{Universe, UniverseConfig};

/// The system's allocator, and how often it was asked for more.
struct CountingHeap;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for CountingHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
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

const ROUND_TICKS: u32 = 300;

impl Plugin for Carousel {
    fn build(&self, app: &mut App) {
        app.replicate::<Place>().input::<Keys>().locate::<Place>(|place| place.0).view_radius(40.0);
        for n in 0..300 {
            let center = Vec2::new((n * 37 % 150) as f32 - 75.0, (n * 71 % 150) as f32 - 75.0);
            let orbit = Orbit { rounds: n % 4, radius: (n % 25) as f32, center };
            app.world_mut().spawn((Replicated, Place::default(), orbit));
        }
        app.add_systems(ApplyInput, greet).add_systems(Simulate, turn);
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
        let angle = (time.tick.0 % ROUND_TICKS * orbit.rounds) as f32 * std::f32::consts::TAU / ROUND_TICKS as f32;
        let at = orbit.center + Vec2::from_angle(angle) * orbit.radius;
        if place.0 != at {
            place.0 = at;
        }
    }
}

#[test]
fn a_thousand_ticks_of_capture_and_sending_allocate_nothing() {
    let config = UniverseConfig { seed: 5, client_bandwidth_bytes_s: 1024 * 1024, ..Default::default() };
    let mut universe = Universe::new(config, Carousel);
    universe.set_checked(false);
    let link = LinkConfig { latency: Duration::from_millis(30), ..LinkConfig::default() };
    for _ in 0..8 {
        universe.add_player(link, link, Box::new(|_, tick| Keys(tick.0 / 7 % 256)));
    }
    let run = |universe: &mut Universe<Keys>, ticks: i32| {
        let mut allocated = 0;
        let begin = universe.engine().tick_number();
        while universe.engine().tick_number().since(begin) < ticks {
            // They wait for whoever reads statistics.
            universe.engine_mut().stats_mut().samples.clear();
            let mut stepped_at = 0;
            let mut on_phase_end = |phase: Option<Phase>| match phase {
                Some(Phase::Step) => stepped_at = ALLOCATIONS.load(Relaxed),
                Some(Phase::Send) => allocated += ALLOCATIONS.load(Relaxed) - stepped_at,
                Some(Phase::Capture) | None => {}
            };
            universe.run_timed(&mut on_phase_end).unwrap();
        }
        allocated
    };
    let warming_up = run(&mut universe, 8 * ROUND_TICKS as i32);
    assert!(warming_up > 0, "it is counted");
    let before = universe.engine().stats().snapshot_entities;
    let steady = run(&mut universe, 1_000);
    let after = universe.engine().stats().snapshot_entities;
    assert!(after.delta - before.delta > 100_000 && after.full - before.full > 100, "{before:?} {after:?}");
    assert_eq!(steady, 0, "allocations in a thousand ticks");
}
