//! The tables of a report.

use std::fmt::Write;

use crate::measure::summary::{BothWays, Direction, ThresholdResult};
use crate::measure::{Distribution, Summary};
use crate::plot::{escape, number};
use crate::tell::{grouped, plain, rate};

/// The verdicts, if anything was asked.
pub(super) fn thresholds(results: &[ThresholdResult], html: &mut String) {
    if results.is_empty() {
        return;
    }
    html.push_str("<section><h2>Thresholds</h2><div class=\"scroll\"><table><tbody>");
    for ThresholdResult { expr, value, ok } in results {
        let verdict = if *ok { "<td class=\"good\">holds</td>" } else { "<td class=\"bad\">fails</td>" };
        let value = value.map_or_else(|| "not measured".to_owned(), plain);
        let _ = write!(html, "<tr><th>{}</th>{verdict}<td>{value}</td></tr>", escape(expr));
    }
    html.push_str("</tbody></table></div></section>");
}

/// By kind of link.
pub(super) fn profiles(summary: &Summary, html: &mut String) {
    let columns = [
        "clients",
        "round trip median",
        "p99",
        "snapshot age median",
        "p99",
        "input to effect median",
        "p99",
        "lost down",
        "lost up",
        "underruns",
        "corrections",
        "to each client",
    ];
    begin("By kind of link", &columns, html);
    for (name, profile) in &summary.profiles {
        let pair = |of: &Option<Distribution>| {
            let at = |value: fn(&Distribution) -> f64| of.as_ref().map(|of| format!("{} ms", number(value(of))));
            [at(|of| of.p50), at(|of| of.p99)]
        };
        let pct = |value: Option<f64>| value.map(|value| format!("{} %", number(value)));
        let [rtt_p50, rtt_p99] = pair(&profile.figures.rtt_ms);
        let [age_p50, age_p99] = pair(&profile.figures.snapshot_age_ms);
        let [effect_p50, effect_p99] = pair(&profile.figures.input_to_effect_ms);
        let cells = [
            Some(grouped(profile.clients)),
            rtt_p50,
            rtt_p99,
            age_p50,
            age_p99,
            effect_p50,
            effect_p99,
            pct(profile.figures.loss.down_pct),
            pct(profile.figures.loss.up_pct),
            pct(profile.figures.interpolation.underrun_pct),
            profile.figures.corrections_per_client_s.map(|rate| format!("{} /s", number(rate))),
            profile.figures.bandwidth.down_bytes_per_client_s.map(rate),
        ];
        let _ = write!(html, "<tr><th>{}</th>", escape(name));
        for cell in cells {
            let _ = write!(html, "<td>{}</td>", cell.unwrap_or_else(|| "-".to_owned()));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div></section>");
}

/// Every distribution.
pub(super) fn distributions(summary: &Summary, html: &mut String) {
    let rows = [
        ("snapshot age, ms", &summary.figures.snapshot_age_ms),
        ("input to effect, ms", &summary.figures.input_to_effect_ms),
        ("round trip, ms", &summary.figures.rtt_ms),
        ("jitter, ms", &summary.figures.jitter_ms),
        ("display delay, ms", &summary.figures.interpolation.delay_ms),
        ("display error, m", &summary.figures.interpolation.error_m),
        ("prediction error, m", &summary.figures.prediction_error_m),
        ("connect, ms", &summary.figures.connect_ms),
        ("full view, ms", &summary.figures.join_ms),
        ("server tick, ms", &summary.server.tick_ms),
        ("simulator's lag, ms", &summary.sim.schedule_lag_ms),
    ];
    begin("All distributions", &["p50", "p90", "p95", "p99", "max", "mean", "count"], html);
    for (name, of) in rows.into_iter().filter_map(|(name, of)| Some((name, of.as_ref()?))) {
        let _ = write!(html, "<tr><th>{name}</th>");
        for value in [Some(of.p50), Some(of.p90), Some(of.p95), Some(of.p99), of.max, Some(of.mean)] {
            let _ = write!(html, "<td>{}</td>", value.map_or_else(|| "-".to_owned(), number));
        }
        let _ = write!(html, "<td>{}</td></tr>", grouped(of.count));
    }
    html.push_str("</tbody></table></div></section>");
}

/// A table whose first column has no name, up to its first row.
fn begin(title: &str, columns: &[&str], html: &mut String) {
    let _ = write!(html, "<section><h2>{title}</h2><div class=\"scroll\"><table><thead><tr><th></th>");
    for name in columns {
        let _ = write!(html, "<th>{name}</th>");
    }
    html.push_str("</tr></thead><tbody>");
}

/// A link in a line or two.
pub(super) fn link(BothWays { down, up }: &BothWays) -> String {
    let words = |direction: &Direction| crate::tell::link(direction).join(", ");
    if down == up { format!("each way {}", words(down)) } else { format!("down {}; up {}", words(down), words(up)) }
}
