//! The program against real servers: what it measures is there, adds up, and is judged.

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

#[test]
fn what_is_not_measured_is_null() {
    let flags = ["--embedded", "--npcs", "0", "--clients", "1", "--duration", "2s", "--bots", "idle", "--quiet"];
    let (_, summary) = summary("null.json", &flags);
    assert_eq!(summary.pointer("/server/rss_mb"), Some(&Value::Null), "the process is shared");
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
    assert_eq!(summary.pointer("/server/tick_ms/max"), Some(&Value::Null), "buckets tell no maximum");
    assert_eq!(summary.pointer("/thresholds/0/ok"), Some(&Value::Bool(true)));
    let stats = server.stop().unwrap();
    assert_eq!((stats.engine.disconnects.left, stats.engine.disconnects.timeout), (4, 0), "all said goodbye");
}

#[test]
fn a_threshold_that_does_not_hold_gives_99() {
    let flags = ["--embedded", "--clients", "2", "--duration", "2s", "--quiet", "--threshold", "rtt_ms_p50<1000"];
    assert_eq!(sim(&flags).output().unwrap().status.code(), Some(0));
    for failing in ["clients_connected<2", "server_rss_mb<1000000"] {
        let output = sim(&flags).args(["--threshold", failing]).output().unwrap();
        assert_eq!(output.status.code(), Some(99), "{failing}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("FAILED"), "{failing}");
    }
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
