use crate::body::Facing;
use tidelock::ViewAge;
use tidelock::state::{Input, Replicate};

/// What a player asks for in one tick.
#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq)]
pub struct ArenaInput {
    /// Where to walk, along the look: 1 forwards at full pace, -1 backwards.
    #[field(range(-1.0..=1.0), step = Self::STICK_STEP, order = 3)]
    pub forward: f32,
    /// Where to walk, across the look: 1 to the right, -1 to the left. With `forward` at most full pace in all.
    #[field(range(-1.0..=1.0), step = Self::STICK_STEP, order = 3)]
    pub right: f32,
    /// Where to look from this tick on.
    pub look: Facing,
    /// Shoot, if the weapon is ready. Held is set on every tick.
    pub fire: bool,
    /// Jump, if on the ground.
    pub jump: bool,
    /// Run instead of walk.
    pub sprint: bool,
    /// How old is what the player is shown of others: a shot meets whom it meets on the shooter's screen. Of no account
    /// unless `fire` is set, so what stays as it was between two shots costs nothing.
    pub shown: ViewAge,
}

impl ArenaInput {
    /// Sticks are coarse: 33 places on each axis.
    const STICK_STEP: f32 = 1.0 / 16.0;

    /// Asks for nothing, and goes on looking where it looks. The dead are stepped with this.
    #[must_use]
    pub fn idle(look: Facing) -> Self {
        Self { look, ..Self::default() }
    }
}

impl Input for ArenaInput {
    fn clear_one_shots(&mut self) {
        self.fire = false;
        self.jump = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_asks_for_nothing_after_the_wire_too() {
        assert_eq!(ArenaInput::default().snapped(), ArenaInput::default());
    }

    #[test]
    fn what_is_not_a_number_asks_for_nothing() {
        let broken = ArenaInput { forward: f32::NAN, right: f32::NAN, ..ArenaInput::default() };
        assert_eq!(broken.snapped(), ArenaInput::default());
    }

    #[test]
    fn only_fire_and_jump_happen_once() {
        let mut input = ArenaInput { forward: 1.0, fire: true, jump: true, sprint: true, ..ArenaInput::default() };
        assert_eq!(input.snapped(), input);
        input.clear_one_shots();
        assert_eq!(input, ArenaInput { forward: 1.0, sprint: true, ..ArenaInput::default() });
    }
}
