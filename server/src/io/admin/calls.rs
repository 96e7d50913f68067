use super::super::lifecycle::Request;
use super::super::shared::Command;
use super::Admin;
use crate::engine::ClientStatus;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tidelock::ClientId;
use tokio::sync::oneshot;

/// How long to wait for the tick thread, which answers between ticks: at one a second, at least that.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// An answer other than success: one sentence, as JSON.
pub(super) struct Refusal(StatusCode, &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

/// `GET /clients`
pub(super) async fn clients(State(admin): State<Arc<Admin>>) -> Result<Json<Vec<ClientReport>>, Refusal> {
    let clients = ask(&admin, Command::Clients).await?;
    Ok(Json(clients.iter().map(ClientReport::of).collect()))
}

/// `POST /drain`: as the first SIGTERM does.
pub(super) async fn drain(
    State(admin): State<Arc<Admin>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    admit(&admin, peer, &headers)?;
    tracing::info!(%peer, "drain asked for");
    admin.shared.ask(Request::Drain);
    Ok(Json(json!({ "draining": true })))
}

/// `POST /clients/{id}/kick`
pub(super) async fn kick(
    State(admin): State<Arc<Admin>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    admit(&admin, peer, &headers)?;
    let client_id = parse_id(&id)?;
    if !ask(&admin, |answer| Command::Kick(client_id, answer)).await? {
        return Err(Refusal(StatusCode::NOT_FOUND, "no such client plays here"));
    }
    tracing::info!(%peer, %client_id, "kicked");
    Ok(Json(json!({ "client_id": client_id.0, "kicked": true })))
}

/// `POST /clients/{id}/ban`
pub(super) async fn ban(
    State(admin): State<Arc<Admin>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    admit(&admin, peer, &headers)?;
    let client_id = parse_id(&id)?;
    let kicked = ask(&admin, |answer| Command::Ban(client_id, answer)).await?;
    tracing::info!(%peer, %client_id, kicked, "banned");
    let mut bans = admin.bans.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(Err(error)) = bans.as_mut().map(|file| file.add(client_id)) {
        tracing::error!(%error, %client_id, "the ban file cannot be written");
        return Err(Refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "banned until a restart: the ban file cannot be written",
        ));
    }
    let kept = bans.is_some();
    Ok(Json(json!({ "client_id": client_id.0, "banned": true, "kicked": kicked, "kept_in_file": kept })))
}

/// `POST /token` with `{"client_id":n}`
pub(super) async fn token(
    State(admin): State<Arc<Admin>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    #[derive(Deserialize)]
    struct Wanted {
        client_id: u64,
    }
    let why = "tokens are given on a loopback admin address, or with --allow-token-endpoint, and never to web pages";
    admin.config.may_have_token(&headers).map_err(|code| Refusal(code, why))?;
    let wanted: Wanted = serde_json::from_slice(&body)
        .map_err(|_| Refusal(StatusCode::BAD_REQUEST, "the body must be {\"client_id\":n}, n from 0 to 2^64 - 1"))?;
    Ok(Json(json!({ "token": admin.mint.issue_text(ClientId(wanted.client_id)) })))
}

fn admit(admin: &Admin, peer: SocketAddr, headers: &HeaderMap) -> Result<(), Refusal> {
    let why = "this needs a call from loopback or the bearer token of --admin-token-file, and no web page";
    admin.config.may_change(peer, headers).map_err(|code| Refusal(code, why))
}

fn parse_id(id: &str) -> Result<ClientId, Refusal> {
    id.parse().map(ClientId).map_err(|_| Refusal(StatusCode::BAD_REQUEST, "a client id is a number from 0 to 2^64 - 1"))
}

/// Has the tick thread execute a command.
async fn ask<T>(admin: &Admin, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Refusal> {
    let (answer, answered) = oneshot::channel();
    let busy = Refusal(StatusCode::SERVICE_UNAVAILABLE, "the server is busy, starting or stopping");
    if admin.commands.try_send(command(answer)).is_err() {
        return Err(busy);
    }
    match tokio::time::timeout(ANSWER_TIMEOUT, answered).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(busy),
    }
}

/// One entry of `GET /clients`.
#[derive(Serialize)]
pub(super) struct ClientReport {
    client_id: u64,
    address: SocketAddr,
    rtt_ms: Option<f64>,
    loss_down_pct: f32,
    loss_up_pct: f32,
    input_lead_ticks: Option<f32>,
    joined_tick: Option<u32>,
    sent_bytes: u64,
}

impl ClientReport {
    fn of(status: &ClientStatus) -> Self {
        Self {
            client_id: status.client_id.0,
            address: status.address,
            rtt_ms: status.rtt.map(|rtt| rtt.as_secs_f64() * 1e3),
            loss_down_pct: status.loss_down_pct,
            loss_up_pct: status.loss_up_pct,
            input_lead_ticks: status.input_lead_ticks,
            joined_tick: status.joined_tick.map(|tick| tick.0),
            sent_bytes: status.sent_bytes,
        }
    }
}
