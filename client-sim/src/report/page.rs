use std::fmt::Write;

use super::{curves, tables};
use crate::measure::summary::{LoadSummary, StageSummary};
use crate::measure::{Run, Summary};
use crate::plot::{Marks, STYLE, Scale, capitalized, date_text, escape, number, time_text};
use crate::tell::{grouped, plain, rate};

/// The whole page of a run whose figures are `summary`.
#[must_use]
pub fn page(run: &Run, summary: &Summary) -> String {
    let title = format!("{} clients on {}", grouped(summary.clients.requested), summary.origin.server);
    let mut html = String::from("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    html.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    html.push_str("<link rel=\"icon\" href=\"data:,\">");
    let _ = write!(html, "<title>{}</title><style>{STYLE}</style></head>\n<body>", escape(&title));
    let _ = write!(html, "<header><h1>{}</h1>", escape(&title));
    let _ = write!(
        html,
        "<p>{} from {} UTC; figures are of {}, after the warm-up.</p>",
        time_text(summary.duration_s),
        date_text(summary.origin.started_unix_s * 1000),
        time_text(summary.measured_s)
    );
    warnings(summary, &mut html);
    tiles(summary, &mut html);
    html.push_str("</header>\n<main>\n");
    tables::thresholds(&summary.thresholds, &mut html);
    tables::profiles(summary, &mut html);
    html.push_str("<h3>Over time</h3>");
    let lasts_s = f64::from(run.timeline.end_s().max(1));
    curves::over_time(run).iter().for_each(|chart| {
        chart.draw(&Scale::Time { lasts_s }, &Marks::default(), &mut html);
    });
    html.push_str("<h3>By percentile</h3>");
    curves::distributions(run).iter().for_each(|chart| {
        chart.draw(&curves::PERCENTILES, &Marks::default(), &mut html);
    });
    tables::distributions(summary, &mut html);
    html.push_str("</main>\n<footer><h2>How it was run</h2>");
    facts(summary, &mut html);
    html.push_str("</footer></body></html>\n");
    html
}

fn warnings(summary: &Summary, html: &mut String) {
    let mut warn = |text: &str| {
        let _ = write!(html, "<p class=\"warning\">{text}</p>");
    };
    if summary.sim.saturated {
        warn(
            "The simulator itself was late: these figures are worse than the server deserves. Run fewer clients, or give it more cores.",
        );
    }
    if summary.figures.desyncs > 0 {
        warn("Clients held what the server had not sent: there were desyncs.");
    }
    let reasons: Vec<_> =
        summary.clients.reasons.iter().map(|(reason, count)| format!("{}: {reason}", grouped(*count))).collect();
    if !reasons.is_empty() {
        warn(&escape(&format!("Clients failed or were lost. {}.", reasons.join("; "))));
    }
    if let Some(why) = &summary.cut_short {
        warn(&escape(&format!("{}.", capitalized(why))));
    }
}

/// What matters most.
fn tiles(summary: &Summary, html: &mut String) {
    let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{} ms", number(value)));
    let pct = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{} %", number(value)));
    let clients = &summary.clients;
    let tiles = [
        ("connected", format!("{} of {}", grouped(clients.connected), grouped(clients.requested))),
        ("disconnected", grouped(clients.disconnected)),
        ("desyncs", grouped(summary.figures.desyncs)),
        ("snapshot age, p99", ms(summary.figures.snapshot_age_ms.map(|age| age.p99))),
        ("input to effect, p99", ms(summary.figures.input_to_effect_ms.map(|effect| effect.p99))),
        ("round trip, median", ms(summary.figures.rtt_ms.map(|rtt| rtt.p50))),
        ("lost down", pct(summary.figures.loss.down_pct)),
        ("lost up", pct(summary.figures.loss.up_pct)),
        (
            "corrections of a client",
            summary
                .figures
                .corrections_per_client_s
                .map_or_else(|| "-".to_owned(), |rate| format!("{} /s", number(rate))),
        ),
        ("to each client", summary.figures.bandwidth.down_bytes_per_client_s.map_or_else(|| "-".to_owned(), rate)),
        ("server tick, p99", ms(summary.server.tick_ms.map(|tick| tick.p99))),
        ("server's processor", pct(summary.server.cpu_pct)),
        ("simulator's processor", pct(summary.sim.cpu_pct)),
    ];
    html.push_str("<ul class=\"tiles\">");
    for (name, value) in tiles {
        let _ = write!(html, "<li><b>{value}</b>{name}</li>");
    }
    html.push_str("</ul>");
}

fn facts(summary: &Summary, html: &mut String) {
    html.push_str("<dl class=\"wide\">");
    let mut fact = |name: &str, value: &str| {
        let _ = write!(html, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
    };
    for command in &summary.origin.commands {
        fact("command", command);
    }
    for machine in &summary.origin.machines {
        fact("machine of the simulator", machine);
    }
    fact("load", &load(&summary.load));
    for (name, profile) in &summary.profiles {
        fact(&format!("link: {name}"), &tables::link(&profile.conditioner));
    }
    fact("bots", &summary.bots);
    if summary.sim.thin_clients > 0 {
        let thin = grouped(summary.sim.thin_clients);
        fact("thin clients", &format!("{thin}: predictions, display and desyncs are of the others"));
    }
    let hostile = &summary.hostile;
    if hostile.clients > 0 {
        let (sent, connections) = (grouped(hostile.datagrams_sent), grouped(hostile.connections));
        fact("hostile clients", &format!("{}: {sent} datagrams, {connections} connections", grouped(hostile.clients)));
        let dropped =
            summary.server.dropped.iter().flatten().map(|(reason, count)| format!("{} {reason}", grouped(*count)));
        fact("refused by the server", &dropped.collect::<Vec<_>>().join(", "));
    }
    fact("seed", &summary.seed.to_string());
    if !summary.clock.shared {
        fact(
            "clocks",
            "the server's is another one: snapshots have no age, and all other times are of the simulator's",
        );
    }
    fact("tick rate", &summary.tick_hz.map_or_else(|| "-".to_owned(), |hz| format!("{hz} Hz")));
    fact("simulator", &format!("tidelock-sim {}", summary.origin.version));
    html.push_str("</dl>");
}

fn load(load: &LoadSummary) -> String {
    let stage = |StageSummary { duration_s, clients }: &StageSummary| format!("{} s to {clients}", plain(*duration_s));
    let stages = load.stages.iter().map(stage).collect::<Vec<_>>().join(", ");
    let churn = if load.churn_per_s > 0.0 {
        format!("; {} a second leave and come back", plain(load.churn_per_s))
    } else {
        String::new()
    };
    format!("from no clients: {stages}{churn}")
}
