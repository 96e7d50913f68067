use super::body::Serials;
use super::dice::{Dice, somewhere};
use super::{Banner, Mood, Rules, Secret};
use bevy_ecs::prelude::{Commands, Component, Entity, Query, Res, ResMut, With};
use tidelock::{ClientId, Tick};
use tidelock_server::game::{AlwaysRelevant, Owner, Replicated, Team, TickTime, Viewpoint};

/// Dies after this tick.
#[derive(Component)]
pub(super) struct Mortal(Tick);

pub(super) fn die(mortals: Query<'_, '_, (Entity, &Mortal)>, time: Res<'_, TickTime>, mut commands: Commands<'_, '_>) {
    for (entity, _) in mortals.iter().filter(|(_, mortal)| time.is_past(mortal.0)) {
        commands.entity(entity).despawn();
    }
}

/// As many as are missing, of all kinds; some belong to a player.
pub(super) fn spawn(
    mortals: Query<'_, '_, (), With<Mortal>>,
    owners: Query<'_, '_, &Owner, With<Viewpoint>>,
    rules: Res<'_, Rules>,
    time: Res<'_, TickTime>,
    mut dice: ResMut<'_, Dice>,
    mut serials: ResMut<'_, Serials>,
    mut commands: Commands<'_, '_>,
) {
    let rng = &mut dice.0;
    let clients: Vec<ClientId> = owners.iter().map(|owner| owner.0).collect();
    for _ in mortals.iter().count()..rules.0.entities {
        let life = rng.below(rules.0.life_ticks_max) as u32;
        let mut entity = commands.spawn((somewhere(rng), serials.next(), Mortal(time.tick.add(life)), Replicated));
        if rng.chance(0.5) {
            entity.insert(Mood(rng.below(1_001) as i32));
        }
        if rng.chance(0.6) {
            entity.insert((Team(rng.below(2) as u16), Banner(rng.below(99) as u32)));
        }
        if rng.chance(0.1) {
            entity.insert(AlwaysRelevant);
        }
        if rng.chance(0.2) && !clients.is_empty() {
            entity.insert((Secret(rng.below(99) as u32), Owner(clients[rng.below(clients.len() as u64) as usize])));
        }
    }
}
