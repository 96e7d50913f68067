use super::arrivals::Arrival;
use super::clock::Clock;
use super::staleness::Staleness;
use std::collections::VecDeque;
use std::time::Duration;
use tidelock::wire::Load;
use tidelock::{Buffer, Instant, Moment, Tick};

/// Which moment of the server's time a client shows.
///
/// It follows the newest tick that could be here, at a delay: the least with which all but a few frames lie before the
/// newest snapshot that is here, judged by the last seconds. So the delay is one interval between snapshots, what the
/// arrivals' jitter takes, and as many intervals more as losses in a row ask for. When the delay changes, time runs up to a
/// tenth faster or slower. It stands still, or jumps ahead, only where it is hopelessly off; it never goes back.
///
/// Without snapshots it runs on for [`Playback::EXTRAPOLATION_MAX`], and then stands still.
#[derive(Clone, Debug)]
pub struct Playback {
    config: PlaybackConfig,
    period_ms: f64,
    interval_ms: f64,
    /// Positions are ticks since this one.
    origin: Tick,
    /// The position at a local time, and by how many ticks it grows in a millisecond.
    at: Instant,
    position: f64,
    rate: f64,
    /// It stands still until the server's time has come up to it.
    waits: bool,
    load: Load,
    /// The newest snapshot that is here.
    newest: Tick,
    /// How old what was known had become when the newest came, in milliseconds.
    fresh_ms: f64,
    staleness: Staleness,
    samples: u32,
    /// Behind the newest tick that could be here, in milliseconds: aimed at, and as it was when the newest came.
    target_ms: f64,
    delay_ms: f64,
    /// Frames since the newest snapshot came, oldest first: what they lacked is known when the next one is here.
    frames: VecDeque<(Instant, Moment)>,
    counts: PlaybackCounts,
}

/// What a game asks of [`Playback`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlaybackConfig {
    /// The share of frames that may be underruns, 0 to 1: with fewer, all is shown later.
    pub underrun_share: f32,
    /// The longest delay, up to [`Playback::DELAY_MAX`], whatever becomes of frames: such as that of which a server's lag
    /// compensation makes up for.
    pub delay_max: Duration,
}

impl Default for PlaybackConfig {
    fn default() -> Self {
        Self { underrun_share: 0.003, delay_max: Playback::DELAY_MAX }
    }
}

/// What became of the frames that a client told of by [`Client::frame`](super::Client::frame).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaybackCounts {
    /// All of them.
    pub frames: u64,
    /// Showed a moment past the newest snapshot that was here: where what moves will be by then is a guess. Counted when the
    /// next snapshot is here, as the server may have had nothing to say.
    pub underruns: u64,
    /// Showed the last moment that is guessed at: time stood still.
    pub stalled: u64,
    /// Showed a moment past [`View::whole_tick`](super::View::whole_tick): something may have been missing that was lost and
    /// not yet sent again.
    pub partial: u64,
    /// How often time jumped ahead, or stood still to let the server's come up.
    pub jumps: u64,
}

impl PlaybackCounts {
    /// What was counted after `earlier`. Of a client that joined anew in between: since then.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            frames: self.frames.saturating_sub(earlier.frames),
            underruns: self.underruns.saturating_sub(earlier.underruns),
            stalled: self.stalled.saturating_sub(earlier.stalled),
            partial: self.partial.saturating_sub(earlier.partial),
            jumps: self.jumps.saturating_sub(earlier.jumps),
        }
    }

    /// Adds what another client counted.
    pub const fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.underruns += other.underruns;
        self.stalled += other.stalled;
        self.partial += other.partial;
        self.jumps += other.jumps;
    }
}

/// Frames of which it is not known yet whether they were underruns; of more, it is taken for granted.
const FRAMES_MAX: usize = 64;
/// Judging the last seconds costs; once for so many snapshots is enough.
const SAMPLES_PER_TARGET: u32 = 8;
/// Beyond what the last seconds asked for.
const MARGIN_MS: f64 = 1.0;
/// By how much time may run faster or slower.
const SPEED_MAX: f64 = 0.1;
/// Of an error, this part is made good in a second.
const GAIN_PER_S: f64 = 2.0;
/// An error that is larger is not steered away, in milliseconds.
const JUMP_MS: f64 = 250.0;
/// If the moment shown is later even than a snapshot that just came, by so much, time stands still.
const AHEAD_MS: f64 = 50.0;

impl Playback {
    /// How many frames wait for their verdict.
    pub(super) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "frames", len: self.frames.len(), max: FRAMES_MAX });
    }

    /// How far beyond the newest snapshot it runs on.
    pub const EXTRAPOLATION_MAX: Duration = Duration::from_millis(100);
    /// The longest delay behind the newest tick that could be here.
    pub const DELAY_MAX: Duration = Duration::from_millis(Staleness::MAX_MS as u64 + 1);

    /// The first snapshot is here, of a server with `tick_hz` ticks a second that sends one every so many ticks.
    pub(super) fn new(config: PlaybackConfig, tick_hz: u32, every_ticks: u32, first: Tick, now: Instant) -> Self {
        let period_ms = 1e3 / f64::from(tick_hz);
        let interval_ms = period_ms * f64::from(every_ticks);
        // Until the arrivals tell.
        let target_ms = (interval_ms * 2.0 + MARGIN_MS).min(config.delay_max.as_secs_f64() * 1e3);
        Self {
            config,
            period_ms,
            interval_ms,
            origin: first,
            at: now,
            position: -target_ms / period_ms,
            rate: 1.0 / period_ms,
            waits: false,
            load: Load::default(),
            newest: first,
            fresh_ms: 0.0,
            staleness: Staleness::new(),
            samples: 0,
            target_ms,
            delay_ms: target_ms,
            frames: VecDeque::new(),
            counts: PlaybackCounts::default(),
        }
    }

    /// How far the moment shown lies behind the newest tick that could be here, in milliseconds. What it is behind the
    /// server's own time is more by the way.
    #[must_use]
    pub const fn delay_ms(&self) -> f32 {
        self.delay_ms as f32
    }

    /// The delay that is steered to, in milliseconds.
    #[must_use]
    pub const fn target_ms(&self) -> f32 {
        self.target_ms as f32
    }

    /// What became of frames.
    #[must_use]
    pub const fn counts(&self) -> &PlaybackCounts {
        &self.counts
    }

    /// A snapshot is here that is newer than all before.
    pub(super) fn on_arrival(&mut self, arrival: Arrival, clock: &Clock, now: Instant) {
        let now = self.at.max(now);
        let position = self.position_at(now);
        let Some(earliest) = clock.earliest(now, self.origin) else { return };
        let ms_behind = |tick: Tick| (earliest - f64::from(tick.since(self.origin))) * self.period_ms;
        let fresh_ms = ms_behind(arrival.tick);
        if let Some(known_before) = arrival.known_before {
            let stale_ms = ms_behind(known_before);
            self.take_gap(stale_ms, f64::from(arrival.tick.since(known_before)) * self.period_ms, now);
            self.samples = self.samples.wrapping_add(1);
            // It shrinks slowly, and grows with what is beyond it.
            if stale_ms > self.target_ms || self.samples.is_multiple_of(SAMPLES_PER_TARGET) {
                self.judge();
            }
        }
        self.settle_frames(arrival.known_before);
        self.fresh_ms = fresh_ms;
        self.newest = arrival.tick;
        self.at = now;
        self.position = position;
        self.steer(earliest);
    }

    /// From now on something else is asked of it.
    pub(super) fn configure(&mut self, config: PlaybackConfig) {
        self.config = config;
        self.judge();
    }

    /// The server tells how overloaded it is.
    pub(super) const fn on_load(&mut self, load: Load) {
        self.load = load;
    }

    /// The moment to show at `now`; the same for the same `now`, as long as no datagram came in between.
    #[must_use]
    pub fn moment(&self, now: Instant) -> Moment {
        let position = self.position_at(now);
        let whole = position.floor();
        let fraction = (position - whole) as f32;
        let tick = Tick(self.origin.0.wrapping_add_signed(whole as i32));
        // What rounds up to 1 is the next tick.
        if fraction < 1.0 { Moment { tick, fraction } } else { Moment::at(tick.next()) }
    }

    /// Counts a frame that shows the moment of `now`, while so much is known.
    pub(super) fn on_frame(&mut self, now: Instant, whole: Option<Tick>) -> Moment {
        let moment = self.moment(now);
        self.counts.frames += 1;
        if self.frames.len() == FRAMES_MAX {
            let oldest = self.frames.pop_front();
            self.counts.underruns += u64::from(oldest.is_some_and(|(_, moment)| lies_past(moment, self.newest)));
        }
        self.frames.push_back((now, moment));
        self.counts.stalled += u64::from(self.position_at(now) >= self.end());
        self.counts.partial += u64::from(whole.is_none_or(|whole| lies_past(moment, whole)));
        moment
    }

    /// A snapshot came, and what was known was `stale_ms` old by then; a gap of `turn_ms` if the server had said nothing.
    fn take_gap(&mut self, stale_ms: f64, turn_ms: f64, now: Instant) {
        if self.counts.frames == 0 {
            // Whoever asks only what is shown may do so at any time.
            let from_ms = if stale_ms > self.fresh_ms { self.fresh_ms } else { stale_ms - turn_ms };
            self.staleness.add(from_ms as f32, stale_ms as f32);
            return;
        }
        let passed_ms = now.since(self.at).as_secs_f64() * 1e3 / self.frames.len().max(1) as f64;
        for (at, _) in &self.frames {
            let before_ms = now.since(*at).as_secs_f64() * 1e3;
            self.staleness.add_look((stale_ms - before_ms) as f32, passed_ms as f32);
        }
    }

    /// Finds out what delay the last seconds asked for: no less than an interval, however well frames come after snapshots
    /// just now.
    fn judge(&mut self) {
        let needed_ms = self.staleness.exceeded_in(self.config.underrun_share).map_or(self.target_ms, f64::from);
        let target_ms = needed_ms.max(self.interval_ms) + MARGIN_MS;
        self.target_ms = target_ms.min(self.config.delay_max.as_secs_f64() * 1e3);
    }

    /// Up to `known` all was as the snapshots said that were here.
    fn settle_frames(&mut self, known: Option<Tick>) {
        let is_underrun = |moment: Moment| known.is_none_or(|known| lies_past(moment, known));
        self.counts.underruns += self.frames.drain(..).filter(|(_, moment)| is_underrun(*moment)).count() as u64;
    }

    fn position_at(&self, now: Instant) -> f64 {
        let passed_ms = now.since(self.at).as_secs_f64() * 1e3;
        // What is shown never goes back, also where it was ahead of the end.
        (self.position + passed_ms * self.rate).min(self.end()).max(self.position)
    }

    /// It runs no further without a newer snapshot.
    fn end(&self) -> f64 {
        f64::from(self.newest.since(self.origin)) + Self::EXTRAPOLATION_MAX.as_secs_f64() * 1e3 / self.period_ms
    }

    /// Sets how fast time passes from now on, if the newest tick that could be here is at `earliest`.
    fn steer(&mut self, earliest: f64) {
        let aim = earliest - self.target_ms / self.period_ms;
        let error_ms = (aim - self.position) * self.period_ms;
        let ahead_ms = (self.position - f64::from(self.newest.since(self.origin))) * self.period_ms;
        if error_ms > JUMP_MS {
            self.position = aim;
            self.counts.jumps += 1;
        } else if !self.waits && (error_ms < -JUMP_MS || ahead_ms > AHEAD_MS) {
            self.waits = true;
            self.counts.jumps += 1;
        }
        self.waits &= error_ms < -JUMP_MS || ahead_ms > 0.0;
        self.delay_ms = (earliest - self.position) * self.period_ms;
        // An overloaded server's own time runs slower; one that was only held up once tells of that, and runs as ever.
        let dilation_pct = if self.load.level >= 2 { self.load.dilation_pct } else { 0 };
        let pace = 100.0 / (100.0 + f64::from(dilation_pct));
        let steered = (error_ms / 1e3 * GAIN_PER_S).clamp(-SPEED_MAX, SPEED_MAX);
        self.rate = if self.waits { 0.0 } else { pace * (1.0 + steered) / self.period_ms };
    }
}

fn lies_past(moment: Moment, tick: Tick) -> bool {
    moment.since(Moment::at(tick)) > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Rng;

    /// A server of 60 ticks a second behind a bad link, and a client that shows 144 frames a second.
    #[derive(Clone, Copy)]
    struct World {
        config: PlaybackConfig,
        every_ticks: u32,
        jitter_ms: f64,
        loss: f64,
        /// From when and for how long nothing comes, in milliseconds.
        outage_ms: (u64, u64),
        /// By how much the server's clock runs faster.
        drift_ppm: f64,
        /// Datagrams are taken, and then a frame is shown, every so often.
        frame_ms: u64,
        /// What the server tells.
        load: Load,
    }

    const CONFIG: PlaybackConfig = PlaybackConfig { underrun_share: 0.003, delay_max: Playback::DELAY_MAX };
    /// Of the first tick: they wrap soon after.
    const FIRST: Tick = Tick(u32::MAX - 300);
    const CALM: World = World {
        config: CONFIG,
        every_ticks: 1,
        jitter_ms: 0.0,
        loss: 0.0,
        outage_ms: (0, 0),
        drift_ppm: 0.0,
        frame_ms: 7,
        load: Load { level: 0, dilation_pct: 0 },
    };
    const PERIOD: Duration = Duration::from_micros(16_667);

    fn ms(ms: u64) -> Instant {
        Instant::from_us(ms * 1000)
    }

    struct Run {
        playback: Playback,
        /// Of the frames of the second half.
        shares: [f64; 2],
        jumps: u64,
        /// The fastest and slowest that time ran between two frames, in that half.
        speeds: (f64, f64),
    }

    impl World {
        fn run(self, seconds: u64) -> Run {
            let mut rng = Rng::stream(3, 0);
            let mut clock = Clock::new(FIRST, ms(0), PERIOD);
            let mut playback: Option<Playback> = None;
            let (mut arrivals, mut last_ms, mut before) = (VecDeque::new(), 0.0_f64, None);
            let (mut shown, mut speeds) = (None::<Moment>, (0.0_f64, f64::MAX));
            let mut half = PlaybackCounts::default();
            for now in 0..seconds * 1000 {
                let pace = 1.0 + self.drift_ppm * 1e-6;
                let tick_at = |now: u64| (now as f64 * pace / 16.667) as u32;
                let tick = tick_at(now);
                if now > 0 && tick_at(now - 1) != tick && tick.is_multiple_of(self.every_ticks) {
                    let due_ms = f64::from(tick) * 16.667 / pace;
                    last_ms = last_ms.max(due_ms + 40.0 + self.jitter_ms * rng.exponential());
                    let (from, length) = self.outage_ms;
                    let is_out = (from..from + length).contains(&now);
                    if !is_out && !rng.chance(self.loss) {
                        arrivals.push_back((last_ms as u64, tick));
                    }
                }
                if now % self.frame_ms != 0 {
                    continue;
                }
                while let Some((_, ticks)) = arrivals.pop_front_if(|(at, _)| *at <= now) {
                    let tick = FIRST.add(ticks);
                    if ticks % 60 == 0 {
                        clock.on_told(tick, Instant::from_us(u64::from(ticks) * 16_667));
                    }
                    clock.on_snapshot(tick, ms(now));
                    let playback =
                        playback.get_or_insert_with(|| Playback::new(self.config, 60, self.every_ticks, tick, ms(now)));
                    playback.on_load(self.load);
                    let arrival = Arrival { tick, known_before: before.replace(tick) };
                    playback.on_arrival(arrival, &clock, ms(now));
                }
                let Some(playback) = playback.as_mut() else { continue };
                let moment = playback.on_frame(ms(now), None);
                assert_eq!(moment, playback.moment(ms(now)));
                if let Some(last) = shown.replace(moment) {
                    assert!(moment.since(last) >= 0.0, "{last:?} and then {moment:?}");
                    if now > seconds * 500 {
                        let speed = f64::from(moment.since(last)) * 16.667 / self.frame_ms as f64;
                        speeds = (speeds.0.max(speed), speeds.1.min(speed));
                    }
                }
                if now <= seconds * 500 {
                    half = *playback.counts();
                }
            }
            let playback = playback.expect("snapshots came");
            let counts = *playback.counts();
            let share = |of: fn(&PlaybackCounts) -> u64| {
                (of(&counts) - of(&half)) as f64 / (counts.frames - half.frames) as f64
            };
            let shares = [share(|counts| counts.underruns), share(|counts| counts.stalled)];
            Run { playback, shares, jumps: counts.jumps - half.jumps, speeds }
        }
    }

    #[test]
    fn a_clean_link_needs_one_interval() {
        for (every_ticks, least_ms, most_ms) in [(1, 16.0, 21.0), (2, 33.0, 38.0), (6, 99.0, 106.0)] {
            let Run { playback, shares, jumps, .. } = World { every_ticks, ..CALM }.run(20);
            let delay_ms = playback.delay_ms();
            assert!((least_ms..most_ms).contains(&delay_ms), "{delay_ms} ms at every {every_ticks}");
            assert!(shares[0] < 0.005 && jumps == 0, "{shares:?}");
        }
    }

    #[test]
    fn looking_once_a_frame_costs_no_delay() {
        for frame_ms in [2, 16, 33] {
            let Run { playback, shares, .. } = World { frame_ms, ..CALM }.run(40);
            let delay_ms = playback.delay_ms();
            assert!((16.0..21.0).contains(&delay_ms), "{delay_ms} ms with a frame every {frame_ms}");
            assert!(shares[0] < 0.005, "{shares:?} with a frame every {frame_ms}");
        }
    }

    #[test]
    fn jitter_and_losses_in_a_row_ask_for_more_and_are_covered() {
        for (jitter_ms, loss, least_ms, most_ms) in
            [(0.0, 0.05, 30.0, 60.0), (10.0, 0.0, 40.0, 100.0), (20.0, 0.1, 90.0, 220.0)]
        {
            let Run { playback, shares, .. } = World { jitter_ms, loss, ..CALM }.run(120);
            let delay_ms = playback.delay_ms();
            assert!((least_ms..most_ms).contains(&delay_ms), "{delay_ms} ms at {jitter_ms} ms, {loss}");
            assert!(shares[0] < 0.01, "{shares:?} at {jitter_ms} ms, {loss}");
        }
    }

    #[test]
    fn a_game_may_ask_for_less_delay_and_bear_more_underruns() {
        let world = |config| World { config, jitter_ms: 40.0, ..CALM }.run(60);
        let usual = world(CONFIG);
        let bold = world(PlaybackConfig { underrun_share: 0.05, ..CONFIG });
        assert!(bold.playback.delay_ms() < 0.7 * usual.playback.delay_ms(), "{}", bold.playback.delay_ms());
        assert!((0.01..0.08).contains(&bold.shares[0]), "{:?}", bold.shares);
        let bound = world(PlaybackConfig { delay_max: Duration::from_millis(100), ..CONFIG });
        assert!(bound.playback.target_ms() == 100.0 && bound.shares[0] > 0.05, "{:?}", bound.shares);
    }

    #[test]
    fn a_clock_that_runs_faster_or_slower_is_followed() {
        for drift_ppm in [200.0, -200.0] {
            let Run { playback, shares, jumps, .. } = World { drift_ppm, jitter_ms: 5.0, loss: 0.02, ..CALM }.run(200);
            let delay_ms = playback.delay_ms();
            assert!((30.0..70.0).contains(&delay_ms) && jumps == 0, "{delay_ms} ms at {drift_ppm}");
            assert!(shares[0] < 0.01, "{shares:?} at {drift_ppm}");
        }
    }

    #[test]
    fn time_runs_up_to_a_tenth_faster_or_slower() {
        let Run { speeds: (most, least), jumps, .. } = World { jitter_ms: 15.0, loss: 0.05, ..CALM }.run(60);
        assert!(jumps == 0 && most < 1.101 && least > 0.899, "{least} to {most}");
    }

    #[test]
    fn a_server_that_was_held_up_once_is_shown_at_its_pace() {
        let load = Load { level: 1, dilation_pct: 180 };
        let Run { speeds: (most, least), jumps, .. } = World { load, ..CALM }.run(20);
        assert!(jumps == 0 && most < 1.101 && least > 0.899, "{least} to {most}");
    }

    #[test]
    fn an_outage_stops_time_and_one_jump_makes_up_for_it() {
        let outage = World { outage_ms: (6_000, 2_000), ..CALM }.run(10);
        assert_eq!(outage.jumps, 1);
        let stalled_s = outage.shares[1] * 5.0;
        assert!((1.8..1.95).contains(&stalled_s), "{stalled_s} s");
        assert!(outage.playback.delay_ms() < 600.0);
    }
}
