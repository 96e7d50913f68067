use super::Rules;
use bevy_ecs::prelude::Res;
use tidelock::state::{Input, Replicate};
use tidelock::{ClientId, Tick};
use tidelock_server::game::{Inputs, TickTime};

/// A stamp that must be applied once, in the tick that it names. The default names none.
#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp(
    /// The tick modulo 65,535, and 1 more; or 0.
    #[field(range(0..=0xFFFF))]
    pub u32,
);

/// An input as a tick applied it: whose, in which tick, what it was stamped with.
pub type Applied = (ClientId, Tick, u32);

impl Stamp {
    /// The stamp for a tick: never 0.
    #[must_use]
    pub const fn of(tick: Tick) -> Self {
        Self(tick.0 % 0xFFFF + 1)
    }
}

impl Input for Stamp {
    fn clear_one_shots(&mut self) {
        self.0 = 0;
    }
}

pub(super) fn note_inputs(inputs: Res<'_, Inputs<Stamp>>, time: Res<'_, TickTime>, rules: Res<'_, Rules>) {
    let mut applied = rules.0.applied.lock().expect("nobody panics with it in hand");
    let stamped = inputs.iter().filter(|(_, stamp)| stamp.0 != 0);
    applied.extend(stamped.map(|(client_id, stamp)| (client_id, time.tick, stamp.0)));
}
