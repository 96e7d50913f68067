use std::time::Duration;
use tidelock::Instant;

/// What a player takes for the time: its clock began elsewhere, and goes wrong. The default is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalClock {
    offset_us: u64,
    drift_ppm: i32,
}

/// One part in so many.
const MILLION: i128 = 1_000_000;

impl LocalClock {
    /// The most that a clock may drift, in parts in a million: far more than any quartz does.
    pub const DRIFT_PPM_MAX: u32 = 10_000;

    /// A clock that said `offset` when the universe's said nothing, and since then gains so many microseconds in a second.
    ///
    /// # Panics
    /// If it drifts by more than [`LocalClock::DRIFT_PPM_MAX`].
    #[must_use]
    pub const fn new(offset: Duration, drift_ppm: i32) -> Self {
        assert!(drift_ppm.unsigned_abs() <= Self::DRIFT_PPM_MAX, "a clock does not drift that much");
        Self { offset_us: offset.as_micros() as u64, drift_ppm }
    }

    /// What it says at `now`.
    #[must_use]
    pub const fn at(self, now: Instant) -> Instant {
        let gained_us = (now.as_us() as i128 * self.drift_ppm as i128).div_euclid(MILLION);
        Instant::from_us((now.as_us() as i128 + gained_us) as u64 + self.offset_us)
    }

    /// The first moment at which it says `local` or more.
    #[must_use]
    pub const fn reaches(self, local: Instant) -> Instant {
        let Some(gone_us) = local.as_us().checked_sub(self.offset_us) else { return Instant::from_us(0) };
        let rate = MILLION + self.drift_ppm as i128;
        let us = (gone_us as i128 * MILLION + rate - 1).div_euclid(rate);
        Instant::from_us(if us > u64::MAX as i128 { u64::MAX } else { us as u64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_default_clock_is_right() {
        let now = Instant::from_us(1_234_567);
        assert_eq!((LocalClock::default().at(now), LocalClock::default().reaches(now)), (now, now));
    }

    #[test]
    fn a_clock_gains_what_it_drifts() {
        let clock = LocalClock::new(Duration::from_secs(5), 200);
        assert_eq!(clock.at(Instant::from_us(10_000_000)), Instant::from_us(15_002_000));
        let slow = LocalClock::new(Duration::ZERO, -10_000);
        assert_eq!(slow.at(Instant::from_us(10_000_000)), Instant::from_us(9_900_000));
    }

    proptest! {
        #[test]
        fn a_moment_is_reached_then_and_not_before(
            offset_us in 0u64..1 << 40, drift_ppm in -10_000i32..=10_000, gone_us in 1u64..1 << 40,
        ) {
            let clock = LocalClock::new(Duration::from_micros(offset_us), drift_ppm);
            let local = Instant::from_us(offset_us + gone_us);
            let then = clock.reaches(local);
            prop_assert!(clock.at(then) >= local);
            prop_assert!(clock.at(Instant::from_us(then.as_us() - 1)) < local);
        }
    }
}
