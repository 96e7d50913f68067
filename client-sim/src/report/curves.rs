//! The charts of a report.

use hdrhistogram::Histogram;

use crate::measure::{Distribution, Figure, Run, Second, Seconds};
use crate::plot::{Chart, Line, Point, Scale, Style};
use crate::tell::grouped;

/// What was there in each second.
type Value = fn(&Second) -> Option<f64>;

/// Columns of a chart of percentiles.
const COLUMNS: usize = 200;
/// Such a chart goes as far as 99.99 %.
pub(super) const PERCENTILES: Scale = Scale::Percentiles { nines: 4 };

/// Over time, from what players feel to what may be behind it.
pub(super) fn over_time(run: &Run) -> Vec<Chart<'static>> {
    let seconds = &run.timeline;
    let figure = |title, of: Figure| {
        let band = |second: &Second| second.distribution(of);
        banded(seconds, title, "ms", band)
    };
    let ages = run.summary().figures.snapshot_age_ms.is_some();
    let mut charts = Vec::new();
    charts.extend(ages.then(|| figure("Snapshot age", Figure::Age)));
    charts.extend([figure("Input to effect", Figure::Effect), figure("Round trip", Figure::Rtt)]);
    charts.push(values(
        seconds,
        "Lost datagrams",
        "%",
        &[("down", Style::First, Second::loss_down_pct), ("up", Style::Second, Second::loss_up_pct)],
    ));
    charts.push(values(
        seconds,
        "Clients",
        "",
        &[
            ("playing", Style::First, |second| Some(second.presence.playing as f64)),
            ("wanted", Style::Second, |second| Some(second.presence.wanted as f64)),
        ],
    ));
    charts.push(values(
        seconds,
        "Bandwidth of all clients",
        "KiB/s of UDP payload",
        &[
            ("down", Style::First, |second| Some(second.bytes_down_s() / 1024.0)),
            ("up", Style::Second, |second| Some(second.bytes_up_s() / 1024.0)),
        ],
    ));
    if seconds.iter().any(|second| second.server.is_some()) {
        charts.push(banded(seconds, "Server tick", "ms", |second| second.server.as_ref()?.tick_ms()));
    }
    if seconds.iter().any(|second| second.server.as_ref().is_some_and(|server| server.load_level > 0)) {
        let level: Value = |second| Some(f64::from(second.server.as_ref()?.load_level));
        charts.push(values(seconds, "Server load", "level, 0 to 3", &[("load level", Style::First, level)]));
    }
    charts.push(values(
        seconds,
        "Processor time",
        "% of a core",
        &[
            ("server", Style::First, |second| second.server.as_ref()?.cpu_pct),
            ("simulator", Style::Second, |second| Some(second.sim_cpu_pct())),
        ],
    ));
    charts.push(figure("Simulator's lag", Figure::Lag));
    charts
}

/// The median as a line, bands up to the 90th and the 99th percentile, and the slowest.
fn banded(
    seconds: &Seconds,
    title: &'static str,
    unit: &'static str,
    of: impl Fn(&Second) -> Option<Distribution>,
) -> Chart<'static> {
    let band = |second: &Second, most: fn(&Distribution) -> f64| {
        of(second).map(|of| Point { least: of.p50, mean: of.p50, most: most(&of) })
    };
    let slowest = |second: &Second| of(second).and_then(|of| of.max).map(Point::at);
    let width_s = f64::from(seconds.each_s());
    let line = |name, style, points| Line { name, style, points, width_s };
    let lines = vec![
        line("median to p99", Style::Wide, by_second(seconds, |second| band(second, |of| of.p99))),
        line("median to p90", Style::Narrow, by_second(seconds, |second| band(second, |of| of.p90))),
        line("slowest", Style::Second, by_second(seconds, slowest)),
    ];
    Chart { title, unit, note: String::new(), lines }
}

fn values(
    seconds: &Seconds,
    title: &'static str,
    unit: &'static str,
    of: &[(&'static str, Style, Value)],
) -> Chart<'static> {
    let line = |&(name, style, value): &(&'static str, Style, Value)| Line {
        name,
        style,
        points: by_second(seconds, |second| value(second).map(Point::at)),
        width_s: f64::from(seconds.each_s()),
    };
    Chart { title, unit, note: String::new(), lines: of.iter().map(line).collect() }
}

/// One point for each second or stretch from the start, also for those of which nothing is known.
fn by_second(seconds: &Seconds, point: impl Fn(&Second) -> Option<Point>) -> Vec<Option<Point>> {
    let mut points = vec![None; seconds.end_s().div_ceil(seconds.each_s()).max(1) as usize];
    for second in seconds.iter() {
        points[(second.number / seconds.each_s()) as usize] = point(second);
    }
    points
}

/// How the whole window's measurements are distributed: of all clients, and where links differ of those with each kind.
pub(super) fn distributions(run: &Run) -> Vec<Chart<'_>> {
    let summary = run.summary();
    let account = run.account();
    let measured = [
        ("Snapshot age", "ms", Figure::Age, summary.figures.snapshot_age_ms),
        ("Input to effect", "ms", Figure::Effect, summary.figures.input_to_effect_ms),
        ("Round trip", "ms", Figure::Rtt, summary.figures.rtt_ms),
        ("Corrections", "m", Figure::Prediction, summary.figures.prediction_error_m),
    ];
    let mut charts = Vec::new();
    for (title, unit, figure, distribution) in measured {
        let Some(count) = distribution.map(|of| of.count) else { continue };
        let all = account.histograms.get(figure).into_iter().map(|of| ("all", Style::First, of));
        let kinds = run.profiles.iter().filter(|_| run.profiles.len() > 1).enumerate();
        let kinds = kinds.filter_map(|(number, (name, profile))| {
            let histogram = profile.account.histograms.get(figure)?;
            (!histogram.is_empty()).then_some((name.as_str(), Style::Kind(number), histogram))
        });
        charts.push(percentiles(title, unit, count, all.chain(kinds)));
    }
    let ticks = run.server.as_ref().map(|server| server.figures.ticks.histogram_us()).filter(|ticks| !ticks.is_empty());
    charts.extend(ticks.map(|ticks| percentiles("Server tick", "ms", ticks.len(), [("", Style::First, ticks)])));
    charts
}

/// One line for each histogram, with its name and colour.
fn percentiles<'a, 'b>(
    title: &'a str,
    unit: &'a str,
    count: u64,
    of: impl IntoIterator<Item = (&'a str, Style, &'b Histogram<u64>)>,
) -> Chart<'a> {
    let lines = of.into_iter().map(|(name, style, histogram)| {
        let point = |column: usize| {
            let quantile = PERCENTILES.quantile((column as f64 + 0.5) / COLUMNS as f64);
            // Beyond what so many measurements can tell, there is nothing.
            let is_told = (1.0 - quantile) * histogram.len() as f64 >= 1.0;
            is_told.then(|| Point::at(histogram.value_at_quantile(quantile) as f64 / 1e3))
        };
        Line { name, style, points: (0..COLUMNS).map(point).collect(), width_s: 1.0 }
    });
    Chart { title, unit, note: format!("of {}", grouped(count)), lines: lines.collect() }
}
