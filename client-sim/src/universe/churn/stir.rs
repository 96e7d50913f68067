use super::dice::{Dice, somewhere};
use super::legend::{Legend, legend};
use super::{Banner, Cursed, FIELD_M, Mood, Place, Secret};
use bevy_ecs::prelude::{Commands, Entity, Query, ResMut};
use glam::Vec2;
use tidelock::state::Replicate;
use tidelock_server::game::{AlwaysRelevant, Team};

/// Jumps, walks and changes; some lose a component, their owner or what makes everybody see them, and get it back.
pub(super) fn stir(
    mut bodies: Query<'_, '_, (Entity, &mut Place)>,
    mut dice: ResMut<'_, Dice>,
    mut commands: Commands<'_, '_>,
) {
    let rng = &mut dice.0;
    let mut last = Entity::PLACEHOLDER;
    for (entity, mut place) in &mut bodies {
        match rng.below(100) {
            0 => *place = somewhere(rng),
            1..30 => place.0 = (place.0 + Vec2::new(0.3, -0.2)).clamp(Vec2::splat(-FIELD_M), Vec2::splat(FIELD_M)),
            30 => drop(commands.entity(entity).insert(Mood(rng.below(1_001) as i32))),
            31 => drop(commands.entity(entity).remove::<Mood>()),
            32 => drop(commands.entity(entity).insert(AlwaysRelevant)),
            33..36 => drop(commands.entity(entity).remove::<AlwaysRelevant>()),
            36 => drop(commands.entity(entity).insert(Secret(rng.below(99) as u32))),
            37 => drop(commands.entity(entity).insert(Banner(rng.below(99) as u32))),
            38 => drop(commands.entity(entity).remove::<Banner>()),
            39 => drop(commands.entity(entity).insert(Team(rng.below(2) as u16))),
            40 => drop(commands.entity(entity).remove::<Team>()),
            41 => drop(commands.entity(entity).insert(Cursed)),
            42 => drop(commands.entity(entity).remove::<Cursed>()),
            43..46 => drop(commands.entity(entity).insert(legend(rng, last))),
            46 => drop(commands.entity(entity).remove::<Legend>()),
            _ => {}
        }
        *place = place.snapped();
        last = entity;
    }
}
