//! What tests break on purpose, to see it found and healed.

use super::Engine;
use tidelock::state::{Audience, NetId};

impl Engine {
    /// Flips a bit in every version of a stream that records may build on, its newest aside.
    #[doc(hidden)]
    pub fn corrupt_baselines(&mut self, id: NetId, audience: Audience) {
        self.history.corrupt_baselines(id.index, audience);
    }
}
