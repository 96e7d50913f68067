use crate::vitals::{Ammo, Cooldown};

/// What it takes to shoot. The server steps it, and clients predict it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weapon {
    /// Shots left.
    pub ammo: Ammo,
    /// Ticks until the next.
    pub cooldown: Cooldown,
}

/// Between two shots of one player, in seconds.
const COOLDOWN_S: f32 = 0.25;

impl Weapon {
    /// One tick, in which its owner pulls the trigger or does not. Whether a shot goes off.
    #[must_use]
    pub fn step(self, fire: bool, tick_hz: u32) -> (Self, bool) {
        let cooldown = self.cooldown.0.saturating_sub(1);
        if !fire || cooldown > 0 || self.ammo.0 == 0 {
            return (Self { cooldown: Cooldown(cooldown), ..self }, false);
        }
        // The least whole number of ticks that is no shorter; the product may lie a trace above a whole one.
        let ticks = libm::ceilf(COOLDOWN_S * tick_hz as f32 - 0.001).clamp(0.0, 255.0) as u8;
        (Self { ammo: Ammo(self.ammo.0 - 1), cooldown: Cooldown(ticks) }, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_trigger_that_is_held_fires_four_times_a_second_until_the_ammunition_is_gone() {
        let mut weapon = Weapon { ammo: Ammo(6), cooldown: Cooldown(0) };
        let mut shots = Vec::new();
        for tick in 0..120 {
            let (next, fired) = weapon.step(true, 60);
            weapon = next;
            shots.extend(fired.then_some(tick));
        }
        assert_eq!(shots, [0, 15, 30, 45, 60, 75]);
        assert_eq!(weapon.ammo, Ammo(0));
    }

    #[test]
    fn it_cools_down_without_a_shot() {
        let (weapon, fired) = Weapon { ammo: Ammo(1), cooldown: Cooldown(2) }.step(true, 60);
        assert_eq!((weapon.cooldown, fired), (Cooldown(1), false));
        assert!(weapon.step(true, 60).1);
    }
}
