use tidelock::Tick;
use tidelock_arena::{ArenaInput, Map};

use super::{Bot, Seen, Sight};

/// Stands where it is: the cost of a client that only watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Idler;

impl Bot for Idler {
    fn input(&mut self, _: &Seen, _: &dyn Sight, _: Option<&Map>, _: Tick) -> ArenaInput {
        ArenaInput::default()
    }

    fn talks(&self) -> bool {
        false
    }
}
