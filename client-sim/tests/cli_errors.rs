//! What goes wrong is said in one sentence, and told by the exit code.

use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::Command;

use tidelock_server::arena::Arena;
use tidelock_server::io::options::Options;
use tidelock_server::io::{Server, ServerConfig};

/// The exit code and what was said on standard error, but for how it goes.
fn sim(flags: &[&str]) -> (i32, String) {
    sim_aloud(&[flags, &["--quiet"]].concat())
}

/// The same, with that.
fn sim_aloud(flags: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tidelock-sim")).args(flags).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn key_file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn bad_usage_exits_with_2() {
    for flags in [
        &["--no-such-flag"][..],
        &["--embedded", "--admin", "http://127.0.0.1:1"],
        &["--embedded", "--loss", "2"],
        &["--embedded", "--duration", "soon"],
        &["--embedded", "--bots", "wander=0"],
        &["--embedded", "--profile", "wlan"],
        &["--embedded", "--churn", "10"],
        &["--embedded", "--stage", "30s"],
        &["--embedded", "--stage", "30s:0"],
        &["--embedded", "--worker", "3/2", "--seed", "1"],
        &["--embedded", "--seed", "0xg"],
        &["--embedded", "--threshold", "cut_short==1"],
        &["universe", "--count", "0"],
    ] {
        assert_eq!(sim(flags).0, 2, "{flags:?}");
    }
}

#[test]
fn files_that_cannot_be_written_are_known_before_a_run() {
    let nowhere = "/no-such-folder/file";
    for flag in ["--summary-json", "--report", "--csv", "--record"] {
        let (code, said) = sim(&["--embedded", "--clients", "1", "--duration", "60s", flag, nowhere]);
        assert_eq!(code, 2, "{flag}: {said}");
        assert!(said.contains(nowhere) && said.trim().lines().count() == 1, "{flag}: {said}");
    }
}

#[test]
fn a_rate_below_nothing_is_told_what_a_rate_is() {
    let (code, said) = sim(&["--embedded", "--churn", "-1/s"]);
    assert_eq!(code, 2);
    assert!(said.contains("a rate is a number a second"), "{said}");
}

#[test]
fn bursts_of_no_loss_are_refused_with_the_flag_that_lacks() {
    let (code, said) = sim(&["--embedded", "--burst", "4"]);
    assert_eq!(code, 2);
    assert!(said.contains("--loss"), "{said}");
}

#[test]
fn a_misspelt_threshold_is_told_what_exists() {
    let (code, said) = sim(&["--embedded", "--threshold", "snapshot_age_p99<100"]);
    assert_eq!(code, 2);
    assert!(said.contains("did you mean snapshot_age_ms_p99?"), "{said}");
    let (code, said) = sim(&["--embedded", "--threshold", "lateness<100"]);
    assert_eq!(code, 2);
    assert!(said.contains("snapshot_age_ms_p99") && said.contains("loss_down_pct"), "{said}");
}

#[test]
fn a_threshold_on_a_link_that_nobody_has_is_refused_before_a_run() {
    let expr = "profiles_lte_rtt_ms_p99<100";
    let (code, said) = sim(&["--embedded", "--profile", "wifi=1,fiber=1", "--threshold", expr]);
    assert_eq!(code, 2);
    assert!(said.contains("no client has the link lte, only wifi, fiber"), "{said}");
}

#[test]
fn two_results_are_not_written_to_one_file() {
    let (code, said) = sim(&["--embedded", "--csv", "out", "--summary-json", "out"]);
    assert_eq!(code, 2);
    assert!(said.contains("--summary-json and --csv are both to be written to out"), "{said}");
}

#[test]
fn no_admin_endpoint_exits_with_3() {
    let (code, said) = sim(&["--admin", "http://127.0.0.1:1", "--clients", "1"]);
    assert_eq!(code, 3);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("http://127.0.0.1:1 does not answer"), "{said}");
}

#[test]
fn tokens_that_lead_elsewhere_exit_with_3() {
    let any = "127.0.0.1:0".parse().unwrap();
    let config = ServerConfig::from_options(Options { bind: any, admin: any, ..Options::default() }).unwrap();
    let server = Server::start(&config, Arena { npcs: 0 }).unwrap();
    let admin = format!("http://{}", server.admin_address().unwrap());
    let (code, said) = sim(&["--admin", &admin, "--server", "127.0.0.1:1", "--clients", "1"]);
    assert_eq!(code, 3);
    assert!(said.contains(&format!("lead to {}, not to 127.0.0.1:1", server.udp_address())), "{said}");
}

#[test]
fn a_wrong_key_exits_with_3() {
    let any = "127.0.0.1:0".parse().unwrap();
    let config = ServerConfig::embedded(Options { bind: any, ..Options::default() }).unwrap();
    let server = Server::start(&config, Arena { npcs: 0 }).unwrap();
    let key = key_file("wrong.key", &"0f".repeat(32));
    let address = server.udp_address().to_string();
    let (code, said) =
        sim(&["--server", &address, "--key-file", key.to_str().unwrap(), "--clients", "2", "--duration", "1s"]);
    assert_eq!(code, 3);
    assert!(said.contains("none of 2 clients") && said.contains("is this its key"), "{said}");
}

#[test]
fn a_wrong_key_is_told_for_what_it_is_if_the_server_can_be_asked() {
    let any = "127.0.0.1:0".parse().unwrap();
    let config = ServerConfig::from_options(Options { bind: any, admin: any, ..Options::default() }).unwrap();
    let server = Server::start(&config, Arena { npcs: 0 }).unwrap();
    let key = key_file("another.key", &"0f".repeat(32));
    let (admin, address) = (format!("http://{}", server.admin_address().unwrap()), server.udp_address().to_string());
    let flags = ["--admin", &admin, "--server", &address, "--key-file", key.to_str().unwrap(), "--clients", "2"];
    let (code, said) = sim(&[&flags[..], &["--duration", "1s"]].concat());
    assert_eq!(code, 3);
    assert!(said.contains("made with another key than its own"), "{said}");
    // Of a long run, it is told soon; the end does not wait for the run's when all clients have given up.
    let (code, said) = sim_aloud(&[&flags[..], &["--duration", "600s", "--ramp", "0s"]].concat());
    assert_eq!(code, 3);
    let told: Vec<_> = said.lines().filter(|line| line.contains("made with another key than its own")).collect();
    assert_eq!(told.len(), 2, "{said}");
    assert!(told[0].contains("has let nobody in yet") && told[1].contains("none of 2 clients"), "{said}");
}

#[test]
fn a_server_that_is_not_there_exits_with_3() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let key = key_file("silent.key", &"0f".repeat(32));
    let (code, said) =
        sim(&["--server", &address, "--key-file", key.to_str().unwrap(), "--clients", "2", "--duration", "1s"]);
    assert_eq!(code, 3);
    assert!(said.contains(&format!("could connect to {address}")), "{said}");
}

#[test]
fn a_key_that_is_none_exits_with_2_and_is_not_quoted() {
    let key = key_file("short.key", "abcdef0123");
    let (code, said) = sim(&["--key-file", key.to_str().unwrap()]);
    assert_eq!(code, 2);
    assert!(said.contains("64 hex digits") && !said.contains("abcdef0123"), "{said}");
}
