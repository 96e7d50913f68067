//! What operators do over HTTP, and what players with real sockets notice of it.

mod real_player;

use real_player::Player;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use tidelock::ClientId;
use tidelock::netcode::ConnectToken;
use tidelock::wire::{CloseReason, RejectReason};
use tidelock_server::arena::Arena;
use tidelock_server::io::options::PROTOCOL_ID;
use tidelock_server::io::{Options, Server, ServerConfig, ServerHandle, TokenMint, read_key};
use tidelock_sim::client::{DisconnectReason, Status};

/// A server with files of its own. Ends with the test.
struct Operated {
    server: Option<ServerHandle>,
    directory: PathBuf,
    agent: ureq::Agent,
}

impl Operated {
    /// With these keys, the files of which are named by their number, and an empty ban file.
    fn start(name: &str, keys: &[&str]) -> Self {
        let directory = std::env::temp_dir().join(format!("tidelock-operator-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let key_file: Vec<PathBuf> = (0..keys.len()).map(|i| directory.join(i.to_string())).collect();
        key_file.iter().zip(keys).for_each(|(file, key)| std::fs::write(file, key).unwrap());
        let loopback = "127.0.0.1:0".parse().unwrap();
        let ban_file = Some(directory.join("bans"));
        let options = Options { bind: loopback, admin: loopback, key_file, ban_file, ..Options::default() };
        let config = ServerConfig::from_options(options).unwrap();
        let server = Some(Server::start(&config, Arena { npcs: 0 }).unwrap());
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Self { server, directory, agent }
    }

    fn server(&self) -> &ServerHandle {
        self.server.as_ref().unwrap()
    }

    fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let url = format!("http://{}{path}", self.server().admin_address().unwrap());
        let mut response = self.agent.post(url).send(body).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&text).unwrap())
    }

    fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.server().admin_address().unwrap());
        self.agent.get(url).call().unwrap().body_mut().read_to_string().unwrap()
    }

    /// A client with a token from the endpoint.
    fn player(&self, client_id: u64) -> Player {
        let (code, answer) = self.post("/token", &json!({ "client_id": client_id.to_string() }).to_string());
        assert_eq!(code, 200, "{answer}");
        let bytes = data_encoding::BASE64.decode(answer["token"].as_str().unwrap().as_bytes()).unwrap();
        Player::new(ConnectToken::from_bytes(&bytes).unwrap())
    }

    /// A client with a token that another program made with this key.
    fn player_of_key(&self, number: u32, client_id: u64) -> Player {
        let key = read_key(&self.directory.join(number.to_string())).unwrap();
        let (lifetime, address) = (Duration::from_secs(30), self.server().udp_address());
        Player::new(TokenMint { key, protocol_id: PROTOCOL_ID, lifetime, address }.issue(ClientId(client_id)))
    }
}

impl Drop for Operated {
    fn drop(&mut self) {
        drop(self.server.take());
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn told(reason: CloseReason) -> Status {
    Status::Disconnected(DisconnectReason::Closed(reason))
}

/// Bans somebody who plays, and lifts it.
fn ban_and_lift(name: &str, client_id: u64) {
    let operated = Operated::start(name, &[]);
    let mut player = operated.player(client_id);
    // A client plays as soon as it is welcomed, and is counted when the server knows that it is.
    assert_eq!(player.go_on(|_| operated.server().stats().engine.connections > 0), Status::Playing);
    let answer = operated.post(&format!("/clients/{client_id}/ban"), "");
    let kicked = json!({ "client_id": client_id, "banned": true, "kicked": true, "kept_in_file": true });
    assert_eq!(answer, (200, kicked));
    assert_eq!(player.leave(), told(CloseReason::Banned));

    let refused = operated.player(client_id).join();
    assert_eq!(refused, Status::Disconnected(DisconnectReason::Rejected(RejectReason::Banned)));
    assert_eq!(operated.post(&format!("/clients/{client_id}/unban"), "").0, 200);
    assert_eq!(operated.player(client_id).join(), Status::Playing);
    let text = std::fs::read_to_string(operated.directory.join("bans")).unwrap();
    assert_eq!(text, format!("{client_id}\n!{client_id}\n"));
    let metrics = operated.metrics();
    for counter in ["disconnects_total", "connections_rejected_total"] {
        let series = format!("tidelock_{counter}{{reason=\"banned\"}} 1");
        assert!(metrics.lines().any(|line| line == series), "{series}");
    }
}

#[test]
fn who_is_banned_over_http_is_told_and_stays_out_until_it_is_lifted() {
    ban_and_lift("ban", 9_007_199_254_740_993);
}

#[test]
fn the_lowest_and_the_highest_id_are_clients_like_others() {
    ban_and_lift("lowest", 0);
    ban_and_lift("highest", u64::MAX);
}

#[test]
fn who_is_kicked_over_http_is_told_and_may_return() {
    let operated = Operated::start("kick", &[]);
    for client_id in [0, u64::MAX] {
        let mut player = operated.player(client_id);
        assert_eq!(player.join(), Status::Playing);
        assert_eq!(operated.post(&format!("/clients/{client_id}/kick"), "").0, 200);
        assert_eq!(player.leave(), told(CloseReason::Kicked));
        assert_eq!(operated.player(client_id).join(), Status::Playing);
    }
}

#[test]
fn tokens_of_either_key_admit_while_keys_rotate() {
    let operated = Operated::start("rotation", &[&"1f".repeat(32), &"2e".repeat(32)]);
    assert_eq!(operated.player_of_key(0, 1).join(), Status::Playing);
    assert_eq!(operated.player_of_key(1, 2).join(), Status::Playing);
    assert_eq!(operated.player(3).join(), Status::Playing);
}
