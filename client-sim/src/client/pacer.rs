use std::time::Duration;
use tidelock::wire::{InputReport, SendCounts};
use tidelock::{Instant, Tick};

/// When inputs are due: the client's tick runs ahead of the server's, so that each input is there when its tick takes it.
///
/// The server tells how early inputs arrive. Their mean lead is steered, within 5 % of speed, to what the jitter needs, and
/// as many ticks more as the loss needs copies: an input goes out with every datagram until it is confirmed, so each
/// further tick of lead is one more chance to arrive in time. Only a lead that is hopelessly off is jumped to.
#[derive(Clone, Debug)]
pub(super) struct Pacer {
    period_us: f64,
    next_tick: Tick,
    next_at_us: f64,
    /// Smoothed lead and its mean deviation, in ticks.
    lead: Option<(f32, f32)>,
    /// Reports before this still speak of inputs from before the last jump.
    settles_at: Instant,
    /// Smoothed share of our datagrams that is lost.
    loss: f32,
    counted: SendCounts,
}

const SPEED_MAX: f64 = 0.05;
/// How much of an error of one tick is made good a tick.
const GAIN: f64 = 0.02;
/// Errors beyond this, in ticks, are jumped over.
const JUMP_TICKS: f32 = 20.0;
/// At most this share of ticks may lack its input.
const MISS_TARGET: f32 = 0.001;
const EXTRA_COPIES_MAX: f32 = 4.0;
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
            loss: 0.0,
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
        (self.lead.map_or(0.0, |(mean, _)| mean), self.target())
    }

    /// Takes the tick that is due, with when it was.
    pub(super) fn advance(&mut self) -> (Tick, Instant) {
        let now = (self.next_tick, self.next_at());
        let error = self.lead.map_or(0.0, |(mean, _)| f64::from(mean - self.target()));
        let adjust = (error * GAIN).clamp(-SPEED_MAX, SPEED_MAX);
        self.next_tick = self.next_tick.next();
        self.next_at_us += self.period_us * (1.0 + adjust);
        now
    }

    /// The server reports how early inputs arrive.
    pub(super) fn on_report(&mut self, report: InputReport, sent: SendCounts, rtt: Duration, now: Instant) {
        self.measure_loss(sent);
        if now < self.settles_at {
            return;
        }
        let lead = f32::from(report.lead) / 16.0;
        let (mean, deviation) = self.lead.unwrap_or((lead, 0.5));
        let mean = mean + (lead - mean) * 0.1;
        let deviation = deviation + ((lead - mean).abs() - deviation) * 0.05;
        self.lead = Some((mean, deviation));
        let error = mean - self.target();
        if error.abs() > JUMP_TICKS {
            self.jump(-error.round() as i32);
            self.settles_at = now + rtt + Duration::from_millis(100);
        }
    }

    /// The mean lead to aim at: never less than a full tick.
    fn target(&self) -> f32 {
        let deviation = self.lead.map_or(0.5, |(_, deviation)| deviation);
        let copies = if self.loss < MISS_TARGET { 1.0 } else { (MISS_TARGET.ln() / self.loss.min(0.9).ln()).ceil() };
        (0.75 + 2.5 * deviation + (copies - 1.0).min(EXTRA_COPIES_MAX)).max(1.0)
    }

    fn jump(&mut self, ticks: i32) {
        if ticks > 0 {
            self.next_tick = self.next_tick.add(ticks.unsigned_abs());
        } else {
            self.next_at_us += self.period_us * f64::from(ticks.unsigned_abs());
        }
        self.lead = None;
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

    /// Runs a pacer against a server at 60 Hz whose inputs travel `delay_ms`, and returns the lead at the end.
    fn converge(delay_ms: u64, rtt_guess_ms: u64, lost_pct: u64) -> (f32, f32) {
        let mut pacer = Pacer::new(60, Tick(1_000), Instant::from_us(0), Duration::from_millis(rtt_guess_ms));
        for n in 0..3_000u64 {
            let (tick, at) = pacer.advance();
            let arrives_us = at.as_us() as f64 + delay_ms as f64 * 1e3;
            let used_us = f64::from(tick.since(Tick(1_000))) * 1e6 / 60.0;
            let lead = ((used_us - arrives_us) / (1e6 / 60.0) * 16.0) as i16;
            let sent = SendCounts { sent: n, acked: n * (100 - lost_pct) / 100, lost: n * lost_pct / 100 };
            pacer.on_report(
                InputReport { ahead: 0, lead, missed: 0 },
                sent,
                Duration::from_millis(delay_ms * 2),
                at + Duration::from_millis(delay_ms),
            );
        }
        pacer.lead_and_target()
    }

    #[test]
    fn the_lead_settles_at_its_target_whatever_the_delay() {
        for (delay, guess) in [(0, 0), (50, 100), (50, 0), (150, 50), (10, 900)] {
            let (lead, target) = converge(delay, guess, 0);
            assert!((lead - target).abs() < 0.3, "{delay} ms: lead {lead}, target {target}");
            assert!((1.0..=1.6).contains(&target), "{target}");
        }
    }

    #[test]
    fn loss_asks_for_as_many_ticks_more_as_copies_are_needed() {
        let (lead, target) = converge(50, 100, 5);
        assert!((2.7..=3.6).contains(&target) && (lead - target).abs() < 0.3, "lead {lead}, target {target}");
    }

    #[test]
    fn speed_stays_within_five_percent() {
        let mut pacer = Pacer::new(60, Tick(0), Instant::from_us(0), Duration::ZERO);
        pacer.lead = Some((15.0, 0.0));
        let (_, first) = pacer.advance();
        let (_, second) = pacer.advance();
        assert!(second.since(first) <= Duration::from_micros(17_500));
    }
}
