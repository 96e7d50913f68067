use super::super::bans::BanFile;
use super::super::lifecycle::Request;
use super::super::options::Number;
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
use std::io;
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
    admin.shared.ask(Request::Drain, format!("POST /drain from {peer}"));
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

/// `POST /clients/{id}/ban`: whether or not it plays here.
pub(super) async fn ban(
    State(admin): State<Arc<Admin>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    admit(&admin, peer, &headers)?;
    let client_id = parse_id(&id)?;
    let command = |answer| Command::Ban(client_id, answer);
    let (kicked, in_file) = change_bans(&admin, command, |file| file.add(client_id)).await?;
    tracing::info!(%peer, %client_id, kicked, "banned");
    if let InFile::Failed = in_file {
        let why = "banned until a restart: the ban file cannot be changed";
        return Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, why));
    }
    let kept = !matches!(in_file, InFile::NoFile);
    Ok(Json(json!({ "client_id": client_id.0, "banned": true, "kicked": kicked, "kept_in_file": kept })))
}

/// `POST /clients/{id}/unban`
pub(super) async fn unban(
    State(admin): State<Arc<Admin>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    admit(&admin, peer, &headers)?;
    let client_id = parse_id(&id)?;
    let command = |answer| Command::Unban(client_id, answer);
    let (lifted, in_file) = change_bans(&admin, command, |file| file.lift(client_id)).await?;
    if let InFile::Failed = in_file {
        let why = "lifted until a restart: the ban file cannot be changed";
        return Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, why));
    }
    if !lifted && !matches!(in_file, InFile::Changed) {
        return Err(Refusal(StatusCode::NOT_FOUND, "this client is not banned"));
    }
    tracing::info!(%peer, %client_id, "ban lifted");
    let kept = !matches!(in_file, InFile::NoFile);
    Ok(Json(json!({ "client_id": client_id.0, "banned": false, "kept_in_file": kept })))
}

/// `GET /bans`: the ids that the running server refuses, ascending.
pub(super) async fn bans(State(admin): State<Arc<Admin>>) -> Result<Json<Vec<u64>>, Refusal> {
    let banned = ask(&admin, Command::Bans).await?;
    Ok(Json(banned.iter().map(|client_id| client_id.0).collect()))
}

/// What became of a change of the ban list in its file.
enum InFile {
    NoFile,
    /// It said so before.
    Unchanged,
    Changed,
    Failed,
}

/// Has the tick thread and the file change who is banned: both, even if the caller does not wait for the answer.
async fn change_bans(
    admin: &Admin,
    command: impl FnOnce(oneshot::Sender<bool>) -> Command,
    change: impl FnOnce(&BanFile) -> io::Result<bool>,
) -> Result<(bool, InFile), Refusal> {
    let (answered, in_file) = {
        let bans = admin.bans.lock().unwrap_or_else(PoisonError::into_inner);
        (send(admin, command)?, bans.as_ref().map_or(InFile::NoFile, |file| change_file(file, change)))
    };
    let changed = wait(answered).await.map_err(|_| {
        tracing::warn!("a change of the bans waits for the next tick, which does not come");
        UNCONFIRMED
    })?;
    Ok((changed, in_file))
}

fn change_file(file: &BanFile, change: impl FnOnce(&BanFile) -> io::Result<bool>) -> InFile {
    match change(file) {
        Ok(true) => InFile::Changed,
        Ok(false) => InFile::Unchanged,
        Err(error) => {
            tracing::error!(%error, file = %file.path().display(), "the ban file cannot be changed");
            InFile::Failed
        }
    }
}

/// `POST /token` with `{"client_id":n}`, or with the number as text: JSON numbers are exact to 2^53 only in many writers.
pub(super) async fn token(
    State(admin): State<Arc<Admin>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    #[derive(Deserialize)]
    struct Wanted {
        client_id: Number,
    }
    let why = "tokens are given on a loopback admin address, or with --allow-token-endpoint, and never to web pages";
    admin.config.may_have_token(&headers).map_err(|code| Refusal(code, why))?;
    let why = "the body must be {\"client_id\":n} or {\"client_id\":\"n\"}, n from 0 to 2^64 - 1";
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|_| Refusal(StatusCode::BAD_REQUEST, why))?;
    Ok(Json(json!({ "token": admin.mint().issue_text(ClientId(wanted.client_id.0)) })))
}

/// The answer to a path that nothing is at.
pub(super) async fn no_endpoint() -> Refusal {
    Refusal(StatusCode::NOT_FOUND, "there is no such endpoint")
}

/// The answer to GET where only POST is right, and the other way round.
pub(super) async fn other_method() -> Refusal {
    Refusal(StatusCode::METHOD_NOT_ALLOWED, "this endpoint takes another method")
}

fn admit(admin: &Admin, peer: SocketAddr, headers: &HeaderMap) -> Result<(), Refusal> {
    let why = "this needs a call from loopback or the bearer token of --admin-token-file, and no web page";
    admin.config.may_change(peer, headers).map_err(|code| Refusal(code, why))
}

fn parse_id(id: &str) -> Result<ClientId, Refusal> {
    let why = "a client id is a number from 0 to 2^64 - 1";
    id.parse().map(|Number(id)| ClientId(id)).map_err(|_| Refusal(StatusCode::BAD_REQUEST, why))
}

/// Has the tick thread execute a command.
async fn ask<T>(admin: &Admin, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Refusal> {
    wait(send(admin, command)?).await
}

/// Nobody takes it back, either.
const UNCONFIRMED: Refusal = Refusal(StatusCode::GATEWAY_TIMEOUT, "accepted, but not confirmed: no tick was run since");
pub(super) const BUSY: Refusal = Refusal(StatusCode::SERVICE_UNAVAILABLE, "the server is busy, starting or stopping");

fn send<T>(
    admin: &Admin,
    command: impl FnOnce(oneshot::Sender<T>) -> Command,
) -> Result<oneshot::Receiver<T>, Refusal> {
    let (answer, answered) = oneshot::channel();
    if admin.commands.try_send(command(answer)).is_ok() { Ok(answered) } else { Err(BUSY) }
}

async fn wait<T>(answered: oneshot::Receiver<T>) -> Result<T, Refusal> {
    match tokio::time::timeout(ANSWER_TIMEOUT, answered).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(BUSY),
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
    rate_bytes_s: u32,
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
            rate_bytes_s: status.rate_bytes_s,
            sent_bytes: status.sent_bytes,
        }
    }
}
