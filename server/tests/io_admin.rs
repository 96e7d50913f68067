//! The HTTP endpoints over loopback.

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use tidelock::ClientId;
use tidelock::netcode::ConnectToken;
use tidelock_server::arena::Arena;
use tidelock_server::io::options::Number;
use tidelock_server::io::{AdminConfig, Options, Server, ServerConfig, ServerHandle};

/// A server that plays nothing, with admin endpoints on a free port.
struct Fixture {
    server: ServerHandle,
    agent: ureq::Agent,
}

impl Fixture {
    fn start() -> Self {
        Self::with_options(Options::default())
    }

    fn with_options(options: Options) -> Self {
        let options = Options { seed: Some(Number(1)), ..options };
        let mut config = ServerConfig::embedded(options).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        config.admin = Some(AdminConfig { address, token: None, allow_token_endpoint: false });
        let server = Server::start(&config, Arena { npcs: 0 }).unwrap();
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Self { server, agent }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.admin_address().unwrap())
    }

    fn get(&self, path: &str) -> (u16, String) {
        read(self.agent.get(self.url(path)).call().unwrap())
    }

    fn get_json(&self, path: &str) -> Value {
        let (code, text) = self.get(path);
        assert_eq!(code, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let (code, text) = read(self.agent.post(self.url(path)).send(body).unwrap());
        (code, serde_json::from_str(&text).unwrap_or_default())
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> (u16, String) {
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

#[test]
fn a_started_server_is_alive_and_ready() {
    let fixture = Fixture::start();
    assert_eq!(fixture.get("/livez").0, 200);
    assert_eq!(fixture.get("/readyz").0, 200);
    assert_eq!(fixture.get("/nothing"), (404, r#"{"error":"there is no such endpoint"}"#.to_owned()));
    assert_eq!(fixture.get("/drain"), (405, r#"{"error":"this endpoint takes another method"}"#.to_owned()));
}

#[test]
fn the_status_says_what_runs_and_how_it_goes() {
    let fixture = Fixture::start();
    let status = fixture.get_json("/status");
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["state"], "running");
    assert_eq!((&status["tick_hz"], &status["clients"]), (&60.into(), &0.into()));
    assert_eq!(status["udp_address"], fixture.server.udp_address().to_string());
    for key in ["tick", "entities", "uptime_s", "overruns", "skipped", "load_level"] {
        assert!(status[key].is_number(), "{key}: {status}");
    }
    for key in ["p50", "p90", "p95", "p99", "max", "mean", "count"] {
        assert!(status["tick_ms"][key].is_number(), "{key}: {status}");
    }
}

#[test]
fn the_schema_is_what_the_program_prints() {
    let fixture = Fixture::start();
    let schema = fixture.get_json("/schema");
    assert_eq!(schema["hash"], format!("{:#018x}", tidelock_arena::schema().hash()));
    assert_eq!(schema["codes"]["pattern"].as_array().unwrap().len(), 256);
}

#[test]
fn nobody_plays_on_a_new_server() {
    let fixture = Fixture::start();
    assert_eq!(fixture.get_json("/clients"), Value::Array(Vec::new()));
    assert_eq!(fixture.post("/clients/7/kick", "").0, 404);
    assert_eq!(fixture.post("/clients/seven/kick", "").0, 400);
}

/// A server with a ban file of its own.
struct BanFixture {
    fixture: Fixture,
    file: PathBuf,
}

impl BanFixture {
    fn new(name: &str, text: &str) -> Self {
        let file = std::env::temp_dir().join(format!("tidelock-admin-bans-{}-{name}", std::process::id()));
        std::fs::write(&file, text).unwrap();
        let fixture = Fixture::with_options(Options { ban_file: Some(file.clone()), ..Options::default() });
        Self { fixture, file }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.file).unwrap()
    }
}

impl Drop for BanFixture {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
        let _ = std::fs::remove_dir(&self.file);
    }
}

#[test]
fn a_ban_of_somebody_absent_is_kept_in_the_file() {
    let bans = BanFixture::new("absent", "# cheaters\n7");
    for id in ["0", "18446744073709551615", "18446744073709551615"] {
        let answer = bans.fixture.post(&format!("/clients/{id}/ban"), "");
        let client_id: u64 = id.parse().unwrap();
        let right = json!({ "client_id": client_id, "banned": true, "kicked": false, "kept_in_file": true });
        assert_eq!(answer, (200, right));
    }
    assert_eq!(bans.text(), "# cheaters\n7\n0\n18446744073709551615\n");
    assert_eq!(bans.fixture.get("/bans"), (200, "[0,7,18446744073709551615]".to_owned()));
}

#[test]
fn a_ban_is_lifted_here_and_in_the_file() {
    let bans = BanFixture::new("lifted", "7 # aimbot\n8\n");
    let lifted = json!({ "client_id": 7, "banned": false, "kept_in_file": true });
    assert_eq!(bans.fixture.post("/clients/7/unban", ""), (200, lifted));
    let sentence = json!({ "error": "this client is not banned" });
    assert_eq!(bans.fixture.post("/clients/7/unban", ""), (404, sentence));
    assert_eq!(bans.fixture.post("/clients/seven/unban", "").0, 400);
    assert_eq!(bans.text(), "7 # aimbot\n8\n!7\n");
    assert_eq!(bans.fixture.get_json("/bans"), json!([8]));
}

#[test]
fn a_ban_that_somebody_wrote_into_the_file_since_the_start_is_lifted_there() {
    let bans = BanFixture::new("since", "");
    std::fs::write(&bans.file, "7\n").unwrap();
    assert_eq!(bans.fixture.post("/clients/7/unban", "").0, 200);
    assert_eq!(bans.text(), "7\n!7\n");
}

#[test]
fn a_change_that_the_file_does_not_take_holds_until_a_restart() {
    let bans = BanFixture::new("broken", "");
    std::fs::remove_file(&bans.file).unwrap();
    std::fs::create_dir(&bans.file).unwrap();
    let sentence = json!({ "error": "banned until a restart: the ban file cannot be changed" });
    assert_eq!(bans.fixture.post("/clients/7/ban", ""), (500, sentence));
    assert_eq!(bans.fixture.get_json("/bans"), json!([7]));
    let sentence = json!({ "error": "lifted until a restart: the ban file cannot be changed" });
    assert_eq!(bans.fixture.post("/clients/7/unban", ""), (500, sentence));
    assert_eq!(bans.fixture.get_json("/bans"), json!([]));
}

#[test]
fn without_a_file_bans_are_of_this_run() {
    let fixture = Fixture::start();
    assert_eq!(fixture.post("/clients/7/ban", "").1["kept_in_file"], false);
    assert_eq!(fixture.get_json("/bans"), json!([7]));
    assert_eq!(fixture.post("/clients/7/unban", "").1["kept_in_file"], false);
    assert_eq!(fixture.get_json("/bans"), json!([]));
}

#[test]
fn tokens_name_this_server() {
    let fixture = Fixture::start();
    let (code, answer) = fixture.post("/token", r#"{"client_id":7}"#);
    assert_eq!(code, 200);
    let bytes = data_encoding::BASE64.decode(answer["token"].as_str().unwrap().as_bytes()).unwrap();
    let token = ConnectToken::from_bytes(&bytes).unwrap();
    assert_eq!(token.servers(), [fixture.server.udp_address()]);
    assert_eq!(token.protocol_id(), fixture.server.issue_token(ClientId(7)).protocol_id());
    assert_eq!(fixture.post("/token", &" ".repeat(2000)).0, 413);
}

#[test]
fn tokens_are_for_any_number_of_64_bits_as_number_or_text() {
    let fixture = Fixture::start();
    for id in ["0", "18446744073709551615", "\"0\"", "\"18446744073709551615\""] {
        assert_eq!(fixture.post("/token", &format!("{{\"client_id\":{id}}}")).0, 200, "{id}");
    }
    let sentence = "the body must be {\"client_id\":n} or {\"client_id\":\"n\"}, n from 0 to 2^64 - 1";
    for id in ["-1", "1.5", "1e3", "null", "[7]", "\"seven\"", "\"-1\"", "\"\"", "18446744073709551616"] {
        let refused = (400, json!({ "error": sentence }));
        assert_eq!(fixture.post("/token", &format!("{{\"client_id\":{id}}}")), refused, "{id}");
    }
    assert_eq!(fixture.post("/token", "client_id=7"), (400, json!({ "error": sentence })));
}

#[test]
fn web_pages_get_no_token_and_change_nothing() {
    let fixture = Fixture::start();
    for path in ["/token", "/drain", "/clients/7/kick", "/clients/7/ban", "/clients/7/unban"] {
        let request = fixture.agent.post(fixture.url(path)).header("origin", "http://example.com");
        assert_eq!(request.send(r#"{"client_id":7}"#).unwrap().status(), 403, "{path}");
    }
    assert_eq!(fixture.get("/readyz").0, 200);
}

#[test]
fn an_empty_server_that_drains_stops() {
    let fixture = Fixture::start();
    let (code, answer) = fixture.post("/drain", "");
    assert_eq!((code, &answer["draining"]), (200, &true.into()));
    let stats = fixture.server.wait().unwrap();
    assert!(stats.engine.ticks > 0);
}
