//! A view forgets what left it long ago, whatever the rates.

use super::game::{Game, Keys, is_sound, link};
use bevy_app::App;
use bevy_ecs::entity::Entity;
use bevy_ecs::prelude::{Component, With};
use bevy_ecs::world::World;
use std::time::Duration;
use tidelock::state::{Field, LaneReader, LaneWriter, Replicate};
use tidelock_server::game::{AlwaysRelevant, Replicated, Replication, TickTime};
use tidelock_sim::universe::{Universe, UniverseConfig};

#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
struct Spark(u32);

impl Replicate for Spark {
    const NAME: &'static str = "spark";
    const FIELDS: &'static [Field] = &[Field::flags("colour", 16)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.flags(self.0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.flags())
    }
}

const SPARKS: u32 = 400;

/// A firework for some seconds, all of it new every second; then a single spark that goes on.
fn fireworks(world: &mut World) {
    let tick = world.resource::<TickTime>().tick;
    if tick.0 > 360 {
        let spark = world.query_filtered::<Entity, With<Spark>>().iter(world).next();
        if let Some(spark) = spark {
            world.entity_mut(spark).insert(Spark(tick.0));
        }
    } else if tick.0.is_multiple_of(60) {
        let sparks: Vec<Entity> = world.query_filtered::<Entity, With<Spark>>().iter(world).collect();
        for spark in sparks {
            world.despawn(spark);
        }
        let count = if tick.0 == 360 { 1 } else { SPARKS };
        world.spawn_batch((0..count).map(|n| (Spark(n), AlwaysRelevant, Replicated)));
    }
}

#[test]
fn a_view_forgets_what_left_it_at_any_ratio_of_ticks_to_snapshots() {
    for snapshot_hz in [60, 30, 20] {
        let config =
            UniverseConfig { seed: 91, snapshot_hz, client_bandwidth_bytes_s: 512 * 1024, ..Default::default() };
        let declare = |app: &mut App| {
            app.input::<Keys>().replicate::<Spark>();
        };
        let game = Game::new(declare, fireworks);
        let mut universe: Universe<Keys> = Universe::new(config, game);
        // Players take turns, so that each has snapshots of other ticks.
        (0..3).for_each(|_| {
            universe.add_player(link(20, 0.0), link(20, 0.0), Box::new(|_, _| Keys::default()));
        });
        universe.run(Duration::from_secs(6)).unwrap();
        let remembered = |universe: &Universe<Keys>| -> Vec<usize> {
            universe.players().iter().map(|player| player.client.view().remembered()).collect()
        };
        let most = remembered(&universe);
        assert!(most.iter().all(|streams| *streams >= SPARKS as usize), "{most:?}");
        universe.run(Duration::from_secs(20)).unwrap();
        assert_eq!(remembered(&universe), [1, 1, 1], "at {snapshot_hz} Hz");
        is_sound(&universe);
    }
}
