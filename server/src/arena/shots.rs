use super::Ground;
use super::lives::{Wound, Wounds};
use super::targets::Targets;
use crate::game::{Inputs, Owner, Replicated, TickTime};
use bevy_ecs::change_detection::DetectChangesMut;
use bevy_ecs::prelude::{Commands, Component, Entity, Query, Res, ResMut};
use glam::Vec3;
use tidelock::state::Replicate;
use tidelock::{ClientId, Tick};
use tidelock_arena::movement::{Body, SHOT_SPEED};
use tidelock_arena::{Ammo, ArenaInput, Cooldown, Facing, Kind, Position, Status, Weapon};

/// A shot that hits nothing lasts this long, in seconds.
const FLIGHT_S: f32 = 1.5;
/// More shots are not in the air at a time: who would fire another has to wait.
pub(super) const SHOTS_MAX: usize = 1_024;

/// A shot in the air.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct Flight {
    /// Where it is, exactly.
    place: Vec3,
    /// In m/s.
    velocity: Vec3,
    /// Whose shot it is: it does not hit that avatar.
    shooter: Entity,
    client_id: ClientId,
    /// When it vanishes.
    until: Tick,
}

/// Fires for those who ask for it and can; for all others the next shot comes nearer.
pub(super) fn fire(
    inputs: Res<Inputs<ArenaInput>>,
    time: Res<TickTime>,
    flights: Query<&Flight>,
    mut avatars: Query<(Entity, &Owner, &Position, &Facing, &Status, &mut Ammo, &mut Cooldown)>,
    mut commands: Commands,
) {
    let mut room = SHOTS_MAX - flights.iter().len().min(SHOTS_MAX);
    for (shooter, owner, position, facing, status, mut ammo, mut cooldown) in &mut avatars {
        let asks = inputs.of(owner.0).is_some_and(|input| input.fire) && !status.dead && room > 0;
        let (weapon, fired) = Weapon { ammo: *ammo, cooldown: *cooldown }.step(asks, time.tick_hz);
        ammo.set_if_neq(weapon.ammo);
        cooldown.set_if_neq(weapon.cooldown);
        if !fired {
            continue;
        }
        room -= 1;
        let place = position.0 + Vec3::new(0.0, 0.0, Body::EYE_M);
        let velocity = facing.direction() * SHOT_SPEED;
        let flight = Flight { place, velocity, shooter, client_id: owner.0, until: time.after(FLIGHT_S) };
        commands.spawn((Kind::Projectile, Position(place).snapped(), *facing, flight, Replicated));
    }
}

/// Moves the shots until they meet a body, an obstacle, or the end of the arena or of their time.
pub(super) fn fly(
    time: Res<TickTime>,
    ground: Res<Ground>,
    targets: Res<Targets>,
    mut wounds: ResMut<Wounds>,
    mut flights: Query<(Entity, &mut Position, &mut Flight)>,
    mut commands: Commands,
) {
    for (shot, mut position, mut flight) in &mut flights {
        let (from, to) = (flight.place, flight.place + flight.velocity * time.delta_s);
        let obstacle = ground.0.first_hit(from, to);
        let body = targets.first_hit(from, to, flight.shooter);
        let struck = body.filter(|(at, _)| obstacle.is_none_or(|obstacle| *at <= obstacle));
        if let Some((_, target)) = struck {
            wounds.0.push(Wound { target, shooter: flight.shooter, client_id: flight.client_id });
        }
        if struck.is_some() || obstacle.is_some() || !is_inside(to) || time.is_past(flight.until) {
            commands.entity(shot).despawn();
        } else {
            flight.place = to;
            position.set_if_neq(Position(to).snapped());
        }
    }
}

fn is_inside(place: Vec3) -> bool {
    place.truncate().abs().max_element() <= Position::EXTENT_M && (0.0..=Position::CEILING_M).contains(&place.z)
}
