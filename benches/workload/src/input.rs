use crate::chance::{hash, unit};
use std::f32::consts::{FRAC_PI_4, TAU};

/// What a client asks for in one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Input {
    /// Each from -1 to 1.
    pub towards: [f32; 2],
    /// Yaw, -pi to pi, and pitch, -1.5 to 1.5.
    pub look: [f32; 2],
    /// Eight of sixteen are used.
    pub buttons: u16,
}

/// A third of a second in one direction, a tenth with the same buttons, looking elsewhere in every tick. The world does not
/// obey it: servers receive it, decode it and sum it up.
#[must_use]
pub fn input(client: usize, tick: u64) -> Input {
    let client = client as u64;
    let direction = (hash(20, client, tick / 10) & 7) as f32 * FRAC_PI_4;
    // A rounded turn and half of it: as in every program that reproduces this workload.
    let yaw = unit(21, client, tick) * TAU - std::f32::consts::PI;
    Input {
        towards: [direction.cos(), direction.sin()],
        look: [yaw, unit(22, client, tick) * 3.0 - 1.5],
        buttons: (hash(23, client, tick / 3) & 0xFF) as u16,
    }
}
