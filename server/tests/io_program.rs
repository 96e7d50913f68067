//! The program as a supervisor meets it: its log, its signals, its exit codes.
#![expect(clippy::disallowed_methods, reason = "the program runs in real time")]

mod sidecar;

use serde_json::Value;
use sidecar::{Manner, Sidecar};
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server program. Ends with the test.
struct Program {
    child: Child,
    log: BufReader<ChildStderr>,
    started: Value,
}

impl Program {
    fn start(args: &[&str]) -> Self {
        Self::of(&mut command(args))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let started = next_event(&mut log, "ready for players");
        Self { child, log, started }
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidelock-server"));
    command.env_clear().args(["--admin", "127.0.0.1:0", "--log-format", "json", "--npcs", "0"]).args(args);
    command
}

/// The next line of the log with this message.
fn next_event(log: &mut impl BufRead, message: &str) -> Value {
    let mut line = String::new();
    while log.read_line(&mut line).unwrap() > 0 {
        let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        if event["message"] == message {
            return event;
        }
        line.clear();
    }
    panic!("the log ended without \"{message}\"");
}

#[test]
fn the_start_is_one_line_with_all_that_matters() {
    let program = Program::start(&["--bind", "127.0.0.1:0", "--seed", "42", "--tick-hz", "30"]);
    let started = &program.started;
    assert_eq!((&started["seed"], &started["tick_hz"]), (&42.into(), &30.into()));
    assert_eq!(started["protocol_id"], "0x746964656c6f636b");
    assert_eq!(started["advertise"], started["udp"]);
    assert!(started["admin"].as_str().unwrap().starts_with("127.0.0.1:"));
}

#[test]
fn the_first_sigterm_stops_an_empty_server_cleanly() {
    let mut program = Program::start(&["--bind", "127.0.0.1:0"]);
    program.signal("-TERM");
    next_event(&mut program.log, "draining");
    next_event(&mut program.log, "stopped");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[test]
fn ctrl_c_does_the_same() {
    let mut program = Program::start(&["--bind", "127.0.0.1:0"]);
    program.signal("-INT");
    next_event(&mut program.log, "stopped");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_port_in_use_is_no_matter_of_configuration() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = command(&["--bind", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with(&format!("error: bind {address}: ")), "{error}");
}

#[test]
fn the_health_check_follows_readiness() {
    let program = Program::start(&["--bind", "127.0.0.1:0"]);
    let admin = program.started["admin"].as_str().unwrap().to_owned();
    let healthcheck = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidelock-server"));
        command.env("TIDELOCK_ADMIN", &admin).arg("healthcheck").status().unwrap().code()
    };
    assert_eq!(healthcheck(), Some(0));
    drop(program);
    assert_eq!(healthcheck(), Some(1));
}

#[test]
fn the_health_check_says_why_and_asks_no_proxy() {
    let program = Program::start(&["--bind", "127.0.0.1:0"]);
    let admin = program.started["admin"].as_str().unwrap().to_owned();
    let healthcheck = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidelock-server"));
        command.env("http_proxy", "http://127.0.0.1:1").args(["healthcheck", "--admin", &admin]).output().unwrap()
    };
    assert_eq!(healthcheck().status.code(), Some(0));
    // Starting and stopping are too short to be seen; that nobody is there is not.
    drop(program);
    let said = String::from_utf8(healthcheck().stderr).unwrap();
    assert!(said.starts_with(&format!("error: not ready: http://{admin}/readyz: ")), "{said}");
}

#[test]
fn a_port_of_agones_that_is_none_is_bad_configuration() {
    let output = command(&["--bind", "127.0.0.1:0"]).env("AGONES_SDK_HTTP_PORT", "none").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error, "error: AGONES_SDK_HTTP_PORT is none, and must be a port, 1 to 65535\n");
}

/// With its sidecar, as Agones starts it.
fn in_a_pod(sidecar: &Sidecar) -> Program {
    let mut program = command(&["--bind", "127.0.0.1:0"]);
    let program = Program::of(program.env("AGONES_SDK_HTTP_PORT", sidecar.port.to_string()));
    sidecar.await_told("POST /ready");
    program
}

#[test]
fn after_its_match_a_server_waits_for_agones_to_end_its_pod() {
    let sidecar = Sidecar::start(Manner::Well, 7777);
    let mut program = in_a_pod(&sidecar);
    let admin = program.started["admin"].as_str().unwrap();
    ureq::post(format!("http://{admin}/drain")).send_empty().unwrap();
    sidecar.await_told("POST /shutdown");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(program.child.try_wait().unwrap(), None, "a program that ends would be started anew");
    program.signal("-TERM");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_server_whose_pod_is_ended_tells_agones_and_does_not_wait() {
    let sidecar = Sidecar::start(Manner::Well, 7777);
    let mut program = in_a_pod(&sidecar);
    let began = Instant::now();
    program.signal("-TERM");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(sidecar.told("POST /shutdown").len(), 1);
}
