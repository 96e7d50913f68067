//! The server of the sample game.

use std::process::ExitCode;
use tidelock_server::arena::Arena;

fn main() -> ExitCode {
    tidelock_server::io::run(|options| Arena { npcs: options.npcs })
}
