use std::fmt::Write;

use super::ink::Ink;
use super::units::{grouped, ms, pct, plain, rate};
use crate::measure::summary::{Direction, ProfileSummary, ThresholdResult};
use crate::measure::{Distribution, Summary};

/// A summary for people, at most 80 columns wide.
#[must_use]
pub fn render(summary: &Summary, ink: Ink) -> String {
    let mut page = Page { text: String::new(), ink };
    page.head(summary);
    page.players(summary);
    page.times(summary);
    page.profiles(summary);
    page.traffic(summary);
    page.fates(summary);
    page.machines(summary);
    page.thresholds(&summary.thresholds);
    page.text
}

/// The text so far. Every line starts with a label of the same width.
struct Page {
    text: String,
    ink: Ink,
}

/// Wide enough for the longest label and a gap.
const LABEL: usize = 18;
/// Of a terminal.
const COLUMNS: usize = 80;

impl Page {
    fn head(&mut self, summary: &Summary) {
        let hz = summary.tick_hz.map_or_else(String::new, |hz| format!(", {hz} Hz"));
        let text = format!(
            "{} clients on {}{hz}, {:.1} s of {:.1} s measured",
            grouped(summary.clients.requested),
            summary.origin.server,
            summary.measured_s,
            summary.duration_s
        );
        let title = self.ink.strong(&text);
        self.raw(&title);
        self.links(summary);
        self.line("bots", &format!("{}, seed {}", summary.bots, summary.seed));
        self.gap();
    }

    /// One kind of link, or one line for each.
    fn links(&mut self, summary: &Summary) {
        for (name, profile) in &summary.profiles {
            let label = if summary.profiles.len() == 1 { "link" } else { name };
            let (down, up) = (link(&profile.conditioner.down), link(&profile.conditioner.up));
            if down == up {
                self.list(label, "each way ", &down);
            } else {
                self.list(label, "down ", &down);
                self.list("", "up ", &up);
            }
        }
    }

    fn players(&mut self, summary: &Summary) {
        let clients = &summary.clients;
        let text = format!("{} of {} connected", grouped(clients.connected), grouped(clients.requested));
        let lost = self.alarm(clients.failed, "failed") + &self.alarm(clients.disconnected, "disconnected");
        self.line("clients", &(text + &lost));
        for (reason, count) in &clients.reasons {
            self.line("", &format!("  {}: {reason}", grouped(*count)));
        }
        let comings = [(clients.left, "left"), (clients.joins, "joins"), (clients.resumed, "resumed")];
        if clients.left + clients.resumed > 0 || clients.joins > clients.connected {
            let comings = comings.map(|(count, what)| format!("{} {what}", grouped(count)));
            self.line("", &comings.join(", "));
        }
        let thin = summary.sim.thin_clients;
        if thin > 0 {
            let seeing = grouped(clients.requested.saturating_sub(thin));
            self.line(
                "",
                &format!("{} thin: predictions, display and desyncs are of the other {seeing}", grouped(thin)),
            );
        }
        let desyncs = grouped(summary.figures.desyncs);
        let desyncs = if summary.figures.desyncs > 0 { self.ink.bad(&desyncs) } else { desyncs };
        self.line("desyncs", &desyncs);
        if let Some((rate, error)) = summary.figures.corrections_per_client_s.zip(summary.figures.prediction_error_m) {
            let worst = error.max.filter(|max| *max > 0.0);
            let worst = worst.map_or_else(String::new, |max| format!(", the largest {max:.3} m"));
            self.line("corrections", &format!("{} a second and client{worst}", plain(rate)));
        }
        let effects = &summary.predicted_effects;
        if effects.confirmed + effects.undone > 0 {
            let undone = self.alarm(effects.undone, "undone");
            self.line("predicted", &format!("{} shots and pick-ups confirmed{undone}", grouped(effects.confirmed)));
        }
        let shown = &summary.figures.interpolation;
        if let Some((underruns, guessed)) = shown.underrun_pct.zip(shown.extrapolated_pct) {
            let off = shown.error_m.map_or_else(String::new, |error| format!(", off by {:.3} m at p99", error.p99));
            self.line("display", &format!("{underruns:.2} % underruns, {guessed:.2} % guessed{off}"));
        }
        self.gap();
    }

    fn times(&mut self, summary: &Summary) {
        let columns = ["p50", "p95", "p99", "max"].map(|name| format!("{name:>9}")).concat();
        let head = format!("{:<LABEL$}{columns}{:>13}", "milliseconds", "count");
        let head = self.ink.faint(&head);
        self.raw(&head);
        self.distribution("round trip", summary.figures.rtt_ms.as_ref());
        self.distribution("jitter", summary.figures.jitter_ms.as_ref());
        if summary.clock.shared {
            self.distribution("snapshot age", summary.figures.snapshot_age_ms.as_ref());
        } else {
            let why = self.ink.faint("not measured: the server's clock is another one");
            self.line("snapshot age", &format!("  {why}"));
        }
        self.distribution("display delay", summary.figures.interpolation.delay_ms.as_ref());
        self.distribution("input to effect", summary.figures.input_to_effect_ms.as_ref());
        self.distribution("connect", summary.figures.connect_ms.as_ref());
        self.distribution("full view", summary.figures.join_ms.as_ref());
        self.distribution("server tick", summary.server.tick_ms.as_ref());
        if let Some((hz, tick)) = summary.tick_hz.filter(|hz| *hz > 0).zip(summary.server.tick_ms) {
            let budget = 1e3 / f64::from(hz);
            let used = tick.p99 / budget * 100.0;
            let text = format!("{budget:>9.2}  {used:.0} % of it used by the p99");
            self.line("  budget", &text);
        }
        self.gap();
    }

    /// What matters most, for each kind of link, where there are several.
    fn profiles(&mut self, summary: &Summary) {
        if summary.profiles.len() < 2 {
            return;
        }
        let columns = ["clients", "rtt p50", "age p50", "age p99", "input p99", "lost"];
        let columns = columns.map(|name| format!("{name:>10}")).concat();
        let head = self.ink.faint(&format!("{:<LABEL$}{columns}", "by link, ms"));
        self.raw(&head);
        for (name, ProfileSummary { clients, figures, .. }) in &summary.profiles {
            let at = |of: &Option<Distribution>, at: fn(&Distribution) -> f64| {
                of.as_ref().map_or_else(|| "-".to_owned(), |of| ms(at(of)))
            };
            let columns = [
                grouped(*clients),
                at(&figures.rtt_ms, |of| of.p50),
                at(&figures.snapshot_age_ms, |of| of.p50),
                at(&figures.snapshot_age_ms, |of| of.p99),
                at(&figures.input_to_effect_ms, |of| of.p99),
                pct(figures.loss.down_pct),
            ];
            self.line(name, &columns.map(|figure| format!("{figure:>10}")).concat());
        }
        self.gap();
    }

    fn distribution(&mut self, label: &str, distribution: Option<&Distribution>) {
        let Some(of) = distribution else {
            let text = self.ink.faint("not measured");
            return self.line(label, &format!("{:>2}{text}", ""));
        };
        let figures = [Some(of.p50), Some(of.p95), Some(of.p99), of.max];
        let figures = figures.map(|figure| format!("{:>9}", figure.map_or_else(|| "-".to_owned(), ms))).concat();
        self.line(label, &format!("{figures}{:>13}", grouped(of.count)));
    }

    fn traffic(&mut self, summary: &Summary) {
        let head = format!("{:<LABEL$}{:>14}{:>14}", "", "down", "up");
        let head = self.ink.faint(&head);
        self.raw(&head);
        let mut pair = |label: &str, down: String, up: String| self.line(label, &format!("{down:>14}{up:>14}"));
        let (loss, bandwidth) = (&summary.figures.loss, &summary.figures.bandwidth);
        pair("lost", pct(loss.down_pct), pct(loss.up_pct));
        pair("duplicated", pct(loss.duplicate_pct), "-".to_owned());
        pair("reordered", pct(loss.reordered_pct), "-".to_owned());
        let each = |bytes: Option<f64>| bytes.map_or_else(|| "-".to_owned(), rate);
        pair("each client", each(bandwidth.down_bytes_per_client_s), each(bandwidth.up_bytes_per_client_s));
        let all = |bytes: u64| rate(bytes as f64 / summary.measured_s.max(1e-3));
        pair("all clients", all(bandwidth.down_bytes_total), all(bandwidth.up_bytes_total));
        self.gap();
    }

    fn fates(&mut self, summary: &Summary) {
        let snapshots = &summary.snapshots;
        let received = snapshots.received;
        let figures = [
            ("applied", snapshots.applied, received),
            ("stale", snapshots.stale, received),
            ("undecodable", snapshots.undecodable, received),
        ];
        self.fate("snapshots", &format!("{} received", grouped(received)), &figures);
        let inputs = &summary.inputs;
        let sent = format!("{} sent", grouped(inputs.sent));
        let (Some(on_time), Some(missing)) = (inputs.on_time, inputs.missing) else {
            return self.line("inputs", &format!("{sent}; their fates are the server's to tell"));
        };
        let wanted = on_time + missing;
        let figures = [
            ("on time", on_time, wanted),
            ("missing", missing, wanted),
            ("late", inputs.late.unwrap_or_default(), wanted),
            ("recovered", inputs.recovered.unwrap_or_default(), wanted),
        ];
        // Of another window than the server's, by a few ticks.
        self.fate("inputs", &format!("{sent}; the server's ticks wanted {}", grouped(wanted)), &figures);
        self.gap();
    }

    fn fate(&mut self, label: &str, total: &str, figures: &[(&str, u64, u64)]) {
        self.line(label, total);
        for (name, count, whole) in figures {
            let share = pct((*whole > 0).then(|| *count as f64 / *whole as f64 * 100.0));
            self.line(&format!("  {name}"), &format!("{:>14}{share:>14}", grouped(*count)));
        }
    }

    fn machines(&mut self, summary: &Summary) {
        let server = &summary.server;
        let mut facts = Vec::new();
        facts.extend(server.overruns.map(|count| format!("{} overruns", grouped(count))));
        facts.extend(server.skipped.map(|count| format!("{} skipped", grouped(count))));
        facts.extend(server.load_level_max.map(|level| format!("load level up to {level}")));
        self.line("server", &facts.join(", "));
        let mut facts = Vec::new();
        facts.extend(server.cpu_pct.map(|cpu| format!("cpu {cpu:.0} %")));
        facts.extend(server.rss_mb.map(|mb| format!("{mb:.0} MiB of memory")));
        if !facts.is_empty() {
            self.line("", &facts.join(", "));
        }
        let hostile = &summary.hostile;
        if hostile.clients > 0 {
            let (clients, sent) = (grouped(hostile.clients), grouped(hostile.datagrams_sent));
            self.line(
                "hostile",
                &format!("{clients} clients sent {sent} datagrams, {} connections", grouped(hostile.connections)),
            );
        }
        if let Some(dropped) = server.dropped.as_ref().filter(|dropped| hostile.clients > 0 && !dropped.is_empty()) {
            let parts: Vec<_> = dropped.iter().map(|(reason, count)| format!("{} {reason}", grouped(*count))).collect();
            self.list("", "refused: ", &parts);
        }
        let sim = &summary.sim;
        let mut facts = Vec::new();
        facts.extend(sim.cpu_pct.map(|cpu| format!("cpu {cpu:.0} %")));
        facts.extend(sim.schedule_lag_ms.map(|lag| format!("late by {} ms at p99", ms(lag.p99))));
        self.line("simulator", &facts.join(", "));
        if sim.saturated {
            let warning = self.ink.bad("saturated: the simulator was late itself, and the figures are");
            self.line("", &warning);
            let warning = self.ink.bad("worse than the server deserves: fewer clients, or more cores");
            self.line("", &warning);
        }
    }

    fn thresholds(&mut self, results: &[ThresholdResult]) {
        if results.is_empty() {
            return;
        }
        self.gap();
        for result in results {
            let verdict = if result.ok { "ok".to_owned() } else { self.ink.bad("FAILED") };
            let value = result.value.map_or_else(|| "not measured".to_owned(), |value| format!("is {}", plain(value)));
            // The verdict may hold escape sequences, so it is padded by its visible width.
            let pad = " ".repeat(if result.ok { 6 } else { 2 });
            let label = if std::ptr::eq(result, &raw const results[0]) { "thresholds" } else { "" };
            self.line(label, &format!("{verdict}{pad}{}  {value}", result.expr));
        }
    }

    fn alarm(&self, count: u64, what: &str) -> String {
        let text = format!("{} {what}", grouped(count));
        format!(", {}", if count > 0 { self.ink.bad(&text) } else { text })
    }

    fn line(&mut self, label: &str, text: &str) {
        let line = format!("{label:<LABEL$}{text}");
        self.raw(line.trim_end());
    }

    /// Several things, on as many lines as they take.
    fn list(&mut self, label: &str, begin: &str, parts: &[String]) {
        let (mut label, mut text) = (label, begin.to_owned());
        for (index, part) in parts.iter().enumerate() {
            let part = if index + 1 < parts.len() { format!("{part}, ") } else { part.clone() };
            if LABEL + text.chars().count() + part.trim_end().chars().count() > COLUMNS {
                self.line(label, &text);
                (label, text) = ("", String::new());
            }
            text.push_str(&part);
        }
        self.line(label, &text);
    }

    fn raw(&mut self, line: &str) {
        writeln!(self.text, "{line}").expect("text can be written");
    }

    fn gap(&mut self) {
        self.text.push('\n');
    }
}

/// What a direction of the link does, in words.
pub(crate) fn link(direction: &Direction) -> Vec<String> {
    let mut parts = Vec::new();
    if direction.latency_ms > 0.0 || direction.jitter_ms > 0.0 {
        let jitter =
            if direction.jitter_ms > 0.0 { format!(" ± {}", plain(direction.jitter_ms)) } else { String::new() };
        parts.push(format!("{}{jitter} ms", plain(direction.latency_ms)));
    }
    let lost = direction.burst_datagrams.map_or_else(|| "lost".to_owned(), |n| format!("lost, {} in a row", plain(n)));
    let shares =
        [(direction.loss_pct, &*lost), (direction.duplicate_pct, "doubled"), (direction.reorder_pct, "reordered")];
    let shares = shares.iter().filter(|(pct, _)| *pct > 0.0);
    parts.extend(shares.map(|(pct, what)| format!("{} % {what}", plain(*pct))));
    parts.extend(direction.bandwidth_bytes_s.map(|bytes_s| rate(f64::from(bytes_s))));
    let stall = direction.stall_ms.zip(direction.stall_every_s);
    parts.extend(stall.map(|(ms, every_s)| format!("{} ms of {} s stalled", plain(ms), plain(every_s))));
    if parts.is_empty() {
        parts.push("as it is".to_owned());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::summary::{BothWays, ClientFigures, Origin};

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let most = Distribution { p50: 1e5, p90: 1e5, p95: 1e5, p99: 1e5, max: Some(1e5), mean: 1e5, count: 9_999_999 };
        let origin = Origin { server: "127.0.0.1:7777".to_owned(), ..Origin::default() };
        let figures = ClientFigures {
            rtt_ms: Some(most),
            snapshot_age_ms: Some(most),
            input_to_effect_ms: Some(most),
            desyncs: 12,
            ..ClientFigures::default()
        };
        let mut summary = Summary { origin, figures: figures.clone(), tick_hz: Some(60), ..Summary::default() };
        summary.server.tick_ms = Some(most);
        summary.server.overruns = Some(9_999_999);
        summary.server.skipped = Some(9_999_999);
        summary.server.load_level_max = Some(3);
        (summary.server.cpu_pct, summary.server.rss_mb) = (Some(199.0), Some(12_345.0));
        summary.sim.saturated = true;
        let down = Direction {
            latency_ms: 125.5,
            jitter_ms: 33.3,
            loss_pct: 12.5,
            burst_datagrams: Some(12.5),
            stall_ms: Some(300.0),
            stall_every_s: Some(10.0),
            ..Direction::default()
        };
        let conditioner = BothWays { down, up: Direction::default() };
        let profile = ProfileSummary { clients: 12_345, conditioner, figures, ..ProfileSummary::default() };
        for name in ["bad-wifi", "transatlantic"] {
            summary.profiles.insert(name.to_owned(), profile.clone());
        }
        let expr = "snapshot_age_ms_p99<100".to_owned();
        summary.thresholds = vec![ThresholdResult { expr, value: None, ok: false }];
        let text = render(&summary, Ink::Plain);
        let widest = text.lines().max_by_key(|line| line.chars().count()).unwrap();
        assert!(widest.chars().count() <= 80, "{widest}");
        assert!(text.contains("FAILED  snapshot_age_ms_p99<100  not measured"), "{text}");
    }
}
