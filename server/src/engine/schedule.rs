use std::time::Duration;
use tidelock::Instant;
use tidelock::wire::Load;

/// When ticks are due, and what gives when the machine cannot keep up.
///
/// Deadlines are absolute: the n-th tick is due n tick times after the first, however late its predecessors were. A
/// tick that is late is followed by the next at once, up to a tenth of a second; beyond that the deadlines are moved, the tick
/// times given up are counted, and no tick number is ever skipped. Before it comes to that, the snapshot rate is halved.
#[derive(Clone, Debug)]
pub struct Schedule {
    tick_hz: u32,
    /// Deadlines count from here.
    base: Instant,
    /// Deadlines behind us since `base`.
    ticks: u64,
    window: Window,
    /// Windows in a row that allow the level to fall.
    calm_windows: u32,
    load: Load,
    load_level_max: u8,
    overruns: u64,
    slipped_us: u64,
}

/// Ticks run late rather than slip as long as no more than this time, but at least one tick, is to be caught up with.
const CATCH_UP: Duration = Duration::from_millis(100);

/// Of the tick times, more than this part spent in ticks halves the snapshot rate.
const BUSY_PCT: u64 = 90;

/// The snapshot rate is restored below this. Half of [`BUSY_PCT`], as twice the snapshots cost at most twice the time:
/// so restoring cannot itself bring the overload back.
const CALM_PCT: u64 = BUSY_PCT / 2;

/// So many windows in a row must be calm for the level to fall by one: about two seconds.
const CALM_WINDOWS: u32 = 4;

/// Slipping by this much or more is bad.
const BAD_DILATION_PCT: u16 = 50;

/// What ticks cost over about half a second: the level changes on this, not on a single tick.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    ticks: u32,
    busy_us: u64,
    slipped_us: u64,
}

impl Schedule {
    /// A schedule of `tick_hz` ticks a second, 1 to 240, whose first tick is due at `start`.
    #[must_use]
    pub fn new(tick_hz: u32, start: Instant) -> Self {
        assert!((1..=240).contains(&tick_hz), "{tick_hz} Hz");
        Self {
            tick_hz,
            base: start,
            ticks: 0,
            window: Window::default(),
            calm_windows: 0,
            load: Load::default(),
            load_level_max: 0,
            overruns: 0,
            slipped_us: 0,
        }
    }

    /// When the next tick is due. It may lie in the past: then there is something to catch up with.
    #[must_use]
    pub fn due(&self) -> Instant {
        self.base + self.tick_times(self.ticks)
    }

    /// What the next tick is to tell clients.
    #[must_use]
    pub fn load(&self) -> Load {
        self.load
    }

    /// The highest [`Load::level`] so far.
    #[must_use]
    pub fn load_level_max(&self) -> u8 {
        self.load_level_max
    }

    /// Ticks that took longer than a tick time.
    #[must_use]
    pub fn overruns(&self) -> u64 {
        self.overruns
    }

    /// Tick times given up: so many ticks fewer than planned have run since the start.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        (self.slipped_us * u64::from(self.tick_hz) + 500_000) / 1_000_000
    }

    /// The next tick begins: says when it was due. A machine that slept in between is no reason to tell clients of a tick that
    /// came late by all of that: what cannot be caught up with is given up before.
    pub fn begin(&mut self, now: Instant) -> Instant {
        let lag = now.since(self.due());
        if lag > self.catch_up_max() {
            self.slip(now, lag);
        }
        self.due()
    }

    /// The tick that was due ran from `started` to `ended`; the next is due.
    pub fn on_tick(&mut self, started: Instant, ended: Instant) {
        let busy = ended.since(started);
        self.overruns += u64::from(busy > self.tick_times(1));
        self.ticks += 1;
        self.window.ticks += 1;
        self.window.busy_us += us(busy);
        let lag = ended.since(self.due());
        if lag > self.catch_up_max() {
            self.slip(ended, lag);
        } else if self.load.level == 0 && lag > self.catch_up_max() / 2 {
            self.raise(1);
        }
        if self.window.ticks >= self.window_ticks() {
            self.on_window_end();
        }
    }

    /// Gives up `lag` of time, for good.
    fn slip(&mut self, now: Instant, lag: Duration) {
        self.base = now;
        self.ticks = 0;
        self.slipped_us += us(lag);
        if self.load.level == 0 {
            // The machine may only have been paused, so what slipped here is told but not held against level 1.
            self.raise(1);
            self.load.dilation_pct = self.percent_of_window(us(lag));
        } else {
            self.window.slipped_us += us(lag);
        }
    }

    fn on_window_end(&mut self) {
        let busy_pct = self.window.busy_us * 100 / self.window_us();
        let dilation_pct = self.percent_of_window(self.window.slipped_us);
        self.load.dilation_pct = dilation_pct;
        let calm = match self.load.level {
            0 => false,
            1 => busy_pct < CALM_PCT,
            _ => dilation_pct == 0,
        };
        self.calm_windows = if calm { self.calm_windows + 1 } else { 0 };
        match self.load.level {
            0 if busy_pct > BUSY_PCT => self.raise(1),
            1.. if dilation_pct >= BAD_DILATION_PCT => self.raise(3),
            1 if dilation_pct > 0 => self.raise(2),
            1.. if self.calm_windows >= CALM_WINDOWS => {
                self.load.level -= 1;
                self.calm_windows = 0;
            }
            _ => {}
        }
        self.window = Window::default();
    }

    /// Raises the level, and gives it a window of its own to show what it does.
    fn raise(&mut self, level: u8) {
        self.load.level = level;
        self.load_level_max = self.load_level_max.max(level);
        self.calm_windows = 0;
        self.window = Window::default();
    }

    /// Once ticks slip anyway they slip evenly: clients follow a slow clock better than one that lurches.
    fn catch_up_max(&self) -> Duration {
        let tick = self.tick_times(1);
        if self.load.level >= 2 { tick } else { CATCH_UP.max(tick) }
    }

    fn window_ticks(&self) -> u32 {
        // Even, as every second tick is the lighter one while the snapshot rate is halved.
        (self.tick_hz / 4).max(2) * 2
    }

    fn window_us(&self) -> u64 {
        us(self.tick_times(self.window_ticks().into()))
    }

    fn percent_of_window(&self, slipped_us: u64) -> u16 {
        u16::try_from((slipped_us * 100).div_ceil(self.window_us())).unwrap_or(u16::MAX).min(1023)
    }

    fn tick_times(&self, count: u64) -> Duration {
        Duration::from_micros(count * 1_000_000 / u64::from(self.tick_hz))
    }
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_us(5_000_000);

    /// A machine in virtual time: ticks take what `cost_us` says of the load they were told.
    struct Machine {
        schedule: Schedule,
        now: Instant,
        ticks: u64,
    }

    impl Machine {
        fn new(tick_hz: u32) -> Self {
            Self { schedule: Schedule::new(tick_hz, START), now: START, ticks: 0 }
        }

        fn run(&mut self, duration: Duration, cost_us: impl Fn(u64, Load) -> u64) {
            let end = self.now + duration;
            while self.schedule.due().max(self.now) < end {
                let started = self.schedule.due().max(self.now);
                self.now = started + Duration::from_micros(cost_us(self.ticks, self.schedule.load()));
                self.ticks += 1;
                self.schedule.on_tick(started, self.now);
            }
            self.now = self.now.max(end);
        }
    }

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn deadlines_do_not_drift() {
        for tick_hz in [1, 30, 60, 144, 240] {
            let mut machine = Machine::new(tick_hz);
            machine.run(S * 3600, |_, _| 1_000);
            assert_eq!(machine.ticks, 3600 * u64::from(tick_hz), "{tick_hz} Hz");
            assert_eq!(machine.schedule.load_level_max(), 0);
            assert_eq!(machine.schedule.overruns(), 0);
        }
    }

    #[test]
    fn a_late_tick_is_caught_up_with() {
        let mut machine = Machine::new(60);
        machine.run(S * 10, |tick, _| if tick == 100 { 60_000 } else { 2_000 });
        assert_eq!(machine.ticks, 600);
        assert_eq!(machine.schedule.overruns(), 1);
        assert_eq!(machine.schedule.skipped(), 0);
    }

    #[test]
    fn a_long_stall_is_not_caught_up_with() {
        let mut machine = Machine::new(60);
        machine.run(S * 60, |tick, _| if tick == 100 { 5_000_000 } else { 2_000 });
        // The stalled tick had its own tick time; the rest of the five seconds is gone.
        assert_eq!(machine.schedule.skipped(), 299);
        assert!((machine.ticks + 299).abs_diff(3600) <= 1, "{} ticks", machine.ticks);
        assert_eq!(machine.schedule.load(), Load::default());
        assert_eq!(machine.schedule.load_level_max(), 1);
    }

    #[test]
    fn clients_are_told_of_a_stall_at_once() {
        let mut schedule = Schedule::new(60, START);
        schedule.on_tick(START, START + S);
        assert_eq!(schedule.load().level, 1);
        assert!(schedule.load().dilation_pct > 100);
    }

    #[test]
    fn a_tick_that_begins_too_late_is_due_when_it_begins() {
        let mut schedule = Schedule::new(60, START);
        assert_eq!(schedule.begin(START + CATCH_UP), START, "caught up with");
        let woken = START + S;
        assert_eq!(schedule.begin(woken), woken);
        assert_eq!((schedule.skipped(), schedule.load().level), (60, 1));
        schedule.on_tick(woken, woken);
        assert_eq!(schedule.due(), woken + Duration::from_micros(16_666));
        assert_eq!(schedule.skipped(), 60, "no time is given up twice");
    }

    #[test]
    fn snapshots_are_halved_before_ticks_slip() {
        let mut machine = Machine::new(60);
        // 4 ms of game and 14 ms of snapshots, which the halved rate brings to 11 ms a tick.
        machine.run(S * 10, |tick, load| if load.level > 0 && tick % 2 == 1 { 4_000 } else { 18_000 });
        assert_eq!(machine.schedule.load(), Load { level: 1, dilation_pct: 0 });
        assert_eq!(machine.schedule.skipped(), 0);
        assert_eq!(machine.ticks, 600);
    }

    #[test]
    fn ticks_slip_evenly_when_halving_is_not_enough() {
        let mut machine = Machine::new(50);
        machine.run(S * 10, |_, _| 25_000);
        assert_eq!(machine.schedule.load().level, 2);
        assert!((20..=30).contains(&machine.schedule.load().dilation_pct), "{:?}", machine.schedule.load());
        let given_up = 500 - machine.ticks;
        assert!(machine.schedule.skipped().abs_diff(given_up) <= 2, "{} of {given_up}", machine.schedule.skipped());
        assert_eq!(machine.schedule.overruns(), machine.ticks);
    }

    #[test]
    fn slipping_by_half_is_bad() {
        let mut machine = Machine::new(60);
        machine.run(S * 10, |_, _| 40_000);
        assert_eq!(machine.schedule.load().level, 3);
        assert!((130..=150).contains(&machine.schedule.load().dilation_pct));
    }

    #[test]
    fn it_never_falls_behind_by_more_than_the_catch_up() {
        let mut schedule = Schedule::new(60, START);
        let mut now = START;
        for _ in 0..1_000 {
            let started = now.max(schedule.due());
            assert!(started.since(schedule.due()) <= CATCH_UP);
            now = started + Duration::from_millis(90);
            schedule.on_tick(started, now);
        }
    }

    #[test]
    fn recovery_is_stepwise_and_complete() {
        let mut machine = Machine::new(60);
        machine.run(S * 5, |_, _| 40_000);
        assert_eq!(machine.schedule.load().level, 3);
        let mut levels = vec![3];
        for _ in 0..100 {
            machine.run(S / 10, |_, _| 3_000);
            levels.push(machine.schedule.load().level);
        }
        levels.dedup();
        assert_eq!(levels, [3, 2, 1, 0]);
        assert_eq!(machine.schedule.load().dilation_pct, 0);
        assert_eq!(machine.schedule.load_level_max(), 3);
    }

    #[test]
    fn a_load_near_the_limit_does_not_flap() {
        let mut machine = Machine::new(60);
        // 16 ms with full snapshots, 8.5 ms with half of them: more than 45 %, so the rate stays halved.
        let cost = |tick: u64, load: Load| if load.level > 0 && tick % 2 == 1 { 1_000 } else { 16_000 };
        machine.run(S * 5, cost);
        for _ in 0..600 {
            machine.run(S / 10, cost);
            assert_eq!(machine.schedule.load().level, 1);
        }
    }

    #[test]
    fn one_tick_a_second_can_be_late_by_one() {
        let mut machine = Machine::new(1);
        machine.run(S * 20, |tick, _| if tick == 3 { 1_900_000 } else { 10_000 });
        assert_eq!(machine.ticks, 20);
        assert_eq!(machine.schedule.skipped(), 0);
    }
}
