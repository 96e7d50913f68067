use bevy_ecs::component::Component;
use tidelock::state::Replicate;

/// What an entity is.
#[derive(Component, Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A player's body: position, velocity, facing, health and status, and for its owner ammo, cooldown and score.
    #[default]
    Avatar,
    /// A wanderer of the server's: position, velocity, facing, health and status.
    Npc,
    /// A shot on its way: position and facing. It flies along its facing until it hits.
    Projectile,
    /// Restores health: position.
    HealthPack,
    /// Restores ammunition: position.
    AmmoPack,
}

/// Hit points, 0 to [`Health::FULL`]. Who has none is dead.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health(#[field(range(0..=Self::FULL), order = 4)] pub u8);

impl Health {
    /// Unhurt.
    pub const FULL: u8 = 100;
}

impl Default for Health {
    fn default() -> Self {
        Self(Self::FULL)
    }
}

/// What a client draws besides the body.
#[derive(Component, Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Lies on the ground until it comes back, elsewhere: whoever draws it does not slide it there.
    pub dead: bool,
    /// Was hit a moment ago.
    pub hit: bool,
}

/// Shots left, 0 to [`Ammo::MAX`].
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
#[replicate(owner)]
pub struct Ammo(#[field(range(0..=Self::MAX), order = 0)] pub u8);

impl Ammo {
    /// As many as one can carry.
    pub const MAX: u8 = 60;
}

impl Default for Ammo {
    fn default() -> Self {
        Self(Self::MAX / 2)
    }
}

/// Ticks until the next shot can be fired: 0 when it can. Counts down by one each tick, so a client can predict it.
#[derive(Component, Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[replicate(owner)]
pub struct Cooldown(#[field(order = 2)] pub u8);

/// What a player has done since joining.
#[derive(Component, Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[replicate(owner)]
pub struct Score {
    /// Avatars and NPCs killed; stays at the largest value.
    #[field(order = 0)]
    pub kills: u16,
    /// Times killed; stays at the largest value.
    #[field(order = 0)]
    pub deaths: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_back() {
        for kind in [Kind::Avatar, Kind::Npc, Kind::Projectile, Kind::HealthPack, Kind::AmmoPack] {
            assert_eq!(kind.snapped(), kind);
        }
    }

    #[test]
    fn every_status_comes_back() {
        for (dead, hit) in [(false, false), (false, true), (true, false), (true, true)] {
            let status = Status { dead, hit };
            assert_eq!(status.snapped(), status);
        }
    }

    #[test]
    fn counters_are_clamped_to_their_range() {
        assert_eq!(Health(255).snapped(), Health(100));
        assert_eq!(Ammo(255).snapped(), Ammo(60));
        let score = Score { kills: u16::MAX, deaths: 3 };
        assert_eq!(score.snapped(), score);
    }
}
