//! A game in which as much changes as one likes.

use bevy_app::{App, Plugin};
use bevy_ecs::message::Messages;
use bevy_ecs::prelude::{Component, Resource, With};
use bevy_ecs::world::World;
use glam::Vec2;
use tidelock::state::{Input, Replicate};
use tidelock_server::game::{Owner, PlayerJoined, Replicated, Replication, Simulate, TickTime, Viewpoint};
use tidelock_sim::link::Rng;

/// Where something stands, in metres.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) x: u8,
    pub(crate) y: u8,
}

/// What changes, and cannot be foretold.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Noise(pub(crate) u16);

/// What makes a record long.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
struct Load(u16, u16, u16, u16, u16, u16, u16, u16, u16, u16, u16, u16);

#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    held: bool,
}

impl Input for Keys {
    fn clear_one_shots(&mut self) {}
}

/// So many stand on a field of 200 m, and see all of it. Everyone's avatar stands in the middle, and counts the ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    pub(crate) size: usize,
    /// So many more change in each tick. They stand on a line from the middle outwards, to 100 m from it.
    pub(crate) restless: usize,
}

/// The middle of the field.
const MIDDLE: u8 = 100;

#[derive(Component)]
struct Restless;

#[derive(Component)]
struct Avatar;

#[derive(Resource)]
struct Chance(Rng);

impl Plugin for Crowd {
    fn build(&self, app: &mut App) {
        app.game("crowd").replicate::<Place>().replicate::<Noise>().replicate::<Load>().input::<Keys>();
        app.locate::<Place>(|place| Vec2::new(f32::from(place.x), f32::from(place.y))).view_radius(143.0);
        let mut chance = Rng::new(7);
        for _ in 0..self.size {
            let place = Place { x: chance.below(200) as u8, y: chance.below(200) as u8 };
            let mut word = || chance.next_u64() as u16;
            let load =
                Load(word(), word(), word(), word(), word(), word(), word(), word(), word(), word(), word(), word());
            app.world_mut().spawn((place, load, Replicated));
        }
        for n in 0..self.restless {
            let away = (n * usize::from(MIDDLE) / self.restless) as u8;
            app.world_mut().spawn((Place { x: MIDDLE + away, y: MIDDLE }, Noise(0), Restless, Replicated));
        }
        app.insert_resource(Chance(chance)).add_systems(Simulate, live);
    }
}

fn live(world: &mut World) {
    for PlayerJoined(client_id) in world.resource_mut::<Messages<PlayerJoined>>().drain().collect::<Vec<_>>() {
        let place = Place { x: MIDDLE, y: MIDDLE };
        world.spawn((place, Noise(0), Avatar, Replicated, Owner(client_id), Viewpoint));
    }
    let tick = world.resource::<TickTime>().tick;
    world.query_filtered::<&mut Noise, With<Avatar>>().iter_mut(world).for_each(|mut noise| noise.0 = tick.0 as u16);
    world.resource_scope(|world, mut chance: bevy_ecs::change_detection::Mut<'_, Chance>| {
        let mut restless = world.query_filtered::<&mut Noise, With<Restless>>();
        restless.iter_mut(world).for_each(|mut noise| noise.0 = chance.0.next_u64() as u16);
    });
}
