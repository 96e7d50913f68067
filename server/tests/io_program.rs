//! The program as a supervisor meets it: its log, its signals, its exit codes.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::process::{Child, ChildStderr, Command, Stdio};

/// A running server program. Ends with the test.
struct Program {
    child: Child,
    log: BufReader<ChildStderr>,
    started: Value,
}

impl Program {
    fn start(args: &[&str]) -> Self {
        let mut child = command(args).stderr(Stdio::piped()).spawn().unwrap();
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
