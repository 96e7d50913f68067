use crate::body::Facing;
use tidelock::state::{Field, Input, LaneReader, LaneWriter, Replicate};

/// What a player asks for in one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ArenaInput {
    /// Where to walk, along the look: 1 forwards at full pace, -1 backwards.
    pub forward: f32,
    /// Where to walk, across the look: 1 to the right, -1 to the left. With `forward` at most full pace in all.
    pub right: f32,
    /// Where to look from this tick on.
    pub look: Facing,
    /// Shoot, if the weapon is ready. Held is set on every tick.
    pub fire: bool,
    /// Jump, if on the ground.
    pub jump: bool,
    /// Run instead of walk.
    pub sprint: bool,
}

impl ArenaInput {
    const FIRE: u32 = 1;
    const JUMP: u32 = 2;
    const SPRINT: u32 = 4;
    /// Sticks are coarse: 33 places on each axis.
    const STICK_STEP: f32 = 1.0 / 16.0;

    /// Asks for nothing, and goes on looking where it looks. The dead are stepped with this.
    #[must_use]
    pub fn idle(look: Facing) -> Self {
        Self { look, ..Self::default() }
    }

    fn buttons(&self) -> u32 {
        let buttons = [(self.fire, Self::FIRE), (self.jump, Self::JUMP), (self.sprint, Self::SPRINT)];
        buttons.iter().filter(|(pressed, _)| *pressed).map(|(_, flag)| flag).sum()
    }
}

impl Replicate for ArenaInput {
    const NAME: &'static str = "arena input";
    const FIELDS: &'static [Field] = &[
        Field::range("forward", -1.0, 1.0, Self::STICK_STEP).with_order(3),
        Field::range("right", -1.0, 1.0, Self::STICK_STEP).with_order(3),
        Facing::YAW,
        Facing::PITCH,
        Field::flags("buttons", 3),
    ];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        // Not a number would be read as full speed backwards; it means nothing, so it asks for nothing.
        let stick = |value: f32| if value.is_nan() { 0.0 } else { value };
        lanes.ranges([stick(self.forward), stick(self.right)]);
        self.look.quantize(lanes);
        lanes.flags(self.buttons());
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        let [forward, right] = lanes.ranges();
        let look = Facing::dequantize(lanes);
        let buttons = lanes.flags();
        let pressed = |flag| buttons & flag != 0;
        Self {
            forward,
            right,
            look,
            fire: pressed(Self::FIRE),
            jump: pressed(Self::JUMP),
            sprint: pressed(Self::SPRINT),
        }
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
