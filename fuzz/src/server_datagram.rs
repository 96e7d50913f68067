//! Any bytes, from anywhere, at any time: a server with a client takes nothing but what is genuine.

use super::input::Input;
use super::watched_server::{WatchedServer, pause, source};

/// Each datagram is cut out of the input, after a byte for the time and some for the address.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut server = WatchedServer::new();
    while let Some(step) = input.step() {
        server.pass(pause(&mut Input::new(&[step])));
        let from = source(&mut input);
        server.handle(from, &mut input.block(1_400).to_vec());
    }
    server.pass(std::time::Duration::ZERO);
}
