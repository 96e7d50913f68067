use super::Rules;
use bevy_ecs::prelude::Res;
use tidelock::state::{FNV1A_OFFSET, Input, Replicate, fnv1a};
use tidelock::{ClientId, Tick};
use tidelock_server::game::{Inputs, TickTime};

/// A stamp that must be applied once, in the tick that it names. The default names none.
#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp(
    /// 0 or 1 to 65,535.
    #[field(range(0..=0xFFFF))]
    pub u32,
);

/// An input as a tick applied it: whose, in which tick, what it was stamped with.
pub type Applied = (ClientId, Tick, u32);

impl Stamp {
    /// The stamp of a player for a tick, over its how many-th connection: never 0, and likely no other one's.
    #[must_use]
    pub fn by(client_id: ClientId, tick: Tick, era: u32) -> Self {
        let words = [client_id.0, u64::from(tick.0), u64::from(era)].map(u64::to_le_bytes);
        Self((fnv1a(FNV1A_OFFSET, words.as_flattened()) % 0xFFFF) as u32 + 1)
    }

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
    if rules.game.is_full {
        return;
    }
    let mut applied = rules.game.applied.lock().expect("nobody panics with it in hand");
    let stamped = inputs.iter().filter(|(_, stamp)| stamp.0 != 0);
    applied.extend(stamped.map(|(client_id, stamp)| (client_id, time.tick, stamp.0)));
}
