//! A second game on Tidelock, through the public API only: a server for tag, with the command line of `tidelock-server`.
//!
//! `cargo run -p tidelock-server --example tag`

#[expect(dead_code, reason = "its schema is for clients")]
mod game;

use std::process::ExitCode;

fn main() -> ExitCode {
    tidelock_server::io::run(|_options| game::Tag)
}
