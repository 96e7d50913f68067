use super::dice::Dice;
use crate::link::Rng;
use bevy_ecs::prelude::{Component, Entity, Query, ResMut};
use tidelock::state::{EntityRef, Replicate};
use tidelock_server::game::refer_to;

/// Of many lanes, told at every third tick only, and coming and going.
#[derive(Component, Replicate, Clone, Debug, PartialEq, Eq)]
#[replicate(every = 3, priority = 2)]
pub struct Legend {
    /// As much of a hero's name as there is room for.
    #[field(text, bytes = 12)]
    pub name: String,
    /// Somebody who may be seen, or not, or soon be gone.
    pub hero: EntityRef,
    /// How often it was told, modulo 32.
    #[field(counter, bits = 5)]
    pub telling: u8,
    /// Which it is about.
    pub element: Element,
}

/// What the world is made of.
#[derive(Replicate, Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Element {
    Fire,
    Water,
    Air,
}

/// Most are about `hero`, some about nobody.
pub(super) fn legend(rng: &mut Rng, hero: Entity) -> Legend {
    let names = ["", "Ann", "Ærøskøbing", "somebody of a long name"];
    Legend {
        name: names[rng.below(4) as usize].into(),
        hero: if rng.chance(0.8) { refer_to(hero) } else { EntityRef::None },
        telling: rng.below(32) as u8,
        element: [Element::Fire, Element::Water, Element::Air][rng.below(3) as usize],
    }
}

/// Tells legends on, a few in each tick.
pub(super) fn tell(mut legends: Query<'_, '_, &mut Legend>, mut dice: ResMut<'_, Dice>) {
    for mut legend in &mut legends {
        if dice.0.chance(0.3) {
            legend.telling = (legend.telling + 1) % 32;
        }
    }
}
