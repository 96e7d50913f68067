use super::axis::{Axis, time_text};

/// What a chart goes along, from left to right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    /// Seconds from the start.
    Time { lasts_s: f64 },
    /// Percentiles: each tenfold of what is left above has the same room, from 0 % over 90 % and 99 % to so many nines.
    Percentiles { nines: u32 },
}

impl Scale {
    /// Where the marks are, as shares of the width, with their texts.
    pub(super) fn marks(&self) -> Vec<(f64, String)> {
        match *self {
            Self::Time { lasts_s } => {
                let axis = Axis::of_time(lasts_s);
                axis.marks().map(|mark| (axis.share(mark), time_text(mark))).collect()
            }
            Self::Percentiles { nines } => {
                let tenfolds = (1..=nines).map(|n| (f64::from(n) / f64::from(nines), percent_text(n)));
                let half = (0.5_f64.recip().log10() / f64::from(nines), "50 %".to_owned());
                std::iter::once(half).chain(tenfolds).collect()
            }
        }
    }

    /// What a share of the width stands for.
    pub(super) fn text(&self, share: f64) -> String {
        match *self {
            Self::Time { lasts_s } => time_text(share * lasts_s),
            Self::Percentiles { .. } => {
                let text = format!("{:.4}", self.quantile(share) * 100.0);
                format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
            }
        }
    }

    /// Where a moment lies, as a share of the width.
    pub(super) fn share_of_time(&self, at_s: f64) -> f64 {
        match *self {
            Self::Time { lasts_s } => (at_s / lasts_s).clamp(0.0, 1.0),
            Self::Percentiles { .. } => 0.0,
        }
    }

    /// Which part of all lies below, from 0 to 1, at a share of the width of percentiles.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        match *self {
            Self::Time { .. } => share,
            Self::Percentiles { nines } => 1.0 - 10f64.powf(-share * f64::from(nines)),
        }
    }
}

/// 90 %, 99 %, 99.9 %, ...
fn percent_text(nines: u32) -> String {
    let decimals = nines.saturating_sub(2) as usize;
    format!("{:.decimals$} %", 100.0 - 10f64.powi(2 - nines.cast_signed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_marked_at_their_nines() {
        let scale = Scale::Percentiles { nines: 4 };
        let texts: Vec<_> = scale.marks().into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        for (share, text) in scale.marks() {
            assert_eq!(scale.text(share), text);
        }
        assert!((scale.quantile(0.5) - 0.99).abs() < 1e-12);
    }

    #[test]
    fn times_are_marked_in_seconds() {
        let scale = Scale::Time { lasts_s: 8.0 };
        assert_eq!(scale.marks()[1], (0.25, "2 s".to_owned()));
        assert_eq!((scale.text(0.5), scale.share_of_time(2.0)), ("4 s".to_owned(), 0.25));
    }
}
