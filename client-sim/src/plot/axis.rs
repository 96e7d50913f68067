/// The scale of one side of a chart, with marks at round numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) from: f64,
    pub(crate) to: f64,
    step: f64,
}

impl Axis {
    /// Begins and ends at a mark, around all from `least` to `most`, with about `marks` of them.
    pub(crate) fn around(least: f64, most: f64, marks: f64) -> Self {
        let least = least.min(most);
        let extent = if most > least { most - least } else { most.abs().max(1.0) };
        let step = round_step(extent / marks);
        let from = (least / step).floor() * step;
        let to = (most / step).ceil() * step;
        Self { from, to: if to > from { to } else { from + step }, step }
    }

    /// Of seconds, beginning at zero and ending where the time does.
    pub(crate) fn of_time(lasts_s: f64) -> Self {
        const STEPS_S: [f64; 14] =
            [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21_600.0];
        let wanted = lasts_s / 6.0;
        let step = STEPS_S.into_iter().find(|step| *step >= wanted).unwrap_or((wanted / 86_400.0).ceil() * 86_400.0);
        Self { from: 0.0, to: lasts_s, step: if wanted < 0.5 { round_step(wanted) } else { step } }
    }

    /// From 0 to 1.
    pub(crate) fn share(&self, value: f64) -> f64 {
        ((value - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
    }

    /// Where the marks are.
    pub(crate) fn marks(&self) -> impl Iterator<Item = f64> {
        let Self { from, to, step } = *self;
        // However odd the numbers, a page has so many at most.
        (0..20).map(move |n| from + f64::from(n) * step).take_while(move |mark| *mark <= to + step * 1e-6)
    }

    /// A value of this axis, with as many decimals as its marks need.
    pub(crate) fn text(&self, value: f64) -> String {
        let decimals = (-(self.step.log10() + 1e-9).floor()).clamp(0.0, 6.0) as usize;
        // What rounds to nothing has no sign.
        let value = if value.abs() < self.step * 1e-6 { 0.0 } else { value };
        format!("{value:.decimals$}")
    }
}

/// The next of 1, 2, 5, 10, 20, ... times a power of ten.
fn round_step(value: f64) -> f64 {
    let power = 10f64.powf(value.max(1e-9).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|step| *step >= value * 0.999).unwrap_or(power)
}

/// A time since the start: `1:05`, or `5.25 s` where a mark needs it.
pub(crate) fn time_text(seconds: f64) -> String {
    if seconds < 59.995 {
        let text = format!("{seconds:.2}");
        return format!("{} s", text.trim_end_matches('0').trim_end_matches('.'));
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_begin_and_end_at_round_numbers_around_their_values() {
        let marks = |least, most| {
            let axis = Axis::around(least, most, 4.0);
            axis.marks().map(|mark| axis.text(mark)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(marks(0.0, 97.0), "0 50 100");
        assert_eq!(marks(-1.2, 3.9), "-2 0 2 4");
        assert_eq!(marks(0.0, 0.03), "0.00 0.01 0.02 0.03");
        assert_eq!(marks(0.0, 0.0), "0.0 0.5");
        assert_eq!(marks(60.0, 60.0), "60 80");
    }

    #[test]
    fn times_are_marked_in_whole_seconds_minutes_and_hours() {
        let marks = |lasts_s| Axis::of_time(lasts_s).marks().map(time_text).collect::<Vec<_>>().join(" ");
        assert_eq!(marks(8.0), "0 s 2 s 4 s 6 s 8 s");
        assert_eq!(marks(61.0), "0 s 15 s 30 s 45 s 1:00");
        assert_eq!(marks(600.0), "0 s 2:00 4:00 6:00 8:00 10:00");
        assert_eq!(marks(1.2), "0 s 0.2 s 0.4 s 0.6 s 0.8 s 1 s 1.2 s");
        assert_eq!(time_text(59.999), "1:00");
        assert_eq!(marks(9000.0), "0 s 30:00 1:00:00 1:30:00 2:00:00 2:30:00");
    }
}
