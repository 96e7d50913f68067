//! What Agones hears of a server, and what becomes of both when its sidecar misbehaves.
#![expect(clippy::disallowed_methods, reason = "a sidecar is a program of its own, in real time")]

mod real_player;
#[path = "../../server/tests/sidecar/mod.rs"]
mod sidecar;

use real_player::Player;
use serde_json::{Value, json};
use sidecar::{Manner, Sidecar};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::{Duration, Instant};
use tidelock::ClientId;
use tidelock_server::arena::Arena;
use tidelock_server::io::{Options, Server, ServerConfig, ServerHandle};
use tidelock_sim::client::Status;

/// A server beside this sidecar. Clients reach it where it is bound, or where it says.
fn server(port: u16, bind: SocketAddr, advertise: Option<SocketAddr>) -> ServerHandle {
    let admin = "127.0.0.1:0".parse().unwrap();
    let options = Options { bind, advertise, admin, ..Options::default() };
    let mut config = ServerConfig::from_options(options).unwrap();
    config.agones = Some(port);
    Server::start(&config, Arena { npcs: 0 }).unwrap()
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn get(server: &ServerHandle, path: &str) -> String {
    let url = format!("http://{}{path}", server.admin_address().unwrap());
    ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap()
}

fn agones_status(server: &ServerHandle) -> Value {
    serde_json::from_str::<Value>(&get(server, "/status")).unwrap()["agones"].clone()
}

#[test]
fn agones_hears_of_a_whole_match() {
    let game_port = free_port();
    let sidecar = Sidecar::start(Manner::Well, game_port);
    let server = server(sidecar.port, SocketAddr::from(([127, 0, 0, 1], game_port)), None);
    let ready = sidecar.await_told("POST /ready");
    assert_eq!(ready.body, json!({}));
    // Tokens name the address that Agones tells, and such a token lets in.
    let token = server.issue_token(ClientId(7));
    assert_eq!(token.servers(), [SocketAddr::from(([127, 0, 0, 2], game_port))]);
    let mut player = Player::translated(token, server.udp_address());
    assert_eq!(player.join(), Status::Playing);
    player.go_on(|_| !sidecar.told("POST /allocate").is_empty());
    let is_told = |what: &str, wanted: Value| sidecar.told(what).iter().any(|told| told.body == wanted);
    player.go_on(|_| is_told("POST /v1beta1/lists/players:addValue", json!({ "value": "7" })));
    assert!(is_told("POST /v1beta1/lists/players:addValue", json!({ "value": "7" })));
    assert!(is_told("PATCH /v1beta1/counters/players", json!({ "count": "1", "capacity": "1024" })));
    assert!(sidecar.told("POST /shutdown").is_empty());
    server.stop().unwrap();
    sidecar.await_told("POST /shutdown");
    assert_eq!((sidecar.told("POST /ready").len(), sidecar.told("POST /allocate").len()), (1, 1));
}

#[test]
fn what_agones_does_is_seen_at_once_and_not_done_again() {
    let game_port = free_port();
    let sidecar = Sidecar::start(Manner::Well, game_port);
    let server = server(sidecar.port, SocketAddr::from(([127, 0, 0, 1], game_port)), None);
    sidecar.await_told("GET /watch/gameserver");
    sidecar.await_told("POST /ready");
    // The stream is taken a moment after it is asked for.
    std::thread::sleep(Duration::from_millis(300));
    sidecar.enter("Allocated");
    let give_up_at = Instant::now() + Duration::from_secs(5);
    while agones_status(&server)["state"] != "Allocated" {
        assert!(Instant::now() < give_up_at, "{}", agones_status(&server));
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut player = Player::translated(server.issue_token(ClientId(7)), server.udp_address());
    let is_counted = || sidecar.told("PATCH /v1beta1/counters/players").iter().any(|told| told.body["count"] == "1");
    player.go_on(|_| is_counted());
    assert!(is_counted());
    assert!(sidecar.told("POST /allocate").is_empty());
}

#[test]
fn an_address_of_the_operators_own_stays() {
    let game_port = free_port();
    let sidecar = Sidecar::start(Manner::Well, game_port + 1);
    let own = SocketAddr::from(([127, 0, 0, 1], game_port));
    let server = server(sidecar.port, own, Some(own));
    sidecar.await_told("POST /ready");
    assert_eq!(server.issue_token(ClientId(7)).servers(), [own]);
}

#[test]
fn a_fleet_that_keeps_no_players_is_not_told_of_them() {
    let game_port = free_port();
    let sidecar = Sidecar::start(Manner::Well, game_port);
    sidecar.keep_no_players();
    let server = server(sidecar.port, SocketAddr::from(([127, 0, 0, 1], game_port)), None);
    sidecar.await_told("POST /ready");
    let mut player = Player::translated(server.issue_token(ClientId(7)), server.udp_address());
    player.go_on(|_| !sidecar.told("POST /allocate").is_empty());
    assert_eq!(sidecar.told("POST /allocate").len(), 1);
    for what in ["PATCH /v1beta1/counters/players", "POST /v1beta1/lists/players:addValue"] {
        assert_eq!(sidecar.told(what).len(), 0);
    }
}

/// With a sidecar like this, ticks go on, players come in, and the server stops when it is asked to.
fn goes_on_beside(port: u16) -> ServerHandle {
    let bind = "127.0.0.1:0".parse().unwrap();
    let server = server(port, bind, None);
    let mut player = Player::new(server.issue_token(ClientId(7)));
    assert_eq!(player.join(), Status::Playing);
    let (before, began) = (server.stats(), Instant::now());
    player.go_on(|_| began.elapsed() > Duration::from_secs(3));
    let after = server.stats();
    // Times are given up only when ticks are held up for longer than 100 ms, and a call that hangs takes a second and a half.
    assert_eq!(after.skipped, before.skipped);
    assert!(after.tick_duration_us.max() < 500_000, "{} us", after.tick_duration_us.max());
    assert_eq!(agones_status(&server)["answers"], false);
    server
}

fn stops_soon(server: ServerHandle) {
    let began = Instant::now();
    server.stop().unwrap();
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
}

#[test]
fn ticks_go_on_beside_a_sidecar_that_hangs() {
    stops_soon(goes_on_beside(Sidecar::start(Manner::Hangs, 1).port));
}

#[test]
fn ticks_go_on_beside_a_sidecar_that_talks_nonsense() {
    stops_soon(goes_on_beside(Sidecar::start(Manner::TalksNonsense, 1).port));
}

#[test]
fn ticks_go_on_without_a_sidecar() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    stops_soon(goes_on_beside(nobody));
}

#[test]
fn a_sidecar_that_recovers_hears_all_that_it_has_not_heard() {
    let game_port = free_port();
    for manner in [Manner::Fails, Manner::TalksOfOtherThings] {
        let sidecar = Sidecar::start(manner, game_port);
        let server = server(sidecar.port, SocketAddr::from(([127, 0, 0, 1], game_port)), None);
        std::thread::sleep(Duration::from_secs(2));
        assert!(sidecar.told("GET /gameserver").len() > 1, "it is asked again");
        assert!(sidecar.told("POST /health").len() > 1, "and told that ticks run");
        sidecar.behave(Manner::Well);
        sidecar.await_told("POST /ready");
        let metrics = get(&server, "/metrics");
        let count = |result: &str| {
            let name = format!("tidelock_agones_calls_total{{call=\"gameserver\",result=\"{result}\"}} ");
            metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok()).unwrap()
        };
        assert!(count("ok") > 0 && count("failed") > 0, "{metrics}");
        server.stop().unwrap();
        sidecar.await_told("POST /shutdown");
    }
}
