use super::Serial;
use crate::link::Rng;

/// What some entities have, and may get or lose.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trait {
    Mood,
    Relevant,
    TeamRelevant,
    Secret,
    Owner,
    Banner,
    Team,
    Cursed,
    Legend,
    Glide,
    Mate,
    Layers,
    Replicated,
}

/// The few makes that entities are of, others for each seed. An entity gets only what its make allows, and keeps most of that, though
/// with other values: if all came and went with all of them, each entity would be of an archetype of its own, and a fifth of a tick
/// would go into looking through those.
pub(super) struct Makes([Make; MAKES]);

/// Sets of traits, a bit each.
struct Make {
    /// What its entities may get.
    allowed: u16,
    /// What comes and goes.
    varying: u16,
}

const MAKES: usize = 8;
/// So many traits of each make come and go, or fewer.
const VARYING_MAX: usize = 5;
/// How likely a make is to allow each, if it does not come and go: 0 to 1.
const SHARES: [(Trait, f64); 13] = [
    (Trait::Mood, 0.5),
    (Trait::Relevant, 0.1),
    (Trait::TeamRelevant, 0.3),
    (Trait::Secret, 0.8),
    (Trait::Owner, 0.3),
    (Trait::Banner, 0.5),
    (Trait::Team, 0.6),
    (Trait::Cursed, 0.5),
    (Trait::Legend, 0.8),
    (Trait::Glide, 1.0),
    (Trait::Mate, 0.8),
    (Trait::Layers, 0.3),
    (Trait::Replicated, 1.0),
];

impl Trait {
    const fn bit(self) -> u16 {
        1 << self as u32
    }
}

impl Make {
    fn new(rng: &mut Rng) -> Self {
        let varying =
            (0..VARYING_MAX).fold(0, |varying, _| varying | SHARES[rng.below(SHARES.len() as u64) as usize].0.bit());
        let allow = |allowed, (of, share): (Trait, f64)| if rng.chance(share) { allowed | of.bit() } else { allowed };
        Self { allowed: SHARES.into_iter().fold(varying, allow), varying }
    }
}

impl Makes {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng::stream(seed, 8);
        Self(std::array::from_fn(|_| Make::new(&mut rng)))
    }

    const fn of(&self, serial: Serial) -> &Make {
        &self.0[serial.0 as usize % MAKES]
    }

    /// Whether an entity may have a trait.
    pub(super) const fn allow(&self, serial: Serial, of: Trait) -> bool {
        self.of(serial).allowed & of.bit() != 0
    }

    /// Whether this trait of an entity comes and goes.
    pub(super) const fn vary(&self, serial: Serial, of: Trait) -> bool {
        self.of(serial).varying & of.bit() != 0
    }
}
