use bevy_ecs::component::Component;
use tidelock::state::{Field, LaneReader, LaneWriter, Replicate};

/// What an entity is.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
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

impl Kind {
    const ALL: [Self; 5] = [Self::Avatar, Self::Npc, Self::Projectile, Self::HealthPack, Self::AmmoPack];
}

impl Replicate for Kind {
    const NAME: &'static str = "kind";
    const FIELDS: &'static [Field] = &[Field::integer("kind", 0, Self::ALL.len() as i32 - 1).with_order(0)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.integer(*self as i32);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self::ALL[lanes.integer().clamp(0, Self::ALL.len() as i32 - 1) as usize]
    }
}

/// Hit points, 0 to [`Health::FULL`]. Who has none is dead.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health(pub u8);

impl Health {
    /// Unhurt.
    pub const FULL: u8 = 100;
}

impl Default for Health {
    fn default() -> Self {
        Self(Self::FULL)
    }
}

impl Replicate for Health {
    const NAME: &'static str = "health";
    const FIELDS: &'static [Field] = &[Field::integer("points", 0, Self::FULL as i32).with_order(4)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.integer(i32::from(self.0));
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.integer() as u8)
    }
}

/// What a client draws besides the body.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Lies on the ground until it comes back, elsewhere: whoever draws it does not slide it there.
    pub dead: bool,
    /// Was hit a moment ago.
    pub hit: bool,
}

impl Status {
    const DEAD: u32 = 1;
    const HIT: u32 = 2;
}

impl Replicate for Status {
    const NAME: &'static str = "status";
    const FIELDS: &'static [Field] = &[Field::flags("flags", 2)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.flags(if self.dead { Self::DEAD } else { 0 } | if self.hit { Self::HIT } else { 0 });
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        let flags = lanes.flags();
        Self { dead: flags & Self::DEAD != 0, hit: flags & Self::HIT != 0 }
    }
}

/// Shots left, 0 to [`Ammo::MAX`].
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ammo(pub u8);

impl Ammo {
    /// As many as one can carry.
    pub const MAX: u8 = 60;
}

impl Default for Ammo {
    fn default() -> Self {
        Self(Self::MAX / 2)
    }
}

impl Replicate for Ammo {
    const NAME: &'static str = "ammo";
    const FIELDS: &'static [Field] = &[Field::integer("shots", 0, Self::MAX as i32).with_order(0)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.integer(i32::from(self.0));
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.integer() as u8)
    }
}

/// Ticks until the next shot can be fired: 0 when it can. Counts down by one each tick, so a client can predict it.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cooldown(pub u8);

impl Replicate for Cooldown {
    const NAME: &'static str = "cooldown";
    const FIELDS: &'static [Field] = &[Field::integer("ticks", 0, u8::MAX as i32).with_order(2)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.integer(i32::from(self.0));
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.integer() as u8)
    }
}

/// What a player has done since joining.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Avatars and NPCs killed; stays at the largest value.
    pub kills: u16,
    /// Times killed; stays at the largest value.
    pub deaths: u16,
}

impl Replicate for Score {
    const NAME: &'static str = "score";
    const FIELDS: &'static [Field] = &[
        Field::integer("kills", 0, u16::MAX as i32).with_order(0),
        Field::integer("deaths", 0, u16::MAX as i32).with_order(0),
    ];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.integer(i32::from(self.kills));
        lanes.integer(i32::from(self.deaths));
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self { kills: lanes.integer() as u16, deaths: lanes.integer() as u16 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_back() {
        for kind in Kind::ALL {
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
