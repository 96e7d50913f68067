use glam::Vec3;
use std::time::Duration;
use tidelock::Instant;

/// What is left to be seen of corrections: where the player is shown beside where it is predicted. A correction moves the
/// prediction at once, and what is shown follows within some tenths of a second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Smoothing {
    offset_m: Vec3,
    at: Instant,
}

/// In this time the offset falls to a third (1/e).
const DECAY: Duration = Duration::from_millis(100);
/// Who was corrected by more is put where it belongs at once: a slide would look worse.
const SLIDE_M_MAX: f32 = 3.0;

impl Smoothing {
    /// What was shown at `from` is predicted at `to` now.
    pub(super) fn on_correction(&mut self, from: Vec3, to: Vec3, now: Instant) {
        let offset_m = self.offset_m(now) + from - to;
        self.offset_m = if offset_m.length() <= SLIDE_M_MAX { offset_m } else { Vec3::ZERO };
        self.at = now;
    }

    /// From the prediction to where it is shown, in metres.
    pub(super) fn offset_m(&self, now: Instant) -> Vec3 {
        self.offset_m * (-now.since(self.at).as_secs_f32() / DECAY.as_secs_f32()).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correction_is_not_seen_at_first_and_gone_soon() {
        let (mut smoothing, begin) = (Smoothing::default(), Instant::from_us(5_000_000));
        let (from, to) = (Vec3::new(1.0, 0.0, 0.0), Vec3::new(0.4, 0.0, 0.0));
        smoothing.on_correction(from, to, begin);
        let shown_x = |smoothing: &Smoothing, ms| 0.4 + smoothing.offset_m(begin + Duration::from_millis(ms)).x;
        let shown = [0, 100, 500].map(|ms| shown_x(&smoothing, ms));
        assert!((shown[0] - 1.0).abs() < 1e-6 && (0.55..0.65).contains(&shown[1]) && shown[2] < 0.41, "{shown:?}");
        // A second one goes on from what is shown then.
        let now = begin + Duration::from_millis(100);
        smoothing.on_correction(to, to + Vec3::Y, now);
        let offset_m = smoothing.offset_m(now);
        assert!((offset_m.y + 1.0).abs() < 1e-6 && (0.15..0.25).contains(&offset_m.x), "{offset_m}");
    }

    #[test]
    fn who_was_put_far_away_does_not_slide_there() {
        let mut smoothing = Smoothing::default();
        smoothing.on_correction(Vec3::ZERO, Vec3::X * 30.0, Instant::from_us(1));
        assert_eq!(smoothing.offset_m(Instant::from_us(1)), Vec3::ZERO);
    }
}
