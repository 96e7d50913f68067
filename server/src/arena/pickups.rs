use super::{Ground, PICKUPS_STREAM};
use crate::game::{Replicated, Seed, TickTime};
use bevy_ecs::change_detection::DetectChangesMut;
use bevy_ecs::prelude::{Commands, Entity, Query, Res, ResMut, Resource};
use bevy_ecs::world::World;
use glam::Vec3;
use tidelock::Tick;
use tidelock_arena::{Ammo, Health, Kind, Pack, Position, Rng, Status};

/// Places where packs lie: every second one for health, the others for ammunition.
const SPOTS: usize = 64;
/// A taken pack comes back after this long, in seconds.
const RESTOCK_S: f32 = 10.0;

/// Where packs lie and come back, by ascending `x`, so that those within reach are found by bisection.
#[derive(Resource, Debug)]
pub(super) struct Spots(Vec<Spot>);

#[derive(Debug)]
struct Spot {
    place: Vec3,
    kind: Kind,
    state: SpotState,
}

#[derive(Debug)]
enum SpotState {
    Filled(Entity),
    EmptyUntil(Tick),
}

/// Lays out the packs.
pub(super) fn lay_out(world: &mut World) {
    let mut rng = Rng::stream(world.resource::<Seed>().0, PICKUPS_STREAM);
    let mut spots = Vec::with_capacity(SPOTS);
    for number in 0..SPOTS {
        let kind = if number % 2 == 0 { Kind::HealthPack } else { Kind::AmmoPack };
        let place = world.resource::<Ground>().0.random_place(&mut rng);
        let pack = world.spawn((kind, Position(place), Replicated)).id();
        spots.push(Spot { place, kind, state: SpotState::Filled(pack) });
    }
    spots.sort_by(|a, b| a.place.x.total_cmp(&b.place.x));
    world.insert_resource(Spots(spots));
}

/// Gives packs to those who stand on them and can use them.
pub(super) fn collect(
    time: Res<TickTime>,
    mut spots: ResMut<Spots>,
    mut avatars: Query<(&Position, &Status, &mut Health, &mut Ammo)>,
    mut commands: Commands,
) {
    for (position, status, mut health, mut ammo) in &mut avatars {
        if status.dead {
            continue;
        }
        for spot in spots.within_reach(position.0) {
            let SpotState::Filled(pack) = spot.state else { continue };
            let Some(gift) = Pack::of(spot.kind) else { continue };
            let (mut restored_health, mut restored_ammo) = (*health, *ammo);
            if !gift.restore(&mut restored_health, &mut restored_ammo) {
                continue;
            }
            health.set_if_neq(restored_health);
            ammo.set_if_neq(restored_ammo);
            commands.entity(pack).despawn();
            spot.state = SpotState::EmptyUntil(time.after(RESTOCK_S));
        }
    }
}

/// Brings packs back.
pub(super) fn restock(time: Res<TickTime>, mut spots: ResMut<Spots>, mut commands: Commands) {
    for spot in &mut spots.0 {
        if let SpotState::EmptyUntil(tick) = spot.state
            && time.is_past(tick)
        {
            let pack = commands.spawn((spot.kind, Position(spot.place), Replicated)).id();
            spot.state = SpotState::Filled(pack);
        }
    }
}

impl Spots {
    fn within_reach(&mut self, place: Vec3) -> impl Iterator<Item = &mut Spot> {
        let start = self.0.partition_point(|spot| spot.place.x < place.x - Pack::REACH_M);
        let candidates = self.0[start..].iter_mut().take_while(move |spot| spot.place.x <= place.x + Pack::REACH_M);
        candidates.filter(move |spot| Pack::is_within_reach(spot.place, place))
    }
}
