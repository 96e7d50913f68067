use std::fmt::Write;

use crate::measure::{Distribution, Figure, Second, ServerSecond};

/// Something with a name.
type Column<T> = (&'static str, fn(&T) -> Option<f64>);

/// The figures of a second that are distributions.
const FIGURES: [(&str, Figure); 4] = [
    ("rtt_ms", Figure::Rtt),
    ("snapshot_age_ms", Figure::Age),
    ("input_to_effect_ms", Figure::Effect),
    ("sim_schedule_lag_ms", Figure::Lag),
];
/// What is told of each.
const QUANTILES: [Column<Distribution>; 5] = [
    ("p50", |of| Some(of.p50)),
    ("p90", |of| Some(of.p90)),
    ("p95", |of| Some(of.p95)),
    ("p99", |of| Some(of.p99)),
    ("max", |of| of.max),
];
/// What has one value.
const VALUES: [Column<Second>; 20] = [
    ("clients_wanted", |second| Some(second.presence.wanted as f64)),
    ("clients_playing", |second| Some(second.presence.playing as f64)),
    ("clients_lost", |second| Some(second.presence.lost as f64)),
    ("loss_down_pct", Second::loss_down_pct),
    ("loss_up_pct", Second::loss_up_pct),
    ("bytes_down", |second| Some(second.counts.bytes_down as f64)),
    ("bytes_up", |second| Some(second.counts.bytes_up as f64)),
    ("snapshots_applied", |second| Some(second.counts.snapshots_applied as f64)),
    ("snapshots_stale", |second| Some(second.counts.snapshots_stale as f64)),
    ("snapshots_undecodable", |second| Some(second.counts.snapshots_undecodable as f64)),
    ("inputs_sent", |second| Some(second.counts.inputs_sent as f64)),
    ("desyncs", |second| Some(second.counts.desyncs as f64)),
    ("sim_cpu_pct", |second| Some(second.sim_cpu_pct())),
    ("server_overruns", |second| second.server.as_ref().map(|server| server.overruns as f64)),
    ("server_load_level", |second| second.server.as_ref().map(|server| f64::from(server.load_level))),
    ("server_cpu_pct", |second| second.server.as_ref()?.cpu_pct),
    ("server_rss_mb", |second| second.server.as_ref()?.rss_mb),
    ("server_clients", |second| second.server.as_ref().map(|server| server.clients as f64)),
    ("server_entities", |second| second.server.as_ref().map(|server| server.entities as f64)),
    ("server_tick_ms_count", |second| Some(second.server.as_ref()?.tick_ms()?.count as f64)),
];

/// The names of the columns.
#[must_use]
pub fn csv_header() -> String {
    let mut line = "second".to_owned();
    for (name, _) in VALUES {
        let _ = write!(line, ",{name}");
    }
    for name in FIGURES.iter().map(|(name, _)| *name).chain(["server_tick_ms"]) {
        for (quantile, _) in QUANTILES {
            let _ = write!(line, ",{name}_{quantile}");
        }
    }
    line + "\n"
}

/// One second. What was not measured is empty.
#[must_use]
pub fn csv_line(second: &Second) -> String {
    let mut line = second.end_s().to_string();
    for (_, value) in VALUES {
        put(&mut line, value(second));
    }
    let figures = FIGURES.iter().map(|(_, figure)| second.distribution(*figure));
    let ticks = second.server.as_ref().and_then(ServerSecond::tick_ms);
    for distribution in figures.chain([ticks]) {
        for (_, quantile) in QUANTILES {
            put(&mut line, distribution.as_ref().and_then(quantile));
        }
    }
    line + "\n"
}

/// Three decimals at most: a microsecond of a millisecond.
fn put(line: &mut String, value: Option<f64>) {
    line.push(',');
    if let Some(value) = value {
        line.push_str(&super::units::plain(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Presence, ServerSecond};
    use std::time::Duration;

    #[test]
    fn each_line_has_a_value_for_each_column() {
        let mut second = Second::new(4);
        let columns = csv_header().trim_end().split(',').count();
        assert_eq!(csv_line(&second).trim_end().split(',').count(), columns);
        second.presence = Presence { wanted: 3, playing: 2, lost: 1 };
        second.histograms.record_duration(Figure::Rtt, Duration::from_micros(1_500));
        second.server = Some(ServerSecond {
            tick_us: vec![(1_000, 59), (2_250, 1)],
            overruns: 1,
            cpu_pct: None,
            rss_mb: Some(12.5),
            load_level: 2,
            clients: 2,
            entities: 400,
        });
        let (header, line) = (csv_header(), csv_line(&second));
        let value = |name: &str| {
            let column = header.trim_end().split(',').position(|column| column == name).unwrap();
            line.trim_end().split(',').nth(column).unwrap().to_owned()
        };
        assert_eq!(line.trim_end().split(',').count(), columns);
        assert_eq!((value("second"), value("clients_playing")), ("5".to_owned(), "2".to_owned()));
        assert!(value("rtt_ms_p50").starts_with("1.5"), "{line}");
        assert_eq!(value("server_tick_ms_p99"), "2.251", "to three digits, rounded up");
        assert_eq!(value("server_tick_ms_count"), "60");
        assert_eq!(["server_cpu_pct", "input_to_effect_ms_p50"].map(value), ["", ""]);
    }
}
