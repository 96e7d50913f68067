use std::time::Duration;

use hdrhistogram::Histogram;
use tidelock::Instant;

use crate::client::{Clock, EffectFate, Playback};

/// What one worker's clients measured. Those of all workers are added at the end.
pub(super) struct Recorder {
    /// Outside of the window, only what concerns joining is recorded.
    pub(super) in_window: bool,
    pub(super) connect_us: Histogram<u64>,
    pub(super) join_us: Histogram<u64>,
    pub(super) rtt_us: Histogram<u64>,
    pub(super) jitter_us: Histogram<u64>,
    pub(super) age_us: Histogram<u64>,
    pub(super) effect_us: Histogram<u64>,
    pub(super) lag_us: Histogram<u64>,
    /// Zero where a prediction was right.
    pub(super) prediction_mm: Histogram<u64>,
    pub(super) corrections: u64,
    pub(super) deeds: Deeds,
    /// How late things were shown.
    pub(super) delay_us: Histogram<u64>,
    /// What was shown, against what later snapshots said.
    pub(super) display_mm: Histogram<u64>,
    /// Entities sampled, and those of them that were shown past what was known.
    pub(super) shown: u64,
    pub(super) extrapolated: u64,
    /// Of the server's clock: how far from ours, how much faster or slower in parts per billion, how uneven.
    pub(super) offset_us: Histogram<u64>,
    pub(super) drift_ppb: Histogram<u64>,
    pub(super) clock_jitter_us: Histogram<u64>,
    /// Snapshots from the future, or from long ago: the server's clock is not ours.
    pub(super) ages_impossible: u64,
    /// Since the progress was last told.
    pub(super) lately: Lately,
}

/// Shots and pick-ups that were predicted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Deeds {
    pub(super) confirmed: u64,
    pub(super) undone: u64,
}

/// For the line of progress.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lately {
    pub(super) rtt: Mean,
    pub(super) age: Mean,
}

/// Of durations.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mean {
    sum_us: u64,
    count: u64,
}

impl Recorder {
    /// An age above this is a difference between clocks.
    const AGE_MAX: Duration = Duration::from_secs(60);
    /// The two clocks are one, but reading it takes time.
    const AGE_SLACK_US: i64 = 1_000;

    pub(super) fn new() -> Self {
        Self {
            in_window: false,
            connect_us: histogram(),
            join_us: histogram(),
            rtt_us: histogram(),
            jitter_us: histogram(),
            age_us: histogram(),
            effect_us: histogram(),
            lag_us: histogram(),
            prediction_mm: histogram(),
            corrections: 0,
            deeds: Deeds::default(),
            delay_us: histogram(),
            display_mm: histogram(),
            shown: 0,
            extrapolated: 0,
            offset_us: histogram(),
            drift_ppb: histogram(),
            clock_jitter_us: histogram(),
            ages_impossible: 0,
            lately: Lately::default(),
        }
    }

    /// A snapshot of the tick that was due at `due` was received.
    pub(super) fn on_snapshot(&mut self, due: Instant, received_at: Instant) {
        let age_us = received_at.us_from(due);
        let age = Duration::from_micros(age_us.max(0).cast_unsigned());
        if age_us < -Self::AGE_SLACK_US || age > Self::AGE_MAX {
            self.ages_impossible += 1;
            return;
        }
        self.lately.age.add(age);
        if self.in_window {
            record(&mut self.age_us, age);
        }
    }

    pub(super) fn on_rtt(&mut self, rtt: Duration) {
        self.lately.rtt.add(rtt);
        if self.in_window {
            record(&mut self.rtt_us, rtt);
        }
    }

    pub(super) fn on_effect(&mut self, latency: Duration) {
        if self.in_window {
            record(&mut self.effect_us, latency);
        }
    }

    pub(super) fn on_jitter(&mut self, jitter: Duration) {
        if self.in_window {
            record(&mut self.jitter_us, jitter);
        }
    }

    /// A prediction was corrected by so much.
    pub(super) fn on_correction(&mut self, error_m: f32) {
        if self.in_window {
            self.corrections += 1;
            self.prediction_mm.saturating_record((error_m.max(0.0) * 1e3).round() as u64);
        }
    }

    /// Something that a player was predicted to do was done, or not.
    pub(super) fn on_effect_fate(&mut self, fate: EffectFate) {
        if self.in_window {
            self.deeds.confirmed += u64::from(fate == EffectFate::Confirmed);
            self.deeds.undone += u64::from(fate == EffectFate::Undone);
        }
    }

    /// A snapshot left the prediction as it was.
    pub(super) fn on_prediction_right(&mut self) {
        if self.in_window {
            self.prediction_mm.saturating_record(0);
        }
    }

    /// An entity was shown as it was at a moment, known or not.
    pub(super) fn on_shown(&mut self, is_extrapolated: bool) {
        if self.in_window {
            self.shown += 1;
            self.extrapolated += u64::from(is_extrapolated);
        }
    }

    /// What was shown turned out to be off by so much.
    pub(super) fn on_display_error(&mut self, error_m: f32) {
        if self.in_window {
            self.display_mm.saturating_record((error_m * 1e3).round() as u64);
        }
    }

    /// A client looks at its clocks.
    pub(super) fn on_clocks(&mut self, clock: &Clock, playback: &Playback) {
        if !self.in_window {
            return;
        }
        record(&mut self.clock_jitter_us, clock.jitter());
        self.delay_us.saturating_record((playback.delay_ms().max(0.0) * 1e3) as u64);
        if let Some(offset_us) = clock.offset_us() {
            self.offset_us.saturating_record(offset_us.unsigned_abs());
        }
        if let Some(drift_ppm) = clock.drift_ppm() {
            self.drift_ppb.saturating_record((drift_ppm.abs() * 1e3) as u64);
        }
    }

    pub(super) fn on_lag(&mut self, lag: Duration) {
        if self.in_window {
            record(&mut self.lag_us, lag);
        }
    }

    pub(super) fn on_connected(&mut self, after: Duration) {
        record(&mut self.connect_us, after);
    }

    pub(super) fn on_first_full_view(&mut self, after: Duration) {
        record(&mut self.join_us, after);
    }

    /// Adds another worker's measurements.
    pub(super) fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.connect_us, &other.connect_us),
            (&mut self.join_us, &other.join_us),
            (&mut self.rtt_us, &other.rtt_us),
            (&mut self.jitter_us, &other.jitter_us),
            (&mut self.age_us, &other.age_us),
            (&mut self.effect_us, &other.effect_us),
            (&mut self.lag_us, &other.lag_us),
            (&mut self.prediction_mm, &other.prediction_mm),
            (&mut self.delay_us, &other.delay_us),
            (&mut self.display_mm, &other.display_mm),
            (&mut self.offset_us, &other.offset_us),
            (&mut self.drift_ppb, &other.drift_ppb),
            (&mut self.clock_jitter_us, &other.clock_jitter_us),
        ];
        for (sum, other) in pairs {
            sum.add(other).expect("all have the same range");
        }
        self.ages_impossible += other.ages_impossible;
        self.corrections += other.corrections;
        self.deeds.confirmed += other.deeds.confirmed;
        self.deeds.undone += other.deeds.undone;
        self.shown += other.shown;
        self.extrapolated += other.extrapolated;
    }
}

impl Mean {
    fn add(&mut self, duration: Duration) {
        self.sum_us += duration.as_micros() as u64;
        self.count += 1;
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.sum_us += other.sum_us;
        self.count += other.count;
    }

    /// What was added after `earlier`.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self { sum_us: self.sum_us - earlier.sum_us, count: self.count - earlier.count }
    }

    /// `None` of nothing.
    pub(super) fn ms(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_us as f64 / self.count as f64 / 1e3)
    }
}

/// Three digits of everything up to two minutes, in microseconds; what is greater counts as two minutes.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 120_000_000, 3).expect("the bounds are right")
}

fn record(histogram: &mut Histogram<u64>, duration: Duration) {
    histogram.saturating_record(duration.as_micros() as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Instant = Instant::from_us(1_000_000);

    #[test]
    fn nothing_is_recorded_outside_of_the_window_but_joining() {
        let mut recorder = Recorder::new();
        recorder.on_rtt(Duration::from_millis(5));
        recorder.on_snapshot(TICK, TICK + Duration::from_millis(5));
        recorder.on_connected(Duration::from_millis(5));
        assert_eq!((recorder.rtt_us.len(), recorder.age_us.len(), recorder.connect_us.len()), (0, 0, 1));
        assert_eq!(recorder.lately.rtt.ms(), Some(5.0));
    }

    #[test]
    fn ages_that_two_clocks_would_give_are_set_apart() {
        let mut recorder = Recorder { in_window: true, ..Recorder::new() };
        recorder.on_snapshot(TICK, TICK - Duration::from_millis(500));
        recorder.on_snapshot(TICK, TICK + Duration::from_secs(3600));
        recorder.on_snapshot(TICK, TICK + Duration::from_millis(40));
        assert_eq!((recorder.ages_impossible, recorder.age_us.len()), (2, 1));
    }

    #[test]
    fn workers_add_up() {
        let (mut one, mut other) = (Recorder::new(), Recorder::new());
        one.on_connected(Duration::from_millis(10));
        other.on_connected(Duration::from_millis(30));
        one.add(&other);
        assert_eq!((one.connect_us.len(), one.connect_us.max() / 1000), (2, 30));
    }
}
