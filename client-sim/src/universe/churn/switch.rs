use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Off at first. All copies of it are one: who runs a universe keeps one, and the game in it another.
#[derive(Clone, Debug, Default)]
pub struct Switch(Arc<AtomicBool>);

impl Switch {
    /// Turns it on or off, from the next tick on.
    pub fn set(&self, on: bool) {
        self.0.store(on, Ordering::Relaxed);
    }

    /// Whether it is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
