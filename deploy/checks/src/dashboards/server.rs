use crate::panel::{Dashboard, Panel, Row, row};

/// How servers do.
pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "tidelock-server",
        title: "Tidelock: servers",
        about: "How servers do: ticks against their budget, load, traffic, memory and processor.",
        simulators: false,
        rows: vec![now(), ticks(), traffic(), room()],
    }
}

const BUDGET: &str = "min(tidelock_tick_budget_seconds{@})";
const OVERRUNS: &str = r"sum by (instance) (rate(tidelock_tick_overruns_total{@}[@]))
/ (sum by (instance) (rate(tidelock_ticks_total{@}[@])) > 0)";
const SKIPPED: &str = r"sum by (instance) (rate(tidelock_ticks_skipped_total{@}[@]))
/ (sum by (instance) (rate(tidelock_ticks_total{@}[@]) + rate(tidelock_ticks_skipped_total{@}[@])) > 0)";
/// The p99 of each server's ticks in units of its own tick time.
const USED: &str = r"histogram_quantile(0.99, sum by (instance, le) (rate(tidelock_tick_duration_seconds_bucket{@}[@])))
/ on (instance) max by (instance) (tidelock_tick_budget_seconds{@})";

fn now() -> Row {
    let servers = Panel::stat("Servers", "short", "Servers that answer, by version.")
        .query("{{version}}", "count by (version) (tidelock_build_info{@})");
    let used = Panel::stat(
        "Budget used, p99",
        "percentunit",
        "The p99 of ticks, in tick times, of the server where it is highest.",
    )
    .query("used", &format!("max({USED})"))
    .limits(0.75, 1.0);
    let level = Panel::stat(
        "Load level",
        "short",
        "The highest: 0 none, 1 snapshots are halved, 2 ticks slip and the game slows down, 3 it slows down badly.",
    )
    .query("level", "max(tidelock_load_level{@})")
    .limits(1.0, 2.0);
    let taken = Panel::stat(
        "Places taken",
        "percentunit",
        "Players, those who are away included, of all places on servers that take players.",
    )
    .query(
        "taken",
        "sum((tidelock_clients{@} + tidelock_clients_away{@}) unless on (job, instance) tidelock_draining{@} == 1)
/ sum(tidelock_clients_max{@} unless on (job, instance) tidelock_draining{@} == 1)",
    )
    .limits(0.8, 0.9);
    let draining = Panel::stat("Draining", "short", "Servers that take no new players and stop when theirs have left.")
        .query("draining", "sum(tidelock_draining{@})")
        .notice(1.0);
    let uptime = Panel::stat("Youngest", "s", "Time since the last start of any server.")
        .query("since start", "time() - max(tidelock_start_time_seconds{@})");
    row("Now", vec![servers, used, level, taken, draining, uptime])
}

fn ticks() -> Row {
    let heat = Panel::heatmap(
        "Tick duration, all",
        "s",
        "tidelock_tick_duration_seconds",
        "How many ticks took how long. Buckets lie close around the budget: a quarter, a half, 75, 90, 100, 110 % of it and so on.",
    );
    let duration = Panel::lines(
        "Tick duration",
        "s",
        "From the first received datagram to the last sent one. The budget is a tick time; with several tick rates, the shortest.",
    )
    .percentiles("tidelock_tick_duration_seconds")
    .query("budget", BUDGET)
    .wide();
    let used = Panel::lines(
        "Budget used, p99",
        "percentunit",
        "The p99 of ticks in tick times: above 100 % one tick in a hundred is late.",
    )
    .query("{{instance}}", USED)
    .limits(0.75, 1.0);
    let phases = Panel::stack(
        "Phases of a tick",
        "s",
        "What a tick takes on average: receive, the game's step, capture of what changed, send (encoding, encryption), transmit (the socket).",
    )
    .query(
        "{{phase}}",
        "sum by (phase) (rate(tidelock_tick_phase_duration_seconds_sum{@}[@]))
/ (sum by (phase) (rate(tidelock_tick_phase_duration_seconds_count{@}[@])) > 0)",
    );
    let phase_p99 = Panel::lines(
        "Phases of a tick, p99",
        "s",
        "Of each phase alone, so they do not add up to that of ticks.",
    )
    .query(
        "{{phase}}",
        "histogram_quantile(0.99, sum by (phase, le) (rate(tidelock_tick_phase_duration_seconds_bucket{@}[@])))",
    );
    let overruns = Panel::lines(
        "Overruns",
        "percentunit",
        "Ticks that took longer than a tick time. The next ones follow at once, up to 100 ms behind.",
    )
    .query("{{instance}}", OVERRUNS)
    .limits(0.01, 0.05);
    let skipped = Panel::lines("Tick times given up", "percentunit", "By so much the game runs slower than it should.")
        .query("{{instance}}", SKIPPED)
        .limits(0.001, 0.02);
    let level = Panel::lines(
        "Load level",
        "short",
        "0 none, 1 snapshots halved, 2 ticks slip, 3 they slip badly: what clients are told.",
    )
    .query("{{instance}}", "max by (instance) (tidelock_load_level{@})")
    .limits(1.0, 2.0)
    .at_most(3.0);
    row("Ticks", vec![heat, duration, used, phases, phase_p99, overruns, skipped, level])
}

fn traffic() -> Row {
    let bytes = Panel::lines("Bytes", "Bps", "UDP payload; headers of IP and UDP are 28 bytes a datagram more.")
        .query("{{direction}}", "sum by (direction) (rate(tidelock_bytes_total{@}[@]))");
    let packets =
        Panel::lines("Datagrams", "pps", "Up includes what was refused after its first bytes had been looked at.")
            .query("{{direction}}", "sum by (direction) (rate(tidelock_packets_total{@}[@]))");
    let each = Panel::lines("Down, for each player", "Bps", "Bytes to clients, over the number of players.").query(
        "{{instance}}",
        r#"sum by (instance) (rate(tidelock_bytes_total{@,direction="down"}[@])) / (sum by (instance) (tidelock_clients{@}) > 0)"#,
    );
    let records = Panel::stack(
        "Snapshot records",
        "cps",
        "Entity records by kind: deltas are the cheap ones, full ones come with joining, entering a view, and loss.",
    )
    .query("{{kind}}", "sum by (kind) (rate(tidelock_snapshot_entities_total{@}[@]))");
    let cache = Panel::lines(
        "Encoded once",
        "percentunit",
        "Records that were copied from another client's: the more clients hold the same, the more.",
    )
    .query(
        "{{instance}}",
        r#"sum by (instance) (rate(tidelock_delta_cache_total{@,result="hit"}[@]))
/ (sum by (instance) (rate(tidelock_delta_cache_total{@}[@])) > 0)"#,
    )
    .at_most(1.0);
    let expired = Panel::lines(
        "Baselines expired",
        "cps",
        "Records in full because what the client holds is no longer kept: clients that acknowledge late, or nothing.",
    )
    .query("{{instance}}", "sum by (instance) (rate(tidelock_baselines_expired_total{@}[@]))");
    let sizes = Panel::lines("Snapshot size", "bytes", "Payload of snapshot datagrams; 1,200 is the most.")
        .percentiles("tidelock_snapshot_size_bytes")
        .wide();
    let heat = Panel::heatmap(
        "Snapshot size, all",
        "bytes",
        "tidelock_snapshot_size_bytes",
        "How many snapshot datagrams had which size. What stands still costs a few bytes, a first view fills datagrams.",
    );
    row("Traffic", vec![bytes, packets, each, records, cache, expired, sizes, heat])
}

fn room() -> Row {
    let clients = Panel::lines("Players of places", "short", "Players, those who are away, and how many there may be.")
        .query("{{instance}} players", "sum by (instance) (tidelock_clients{@})")
        .query("{{instance}} away", "sum by (instance) (tidelock_clients_away{@})")
        .query("{{instance}} places", "sum by (instance) (tidelock_clients_max{@})");
    let entities = Panel::lines(
        "Entities",
        "short",
        "Replicated entities. A number that only grows is a game that forgets to despawn.",
    )
    .query("{{instance}}", "sum by (instance) (tidelock_entities{@})");
    let history = Panel::lines(
        "History",
        "bytes",
        "Memory of all versions of entities that are kept, for baselines and for looking back.",
    )
    .query("{{instance}}", "sum by (instance) (tidelock_history_bytes{@})");
    let cpu = Panel::lines(
        "Processor",
        "short",
        "Cores in use, by the whole process. A tick has more than one only while it encodes and writes.",
    )
    .query("{{instance}}", "sum by (instance) (rate(process_cpu_seconds_total{@}[@]))");
    let memory = Panel::lines("Memory", "bytes", "Resident memory of the process.")
        .query("{{instance}}", "sum by (instance) (process_resident_memory_bytes{@})");
    let age = Panel::lines("Time since start", "s", "Falls to zero when a server starts anew.")
        .query("{{instance}}", "time() - max by (instance) (tidelock_start_time_seconds{@})");
    let agones = Panel::lines(
        "Calls to Agones",
        "cps",
        "About one a second, in pods of Agones. Those that fail are tried again: its sidecar is missing, or does not do what it is asked.",
    )
    .query("ok", r#"sum(rate(tidelock_agones_calls_total{@,result="ok"}[@]))"#)
    .query("failed: {{call}}", r#"sum by (call) (rate(tidelock_agones_calls_total{@,result="failed"}[@]))"#);
    row("Room", vec![clients, entities, history, cpu, memory, age, agones])
}
