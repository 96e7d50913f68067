use std::time::Duration;
use tidelock::wire::{InputReport, Load, SendCounts};
use tidelock::{Instant, Tick};

/// When inputs are due: the client's tick runs ahead of the server's, so that each input is there when its tick takes it.
///
/// The server tells how early inputs arrive. Their mean lead is steered, mostly within 5 % of speed, to what the jitter needs, and
/// as many ticks more as the loss needs copies: an input goes out with every datagram until it is confirmed, so each
/// further tick of lead is one more chance to arrive in time. Where that is too little, for waits are longer than their mean
/// deviation tells, each tick that lacked its input adds a margin, which shrinks again while none does: so that no more ticks go
/// without than may. A server whose schedule has slipped is followed faster until that is made up for. Only a lead that is
/// hopelessly off is jumped to.
#[derive(Clone, Debug)]
pub(super) struct Pacer {
    period_us: f64,
    next_tick: Tick,
    next_at_us: f64,
    lead: Option<Lead>,
    /// Reports before this still speak of inputs from before the last jump.
    settles_at: Instant,
    speed_max: f64,
    /// The server's schedule has slipped: until then it is followed faster.
    follows_until: Instant,
    rtt: Duration,
    /// Smoothed share of our datagrams that is lost.
    loss: f32,
    /// Ticks of lead for inputs that were missing although jitter and loss did not let expect it.
    margin: f32,
    reported_tick: Option<Tick>,
    counted: SendCounts,
}

/// How early inputs arrive, in ticks.
#[derive(Clone, Copy, Debug)]
struct Lead {
    mean: f32,
    /// Smoothed mean deviation.
    deviation: f32,
    reported_at: Instant,
}

/// Of its usual speed, while the server keeps its own.
const SPEED_MAX: f64 = 0.05;
/// After a slip of at least so many ticks, a client's ticks may be longer by this share, for so long: 300 ms are made up for in two
/// seconds, or three where round trips are long. Reports count as ever: a slip may be told late, or be jumped over already.
const SLIP_TICKS_MIN: f64 = 3.0;
const FOLLOWING_SPEED_MAX: f64 = 0.25;
const FOLLOWING: Duration = Duration::from_secs(3);
/// However long the server's ticks are told to be, a client's are shorter by this share at most: time never goes back.
const HASTE_MAX: f64 = 0.5;
/// Time constant of the mean lead.
const SMOOTHING: Duration = Duration::from_millis(150);
/// Of an error, this part is made good in a second, if the reports are that quick.
const GAIN_PER_S: f64 = 1.2;
/// The loop is stable while gain times delay stays well below one.
const GAIN_TIMES_DELAY_MAX: f64 = 0.35;
/// Errors beyond this, in ticks, are jumped over.
const JUMP_TICKS: f32 = 20.0;
/// After a jump, this long passes in which reports may still speak of the time before.
const SETTLING: Duration = Duration::from_millis(200);
/// A program that was held up for longer does not send what it missed.
const CATCH_UP_MAX: Duration = Duration::from_millis(250);
/// At most this share of ticks may lack its input.
const MISS_TARGET: f32 = 0.001;
const EXTRA_COPIES_MAX: f32 = 4.0;
/// A missing input adds so much margin, in ticks; at [`MISS_TARGET`] it shrinks as much as it grows.
const MARGIN_PER_MISS: f32 = 0.4;
/// For so long after it began, or jumped, the lead is still being steered to where it belongs: what is missing meanwhile tells
/// nothing of the link.
const STEERING: Duration = Duration::from_secs(1);
/// A link that is worse than that costs inputs rather than still more delay.
const MARGIN_MAX: f32 = 4.0;
/// Datagrams after which loss is measured anew.
const LOSS_WINDOW: u64 = 60;

impl Pacer {
    /// Starts from the first snapshot: the state of `server_tick` took half of `rtt` to come, and inputs will take as long.
    pub(super) fn new(tick_hz: u32, server_tick: Tick, now: Instant, rtt: Duration) -> Self {
        let period_us = 1e6 / f64::from(tick_hz);
        let ahead = (rtt.as_micros() as f64 / period_us).ceil() as u32 + 2;
        Self {
            period_us,
            next_tick: server_tick.add(ahead),
            next_at_us: now.as_us() as f64,
            lead: None,
            settles_at: now + rtt,
            speed_max: SPEED_MAX,
            follows_until: Instant::default(),
            rtt,
            loss: 0.0,
            margin: 0.0,
            reported_tick: None,
            counted: SendCounts::default(),
        }
    }

    pub(super) fn next_at(&self) -> Instant {
        Instant::from_us(self.next_at_us as u64)
    }

    pub(super) const fn next_tick(&self) -> Tick {
        self.next_tick
    }

    /// The measured lead and the one aimed at, in ticks.
    pub(super) fn lead_and_target(&self) -> (f32, f32) {
        (self.lead.map_or(0.0, |lead| lead.mean), self.target())
    }

    /// Takes the tick that is due at `now`, with when it was.
    pub(super) fn advance(&mut self, now: Instant) -> (Tick, Instant) {
        let taken = (self.next_tick, self.next_at());
        self.next_tick = self.next_tick.next();
        self.next_at_us += self.period_us * (1.0 + self.adjustment(now));
        // Whoever decides on an input was told its tick before: so what was missed is left out only now.
        let behind = now.since(self.next_at());
        if behind > CATCH_UP_MAX {
            let missed = (behind.as_micros() as f64 / self.period_us).floor();
            self.next_tick = self.next_tick.add(missed as u32);
            self.next_at_us += missed * self.period_us;
        }
        taken
    }

    /// The server reports with the snapshot of `tick`. `sent` is what became of our datagrams.
    pub(super) fn on_report(&mut self, tick: Tick, report: InputReport, sent: SendCounts, rtt: Duration, now: Instant) {
        self.measure_loss(sent);
        self.measure_misses(tick, report.missed, now);
        self.rtt = rtt;
        let Some(reported) = report.lead.filter(|_| now >= self.settles_at) else { return };
        let reported = f32::from(reported) / 16.0;
        let Lead { mean, deviation, reported_at } =
            self.lead.unwrap_or(Lead { mean: reported, deviation: 0.5, reported_at: now - SMOOTHING });
        let part = 1.0 - (-now.since(reported_at).as_secs_f32() / SMOOTHING.as_secs_f32()).exp();
        let mean = mean + (reported - mean) * part;
        let deviation = deviation + ((reported - mean).abs() - deviation) * part * 0.5;
        self.lead = Some(Lead { mean, deviation, reported_at: now });
        let (error, latest_error) = (mean - self.target(), reported - self.target());
        if error.abs() > JUMP_TICKS && latest_error.abs() > JUMP_TICKS {
            self.jump(-latest_error.round() as i32, now);
        }
    }

    /// The server tells by how much its ticks are longer than they should be: that much more may be steered.
    pub(super) fn on_load(&mut self, load: Load) {
        self.speed_max = SPEED_MAX + f64::from(load.dilation_pct) / 100.0;
    }

    /// The server's schedule has slipped by so much: the lead is too long by as much. If that is a few ticks at once, they are made
    /// longer than is usual for a while.
    pub(super) fn on_slip(&mut self, slip: Duration, now: Instant) {
        if slip.as_micros() as f64 >= SLIP_TICKS_MIN * self.period_us {
            self.follows_until = now + FOLLOWING;
        }
    }

    /// By how much the tick after the one at `now` is to be longer.
    fn adjustment(&self, now: Instant) -> f64 {
        let error = self.lead.map_or(0.0, |lead| f64::from(lead.mean - self.target()));
        let delay_s = SMOOTHING.as_secs_f64() + self.rtt.as_secs_f64();
        let gain_max = GAIN_TIMES_DELAY_MAX / delay_s;
        let (gain_per_s, slowness_max) = if now < self.follows_until {
            (gain_max, self.speed_max.max(FOLLOWING_SPEED_MAX))
        } else {
            (GAIN_PER_S.min(gain_max), self.speed_max)
        };
        (error * gain_per_s * self.period_us / 1e6).clamp(-self.speed_max.min(HASTE_MAX), slowness_max)
    }

    /// The mean lead to aim at: never less than a full tick.
    fn target(&self) -> f32 {
        let deviation = self.lead.map_or(0.5, |lead| lead.deviation);
        let copies = if self.loss < MISS_TARGET { 1.0 } else { (MISS_TARGET.ln() / self.loss.min(0.9).ln()).ceil() };
        (0.75 + 2.5 * deviation + (copies - 1.0).min(EXTRA_COPIES_MAX) + self.margin).max(1.0)
    }

    /// Skips ticks, or waits for as many.
    fn jump(&mut self, ticks: i32, now: Instant) {
        if ticks > 0 {
            self.next_tick = self.next_tick.add(ticks.unsigned_abs());
        } else {
            self.next_at_us += self.period_us * f64::from(ticks.unsigned_abs());
        }
        self.lead = None;
        self.settles_at = now.max(self.next_at()) + self.rtt + SETTLING;
    }

    /// Takes note of the ticks up to `tick` that lacked their input: bit `n` of `missed` is the one `n` ticks before.
    fn measure_misses(&mut self, tick: Tick, missed: u8, now: Instant) {
        let last = self.reported_tick.unwrap_or_else(|| tick.sub(1));
        let ticks = tick.since(last);
        if ticks <= 0 {
            return;
        }
        self.reported_tick = Some(tick);
        if now >= self.settles_at + STEERING {
            let news = missed & (u16::MAX >> (16 - ticks.min(8))) as u8;
            let change = news.count_ones() as f32 - MISS_TARGET * ticks as f32;
            self.margin = (self.margin + MARGIN_PER_MISS * change).clamp(0.0, MARGIN_MAX);
        }
    }

    fn measure_loss(&mut self, sent: SendCounts) {
        let settled = |counts: SendCounts| counts.acked + counts.lost;
        let window = settled(sent).saturating_sub(settled(self.counted));
        if window >= LOSS_WINDOW {
            let lost = sent.lost.saturating_sub(self.counted.lost);
            self.loss += (lost as f32 / window as f32 - self.loss) * 0.25;
            self.counted = sent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// A server that takes one input a tick, tells what came in each snapshot, and may stall.
    struct World {
        tick_hz: u64,
        report_every: u64,
        delay_ms: u64,
        lost_pct: u64,
        /// From when and for how long the server stands still, losing that time for good.
        stall_ms: (u64, u64),
        /// And tells so.
        tells_slip: bool,
    }

    impl World {
        /// Runs for 30 s, and returns the leads of the inputs that arrived in the last ten, and the pacer.
        fn run(&self, rtt_guess_ms: u64) -> (Vec<f32>, Pacer) {
            let (leads, pacer) = self.play(rtt_guess_ms);
            (leads.into_iter().filter(|(at_ms, _)| *at_ms > 20_000).map(|(_, lead)| lead).collect(), pacer)
        }

        /// The same, with all leads and when those inputs arrived.
        fn play(&self, rtt_guess_ms: u64) -> (Vec<(u64, f32)>, Pacer) {
            let ms = |ms: u64| Instant::from_us(ms * 1000);
            let mut pacer = Pacer::new(self.tick_hz as u32, Tick(1_000), ms(0), Duration::from_millis(rtt_guess_ms));
            let (mut up, mut down) = (VecDeque::new(), VecDeque::new());
            let (mut leads, mut least, mut sent) = (Vec::new(), None::<i16>, 0);
            let mut next_report = 0;
            for now in 0..30_000 {
                let stalled = now.clamp(self.stall_ms.0, self.stall_ms.0 + self.stall_ms.1) - self.stall_ms.0;
                let server_tick = 1_000.0 + (now - stalled) as f32 * self.tick_hz as f32 / 1e3;
                while pacer.next_at() <= ms(now) {
                    up.push_back((now + self.delay_ms, pacer.advance(ms(now)).0));
                    sent += 1;
                }
                while let Some((_, tick)) = up.pop_front_if(|(at, _)| *at <= now) {
                    let lead = tick.0 as f32 - server_tick;
                    least = Some(least.unwrap_or(i16::MAX).min((lead * 16.0) as i16));
                    leads.push((now, lead));
                }
                if self.tells_slip && now == self.stall_ms.0 + self.stall_ms.1 + self.delay_ms {
                    pacer.on_slip(Duration::from_millis(self.stall_ms.1), ms(now));
                }
                let stands_still = (self.stall_ms.0..self.stall_ms.0 + self.stall_ms.1).contains(&now);
                if now >= next_report && !stands_still {
                    next_report = now + 1000 * self.report_every / self.tick_hz;
                    down.push_back((now + self.delay_ms, least.take()));
                }
                while let Some((_, lead)) = down.pop_front_if(|(at, _)| *at <= now) {
                    let counts = SendCounts {
                        sent,
                        acked: sent * (100 - self.lost_pct) / 100,
                        lost: sent * self.lost_pct / 100,
                    };
                    let report = InputReport { ahead: 0, lead, missed: 0 };
                    let tick = Tick(server_tick as u32);
                    pacer.on_report(tick, report, counts, Duration::from_millis(self.delay_ms * 2), ms(now));
                }
            }
            (leads, pacer)
        }
    }

    const CALM: World =
        World { tick_hz: 60, report_every: 1, delay_ms: 0, lost_pct: 0, stall_ms: (0, 0), tells_slip: false };

    fn assert_settled(world: &World, rtt_guess_ms: u64) {
        let (leads, pacer) = world.run(rtt_guess_ms);
        assert!(leads.len() as u64 > world.tick_hz * 9, "{} inputs in ten seconds", leads.len());
        let (least, most) =
            leads.iter().fold((f32::MAX, f32::MIN), |(least, most), lead| (least.min(*lead), most.max(*lead)));
        let target = pacer.target();
        assert!(most - least < 1.0 && (least - target).abs() < 1.0, "leads from {least} to {most}, target {target}");
    }

    #[test]
    fn the_lead_settles_at_its_target_whatever_the_delay() {
        for (delay_ms, guess) in [(0, 0), (50, 100), (50, 0), (150, 50), (10, 900), (25, 600)] {
            assert_settled(&World { delay_ms, ..CALM }, guess);
        }
    }

    #[test]
    fn it_settles_at_any_tick_rate_and_with_few_reports() {
        for tick_hz in [20, 30, 120, 240] {
            for delay_ms in [25, 150] {
                assert_settled(&World { tick_hz, delay_ms, ..CALM }, 100);
                assert_settled(&World { tick_hz, delay_ms, report_every: (tick_hz / 10).max(1), ..CALM }, 100);
            }
        }
    }

    #[test]
    fn a_server_that_lost_a_second_is_followed() {
        for (tick_hz, delay_ms) in [(60, 25), (60, 75), (60, 150), (30, 25), (120, 25)] {
            assert_settled(&World { tick_hz, delay_ms, stall_ms: (5_000, 1_000), ..CALM }, 100);
        }
    }

    #[test]
    fn a_slip_that_is_told_is_made_up_for_in_three_seconds() {
        for (tick_hz, delay_ms) in [(60, 0), (60, 25), (60, 75), (30, 25), (20, 50)] {
            let world = World { tick_hz, delay_ms, stall_ms: (5_000, 300), tells_slip: true, ..CALM };
            let (leads, pacer) = world.play(2 * delay_ms);
            let after = 5_300 + delay_ms + 3_000;
            let later: Vec<f32> = leads.iter().filter(|(at_ms, _)| *at_ms > after).map(|(_, lead)| *lead).collect();
            let most_ms = later.iter().fold(0.0, |most: f32, lead| most.max(*lead)) * 1e3 / tick_hz as f32;
            let target_ms = pacer.target() * 1e3 / tick_hz as f32;
            assert!(most_ms < target_ms + 40.0, "{tick_hz} Hz, {delay_ms} ms: {most_ms} ms, {target_ms} wanted");
            assert!(later.iter().all(|lead| *lead > 0.0), "it does not overshoot");
            let settled = World { tells_slip: false, ..world }.play(2 * delay_ms).0;
            let slower =
                settled.iter().filter(|(at_ms, _)| *at_ms > after).fold(0.0, |most: f32, lead| most.max(lead.1));
            assert!(slower * 1e3 / tick_hz as f32 > most_ms + 50.0, "or it would be for nothing");
        }
    }

    #[test]
    fn a_server_that_slips_all_the_time_is_followed_by_its_reports() {
        let mut pacer = Pacer::new(60, Tick(0), Instant::from_us(0), Duration::ZERO);
        for n in 0..100_u32 {
            let now = Instant::from_us(u64::from(n) * 67_000);
            pacer.on_slip(Duration::from_millis(67), now);
            let report = InputReport { ahead: 0, lead: Some(60 * 16), missed: 0 };
            let before = pacer.next_at();
            pacer.on_report(Tick(n), report, SendCounts::default(), Duration::ZERO, now);
            if pacer.next_at() > before + Duration::from_millis(500) {
                return;
            }
        }
        panic!("a lead of a second is jumped over");
    }

    #[test]
    fn loss_asks_for_as_many_ticks_more_as_copies_are_needed() {
        let lossy = World { delay_ms: 50, lost_pct: 5, ..CALM };
        let (_, pacer) = lossy.run(100);
        assert!((2.7..=3.6).contains(&pacer.target()), "{}", pacer.target());
        assert_settled(&lossy, 100);
    }

    #[test]
    fn inputs_that_are_missing_move_it_ahead_until_they_are_few() {
        let mut pacer = Pacer::new(60, Tick(0), Instant::from_us(0), Duration::ZERO);
        let mut report = |tick: u32, missed: u8| {
            let report = InputReport { ahead: 0, lead: None, missed };
            let now = Instant::from_us(2_000_000 + u64::from(tick) * 16_667);
            pacer.on_report(Tick(tick), report, SendCounts::default(), Duration::ZERO, now);
            pacer.margin
        };
        // Of a snapshot every four ticks; what was told before is no news.
        let margins = [report(4, 0b0000), report(8, 0b0110), report(12, 0b0110_0000), report(12, 0xFF)];
        assert!(margins[0] == 0.0 && (0.79..0.81).contains(&margins[1]), "{margins:?}");
        assert!(margins[2] < margins[1] && margins[3] == margins[2], "{margins:?}");
        assert_eq!(report(3_000, 0), 0.0, "it shrinks");
        assert_eq!((1..100).map(|n| report(3_000 + 8 * n, 0xFF)).fold(0.0, f32::max), MARGIN_MAX);
    }

    #[test]
    fn speed_stays_within_five_percent_unless_the_server_slips() {
        let mut pacer = Pacer::new(60, Tick(0), Instant::from_us(0), Duration::ZERO);
        pacer.lead = Some(Lead { mean: 15.0, deviation: 0.0, reported_at: Instant::default() });
        pacer.adjustment(Instant::from_us(0));
        assert!(pacer.adjustment(Instant::from_us(0)) <= 0.05);
        pacer.lead = Some(Lead { mean: 1500.0, deviation: 0.0, reported_at: Instant::default() });
        assert!(pacer.adjustment(Instant::from_us(0)) <= 0.05);
        pacer.on_load(Load { level: 2, dilation_pct: 40 });
        assert!((0.4..=0.45).contains(&pacer.adjustment(Instant::from_us(0))));
    }

    #[test]
    fn ticks_of_any_rate_go_on_however_much_the_server_slips() {
        for tick_hz in [1, 5, 60, 240] {
            let mut pacer = Pacer::new(tick_hz, Tick(0), Instant::from_us(0), Duration::ZERO);
            pacer.lead = Some(Lead { mean: -20.0, deviation: 0.0, reported_at: Instant::default() });
            pacer.on_load(Load { level: 1, dilation_pct: 1_023 });
            let before = pacer.next_at();
            pacer.advance(before);
            assert!(pacer.next_at().since(before) >= Duration::from_secs(1) / tick_hz / 2, "{tick_hz} Hz");
        }
    }

    #[test]
    fn a_program_held_up_does_not_send_what_it_missed() {
        let mut pacer = Pacer::new(60, Tick(0), Instant::from_us(0), Duration::ZERO);
        let (first, _) = pacer.advance(Instant::from_us(0));
        let told = pacer.next_tick();
        assert_eq!(pacer.advance(Instant::from_us(10_000_000)).0, told, "the input was made for it");
        let (third, due) = pacer.advance(Instant::from_us(10_000_000));
        assert_eq!(third.since(first), 600);
        assert!(Instant::from_us(10_000_000).since(due) < Duration::from_millis(17));
    }
}
