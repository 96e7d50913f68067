/// What is replicated of one entity.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// In metres, each from zero to [`WORLD_M`](crate::WORLD_M).
    pub position: [f32; 3],
    /// In m/s, each at most [`SPEED_MAX`](crate::SPEED_MAX).
    pub velocity: [f32; 3],
    /// In radians, -pi to pi.
    pub yaw: f32,
    /// Hit points.
    pub health: u8,
}

/// Which parts of an entity a step changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change(pub u8);

impl Change {
    /// [`State::position`].
    pub const POSITION: Self = Self(1);
    /// [`State::velocity`].
    pub const VELOCITY: Self = Self(2);
    /// [`State::yaw`].
    pub const YAW: Self = Self(4);
    /// [`State::health`].
    pub const HEALTH: Self = Self(8);

    /// Whether `part` changed.
    #[must_use]
    pub const fn has(self, part: Self) -> bool {
        self.0 & part.0 != 0
    }

    /// What differs between two states.
    #[must_use]
    pub fn between(before: &State, after: &State) -> Self {
        let mut change = Self::default();
        change.set(Self::POSITION, before.position != after.position);
        change.set(Self::VELOCITY, before.velocity != after.velocity);
        change.set(Self::YAW, before.yaw != after.yaw);
        change.set(Self::HEALTH, before.health != after.health);
        change
    }

    pub(crate) const fn set(&mut self, part: Self, changed: bool) {
        if changed {
            self.0 |= part.0;
        }
    }
}
