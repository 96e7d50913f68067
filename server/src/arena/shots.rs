use super::Ground;
use super::lives::{Wound, Wounds};
use super::targets::{Target, Targets};
use crate::game::{Inputs, Owner, Replicated, Rewind, TickTime};
use bevy_ecs::change_detection::DetectChangesMut;
use bevy_ecs::prelude::{Commands, Component, Entity, Query, Res, ResMut};
use glam::Vec3;
use tidelock::state::Replicate;
use tidelock::{ClientId, Moment, Tick};
use tidelock_arena::flight::{Flight, Leg};
use tidelock_arena::{Ammo, ArenaInput, Cooldown, Facing, Kind, Position, Status, Weapon};

/// More shots are not in the air at a time: who would fire another has to wait.
pub(super) const SHOTS_MAX: usize = 1_024;

/// A shot in the air.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct Shot {
    flight: Flight,
    /// Whose shot it is: it does not hit that avatar.
    shooter: Entity,
    client_id: ClientId,
    /// The tick of the input that fired it.
    fired: Tick,
    /// How old the shooter's view was then, in ticks. The shot flies in its shooter's time: past the others as they were
    /// shown, so that what meets on the shooter's screen meets here.
    view_age: f32,
}

/// Fires for those who ask for it and can; for all others the next shot comes nearer.
pub(super) fn fire(
    inputs: Res<Inputs<ArenaInput>>,
    time: Res<TickTime>,
    rewind: Rewind,
    shots: Query<&Shot>,
    mut avatars: Query<(Entity, &Owner, &Position, &Facing, &Status, &mut Ammo, &mut Cooldown)>,
    mut commands: Commands,
) {
    let mut room = SHOTS_MAX - shots.iter().len().min(SHOTS_MAX);
    for (shooter, owner, position, facing, status, mut ammo, mut cooldown) in &mut avatars {
        let input = inputs.of(owner.0).filter(|input| input.fire && !status.dead && room > 0);
        let (weapon, fired) = Weapon { ammo: *ammo, cooldown: *cooldown }.step(input.is_some(), time.tick_hz);
        ammo.set_if_neq(weapon.ammo);
        cooldown.set_if_neq(weapon.cooldown);
        let Some(input) = input.filter(|_| fired) else { continue };
        room -= 1;
        let flight = Flight::fired(*position, *facing, time.tick_hz);
        let view_age = rewind.bounded(input.shown);
        let shot = Shot { flight, shooter, client_id: owner.0, fired: time.tick, view_age };
        commands.spawn((Kind::Projectile, Position(flight.place).snapped(), *facing, shot, Replicated));
    }
}

/// Moves the shots until they meet a body, an obstacle, or the end of the arena or of their time.
pub(super) fn fly(
    time: Res<TickTime>,
    ground: Res<Ground>,
    targets: Res<Targets>,
    rewind: Rewind,
    mut wounds: ResMut<Wounds>,
    mut shots: Query<(Entity, &mut Position, &mut Shot)>,
    mut commands: Commands,
) {
    for (entity, mut position, mut shot) in &mut shots {
        let Shot { shooter, client_id, fired, view_age, .. } = *shot;
        let shown = Moment::at(time.tick).add(-view_age);
        let leg = shot.flight.step(&ground.0, time.delta_s, |from, to| {
            targets.first_hit(from, to, view_age * time.delta_s, |target| {
                (target.entity != shooter).then(|| place_shown(&rewind, target, shown, view_age))?
            })
        });
        match leg {
            Leg::Flies => {
                position.set_if_neq(Position(shot.flight.place).snapped());
                continue;
            }
            Leg::Hits(target) => wounds.0.push(Wound { target, shooter, client_id, fired }),
            Leg::Ends => {}
        }
        commands.entity(entity).despawn();
    }
}

/// Where the shooter saw a body stand; `None` if it lay dead, or was not there.
fn place_shown(rewind: &Rewind, target: &Target, shown: Moment, view_age: f32) -> Option<Vec3> {
    if view_age == 0.0 {
        return (!target.is_dead).then_some(target.place);
    }
    let was_alive = !rewind.held::<Status>(target.entity, shown)?.dead;
    rewind.get::<Position>(target.entity, shown).filter(|_| was_alive).map(|position| position.0)
}
