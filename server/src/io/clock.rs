//! The clocks of the operating system.

use std::time::{Duration, SystemTime};
use tidelock::Instant;

pub use os::{now, sleep_until};

/// Seconds since 1970, by the clock that people set.
#[must_use]
pub fn unix_s() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "io is where clocks are read")]
    let now = SystemTime::now();
    now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Waits for the next second of that clock, and says which it is.
pub fn next_unix_s() -> u64 {
    let began = unix_s();
    while unix_s() == began {
        sleep_until(now() + Duration::from_millis(5));
    }
    unix_s()
}

#[cfg(target_os = "linux")]
mod os {
    use super::Instant;
    use nix::errno::Errno;
    use nix::sys::time::TimeSpec;
    use nix::time::{ClockId, ClockNanosleepFlags, clock_nanosleep};
    use std::time::Duration;

    /// The monotonic clock, which counts from the machine's start: all processes on one machine agree on it.
    #[must_use]
    pub fn now() -> Instant {
        let now = ClockId::CLOCK_MONOTONIC.now().expect("Linux has a monotonic clock");
        Instant::from_us(Duration::from(now).as_micros().try_into().expect("less than half a million years"))
    }

    /// Blocks this thread until `deadline`, by the clock of [`now`].
    pub fn sleep_until(deadline: Instant) {
        let until = TimeSpec::from_duration(Duration::from_micros(deadline.as_us()));
        while clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &until) == Err(Errno::EINTR)
        {
        }
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::disallowed_methods, reason = "io is where clocks are read")]
mod os {
    use super::Instant;
    use std::sync::LazyLock;

    /// A monotonic clock, which counts from its first use: processes do not agree on it.
    #[must_use]
    pub fn now() -> Instant {
        static ORIGIN: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
        Instant::from_us(ORIGIN.elapsed().as_micros().try_into().expect("less than half a million years"))
    }

    /// Blocks this thread until `deadline`, by the clock of [`now`].
    pub fn sleep_until(deadline: Instant) {
        std::thread::sleep(deadline.since(now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeping_ends_after_the_deadline() {
        let deadline = now() + Duration::from_millis(3);
        sleep_until(deadline);
        assert!(now() >= deadline);
        sleep_until(deadline - Duration::from_secs(1));
    }
}
