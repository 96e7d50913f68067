//! A server as a process of its own, which can be stopped and killed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// It has room for a few clients; with the URL of its admin endpoint.
pub(crate) fn start() -> (Child, String) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_tidelock-sim"))
        .args(["embedded-server", "--clients", "8", "--seed", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (server, line.trim().strip_prefix("ready ").unwrap().to_owned())
}
