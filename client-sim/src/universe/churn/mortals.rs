use super::body::Serials;
use super::dice::{Dice, somewhere};
use super::legend::legend;
use super::makes::Trait;
use super::{Banner, Cursed, Mood, Rules, Secret};
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

/// As many as are missing, each with most of what its make allows.
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
    for _ in mortals.iter().count()..rules.game.entities {
        let life = rng.below(rules.game.life_ticks_max) as u32;
        let serial = serials.next();
        let mut entity = commands.spawn((somewhere(rng), serial, Mortal(time.tick.add(life)), Replicated));
        let has = |of| rules.makes.allow(serial, of);
        if has(Trait::Mood) {
            entity.insert(Mood(rng.below(1_001) as i32));
        }
        if has(Trait::Team) {
            entity.insert(Team(rng.below(2) as u16));
        }
        if has(Trait::Banner) {
            entity.insert(Banner(rng.below(99) as u32));
        }
        if has(Trait::Secret) {
            entity.insert(Secret(rng.below(99) as u32));
        }
        if has(Trait::Owner) && !clients.is_empty() {
            entity.insert(Owner(clients[rng.below(clients.len() as u64) as usize]));
        }
        if has(Trait::Relevant) {
            entity.insert(AlwaysRelevant);
        }
        if has(Trait::Cursed) {
            entity.insert(Cursed);
        }
        if has(Trait::Legend) {
            entity.insert(legend(rng, Entity::PLACEHOLDER));
        }
    }
}
