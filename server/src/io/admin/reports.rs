use super::super::build::{COMMIT, VERSION};
use super::super::schema_json::schema_json;
use super::super::shared::{Shared, State as ServerState};
use super::super::{clock, process};
use super::Admin;
use super::calls::{BUSY, Refusal};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;

/// `GET /metrics`
pub(super) async fn metrics(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    let text = admin.metrics.render(&admin.shared) + &process::metrics();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

/// `GET /livez`: whether ticks are run.
pub(super) async fn livez(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    yes_or_no(admin.shared.is_alive(clock::now()), "ticks are run\n", "the last tick is too long ago\n")
}

/// `GET /readyz`: whether players may join. A full server stays ready.
pub(super) async fn readyz(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    yes_or_no(admin.shared.is_ready(), "players may join\n", "starting or draining\n")
}

fn yes_or_no(holds: bool, yes: &'static str, no: &'static str) -> (StatusCode, &'static str) {
    if holds { (StatusCode::OK, yes) } else { (StatusCode::SERVICE_UNAVAILABLE, no) }
}

/// `GET /status`
pub(super) async fn status(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    Json(Status::of(&admin.shared))
}

/// `GET /schema`: what `tidelock-server schema --json` prints.
pub(super) async fn schema(State(admin): State<Arc<Admin>>) -> Result<impl IntoResponse, Refusal> {
    let schema = admin.shared.schema.get().ok_or(BUSY)?;
    Ok(([(CONTENT_TYPE, "application/json")], schema_json(schema)))
}

/// `GET /ticks`: how long each tick took since the start. Two answers tell of the time in between.
pub(super) async fn ticks(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    let histogram = admin.shared.stats().tick_duration_us;
    let tick_us = histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect();
    Json(Ticks { tick_us })
}

#[derive(Serialize)]
struct Ticks {
    /// Microseconds to three digits, and how many ticks took so long.
    tick_us: Vec<(u64, u64)>,
}

#[derive(Serialize)]
struct Status {
    version: &'static str,
    commit: &'static str,
    state: &'static str,
    tick: u32,
    tick_hz: u32,
    snapshot_hz: u32,
    clients: usize,
    /// Whose places wait for them: they count for `max_clients`, and a drain waits for them too.
    clients_away: usize,
    max_clients: usize,
    entities: usize,
    load_level: u8,
    load_level_max: u8,
    dilation_pct: u16,
    overruns: u64,
    skipped: u64,
    tick_ms: Distribution,
    udp_address: SocketAddr,
    advertise: SocketAddr,
    /// As text: JSON numbers are exact to 2^53 only in many readers.
    protocol_id: String,
    uptime_s: f64,
    /// `null` where Agones is not told of the server.
    agones: Option<AgonesReport>,
}

#[derive(Serialize)]
struct AgonesReport {
    /// As Agones calls it, such as `Allocated`; empty while it has not said.
    state: String,
    /// Whether the sidecar did what it was last asked.
    answers: bool,
}

impl Status {
    fn of(shared: &Shared) -> Self {
        let stats = shared.stats();
        let facts = &shared.facts;
        let state = if shared.is_draining() { ServerState::Draining } else { shared.state() };
        Self {
            version: VERSION,
            commit: COMMIT,
            state: state.name(),
            tick: stats.tick.0,
            tick_hz: facts.tick_hz,
            snapshot_hz: facts.snapshot_hz,
            clients: stats.clients,
            clients_away: stats.clients_away,
            max_clients: facts.max_clients,
            entities: stats.entities,
            load_level: stats.load.level,
            load_level_max: stats.load_level_max,
            dilation_pct: stats.load.dilation_pct,
            overruns: stats.overruns,
            skipped: stats.skipped,
            tick_ms: Distribution::of_us(&stats.tick_duration_us),
            udp_address: facts.udp_address,
            advertise: shared.advertise(),
            protocol_id: format!("{:#x}", facts.protocol_id),
            uptime_s: shared.uptime().as_secs_f64(),
            agones: facts
                .has_agones
                .then(|| AgonesReport { state: shared.agones.state(), answers: shared.agones.is_answering() }),
        }
    }
}

/// Milliseconds, since the start.
#[derive(Serialize)]
struct Distribution {
    p50: f64,
    p90: f64,
    p95: f64,
    p99: f64,
    max: f64,
    mean: f64,
    count: u64,
}

impl Distribution {
    fn of_us(histogram: &Histogram<u64>) -> Self {
        let quantile_ms = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            p50: quantile_ms(0.5),
            p90: quantile_ms(0.9),
            p95: quantile_ms(0.95),
            p99: quantile_ms(0.99),
            max: histogram.max() as f64 / 1e3,
            mean: histogram.mean() / 1e3,
            count: histogram.len(),
        }
    }
}
