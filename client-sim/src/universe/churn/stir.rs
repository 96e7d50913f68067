use super::dice::{Dice, somewhere};
use super::legend::{Legend, legend};
use super::makes::Trait;
use super::{Banner, Cursed, FIELD_M, Mood, Place, Rules, Secret, Serial};
use bevy_ecs::prelude::{Commands, Entity, Query, Res, ResMut};
use glam::Vec2;
use tidelock::state::Replicate;
use tidelock_server::game::{AlwaysRelevant, Team};

/// Jumps, walks and changes; some lose a component, their owner or what makes everybody see them, and get it back.
pub(super) fn stir(
    mut bodies: Query<'_, '_, (Entity, &Serial, &mut Place)>,
    rules: Res<'_, Rules>,
    mut dice: ResMut<'_, Dice>,
    mut commands: Commands<'_, '_>,
) {
    let rng = &mut dice.0;
    let mut last = Entity::PLACEHOLDER;
    for (entity, serial, mut place) in &mut bodies {
        let (allowed, varies) = (|of| rules.makes.allow(*serial, of), |of| rules.makes.vary(*serial, of));
        match rng.below(100) {
            0 => *place = somewhere(rng),
            1..30 => place.0 = (place.0 + Vec2::new(0.3, -0.2)).clamp(Vec2::splat(-FIELD_M), Vec2::splat(FIELD_M)),
            30 if allowed(Trait::Mood) => drop(commands.entity(entity).insert(Mood(rng.below(1_001) as i32))),
            31 if varies(Trait::Mood) => drop(commands.entity(entity).remove::<Mood>()),
            32 if allowed(Trait::Relevant) => drop(commands.entity(entity).insert(AlwaysRelevant)),
            33..36 if varies(Trait::Relevant) => drop(commands.entity(entity).remove::<AlwaysRelevant>()),
            36 if allowed(Trait::Secret) => drop(commands.entity(entity).insert(Secret(rng.below(99) as u32))),
            37 if allowed(Trait::Banner) => drop(commands.entity(entity).insert(Banner(rng.below(99) as u32))),
            38 if varies(Trait::Banner) => drop(commands.entity(entity).remove::<Banner>()),
            39 if allowed(Trait::Team) => drop(commands.entity(entity).insert(Team(rng.below(2) as u16))),
            40 if varies(Trait::Team) => drop(commands.entity(entity).remove::<Team>()),
            41 if allowed(Trait::Cursed) => drop(commands.entity(entity).insert(Cursed)),
            42 if varies(Trait::Cursed) => drop(commands.entity(entity).remove::<Cursed>()),
            43..46 if allowed(Trait::Legend) => drop(commands.entity(entity).insert(legend(rng, last))),
            46 if varies(Trait::Legend) => drop(commands.entity(entity).remove::<Legend>()),
            _ => {}
        }
        *place = place.snapped();
        last = entity;
    }
}
