use super::figures::Figures;
use crate::plot::{Chart, Columns, Line, Point, STYLE, Scale, Style, date_text, escape, number, time_text};
use crate::recording::Header;
use std::fmt::Write;

/// Facts that are shown at most.
const FACTS_MAX: usize = 32;
/// Sampled figures with a chart of their own above; others get one below, by their name.
const DRAWN: [&str; 10] = [
    "tick lead",
    "tick lead target",
    "round trip",
    "jitter",
    "datagrams down",
    "datagrams down missing",
    "datagrams up",
    "datagrams up lost",
    "interpolation delay",
    "interpolation delay target",
];

/// The whole page.
pub(super) fn draw(name: &str, header: &Header, figures: &Figures, is_complete: bool) -> String {
    let mut html = String::from("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    html.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    let _ = write!(html, "<title>{} - a client's recording</title><style>{STYLE}</style></head>\n<body>", escape(name));
    let _ = write!(html, "<header><h1>{}</h1>", escape(name));
    let lasts = time_text(figures.span.lasts_s());
    let date = match header.started_unix_ms {
        0 => String::new(),
        unix_ms => format!(", from {} UTC", date_text(unix_ms)),
    };
    let _ = write!(html, "<p>A client for {lasts}{date}.</p>");
    if !is_complete {
        html.push_str("<p class=\"warning\">The recording was cut off: this is what it held before.</p>");
    }
    draw_facts(header, figures, &mut html);
    draw_tiles(figures, &mut html);
    html.push_str("</header>\n<main>\n");
    for chart in charts(header, figures) {
        chart.draw(&Scale::Time { lasts_s: figures.span.lasts_s() }, &figures.marks, &mut html);
    }
    html.push_str("</main>\n");
    draw_moments(figures, &mut html);
    html.push_str("</body></html>\n");
    html
}

fn draw_facts(header: &Header, figures: &Figures, html: &mut String) {
    html.push_str("<dl>");
    let mut fact = |name: &str, value: &str| {
        let _ = write!(html, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
    };
    header.facts.iter().take(FACTS_MAX).for_each(|(name, value)| fact(name, value));
    if let Some(tick_hz) = figures.tick_hz {
        fact("tick rate", &format!("{tick_hz} Hz"));
    }
    fact("schema", &format!("{:016x}", header.schema_hash));
    html.push_str("</dl>");
}

fn draw_tiles(figures: &Figures, html: &mut String) {
    let mean = |columns: Option<&Columns>, unit: &str| {
        columns.and_then(|columns| columns.all.mean()).map_or("-".to_owned(), |mean| format!("{} {unit}", number(mean)))
    };
    let seconds = figures.span.lasts_s();
    let rate = |columns: &Columns| format!("{} KiB/s", number(columns.all.sum / seconds / 1024.0));
    let lost = |all: &str, lost: &str, counts_lost| {
        let shares = figures.sampled(all).zip(figures.sampled(lost));
        let share = shares.and_then(|(all, lost)| share_pct(all.all.sum, lost.all.sum, counts_lost));
        share.map_or("-".to_owned(), |share| format!("{} %", number(share)))
    };
    let tiles = [
        ("snapshots", figures.snapshots.to_string()),
        ("round trip", mean(Some(&figures.rtt), "ms")),
        ("tick lead", mean(figures.sampled("tick lead"), "ticks")),
        ("corrections", figures.corrections.all.count.to_string()),
        ("desyncs", figures.desyncs.to_string()),
        ("lost down", lost("datagrams down", "datagrams down missing", false)),
        ("lost up", lost("datagrams up", "datagrams up lost", true)),
        ("down", rate(&figures.down)),
        ("up", rate(&figures.up)),
    ];
    html.push_str("<ul class=\"tiles\">");
    for (name, value) in tiles {
        let _ = write!(html, "<li><b>{value}</b>{name}</li>");
    }
    html.push_str("</ul>");
}

/// In the order in which trouble travels: from the link to what the player feels.
fn charts<'a>(header: &Header, figures: &'a Figures) -> Vec<Chart<'a>> {
    let mut charts = vec![lead(figures), round_trip(figures), age(header, figures), gaps(figures)];
    charts.extend(interpolation(figures));
    charts.push(corrections(figures));
    charts.extend(undone(figures));
    charts.push(bandwidth(figures));
    charts.push(loss(figures));
    for series in figures.series.values().filter(|series| !DRAWN.contains(&series.name.as_str())) {
        let lines = vec![Line::of(&series.name, Style::First, &series.columns)];
        charts.push(Chart { title: &series.name, unit: &series.unit, note: summary(&series.columns), lines });
    }
    charts
}

fn lead(figures: &Figures) -> Chart<'_> {
    let mut lines = Vec::new();
    if let Some(target) = figures.sampled("tick lead target") {
        // Within a tick of its target, the lead is where it should be.
        let band = |point: Point| Point { least: point.mean - 1.0, mean: point.mean, most: point.mean + 1.0 };
        lines.push(Line::of("target ± 1", Style::Target, target).map(band));
    }
    let lead = figures.sampled("tick lead");
    lines.extend(lead.map(|lead| Line::of("lead", Style::First, lead)));
    Chart { title: "Tick lead", unit: "ticks", note: lead.map(summary).unwrap_or_default(), lines }
}

fn round_trip(figures: &Figures) -> Chart<'_> {
    let mut lines = vec![Line::of("measured", Style::First, &figures.rtt)];
    lines.extend(figures.sampled("round trip").map(|smoothed| Line::of("smoothed", Style::Second, smoothed)));
    Chart { title: "Round trip", unit: "ms", note: summary(&figures.rtt), lines }
}

fn age<'a>(header: &Header, figures: &'a Figures) -> Chart<'a> {
    let age = Line::of("age", Style::First, &figures.age);
    if header.same_clock {
        return Chart { title: "Snapshot age", unit: "ms", note: summary(&figures.age), lines: vec![age] };
    }
    // The clocks differ by nobody knows how much.
    let least = if figures.age.all.count > 0 { figures.age.all.least } else { 0.0 };
    let note = "the server's clock is another".to_owned();
    Chart { title: "Snapshot age above the least", unit: "ms", note, lines: vec![age.moved(-least)] }
}

fn gaps(figures: &Figures) -> Chart<'_> {
    let lines = vec![Line::of("gap", Style::First, &figures.gap)];
    Chart { title: "Between snapshots", unit: "ms", note: summary(&figures.gap), lines }
}

/// Of clients that show what lies between snapshots.
fn interpolation(figures: &Figures) -> Option<Chart<'_>> {
    let delay = figures.sampled("interpolation delay")?;
    let delay = (delay.all.count > 0).then_some(delay)?;
    let mut lines = vec![Line::of("delay", Style::First, delay)];
    let target = figures.sampled("interpolation delay target");
    lines.extend(target.map(|target| Line::of("target", Style::Second, target)));
    Some(Chart { title: "Interpolation delay", unit: "ms", note: summary(delay), lines })
}

fn corrections(figures: &Figures) -> Chart<'_> {
    let all = &figures.corrections.all;
    let note = match all.count {
        0 => "none".to_owned(),
        count => format!("{count}, at most {} m", number(all.most)),
    };
    let lines = vec![Line::of("error", Style::Stems, &figures.corrections)];
    Chart { title: "Corrections", unit: "m", note, lines }
}

/// Of games that predict shots and the like, if they were ever wrong.
fn undone(figures: &Figures) -> Option<Chart<'_>> {
    let count = figures.undone.all.count;
    let counted = figures.undone.iter().map(|column| (column.count > 0).then(|| Point::at(column.count as f64)));
    let line =
        Line { name: "undone", style: Style::Stems, points: counted.collect(), width_s: figures.undone.width_s() };
    let chart = Chart {
        title: "Undone effects",
        unit: "predicted, and did not happen",
        note: count.to_string(),
        lines: vec![line],
    };
    (count > 0).then_some(chart)
}

fn bandwidth(figures: &Figures) -> Chart<'_> {
    const KIB: f64 = 1024.0;
    let lines =
        vec![Line::rate("down", Style::First, &figures.down, KIB), Line::rate("up", Style::Second, &figures.up, KIB)];
    Chart { title: "Bandwidth", unit: "KiB/s of UDP payload", note: String::new(), lines }
}

fn loss(figures: &Figures) -> Chart<'_> {
    let line = |name, style, all: &str, lost: &str, counts_lost| {
        let (all, lost) = figures.sampled(all).zip(figures.sampled(lost))?;
        let shares = all.iter().zip(lost.iter());
        let points = shares.map(|(all, lost)| share_pct(all.sum, lost.sum, counts_lost).map(Point::at)).collect();
        Some(Line { name, style, points, width_s: all.width_s() })
    };
    let down = line("down", Style::First, "datagrams down", "datagrams down missing", false);
    let up = line("up", Style::Second, "datagrams up", "datagrams up lost", true);
    let lines = down.into_iter().chain(up).collect();
    Chart { title: "Lost datagrams", unit: "%", note: String::new(), lines }
}

/// The share of what is lost, in %. Of what arrived, the lost are to be added to know all; of what was sent they are not.
fn share_pct(counted: f64, lost: f64, counts_lost: bool) -> Option<f64> {
    let all = if counts_lost { counted } else { counted + lost };
    // What was lost in a column may have been sent in the one before, or come after all.
    (all > 0.0).then(|| (lost / all * 100.0).clamp(0.0, 100.0))
}

fn summary(columns: &Columns) -> String {
    let all = &columns.all;
    let Some(mean) = all.mean() else { return "nothing was measured".to_owned() };
    format!("{} to {}, mean {}", number(all.least), number(all.most), number(mean))
}

fn draw_moments(figures: &Figures, html: &mut String) {
    html.push_str("<footer><h2>What happened</h2><ol>");
    for mark in &figures.marks.all {
        let (class, when) = (mark.tone.class(), time_text(mark.at_s));
        let _ = write!(html, "<li class=\"{class}\"><time>{when}</time> {}</li>", escape(&mark.text));
    }
    html.push_str("</ol>");
    if figures.marks.left_out > 0 {
        let _ = write!(html, "<p>And {} more.</p>", figures.marks.left_out);
    }
    html.push_str("</footer>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_a_share_of_what_was_sent() {
        assert_eq!(share_pct(90.0, 10.0, false), Some(10.0));
        assert_eq!(share_pct(100.0, 10.0, true), Some(10.0));
        assert_eq!(share_pct(0.0, 0.0, false), None);
        assert_eq!(share_pct(5.0, -3.0, false), Some(0.0), "what was late came");
    }
}
