use std::fmt;
use std::str::FromStr;

use super::names::figures;
use super::summary::{Summary, ThresholdResult};
use crate::link::Profile;
use crate::mix::Kind;

/// A bound on one figure of a [`Summary`]: `name<number`, where the name joins the fields' names with underscores, as in
/// `snapshot_age_ms_p99<100`.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    expr: String,
    name: String,
    comparison: Comparison,
    bound: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Below,
    AtMost,
    Above,
    AtLeast,
    Equal,
}

/// Why a text is no threshold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// Not `name<number`.
    #[error("write a name, one of < <= > >= ==, and a number, as in snapshot_age_ms_p99<100")]
    Form,
    /// No such figure.
    #[error(
        "there is no figure called `{0}`. These exist:\n{1}\nand those of each kind of link, as in profiles_wifi_rtt_ms_p99"
    )]
    Name(String, Names),
    /// No such figure, but some that are called much the same.
    #[error("there is no figure called `{0}`: did you mean {1}?")]
    Near(String, String),
}

/// What the names of figures of one kind of link begin with.
const OF_A_PROFILE: &str = "profiles_";

/// All figures' names, a few to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let at = text.find(['<', '>', '=']).ok_or(ThresholdError::Form)?;
        let (name, rest) = (text[..at].trim(), &text[at..]);
        // The longer operators first: `<` begins `<=` too.
        let operators = [
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("==", Comparison::Equal),
            ("<", Comparison::Below),
            (">", Comparison::Above),
        ];
        let split = operators.into_iter().find_map(|(sign, comparison)| Some((comparison, rest.strip_prefix(sign)?)));
        let (comparison, number) = split.ok_or(ThresholdError::Form)?;
        let bound = number.trim().parse().ok().filter(|bound: &f64| bound.is_finite()).ok_or(ThresholdError::Form)?;
        let figures = figures(&Summary::full());
        if !figures.contains_key(name) {
            let of_all = figures.into_keys().filter(|name| !name.starts_with(OF_A_PROFILE));
            return Err(no_such(name, of_all.collect()));
        }
        Ok(Self { expr: text.trim().to_owned(), name: name.to_owned(), comparison, bound })
    }
}

/// As many as can be meant, and be read.
const NEAR_MAX: usize = 8;

/// There is no figure of this name: names all that have each of its words, or all there are.
fn no_such(name: &str, all: Vec<String>) -> ThresholdError {
    let has_all_words = |other: &&String| name.split('_').all(|word| other.split('_').any(|own| own == word));
    let near: Vec<_> = all.iter().filter(has_all_words).cloned().collect();
    if (1..=NEAR_MAX).contains(&near.len()) {
        ThresholdError::Near(name.to_owned(), near.join(", "))
    } else {
        ThresholdError::Name(name.to_owned(), Names(all))
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.expr)
    }
}

impl Threshold {
    /// The kind of link that it is about, if it is about one's clients.
    #[must_use]
    pub fn profile(&self) -> Option<&'static str> {
        let figure = self.name.strip_prefix(OF_A_PROFILE)?;
        let is_of = |kind: &&str| figure.strip_prefix(*kind).is_some_and(|rest| rest.starts_with('_'));
        Profile::ALL.iter().map(|profile| profile.name()).find(is_of)
    }

    /// Holds it against a summary. What was not measured does not hold.
    #[must_use]
    pub fn check(&self, summary: &Summary) -> ThresholdResult {
        let value = figures(summary).get(&self.name).copied().flatten();
        let ok = value.is_some_and(|value| match self.comparison {
            Comparison::Below => value < self.bound,
            Comparison::AtMost => value <= self.bound,
            Comparison::Above => value > self.bound,
            Comparison::AtLeast => value >= self.bound,
            Comparison::Equal => value.total_cmp(&self.bound).is_eq(),
        });
        ThresholdResult { expr: self.expr.clone(), value, ok }
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut width = 0;
        for name in &self.0 {
            if width + name.len() + 2 > 78 {
                writeln!(f)?;
                width = 0;
            }
            write!(f, "  {name}")?;
            width += name.len() + 2;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Distribution;
    use crate::measure::summary::{ClientFigures, ProfileSummary};

    fn check(expr: &str, summary: &Summary) -> ThresholdResult {
        expr.parse::<Threshold>().unwrap().check(summary)
    }

    #[test]
    fn each_comparison_holds_on_its_side_of_the_bound() {
        let figures = ClientFigures { desyncs: 5, ..ClientFigures::default() };
        let summary = Summary { figures, ..Summary::default() };
        for (expr, ok) in [
            ("desyncs<5", false),
            ("desyncs<6", true),
            ("desyncs<=5", true),
            ("desyncs==5", true),
            ("desyncs==4", false),
            ("desyncs<=4", false),
            ("desyncs>5", false),
            ("desyncs > 4.5", true),
            ("desyncs>=5", true),
            ("desyncs >= 5.5", false),
        ] {
            assert_eq!(check(expr, &summary).ok, ok, "{expr}");
        }
    }

    #[test]
    fn names_reach_into_distributions_and_groups() {
        let age = Distribution { p99: 70.0, ..Distribution::default() };
        let figures = ClientFigures { snapshot_age_ms: Some(age), rtt_ms: Some(age), ..ClientFigures::default() };
        let mut summary = Summary { figures: figures.clone(), ..Summary::default() };
        summary.figures.loss.down_pct = Some(2.5);
        let wifi = ProfileSummary { figures, ..ProfileSummary::default() };
        summary.profiles.insert("wifi".to_owned(), wifi);
        summary.sim.saturated = true;
        assert!(check("snapshot_age_ms_p99<100", &summary).ok);
        assert_eq!(check("loss_down_pct<2", &summary).value, Some(2.5));
        assert_eq!(check("profiles_wifi_rtt_ms_p99<71", &summary).value, Some(70.0));
        assert!(!check("profiles_lte_rtt_ms_p99<71", &summary).ok, "nobody had that");
        assert!(!check("sim_saturated<1", &summary).ok);
    }

    #[test]
    fn a_threshold_knows_whose_figure_it_is_about() {
        let profile = |expr: &str| expr.parse::<Threshold>().unwrap().profile();
        assert_eq!(profile("rtt_ms_p99<71"), None);
        assert_eq!(profile("profiles_wifi_rtt_ms_p99<71"), Some("wifi"));
        assert_eq!(profile("profiles_bad-wifi_rtt_ms_p99<71"), Some("bad-wifi"));
    }

    #[test]
    fn what_was_not_measured_fails() {
        let result = check("server_tick_ms_p99<1000", &Summary::default());
        assert_eq!((result.value, result.ok), (None, false));
    }

    #[test]
    fn a_misspelt_name_is_told_what_exists() {
        let error = "snapshot_age_p99<100".parse::<Threshold>().unwrap_err().to_string();
        assert!(error.contains("`snapshot_age_p99`") && error.contains("snapshot_age_ms_p99"), "{error}");
        assert!(error.lines().all(|line| line.len() <= 80), "{error}");
    }

    #[test]
    fn what_is_no_comparison_is_refused() {
        for text in ["", "desyncs", "desyncs=5", "desyncs<", "desyncs<many", "desyncs<nan", "<5", "desyncs=<5"] {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_full_summary_knows_every_name_that_any_summary_has() {
        let full = figures(&Summary::full());
        let fields = [
            "connect_ms_mean",
            "interpolation_error_m_p99",
            "clock_drift_ppm_max",
            "sim_schedule_lag_ms_p99",
            "server_tick_ms_max",
            "inputs_missing_pct",
        ];
        assert!(fields.iter().all(|field| full.contains_key(*field)));
    }
}
