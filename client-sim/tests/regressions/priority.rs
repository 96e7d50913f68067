//! What is long and far is not starved by what is short and near.

use super::game::{Game, Keys, is_sound, link, take};
use bevy_ecs::prelude::{Component, Mut, Without};
use bevy_ecs::world::World;
use glam::Vec2;
use std::time::Duration;
use tidelock::state::{Field, LaneReader, LaneWriter, Replicate};
use tidelock_server::game::{Owner, PlayerJoined, Replicated, Replication, TickTime, Viewpoint};
use tidelock_sim::client::View;
use tidelock_sim::universe::{Universe, UniverseConfig};

#[derive(Component, Clone, Copy, Debug, PartialEq)]
struct Place(Vec2);

impl Replicate for Place {
    const NAME: &'static str = "place";
    const FIELDS: &'static [Field] = &[Field::range("x", -64.0, 64.0, 0.01), Field::range("y", -64.0, 64.0, 0.01)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.ranges(self.0.to_array());
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(Vec2::from_array(lanes.ranges()))
    }
}

/// A quarter of what a datagram holds.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
struct Page<const N: usize>([u32; 64]);

impl<const N: usize> Replicate for Page<N> {
    const NAME: &'static str = ["page 0", "page 1", "page 2", "page 3"][N];
    const FIELDS: &'static [Field] = &[Field::flags("word", 30); 64];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        self.0.into_iter().for_each(|word| lanes.flags(word));
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(std::array::from_fn(|_| lanes.flags()))
    }
}

fn book(place: Vec2, word: u32) -> impl bevy_ecs::bundle::Bundle {
    let pages = (Page::<0>([word; 64]), Page::<1>([word; 64]), Page::<2>([word; 64]), Page::<3>([word; 64]));
    (Place(place), pages, Replicated)
}

/// Thirty flies about the player, each somewhere else in every tick, and a book at the end of the room.
fn room(world: &mut World) {
    for PlayerJoined(client_id) in take(world) {
        world.spawn((Place(Vec2::ZERO), Owner(client_id), Viewpoint, Replicated));
    }
    let tick = world.resource::<TickTime>().tick;
    let mut flies = world.query_filtered::<Mut<'_, Place>, (Without<Owner>, Without<Page<0>>)>();
    for (n, mut place) in flies.iter_mut(world).enumerate() {
        place.0 = Vec2::from_angle(tick.0 as f32 * 0.7 + n as f32) * (1.0 + n as f32 * 0.1);
    }
    if tick.0 == 300 {
        world.spawn(book(Vec2::new(0.0, 48.0), 0x2AAA_AAAA));
    }
}

fn is_read(view: &View) -> bool {
    view.entities().any(|entity| entity.get::<Page<3>>() == Some(Page([0x2AAA_AAAA; 64])))
}

#[test]
fn a_record_longer_than_many_ticks_may_send_arrives_all_the_same() {
    let game = Game::new(
        |app| {
            app.input::<Keys>().replicate::<Place>().replicate::<Page<0>>().replicate::<Page<1>>();
            app.replicate::<Page<2>>().replicate::<Page<3>>().locate::<Place>(|place| place.0).view_radius(50.0);
            app.world_mut().spawn_batch((0..30).map(|_| (Place(Vec2::ONE), Replicated)));
        },
        room,
    );
    let config = UniverseConfig { seed: 101, client_bandwidth_bytes_s: 4 * 1024, ..Default::default() };
    let mut universe: Universe<Keys> = Universe::new(config, game);
    universe.add_player(link(20, 0.0), link(20, 0.0), Box::new(|_, _| Keys::default()));
    universe.run(Duration::from_secs(5)).unwrap();
    let deferred = universe.engine().stats().budget_deferred;
    assert!(deferred > 1_000, "the flies alone are too many: {deferred}");
    assert!(!is_read(universe.players()[0].client.view()));
    let before = universe.engine().clients()[0].sent_bytes;
    let waited = (1..=100u64).find(|_| {
        universe.run(Duration::from_millis(100)).unwrap();
        is_read(universe.players()[0].client.view())
    });
    assert!(waited.is_some_and(|waited| waited <= 50), "{waited:?} tenths of a second");
    universe.run(Duration::from_secs(5)).unwrap();
    let seconds = 5 + waited.unwrap() / 10 + 1;
    assert!(universe.engine().clients()[0].sent_bytes - before <= seconds * 4 * 1024 + 4 * 1024, "the budget holds");
    is_sound(&universe);
}
