use super::units::{ms, rate};
use crate::measure::{Figure, Presence, Second, ServerSecond};

/// How a run goes, in one line for each second, where there is no terminal to draw on.
#[must_use]
pub fn progress_line(second: &Second, of_s: u64) -> String {
    let Presence { wanted, playing, lost } = second.presence;
    let at = |figure, quantile: fn(&crate::measure::Distribution) -> f64| {
        second.distribution(figure).map_or_else(|| "-".to_owned(), |of| ms(quantile(&of)))
    };
    let pct = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{share:.1}"));
    let mut text = format!(
        "{:>4}/{of_s} s  {playing}/{wanted} playing  rtt {}  age {} p99 {}  effect {} ms  lost {}/{} %  in {}  out {}",
        second.end_s(),
        at(Figure::Rtt, |of| of.p50),
        at(Figure::Age, |of| of.p50),
        at(Figure::Age, |of| of.p99),
        at(Figure::Effect, |of| of.p50),
        pct(second.loss_down_pct()),
        pct(second.loss_up_pct()),
        rate(second.counts.bytes_down as f64),
        rate(second.counts.bytes_up as f64),
    );
    if let Some(tick) = second.server.as_ref().and_then(ServerSecond::tick_ms) {
        text.push_str(&format!("  tick p99 {} ms", ms(tick.p99)));
    }
    if lost > 0 {
        text.push_str(&format!("  {lost} lost"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_second_is_told_in_a_line() {
        let mut second = Second::new(11);
        assert_eq!(
            progress_line(&second, 30),
            "  12/30 s  0/0 playing  rtt -  age - p99 -  effect - ms  lost -/- %  in 0 B/s  out 0 B/s"
        );
        second.presence = Presence { wanted: 64, playing: 62, lost: 2 };
        second.histograms.record_duration(Figure::Rtt, Duration::from_millis(40));
        (second.counts.down_expected, second.counts.down_received) = (100, 98);
        let line = progress_line(&second, 30);
        assert!(
            line.contains("62/64 playing  rtt 40") && line.contains("lost 2.0/- %") && line.ends_with("2 lost"),
            "{line}"
        );
    }
}
