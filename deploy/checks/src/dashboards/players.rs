use super::MISSING;
use crate::panel::{Dashboard, Panel, Row, row};

/// What players feel.
pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "tidelock-players",
        title: "Tidelock: players",
        about: "What players feel: round trips, loss, inputs, rates, and who leaves why.",
        simulators: true,
        rows: vec![now(), network(), inputs(), rates(), coming_and_going(), measured_by_clients()],
    }
}

const LOSS_DOWN: &str = r#"sum(rate(tidelock_packets_lost_total{@,direction="down"}[@]))
/ (sum(rate(tidelock_packets_total{@,direction="down"}[@])) > 0)"#;
const LOSS_UP: &str = r#"sum(rate(tidelock_packets_lost_total{@,direction="up"}[@]))
/ (sum(rate(tidelock_inputs_total{@,fate=~"on_time|missing"}[@])) > 0)"#;

/// Of single players, in single seconds.
fn loss_of_players(quantile: f64, direction: &str) -> String {
    let buckets = r#"sum by (le) (rate(tidelock_client_loss_ratio_bucket{@,direction="DIRECTION"}[@]))"#;
    format!("histogram_quantile({quantile}, {})", buckets.replace("DIRECTION", direction))
}

fn now() -> Row {
    let players = Panel::stat("Players", "short", "Clients that play, or have been welcomed to.")
        .query("players", "sum(tidelock_clients{@})");
    let away = Panel::stat("Away", "short", "Players without a connection whose place waits for them.")
        .query("away", "sum(tidelock_clients_away{@})");
    let rtt =
        Panel::stat("Round trip, p95", "s", "Of all players, as the server measures it. Good games stay below 100 ms.")
            .query("p95", "histogram_quantile(0.95, sum by (le) (rate(tidelock_client_rtt_seconds_bucket{@}[@])))")
            .limits(0.15, 0.3);
    let down = Panel::stat(
        "Lost, down",
        "percentunit",
        "Datagrams to clients that were never acknowledged. Who acknowledges nothing, as attackers do, counts in full.",
    )
    .query("down", LOSS_DOWN)
    .limits(0.02, 0.05);
    let missing = Panel::stat(
        "Inputs missing",
        "percentunit",
        "Inputs that were not there when their tick wanted them, so that the last one was repeated: what players feel as lag.",
    )
    .query("missing", MISSING)
    .limits(0.005, 0.02);
    let desyncs = Panel::stat("Desyncs", "short", "Within the time shown. Must be 0.")
        .query("desyncs", "sum(increase(tidelock_desyncs_total{@}[$__range]))")
        .limit(0.5);
    row("Now", vec![players, away, rtt, down, missing, desyncs])
}

fn network() -> Row {
    let rtt = Panel::lines("Round trips", "s", "Smoothed round trips of players, each about once a second.")
        .percentiles("tidelock_client_rtt_seconds")
        .limits(0.15, 0.3)
        .wide();
    let heat = Panel::heatmap(
        "Round trips, all",
        "s",
        "tidelock_client_rtt_seconds",
        "How many measurements fell into which range. Two bands are two kinds of links.",
    );
    let loss = Panel::lines(
        "Loss",
        "percentunit",
        "Down: datagrams never acknowledged, of those sent. Up: datagrams missing, of inputs that were due.",
    )
    .query("down", LOSS_DOWN)
    .query("up", LOSS_UP)
    .limits(0.02, 0.05);
    let down = Panel::lines(
        "Loss down by server",
        "percentunit",
        "One server above the others has a network of its own to blame.",
    )
    .query(
        "{{instance}}",
        r#"sum by (instance) (rate(tidelock_packets_lost_total{@,direction="down"}[@]))
/ (sum by (instance) (rate(tidelock_packets_total{@,direction="down"}[@])) > 0)"#,
    )
    .limits(0.02, 0.05);
    let up = Panel::lines(
        "Loss up by server",
        "percentunit",
        "Of inputs that were due: a flood of other datagrams hides nothing.",
    )
    .query(
        "{{instance}}",
        r#"sum by (instance) (rate(tidelock_packets_lost_total{@,direction="up"}[@]))
/ (sum by (instance) (rate(tidelock_inputs_total{@,fate=~"on_time|missing"}[@])) > 0)"#,
    )
    .limits(0.02, 0.05);
    let players_down = Panel::lines(
        "Loss of players, down",
        "percentunit",
        "Shares that single players lost in a second: if the median is 0 and the p99 is 100 %, a few lose all, as who acknowledges nothing.",
    )
    .query("p50", &loss_of_players(0.5, "down"))
    .query("p90", &loss_of_players(0.9, "down"))
    .query("p99", &loss_of_players(0.99, "down"));
    let players_up = Panel::lines("Loss of players, up", "percentunit", "The same of what they send.")
        .query("p50", &loss_of_players(0.5, "up"))
        .query("p90", &loss_of_players(0.9, "up"))
        .query("p99", &loss_of_players(0.99, "up"));
    row("Network", vec![rtt, heat, loss, down, up, players_down, players_up])
}

fn inputs() -> Row {
    let fates = Panel::lines(
        "Inputs by fate",
        "cps",
        "Each tick of each player is on time or missing. Recovered ones came in a later copy, late and flooding ones were of no use.",
    )
    .query("{{fate}}", r#"sum by (fate) (rate(tidelock_inputs_total{@,fate!="duplicate"}[@]))"#);
    let missing = Panel::lines("Inputs missing", "percentunit", "Of those that were due, by server.")
        .query(
            "{{instance}}",
            r#"sum by (instance) (rate(tidelock_inputs_total{@,fate="missing"}[@]))
/ (sum by (instance) (rate(tidelock_inputs_total{@,fate=~"on_time|missing"}[@])) > 0)"#,
        )
        .limits(0.005, 0.02);
    let lead = Panel::lines(
        "Input lead",
        "short",
        "Ticks from an input's arrival to its use. Clients keep it at a tick or more, as much as their jitter and loss ask for; below 0 it was late.",
    )
    .query("p5", "histogram_quantile(0.05, sum by (le) (rate(tidelock_input_lead_ticks_bucket{@}[@])))")
    .query("p50", "histogram_quantile(0.5, sum by (le) (rate(tidelock_input_lead_ticks_bucket{@}[@])))")
    .query("p95", "histogram_quantile(0.95, sum by (le) (rate(tidelock_input_lead_ticks_bucket{@}[@])))")
    .signed();
    row("Inputs", vec![fates, missing, lead])
}

fn rates() -> Row {
    let rate = Panel::lines(
        "Rates of clients",
        "Bps",
        "What clients may be sent, each about once a second: --client-bandwidth at most, less over links that take less.",
    )
    .query("p5", "histogram_quantile(0.05, sum by (le) (rate(tidelock_client_rate_bytes_per_second_bucket{@}[@])))")
    .query("p50", "histogram_quantile(0.5, sum by (le) (rate(tidelock_client_rate_bytes_per_second_bucket{@}[@])))")
    .query("p95", "histogram_quantile(0.95, sum by (le) (rate(tidelock_client_rate_bytes_per_second_bucket{@}[@])))");
    let back_offs = Panel::lines(
        "Back-offs",
        "cpm",
        "Times a minute and player that a rate fell: by delay, as a queue grew on the way, or by loss beyond what the link loses anyway.",
    )
    .query(
        "{{cause}}",
        "60 * sum by (cause) (rate(tidelock_back_offs_total{@}[@])) / on () group_left () (sum(tidelock_clients{@}) > 0)",
    );
    let deferred = Panel::lines(
        "Put off",
        "cps",
        "Entity records that waited for a later snapshot for want of bandwidth, and unreliable events for which there was no room.",
    )
    .query("records", "sum(rate(tidelock_budget_deferred_total{@}[@]))")
    .query("events", "sum(rate(tidelock_events_unsent_total{@}[@]))");
    row("Rates", vec![rate, back_offs, deferred])
}

fn coming_and_going() -> Row {
    let players = Panel::stack("Players", "short", "Players by server, without those who are away.")
        .query("{{instance}}", "sum by (instance) (tidelock_clients{@})");
    let joined = Panel::lines("Joined and back", "cpm", "Clients that finished joining in a minute, and of them those who came back to their place: state_kept is the cheap way.")
        .query("joined", "60 * sum(rate(tidelock_connections_total{@}[@]))")
        .query("back, {{result}}", "60 * sum by (result) (rate(tidelock_resumes_total{@}[@]))");
    let gone = Panel::stack("Gone, by reason", "cpm", "Clients that had joined and are gone, in a minute.")
        .query("{{reason}}", "60 * sum by (reason) (rate(tidelock_disconnects_total{@}[@]))");
    let desyncs = Panel::lines(
        "Desyncs",
        "short",
        "Clients' reports of a state other than the server's, in each interval. Must be 0.",
    )
    .query("{{instance}}", "sum by (instance) (increase(tidelock_desyncs_total{@}[@]))")
    .limit(0.5);
    let rewinds = Panel::lines(
        "Shots judged at the bound",
        "cpm",
        "What players did in a minute upon a view older than --rewind-max: slow links, or clients that claim to have one.",
    )
    .query("{{instance}}", "60 * sum by (instance) (rate(tidelock_rewinds_clamped_total{@}[@]))");
    let rejected =
        Panel::stack("Turned away, by reason", "cpm", "Clients that were told in a minute why they may not play.")
            .query("{{reason}}", "60 * sum by (reason) (rate(tidelock_connections_rejected_total{@}[@]))");
    row("Coming and going", vec![players, joined, gone, desyncs, rewinds, rejected])
}

fn measured_by_clients() -> Row {
    let age = Panel::lines(
        "Snapshot age",
        "s",
        "From the moment a tick was due at the server to its application at a client.",
    )
    .quantiles("tidelock_sim_snapshot_age_seconds");
    let effect = Panel::lines(
        "Input to effect",
        "s",
        "From the moment an input was due to the first snapshot with its effect: what lag feels like.",
    )
    .quantiles("tidelock_sim_input_to_effect_seconds");
    let rtt = Panel::lines("Round trips", "s", "As clients measure them.").quantiles("tidelock_sim_rtt_seconds");
    let loss = Panel::lines("Loss", "percentunit", "Datagrams lost in the last second, of those sent.")
        .query("{{direction}}", "max by (direction) (tidelock_sim_loss_ratio{@sim})");
    let clients =
        Panel::lines("Simulated clients", "short", "How many should play, do, and have lost their connection.")
            .query("{{state}}", "sum by (state) (tidelock_sim_clients{@sim})");
    let snapshots =
        Panel::lines("Snapshots by fate", "cps", "Stale ones came too late to build on. Undecodable ones must be 0.")
            .query("{{fate}}", "sum by (fate) (rate(tidelock_sim_snapshots_total{@sim}[@]))");
    let bytes =
        Panel::lines("Traffic of clients", "Bps", "UDP payload of all clients of a simulator, as they count it.")
            .query("{{direction}}", "sum by (direction) (rate(tidelock_sim_bytes_total{@sim}[@]))");
    let inputs = Panel::lines(
        "Inputs and desyncs",
        "cps",
        "Inputs sent, without copies, and checksums that did not match, which must be 0.",
    )
    .query("inputs", "sum(rate(tidelock_sim_inputs_total{@sim}[@]))")
    .query("desyncs", "sum(rate(tidelock_sim_desyncs_total{@sim}[@]))");
    let lag = Panel::lines(
        "The simulator itself",
        "s",
        "How late clients were served, and seconds of processor time a second. When it is late by milliseconds, what it measures is its own.",
    )
    .query("late, p{{quantile}}", "max by (quantile) (tidelock_sim_schedule_lag_seconds{@sim})")
    .query("processor", "sum(rate(tidelock_sim_cpu_seconds_total{@sim}[@]))");
    let panels = vec![age, effect, rtt, loss, clients, snapshots, bytes, inputs, lag];
    Row { title: "Measured by clients (load tests with tidelock-sim --metrics)", closed: true, panels }
}
