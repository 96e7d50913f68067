use super::dice::ExtraDice;
use super::makes::Trait;
use super::{Rules, Serial};
use bevy_ecs::prelude::{Commands, Component, Entity, Query, Res, ResMut};
use tidelock::state::{EntityRef, Replicate};
use tidelock_server::game::refer_to;

/// Refers to another entity in two ways, which must lead to the same.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mate {
    /// As the engine does.
    pub who: EntityRef,
    /// By its serial number.
    #[field(flags, bits = 24)]
    pub serial: u32,
}

/// Some find a mate, and some lose theirs.
pub(super) fn pair(
    bodies: Query<'_, '_, (Entity, &Serial)>,
    rules: Res<'_, Rules>,
    mut dice: ResMut<'_, ExtraDice>,
    mut commands: Commands<'_, '_>,
) {
    let rng = &mut dice.0;
    let mut last = None;
    for (entity, serial) in &bodies {
        match rng.below(60) {
            0..2 if let Some((who, of)) = last
                && rules.makes.allow(*serial, Trait::Mate) =>
            {
                commands.entity(entity).insert(Mate { who: refer_to(who), serial: of });
            }
            2 if rules.makes.vary(*serial, Trait::Mate) => drop(commands.entity(entity).remove::<Mate>()),
            _ => {}
        }
        if rng.chance(0.3) {
            last = Some((entity, serial.0));
        }
    }
}
