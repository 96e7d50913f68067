//! Any bytes, from anywhere, at any time: a client takes nothing but what is genuine.

use super::input::Input;
use super::watched_client::{Happened, WatchedClient, source};
use super::watched_server::pause;

/// After a byte for how far the client has come, each datagram is cut out of the input.
pub fn run(data: &[u8]) {
    happened(data);
}

/// Does the same, and gives all that happened.
pub fn happened(data: &[u8]) -> Vec<Happened> {
    let mut input = Input::new(data);
    let mut client = WatchedClient::new(input.below(3));
    while let Some(step) = input.step() {
        client.pass(pause(&mut Input::new(&[step])));
        let from = source(step >> 3);
        client.handle(from, &mut input.block(1_400).to_vec());
    }
    client.pass(std::time::Duration::ZERO);
    client.happened
}
