use std::time::Duration;
use tidelock::wire::Load;
use tidelock::{Instant, Tick};

/// What all snapshots of a tick have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SnapshotTick {
    pub(crate) tick: Tick,
    pub(crate) now: Instant,
    /// When the tick was due.
    pub(crate) due: Instant,
    /// Between two snapshots of one client.
    pub(crate) snapshot_interval: Duration,
    pub(crate) load: Load,
}
