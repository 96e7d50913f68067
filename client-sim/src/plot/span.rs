use std::time::Duration;
use tidelock::Instant;

/// The time that a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: Instant,
    /// More than nothing.
    pub(crate) lasts: Duration,
}

impl Span {
    /// How far into it a moment lies, in seconds. What came just before it counts as its start.
    pub(crate) fn seconds(&self, at: Instant) -> f64 {
        at.since(self.start).min(self.lasts).as_secs_f64()
    }

    pub(crate) fn lasts_s(&self) -> f64 {
        self.lasts.as_secs_f64()
    }
}
