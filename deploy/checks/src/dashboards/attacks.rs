use super::MISSING;
use crate::panel::{Dashboard, Panel, Row, row};

/// What is refused, and whether anybody suffers from it.
pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "tidelock-attacks",
        title: "Tidelock: attacks",
        about: "What servers refuse and why, and whether players suffer from it.",
        simulators: false,
        rows: vec![now(), refused(), clients(), cost()],
    }
}

/// What the server's own limits drop of players; all other reasons are of what was refused.
const OWN: &str = "inbox_full|send_would_block|send_refused";

fn now() -> Row {
    let refused = Panel::stat(
        "Refused",
        "pps",
        "Datagrams refused, of whatever reason. A few are always: repeats, late ones, scanners.",
    )
    .query("refused", &format!("sum(rate(tidelock_packets_dropped_total{{@,reason!~\"{OWN}\"}}[@]))"))
    .limits(100.0, 1000.0);
    let kernel = Panel::stat(
        "Dropped by the kernel",
        "pps",
        "Datagrams that found the receive buffer full, of players and others alike.",
    )
    .query("dropped", "sum(rate(tidelock_socket_receive_drops_total{@}[@]))")
    .limits(1.0, 100.0);
    let own = Panel::stat(
        "Players' dropped",
        "pps",
        "Datagrams of players that found no room before a tick, or that the socket did not take.",
    )
    .query("dropped", &format!("sum(rate(tidelock_packets_dropped_total{{@,reason=~\"{OWN}\"}}[@]))"))
    .limits(1.0, 100.0);
    let rejected = Panel::stat("Turned away", "cpm", "Clients that were told in a minute why they may not play.")
        .query("turned away", "60 * sum(rate(tidelock_connections_rejected_total{@}[@]))")
        .limits(4.0, 20.0);
    let broken = Panel::stat(
        "Broke the protocol",
        "cpm",
        "Players whose connection was ended in a minute as they sent what no client does.",
    )
    .query("ended", r#"60 * sum(rate(tidelock_disconnects_total{@,reason="protocol_error"}[@]))"#)
    .limits(1.0, 10.0);
    let missing = Panel::stat(
        "Inputs missing",
        "percentunit",
        "Whether players suffer: inputs that were not there when their tick wanted them.",
    )
    .query("missing", MISSING)
    .limits(0.005, 0.02);
    row("Now", vec![refused, kernel, own, rejected, broken, missing])
}

/// Refused datagrams for some reasons.
fn by_reason(title: &'static str, reasons: &str, about: &'static str) -> Panel {
    let expr = format!("sum by (reason) (rate(tidelock_packets_dropped_total{{@,reason=~\"{reasons}\"}}[@]))");
    Panel::stack(title, "pps", about).query("{{reason}}", &expr)
}

fn refused() -> Row {
    let most = Panel::stack("Most frequent reasons", "pps", "The five reasons that count most at each moment.")
        .query("{{reason}}", "topk(5, sum by (reason) (rate(tidelock_packets_dropped_total{@}[@])))");
    let shapes = by_reason(
        "No packets at all",
        "size_invalid|type_invalid|type_unexpected|sequence_length_invalid|sequence_reserved|address_unknown",
        "Refused by their first bytes, their length or their address: the cheapest kind, scanners and blind floods.",
    );
    let handshakes = by_reason(
        "Handshake noise: tokens",
        "token_.*|version_mismatch|protocol_mismatch|address_failing",
        "Connection requests with tokens that are not good. While players join, attackers; when nobody can, a wrong key, clock or address.",
    );
    let challenges = by_reason(
        "Handshake noise: the rest",
        "challenge_.*|address_connected|server_full",
        "Repeated and forged steps of handshakes. A few of address_connected are clients that repeat themselves over loss; server_full is beyond --max-clients and the room for telling so.",
    );
    let sessions = by_reason(
        "Forged and replayed",
        "undecryptable|replayed",
        "In the name of clients that are connected. Duplicates on the way make a few of replayed, in proportion to traffic.",
    );
    let limits = by_reason(
        "Limits reached",
        "handshakes_full|over_budget|replies_full|token_history_full|inbox_strangers_full|inbox_full|send_would_block|send_refused",
        "What protects the server has begun to drop. The first five keep strangers waiting, who may be players about to join; the last three hit players.",
    );
    let servers = Panel::lines(
        "Refused by server",
        "pps",
        "One server alone is a target; all alike is somebody who knows the fleet.",
    )
    .query(
        "{{instance}}",
        &format!("sum by (instance) (rate(tidelock_packets_dropped_total{{@,reason!~\"{OWN}\"}}[@]))"),
    );
    let kernel = Panel::lines(
        "Dropped by the kernel",
        "pps",
        "By server. Raise net.core.rmem_max if it happens without a flood.",
    )
    .query("{{instance}}", "sum by (instance) (rate(tidelock_socket_receive_drops_total{@}[@]))")
    .limit(1.0);
    let up = Panel::lines(
        "Datagrams received",
        "pps",
        "All that the tick thread looked at, and for comparison the inputs that players owed.",
    )
    .query("received", r#"sum(rate(tidelock_packets_total{@,direction="up"}[@]))"#)
    .query("inputs due", r#"sum(rate(tidelock_inputs_total{@,fate=~"on_time|missing"}[@]))"#);
    row("Refused datagrams", vec![most, shapes, handshakes, challenges, sessions, limits, servers, kernel, up])
}

fn clients() -> Row {
    let payloads = by_reason(
        "Malformed, flooding, over rate",
        "payloads_malformed|events_malformed|events_flooded|events_over_rate",
        "From clients that are connected, so with good tokens: a client with a bug, or one that was changed. Events over rate are too many of their type.",
    );
    let inputs =
        Panel::lines("Useless inputs", "cps", "Too far ahead to be kept, or after their tick had been simulated.")
            .query("{{fate}}", r#"sum by (fate) (rate(tidelock_inputs_total{@,fate=~"flood|late"}[@]))"#);
    let rewinds = Panel::lines(
        "Rewinds clamped",
        "cps",
        "What players did upon a view older than the server looks back: slow links, or clients that claim to have one.",
    )
    .query("{{instance}}", "sum by (instance) (rate(tidelock_rewinds_clamped_total{@}[@]))");
    let rejected = Panel::stack(
        "Turned away, by reason",
        "cpm",
        "Clients that were told in a minute why they may not play. Who is turned away for hello_timeout said nothing.",
    )
    .query("{{reason}}", "60 * sum by (reason) (rate(tidelock_connections_rejected_total{@}[@]))");
    let ended = Panel::stack("Ended, by reason", "cpm", "Connections that did not end by leaving. duplicate_login in numbers is a shared or stolen account, or a client that reconnects too eagerly.")
        .query("{{reason}}", r#"60 * sum by (reason) (rate(tidelock_disconnects_total{@,reason!="left"}[@]))"#);
    let resumes = Panel::lines(
        "Back again",
        "cpm",
        "Players who came back to their place. Many with state_lost cost a full view each.",
    )
    .query("{{result}}", "60 * sum by (result) (rate(tidelock_resumes_total{@}[@]))");
    row("Clients that misbehave", vec![payloads, inputs, rewinds, rejected, ended, resumes])
}

fn cost() -> Row {
    let receive = Panel::lines(
        "Receiving, of the tick time",
        "percentunit",
        "Share of time that ticks spend on what arrived: refusing is meant to stay far below the budget.",
    )
    .query(
        "{{instance}}",
        r#"sum by (instance) (rate(tidelock_tick_phase_duration_seconds_sum{@,phase="receive"}[@]))"#,
    )
    .limits(0.25, 0.5);
    let cpu = Panel::lines("Processor", "short", "Cores in use, by the whole process, its receive thread included.")
        .query("{{instance}}", "sum by (instance) (rate(process_cpu_seconds_total{@}[@]))");
    let overruns = Panel::lines(
        "Overruns",
        "percentunit",
        "Ticks that took longer than a tick time: if it rises with the flood, players feel it.",
    )
    .query(
        "{{instance}}",
        "sum by (instance) (rate(tidelock_tick_overruns_total{@}[@]))
/ (sum by (instance) (rate(tidelock_ticks_total{@}[@])) > 0)",
    )
    .limits(0.01, 0.05);
    row("What it costs", vec![receive, cpu, overruns])
}
