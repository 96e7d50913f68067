use std::collections::VecDeque;
use std::time::Duration;
use tidelock::{Buffer, Instant, Tick};

/// The server's clock, as far as snapshots tell: what their ticks were due by it, against when they arrived by the client's.
///
/// The *transit* of a snapshot, arrival less due time, is the difference between both clocks plus the way. Delay only adds,
/// so the least transit of a while is the way without its queues (the clock filter of RFC 5905, section 10, takes the sample
/// of least delay too), and half the least round trip is what is left of it. How the least transits of many whiles slope is
/// the drift: the median of the slopes of all pairs (Sen, 1968), which a few bad whiles do not move.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The newest tick for which the server told when it was due.
    told: (Tick, Instant),
    period: Duration,
    /// Oldest first; the last is not over.
    windows: VecDeque<Window>,
    /// By how much transits grow: client's microseconds in each of its microseconds.
    slope: Option<f64>,
    /// The snapshot that came last, and its transit in microseconds.
    last: Option<(Tick, i64)>,
    jitter_us: f64,
    /// For the fit; kept for its memory.
    slopes: Vec<f64>,
}

/// The least of a while.
#[derive(Clone, Copy, Debug)]
struct Window {
    began_at: Instant,
    /// In microseconds, and when it was.
    transit_min: Option<(i64, Instant)>,
    rtt_min: Option<Duration>,
}

impl Window {
    /// Long enough that one snapshot of it hardly waited.
    const LENGTH: Duration = Duration::from_secs(1);

    const fn begin(now: Instant) -> Self {
        Self { began_at: now, transit_min: None, rtt_min: None }
    }
}

/// Windows that the drift is fitted to: with less time, jitter would pass for drift; with more, a wandering clock for a
/// steady one.
const WINDOWS_MAX: usize = 32;
/// Before so many windows are over, drift counts as none.
const WINDOWS_MIN: usize = 8;
/// The least transit is that of so many windows: a way that has become longer is known after as many seconds.
const RECENT_WINDOWS: usize = 8;
/// No clock is further off (RFC 5905, section 11.3): what looks like more is a queue that grows.
const SLOPE_MAX: f64 = 500e-6;

impl Clock {
    /// How far back it remembers.
    pub(super) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "windows of the clock", len: self.windows.len(), max: WINDOWS_MAX });
        let pairs = WINDOWS_MAX * (WINDOWS_MAX - 1);
        see(Buffer { name: "slopes of the clock", len: self.slopes.len(), max: pairs });
    }

    /// The server told that `tick` was due at `due`, and that ticks are `period` apart.
    pub(super) const fn new(tick: Tick, due: Instant, period: Duration) -> Self {
        Self {
            told: (tick, due),
            period,
            windows: VecDeque::new(),
            slope: None,
            last: None,
            jitter_us: 0.0,
            slopes: Vec::new(),
        }
    }

    /// How far the server's clock is ahead of the client's, in microseconds: add it to a client's [`Instant`] to get the
    /// server's. It is off by at most half of what the ways of a round trip differ by. `None` before the first snapshot.
    #[must_use]
    pub fn offset_us(&self) -> Option<i64> {
        let now = self.recent().filter_map(|window| window.transit_min).map(|(_, at)| at).max()?;
        let rtt_min = self.recent().filter_map(|window| window.rtt_min).min().unwrap_or_default();
        Some((rtt_min.as_micros() / 2) as i64 - self.transit_min_us(now)? as i64)
    }

    /// By how much the server's clock runs faster than the client's, in parts per million, -500 to 500. `None` in the first
    /// seconds.
    #[must_use]
    pub fn drift_ppm(&self) -> Option<f32> {
        self.slope.map(|slope| (-slope * 1e6) as f32)
    }

    /// How unevenly snapshots arrive: the smoothed mean deviation of RFC 3550, section 6.4.1.
    #[must_use]
    pub const fn jitter(&self) -> Duration {
        Duration::from_micros(self.jitter_us as u64)
    }

    /// When a tick was or will be due by the server's clock, if its schedule does not slip.
    #[must_use]
    pub fn due_of(&self, tick: Tick) -> Instant {
        let (told, due) = self.told;
        let ticks = tick.since(told);
        let distance = self.period * ticks.unsigned_abs();
        if ticks < 0 { due - distance } else { due + distance }
    }

    /// The newest tick of which the server told when it was due.
    pub(super) const fn told_tick(&self) -> Tick {
        self.told.0
    }

    /// A snapshot tells when its tick was due. Gives by how much the server's schedule has slipped since it was last told.
    pub(super) fn on_told(&mut self, tick: Tick, due: Instant) -> Duration {
        if !tick.is_newer_than(self.told.0) {
            return Duration::ZERO;
        }
        let slip = due.since(self.due_of(tick));
        self.told = (tick, due);
        slip
    }

    /// A datagram of the snapshot of `tick` arrived.
    pub(super) fn on_snapshot(&mut self, tick: Tick, received_at: Instant) {
        let transit_us = received_at.us_from(self.due_of(tick));
        let window = self.window(received_at);
        if window.transit_min.is_none_or(|(least, _)| transit_us < least) {
            window.transit_min = Some((transit_us, received_at));
        }
        let Some((last, last_us)) = self.last.replace((tick, transit_us)) else { return };
        if last != tick {
            let difference_us = transit_us.abs_diff(last_us) as f64;
            self.jitter_us += (difference_us - self.jitter_us) / 16.0;
        }
    }

    /// A round trip was measured.
    pub(super) fn on_rtt(&mut self, rtt: Duration, now: Instant) {
        let window = self.window(now);
        window.rtt_min = Some(window.rtt_min.map_or(rtt, |least| least.min(rtt)));
    }

    /// How many ticks after `tick` the one is that would arrive at `now` if its snapshot stood in no queue; negative if it
    /// is before. `None` before the first snapshot.
    pub(super) fn earliest(&self, now: Instant, tick: Tick) -> Option<f64> {
        let since_us = now.us_from(self.due_of(tick)) as f64 - self.transit_min_us(now)?;
        Some(since_us / (self.period.as_nanos() as f64 / 1e3))
    }

    /// The least transit lately, as it would be at `now`.
    fn transit_min_us(&self, now: Instant) -> Option<f64> {
        let slope = self.slope.unwrap_or_default();
        let at_now = |(least, at): (i64, Instant)| least as f64 + slope * now.us_from(at) as f64;
        self.recent().filter_map(|window| window.transit_min).map(at_now).min_by(f64::total_cmp)
    }

    fn recent(&self) -> impl Iterator<Item = &Window> {
        self.windows.iter().rev().take(RECENT_WINDOWS)
    }

    /// The one in which `now` lies.
    fn window(&mut self, now: Instant) -> &mut Window {
        let is_over = self.windows.back().is_none_or(|window| now.since(window.began_at) >= Window::LENGTH);
        if is_over {
            if self.windows.len() == WINDOWS_MAX {
                self.windows.pop_front();
            }
            self.fit();
            self.windows.push_back(Window::begin(now));
        }
        self.windows.back_mut().expect("there is one now")
    }

    /// Fits the drift to windows that are over.
    fn fit(&mut self) {
        if self.windows.len() < WINDOWS_MIN {
            return;
        }
        self.slopes.clear();
        // Pairs of windows near to each other say little of a slope.
        let apart = self.windows.len() / 3;
        for (n, from) in self.windows.iter().enumerate() {
            for to in self.windows.iter().skip(n + apart) {
                let Some(((from_us, from_at), (to_us, to_at))) = from.transit_min.zip(to.transit_min) else { continue };
                self.slopes.push((to_us - from_us) as f64 / to_at.us_from(from_at).max(1) as f64);
            }
        }
        if self.slopes.is_empty() {
            return;
        }
        let middle = self.slopes.len() / 2;
        let (_, median, _) = self.slopes.select_nth_unstable_by(middle, f64::total_cmp);
        self.slope = Some(median.clamp(-SLOPE_MAX, SLOPE_MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Rng;

    const PERIOD: Duration = Duration::from_micros(16_667);

    /// A server whose clock is ahead and drifts, behind a way with jitter.
    struct Way {
        offset_us: i64,
        drift_ppm: f64,
        delay_us: f64,
        /// Mean of an exponential wait.
        jitter_us: f64,
        loss: f64,
    }

    const WAY: Way = Way { offset_us: 0, drift_ppm: 0.0, delay_us: 40_000.0, jitter_us: 0.0, loss: 0.0 };

    impl Way {
        /// What a client makes of it after so many seconds.
        fn clock(&self, seconds: u32) -> Clock {
            let mut rng = Rng::stream(5, 0);
            let begin = 5_000_000_000_i64;
            let server = |local_us: f64| {
                let since = local_us - begin as f64;
                (local_us + self.offset_us as f64 + since * self.drift_ppm * 1e-6) as u64
            };
            // The server's clock counts its ticks.
            let due = |tick: u32| Instant::from_us(server(begin as f64) + u64::from(tick) * 16_667);
            let mut clock = Clock::new(Tick(0), due(0), PERIOD);
            let mut last_us = 0.0_f64;
            for tick in 0..seconds * 60 {
                let wait = |rng: &mut Rng| self.jitter_us * rng.exponential();
                let sent_us = begin as f64 + f64::from(tick) * 16_667.0 / (1.0 + self.drift_ppm * 1e-6);
                last_us = last_us.max(sent_us + self.delay_us + wait(&mut rng));
                if rng.chance(self.loss) {
                    continue;
                }
                let now = Instant::from_us(last_us as u64);
                if tick % 60 == 0 {
                    clock.on_told(Tick(tick), due(tick));
                }
                clock.on_snapshot(Tick(tick), now);
                clock.on_rtt(Duration::from_micros((self.delay_us * 2.0 + wait(&mut rng)) as u64), now);
            }
            clock
        }
    }

    #[test]
    fn offset_and_drift_are_found_under_jitter_and_loss() {
        for (offset_us, drift_ppm) in [(3_600_000_000, 200.0), (-777_000_000, -200.0), (0, 0.0), (12_345, 40.0)] {
            let way = Way { offset_us, drift_ppm, jitter_us: 10_000.0, loss: 0.05, ..WAY };
            let clock = way.clock(40);
            let found = f64::from(clock.drift_ppm().unwrap());
            assert!((found - drift_ppm).abs() < 15.0, "{found} ppm for {drift_ppm}");
            let now_us = offset_us + (40e6 * drift_ppm * 1e-6) as i64;
            let off_us = clock.offset_us().unwrap() - now_us;
            assert!(off_us.abs() < 1_000, "off by {off_us} us at {drift_ppm} ppm");
        }
    }

    #[test]
    fn a_steady_way_has_no_jitter_and_an_uneven_one_what_it_has() {
        assert!(WAY.clock(10).jitter() < Duration::from_micros(3));
        let uneven = Way { jitter_us: 5_000.0, ..WAY }.clock(10).jitter();
        assert!((3..9).contains(&uneven.as_millis()), "{uneven:?}");
    }

    #[test]
    fn a_way_that_became_longer_is_believed_after_a_while() {
        let mut clock = WAY.clock(3);
        let earliest = |clock: &Clock, tick: u32, at: Instant| clock.earliest(at, Tick(tick)).unwrap();
        let at = |tick: u32, later_us: u64| Instant::from_us(5_000_040_000 + later_us + u64::from(tick) * 16_667);
        assert!(earliest(&clock, 200, at(200, 0)).abs() < 0.01);
        (180..900).for_each(|tick| clock.on_snapshot(Tick(tick), at(tick, 20_000)));
        assert!(earliest(&clock, 900, at(900, 20_000)).abs() < 0.3, "{clock:?}");
    }

    #[test]
    fn after_a_slip_the_newest_that_was_told_counts() {
        let mut clock = Clock::new(Tick(10), Instant::from_us(1_000_000), PERIOD);
        clock.on_told(Tick(12), Instant::from_us(1_533_334));
        clock.on_told(Tick(11), Instant::from_us(1_016_667));
        assert_eq!(clock.due_of(Tick(13)), Instant::from_us(1_550_001));
        assert_eq!(clock.due_of(Tick(9)), Instant::from_us(1_533_334) - PERIOD * 3);
    }
}
