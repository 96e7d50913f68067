//! The clocks of the operating system.

use std::time::{Duration, SystemTime};

use nix::time::ClockId;
use tidelock::Instant;

/// The monotonic clock, which counts from the machine's start: a server on the same machine reads the same.
pub(super) fn now() -> Instant {
    let now = ClockId::CLOCK_MONOTONIC.now().expect("Linux has a monotonic clock");
    Instant::from_us(Duration::from(now).as_micros() as u64)
}

/// Seconds since 1970, by the clock that people set.
pub(super) fn unix_s() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the swarm is where clocks are read")]
    let now = SystemTime::now();
    now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
