use std::time::Duration;

use tidelock::Instant;

use super::{Account, Figure, Histograms};
use crate::client::{Clock, EffectFate, Playback};

/// Takes down what clients measure: all of a run, and of the second that is going by.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    /// The server reads another clock: snapshots have no ages.
    is_ageless: bool,
    /// Outside of the window, only what concerns joining is recorded.
    pub in_window: bool,
    /// What was recorded so far.
    pub account: Account,
    lately: Lately,
}

/// Of the second that is going by, in the window or not.
#[derive(Clone, Debug)]
struct Lately(Histograms);

impl Default for Lately {
    fn default() -> Self {
        Self(Histograms::of_a_second())
    }
}

impl Recorder {
    /// An age above this is a difference between clocks.
    const AGE_MAX: Duration = Duration::from_secs(60);
    /// The two clocks are one, but reading it takes time.
    const AGE_SLACK_US: i64 = 1_000;

    /// Of clients of a server that reads the same clock, or another one.
    #[must_use]
    pub fn new(same_clock: bool) -> Self {
        Self { is_ageless: !same_clock, ..Self::default() }
    }

    /// Adds what was recorded since the last time to `second`.
    pub fn take_lately(&mut self, second: &mut Histograms) {
        second.add(&self.lately.0);
        self.lately.0.clear();
    }

    /// A snapshot of the tick that was due at `due` was received. Before it, the server's schedule slipped by `slip`: the tick was meant
    /// for so much earlier, and one each `period` in between was given up.
    ///
    /// Had they come when this one did, they would have been late by what was left of that, and so they count: else a server that
    /// stands still would have few late snapshots for having sent few.
    pub fn on_snapshot(&mut self, due: Instant, slip: Duration, period: Duration, received_at: Instant) {
        if self.is_ageless {
            return;
        }
        let age_us = received_at.us_from(due);
        let age = Duration::from_micros(age_us.max(0).cast_unsigned());
        if age_us < -Self::AGE_SLACK_US || age > Self::AGE_MAX {
            self.account.events.ages_impossible += 1;
        } else {
            let given_up = slip.min(Self::AGE_MAX).as_micros() / period.as_micros().max(1);
            (0..given_up as u32).for_each(|number| self.time(Figure::Age, age + slip - period * number));
            self.time(Figure::Age, age);
        }
    }

    /// A round trip was measured.
    pub fn on_rtt(&mut self, rtt: Duration) {
        self.time(Figure::Rtt, rtt);
    }

    /// The effect of an input came back after so long.
    pub fn on_effect(&mut self, latency: Duration) {
        self.time(Figure::Effect, latency);
    }

    /// A client was served so late.
    pub fn on_lag(&mut self, lag: Duration) {
        self.time(Figure::Lag, lag);
    }

    /// A client's estimate of its jitter.
    pub fn on_jitter(&mut self, jitter: Duration) {
        self.time(Figure::Jitter, jitter);
    }

    /// A client looks at its clocks.
    pub fn on_clocks(&mut self, clock: &Clock, playback: &Playback) {
        self.time(Figure::ClockJitter, clock.jitter());
        self.value(Figure::Delay, f64::from(playback.delay_ms()) * 1e3);
        if let Some(offset_us) = clock.offset_us() {
            self.value(Figure::Offset, offset_us.unsigned_abs() as f64);
        }
        if let Some(drift_ppm) = clock.drift_ppm() {
            self.value(Figure::Drift, f64::from(drift_ppm.abs()) * 1e3);
        }
    }

    /// A prediction was corrected by so much.
    pub fn on_correction(&mut self, error_m: f32) {
        self.account.events.corrections += u64::from(self.in_window);
        self.value(Figure::Prediction, f64::from(error_m) * 1e3);
    }

    /// A snapshot left the prediction as it was.
    pub fn on_prediction_right(&mut self) {
        self.value(Figure::Prediction, 0.0);
    }

    /// Something that a player was predicted to do was done, or not.
    pub fn on_effect_fate(&mut self, fate: EffectFate) {
        if self.in_window {
            self.account.events.confirmed += u64::from(fate == EffectFate::Confirmed);
            self.account.events.undone += u64::from(fate == EffectFate::Undone);
        }
    }

    /// An entity was shown as it was at a moment, known or not.
    pub fn on_shown(&mut self, is_extrapolated: bool) {
        if self.in_window {
            self.account.events.shown += 1;
            self.account.events.extrapolated += u64::from(is_extrapolated);
        }
    }

    /// What was shown turned out to be off by so much.
    pub fn on_display_error(&mut self, error_m: f32) {
        self.value(Figure::Display, f64::from(error_m) * 1e3);
    }

    /// A client was admitted, so long after its start.
    pub fn on_connected(&mut self, after: Duration) {
        self.account.histograms.record_duration(Figure::Connect, after);
    }

    /// A client saw all that it should, so long after its start.
    pub fn on_first_full_view(&mut self, after: Duration) {
        self.account.histograms.record_duration(Figure::Join, after);
    }

    fn time(&mut self, figure: Figure, duration: Duration) {
        self.lately.0.record_duration(figure, duration);
        if self.in_window {
            self.account.histograms.record_duration(figure, duration);
        }
    }

    fn value(&mut self, figure: Figure, value: f64) {
        if self.in_window {
            self.account.histograms.record(figure, value.max(0.0).round() as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Instant = Instant::from_us(1_000_000);
    const PERIOD: Duration = Duration::from_millis(20);

    fn count(histograms: &Histograms, figure: Figure) -> u64 {
        histograms.distribution(figure).map_or(0, |distribution| distribution.count)
    }

    #[test]
    fn outside_of_the_window_only_joining_counts_and_what_goes_by() {
        let mut recorder = Recorder::default();
        recorder.on_rtt(Duration::from_millis(5));
        recorder.on_snapshot(TICK, Duration::ZERO, PERIOD, TICK + Duration::from_millis(5));
        recorder.on_connected(Duration::from_millis(5));
        recorder.on_correction(1.0);
        let counted = [Figure::Rtt, Figure::Age, Figure::Prediction, Figure::Connect];
        assert_eq!(counted.map(|figure| count(&recorder.account.histograms, figure)), [0, 0, 0, 1]);
        assert_eq!(recorder.account.events.corrections, 0);
        let mut second = Histograms::of_a_second();
        recorder.take_lately(&mut second);
        recorder.take_lately(&mut second);
        assert_eq!([Figure::Rtt, Figure::Age].map(|figure| count(&second, figure)), [1, 1], "each once");
    }

    #[test]
    fn ages_that_two_clocks_would_give_are_set_apart() {
        let mut recorder = Recorder { in_window: true, ..Recorder::default() };
        for received_at in
            [TICK - Duration::from_millis(500), TICK + Duration::from_secs(3600), TICK + Duration::from_millis(40)]
        {
            recorder.on_snapshot(TICK, Duration::ZERO, PERIOD, received_at);
        }
        let ages = count(&recorder.account.histograms, Figure::Age);
        assert_eq!((recorder.account.events.ages_impossible, ages), (2, 1));
    }

    #[test]
    fn a_snapshot_of_another_clock_has_no_age() {
        let mut recorder = Recorder { in_window: true, ..Recorder::new(false) };
        recorder.on_snapshot(TICK, Duration::ZERO, PERIOD, TICK + Duration::from_millis(5));
        let mut second = Histograms::of_a_second();
        recorder.take_lately(&mut second);
        let ages = [count(&recorder.account.histograms, Figure::Age), count(&second, Figure::Age)];
        assert_eq!((ages, recorder.account.events.ages_impossible), ([0, 0], 0));
    }

    #[test]
    fn a_server_that_stood_still_has_the_snapshots_that_it_did_not_send() {
        let mut recorder = Recorder { in_window: true, ..Recorder::default() };
        recorder.on_snapshot(TICK, Duration::from_millis(300), PERIOD, TICK + Duration::from_millis(5));
        let ages = recorder.account.histograms.distribution(Figure::Age).unwrap();
        assert_eq!(ages.count, 16, "the one that came, and fifteen that should have");
        assert!(ages.max.is_some_and(|max| (305.0..306.0).contains(&max)), "{ages:?}");
        assert!((140.0..170.0).contains(&ages.p50), "{ages:?}");
    }
}
