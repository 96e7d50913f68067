//! The program against real servers: what it measures is there, adds up, and is judged.

mod server_process;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tidelock_server::arena::Arena;
use tidelock_server::io::options::Options;
use tidelock_server::io::{Server, ServerConfig, ServerHandle};

fn sim(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidelock-sim"));
    command.args(flags);
    command
}

/// A file of this test's own.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs with a summary, which must exist afterwards.
fn summary(name: &str, flags: &[&str]) -> (Output, Value) {
    let path = file(name);
    let output = sim(flags).arg("--summary-json").arg(&path).output().unwrap();
    assert!(path.exists(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    (output, serde_json::from_str(&text).unwrap())
}

/// A server in this process, with admin endpoints.
fn server() -> ServerHandle {
    let any = "127.0.0.1:0".parse().unwrap();
    let config = ServerConfig::from_options(Options { bind: any, admin: any, ..Options::default() }).unwrap();
    Server::start(&config, Arena { npcs: 20 }).unwrap()
}

fn number(summary: &Value, pointer: &str) -> f64 {
    summary.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("{pointer} is no number: {summary}"))
}

#[test]
fn an_embedded_run_measures_the_link_it_was_given() {
    let flags = [
        "--embedded",
        "--npcs",
        "20",
        "--clients",
        "12",
        "--duration",
        "6s",
        "--ramp",
        "500ms",
        "--seed",
        "11",
        "--latency",
        "30ms",
        "--down-loss",
        "10%",
        "--bots",
        "wander=2,fight=1",
        "--quiet",
    ];
    let (output, summary) = summary("embedded.json", &flags);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "quiet means quiet");
    assert_eq!(number(&summary, "/schema"), 1.0);
    assert_eq!(number(&summary, "/seed"), 11.0);
    assert_eq!(number(&summary, "/clients/connected"), 12.0);
    assert_eq!(number(&summary, "/conditioner/down/loss_pct"), 10.0);
    assert_eq!(number(&summary, "/conditioner/up/loss_pct"), 0.0);
    let rtt_ms = number(&summary, "/rtt_ms/p50");
    assert!((60.0..120.0).contains(&rtt_ms), "{rtt_ms}");
    let age_ms = number(&summary, "/snapshot_age_ms/p50");
    assert!((30.0..90.0).contains(&age_ms), "{age_ms}");
    assert!(number(&summary, "/input_to_effect_ms/p50") > rtt_ms);
    let (down_pct, up_pct) = (number(&summary, "/loss/down_pct"), number(&summary, "/loss/up_pct"));
    assert!((7.0..13.0).contains(&down_pct) && up_pct < 1.0, "{down_pct} {up_pct}");
    assert_eq!(number(&summary, "/desyncs"), 0.0);
    assert_eq!(number(&summary, "/prediction_error_m/p50"), 0.0, "most predictions are right");
    let delay_ms = number(&summary, "/interpolation/delay_ms/p50");
    assert!((16.0..250.0).contains(&delay_ms), "{delay_ms} ms, one interval at least");
    assert!(number(&summary, "/interpolation/underrun_pct") < 10.0, "{summary}");
    assert!(number(&summary, "/interpolation/error_m/p50") < 0.01 && number(&summary, "/clock/jitter_ms/p50") > 0.0);
}

/// Where a value is null in the figures of a run, but for what was not set of links, and for why it was cut short.
fn nulls(path: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Null => vec![path.to_owned()],
        Value::Object(fields) => {
            let fields =
                fields.iter().filter(|(name, _)| !["conditioner", "exact", "cut_short"].contains(&name.as_str()));
            fields.flat_map(|(name, value)| nulls(&format!("{path}/{name}"), value)).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn everything_is_measured_of_a_server_of_our_own() {
    // A clock's drift takes some seconds to be seen.
    let flags = ["--embedded", "--clients", "4", "--duration", "9s", "--bots", "fight", "--quiet"];
    let (_, summary) = summary("whole.json", &flags);
    assert_eq!(nulls("", &summary), Vec::<String>::new());
    assert!(number(&summary, "/server/rss_mb") > 1.0 && number(&summary, "/server/cpu_pct") > 0.0);
    assert!(number(&summary, "/server/tick_ms/max") >= number(&summary, "/server/tick_ms/p99"));
}

#[test]
fn clients_have_the_links_of_a_mix_and_are_told_apart() {
    let flags = ["--embedded", "--clients", "10", "--duration", "5s", "--profile", "lan=1,satellite=1", "--quiet"];
    let (_, summary) = summary("mix.json", &flags);
    assert_eq!(number(&summary, "/profiles/lan/clients"), 5.0);
    assert_eq!(number(&summary, "/profiles/satellite/clients"), 5.0);
    let [lan, satellite] = ["lan", "satellite"].map(|name| number(&summary, &format!("/profiles/{name}/rtt_ms/p50")));
    assert!(lan < 10.0 && satellite > 40.0, "{lan} {satellite}");
    assert_eq!(summary.pointer("/conditioner/profile"), Some(&Value::from("lan=1,satellite=1")));
}

#[test]
fn clients_leave_and_come_back() {
    let flags =
        ["--embedded", "--clients", "8", "--ramp", "0", "--duration", "5s", "--churn", "4/s", "--seed", "5", "--quiet"];
    let (output, summary) = summary("churn.json", &flags);
    assert_eq!(output.status.code(), Some(0));
    let [left, joins] = ["left", "joins"].map(|name| number(&summary, &format!("/clients/{name}")));
    assert!((8.0..40.0).contains(&left), "{left}");
    assert!(joins > left && joins <= left + 8.0, "{joins}");
    assert_eq!(number(&summary, "/clients/disconnected"), 0.0, "{summary}");
    assert_eq!(number(&summary, "/clients/connected"), 8.0);
}

#[test]
fn thin_clients_measure_the_network_and_the_others_what_players_see() {
    let flags =
        ["--embedded", "--clients", "20", "--ramp", "500ms", "--duration", "5s", "--thin", "90%", "--seed", "4"];
    let (output, summary) = summary("thin.json", &[&flags[..], &["--quiet", "--latency", "20ms"]].concat());
    assert_eq!(output.status.code(), Some(0));
    assert_eq!((number(&summary, "/clients/connected"), number(&summary, "/sim/thin_clients")), (20.0, 17.0));
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(report.contains("17 thin: predictions, display and desyncs are of the other 3"), "{report}");
    let counts = ["rtt_ms", "snapshot_age_ms", "input_to_effect_ms", "prediction_error_m"]
        .map(|name| number(&summary, &format!("/{name}/count")));
    // Of twenty clients, and of three.
    assert!(counts[..3].iter().all(|count| *count > counts[3] * 4.0), "{counts:?}");
    assert_eq!(number(&summary, "/join_ms/count"), 20.0);
    assert_eq!(number(&summary, "/snapshots/applied"), number(&summary, "/snapshots/received"));
    assert!((40.0..80.0).contains(&number(&summary, "/rtt_ms/p50")), "{summary}");
}

#[test]
fn when_ports_run_short_clients_come_from_other_addresses_of_loopback() {
    // Sixteen addresses of 32 ports each; a server takes two.
    let script = |then: &str| {
        format!("ip link set lo up && echo 40000 40031 > /proc/sys/net/ipv4/ip_local_port_range && {then}")
    };
    let in_namespace = |then: &str| Command::new("unshare").args(["-n", "sh", "-c", &script(then)]).output();
    if !in_namespace("true").is_ok_and(|output| output.status.success()) {
        let _ = writeln!(std::io::stderr(), "skipped: no network namespaces here");
        return;
    }
    let sim = env!("CARGO_BIN_EXE_tidelock-sim");
    let run =
        format!("{sim} --embedded --clients 80 --ramp 500ms --duration 3s --quiet --threshold clients_connected==80");
    let output = in_namespace(&run).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn hostile_clients_attack_and_no_player_feels_it() {
    let flags =
        ["--embedded", "--clients", "24", "--ramp", "500ms", "--duration", "6s", "--bots", "wander=1,hostile=1"];
    let (output, summary) = summary("hostile.json", &[&flags[..], &["--seed", "8", "--quiet"]].concat());
    assert_eq!(output.status.code(), Some(0));
    let [players, hostile] = ["/clients/requested", "/hostile/clients"].map(|name| number(&summary, name));
    assert!(players + hostile == 24.0 && (11.0..=13.0).contains(&players), "{players} {hostile}");
    assert_eq!(number(&summary, "/clients/connected"), players);
    assert_eq!((number(&summary, "/clients/disconnected"), number(&summary, "/desyncs")), (0.0, 0.0), "{summary}");
    assert!(
        number(&summary, "/hostile/datagrams_sent") > 1_000.0 && number(&summary, "/hostile/connections") >= hostile
    );
    let dropped = summary.pointer("/server/dropped").and_then(Value::as_object).unwrap();
    assert!(dropped.len() > 3, "in several ways: {dropped:?}");
}

#[test]
fn stages_are_followed_and_each_second_is_told() {
    let csv = file("stages.csv");
    // Changes in mid-second: at its end, nobody can tell on which side they fall.
    let stages = ["--stage", "1s:6", "--stage", "2500ms:6", "--stage", "0s:2", "--stage", "2500ms:2"];
    let flags = [&["--embedded", "--quiet"][..], &stages].concat();
    let output = sim(&flags).arg("--csv").arg(&csv).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(&csv).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = header.iter().position(|name| *name == "clients_wanted").unwrap();
    let wanted: Vec<_> = lines.map(|line| line[column].parse::<u32>().unwrap()).collect();
    assert_eq!(wanted, [6, 6, 6, 2, 2, 2], "{text}");
}

#[test]
fn workers_merge_into_the_run_that_they_share() {
    let server = server();
    let admin = format!("http://{}", server.admin_address().unwrap());
    let files = ["1/2", "2/2"].map(|worker| file(&format!("worker-{}.json", &worker[..1])));
    let worker = |number: usize| {
        let share = format!("{}/2", number + 1);
        let flags =
            ["--admin", &admin, "--clients", "7", "--duration", "4s", "--seed", "5", "--quiet", "--worker", &share];
        sim(&flags).arg("--summary-json").arg(&files[number]).stdout(Stdio::null()).spawn().unwrap()
    };
    for mut child in [0, 1].map(worker) {
        assert!(child.wait().unwrap().success());
    }
    let merged = file("merged.json");
    let output = sim(&["merge"]).args(&files).arg("--summary-json").arg(&merged).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |path: &PathBuf| -> Value { serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap() };
    let (parts, merged) = (files.each_ref().map(read), read(&merged));
    for pointer in ["/clients/connected", "/rtt_ms/count", "/bandwidth/down_bytes_total", "/inputs/sent"] {
        let sum: f64 = parts.iter().map(|part| number(part, pointer)).sum();
        assert_eq!(number(&merged, pointer), sum, "{pointer}");
    }
    assert_eq!(number(&merged, "/clients/connected"), 7.0);
    let twice = sim(&["merge"]).args([&files[0], &files[0]]).output().unwrap();
    assert_eq!(twice.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("worker 1 of 2 comes twice"));
}

#[test]
fn a_server_that_dies_ends_the_run_with_what_was_measured_until_then() {
    let (mut server, admin) = server_process::start();
    let path = file("gone.json");
    let flags = ["--admin", &admin, "--clients", "3", "--ramp", "0", "--duration", "60s", "--quiet"];
    let run =
        sim(&flags).arg("--summary-json").arg(&path).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the program runs in real time")]
    std::thread::sleep(Duration::from_millis(4300));
    server.kill().unwrap();
    server.wait().unwrap();
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("nothing came from the server any more after"), "{said}");
    let summary: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert!(number(&summary, "/rtt_ms/count") > 0.0 && number(&summary, "/duration_s") < 7.0, "{summary}");
    assert!(number(&summary, "/loss/down_pct") < 1.0, "silence afterwards is no loss: {summary}");
    let up_bytes_s = number(&summary, "/bandwidth/up_bytes_per_client_s");
    assert!((1_000.0..3_000.0).contains(&up_bytes_s), "nor does what is sent into it count: {up_bytes_s}");
}

#[test]
fn an_embedded_server_that_crashes_takes_no_figures_with_it() {
    let path = file("crashed.json");
    let flags = ["--embedded", "--clients", "3", "--ramp", "0", "--duration", "60s", "--quiet", "--summary-json"];
    let mut run = sim(&flags).arg(&path).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the program runs in real time")]
    std::thread::sleep(Duration::from_millis(3_500));
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", run.id())).unwrap();
    let server: i32 = children.split_whitespace().next().unwrap().parse().unwrap();
    kill(Pid::from_raw(server), Signal::SIGKILL).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(3));
    let summary: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert!(number(&summary, "/rtt_ms/count") > 0.0 && number(&summary, "/server/cpu_pct") >= 0.0, "{summary}");
}

#[test]
fn a_run_is_held_against_another() {
    let (old, flags) = (file("old.json"), ["--embedded", "--clients", "2", "--duration", "2s", "--quiet"]);
    assert!(sim(&flags).arg("--summary-json").arg(&old).output().unwrap().status.success());
    let output = sim(&flags).args(["--latency", "50ms", "--baseline"]).arg(&old).output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(report.contains("compared with") && report.contains("rtt_ms_p50"), "{report}");
    let bad = sim(&flags).args(["--baseline", "no-such.json"]).output().unwrap();
    assert_eq!(bad.status.code(), Some(2));
}

#[test]
fn a_server_that_runs_already_gives_tokens_and_figures() {
    let server = server();
    let admin = format!("http://{}", server.admin_address().unwrap());
    let flags = ["--admin", &admin, "--clients", "4", "--duration", "3s", "--threshold", "clients_connected>=4"];
    let (output, summary) = summary("remote.json", &flags);
    assert_eq!(output.status.code(), Some(0));
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(report.lines().all(|line| line.chars().count() <= 80), "{report}");
    assert!(report.contains("4 of 4 connected"), "{report}");
    let ticks = number(&summary, "/server/tick_ms/count");
    assert!((60.0..=180.0).contains(&ticks), "{ticks} ticks in the window");
    assert!(number(&summary, "/inputs/on_time") > 0.0);
    assert!(number(&summary, "/server/tick_ms/max") > 0.0);
    assert_eq!(summary.pointer("/thresholds/0/ok"), Some(&Value::Bool(true)));
    let stats = server.stop().unwrap();
    assert_eq!((stats.engine.disconnects.left, stats.engine.disconnects.timeout), (4, 0), "all said goodbye");
}

#[test]
fn a_threshold_that_does_not_hold_gives_99() {
    let flags = ["--embedded", "--clients", "2", "--duration", "2s", "--quiet", "--threshold", "rtt_ms_p50<1000"];
    assert_eq!(sim(&flags).output().unwrap().status.code(), Some(0));
    for failing in ["clients_connected<2", "server_rss_mb<1"] {
        let output = sim(&flags).args(["--threshold", failing]).output().unwrap();
        assert_eq!(output.status.code(), Some(99), "{failing}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("FAILED"), "{failing}");
    }
}

#[test]
fn prometheus_is_told_how_it_goes() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let flags = ["--embedded", "--clients", "2", "--ramp", "0", "--duration", "5s", "--quiet", "--metrics", &address];
    let mut child = sim(&flags).stdout(Stdio::null()).spawn().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the program runs in real time")]
    std::thread::sleep(Duration::from_millis(3500));
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.0 200") && answer.contains("tidelock_sim_clients{state=\"playing\"} 2"),
        "{answer}"
    );
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_goes_away_changes_no_verdict() {
    let flags = ["--embedded", "--clients", "1", "--duration", "1s", "--quiet", "--threshold", "clients_connected<1"];
    let mut child = sim(&flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(99), 0), "{output:?}");
}

#[test]
fn an_interrupt_ends_the_run_early_with_its_figures() {
    let flags = ["--embedded", "--clients", "2", "--ramp", "0", "--duration", "60s"];
    let child = sim(&flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the program runs in real time")]
    std::thread::sleep(Duration::from_millis(2500));
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(report.contains("2 of 2 connected") && !report.contains("60.0 s"), "{report}");
}

#[test]
fn whose_turn_had_not_come_when_it_was_interrupted_has_not_failed() {
    let file = file("interrupted.json");
    let flags = ["--embedded", "--clients", "100", "--ramp", "50s", "--duration", "60s", "--summary-json"];
    let child = sim(&flags).arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the program runs in real time")]
    std::thread::sleep(Duration::from_millis(3000));
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    let summary: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let clients = &summary["clients"];
    assert_eq!(clients["requested"], 100);
    assert!((2..20).contains(&clients["connected"].as_u64().unwrap()), "{clients}");
    // One may have been on its way.
    assert!(clients["failed"].as_u64().unwrap() <= 1, "{clients}");
}
