use crate::vitals::{Ammo, Health, Kind};
use glam::Vec3;

/// What lies about to be picked up. The server gives it, and clients predict that they get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pack {
    /// 40 hit points.
    Health,
    /// 20 shots.
    Ammo,
}

const HEALTH_POINTS: u8 = 40;
const AMMO_SHOTS: u8 = 20;

impl Pack {
    /// How near a player must come, in metres.
    pub const REACH_M: f32 = 1.0;

    /// The pack that an entity of this kind is, if it is one.
    #[must_use]
    pub const fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::HealthPack => Some(Self::Health),
            Kind::AmmoPack => Some(Self::Ammo),
            _ => None,
        }
    }

    /// Whether who stands at `place` can pick up what lies at `pack`, both in metres.
    #[must_use]
    pub fn is_within_reach(pack: Vec3, place: Vec3) -> bool {
        pack.distance_squared(place) <= Self::REACH_M * Self::REACH_M
    }

    /// Restores what it can. False, and nothing is changed, if there is nothing to restore.
    #[must_use]
    pub fn restore(self, health: &mut Health, ammo: &mut Ammo) -> bool {
        match self {
            Self::Health if health.0 < Health::FULL => {
                health.0 = health.0.saturating_add(HEALTH_POINTS).min(Health::FULL);
            }
            Self::Ammo if ammo.0 < Ammo::MAX => ammo.0 = ammo.0.saturating_add(AMMO_SHOTS).min(Ammo::MAX),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_restores_up_to_all_and_nothing_that_is_whole() {
        let (mut health, mut ammo) = (Health(90), Ammo(Ammo::MAX));
        assert!(Pack::Health.restore(&mut health, &mut ammo) && !Pack::Ammo.restore(&mut health, &mut ammo));
        assert_eq!((health, ammo), (Health(100), Ammo(Ammo::MAX)));
        assert!(!Pack::Health.restore(&mut health, &mut ammo));
    }
}
