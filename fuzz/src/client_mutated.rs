//! What servers told clients, changed, repeated, in any order and from the wrong addresses.

use super::genuine::genuine;
use super::input::Input;
use super::mutation::mutate;
use super::watched_client::{Happened, WatchedClient, source};
use super::watched_server::{pause, specimen};

/// After a byte for how far the client has come, each step is a pause and a packet of the recording, changed or not, or
/// something that the client does.
pub fn run(data: &[u8]) {
    happened(data);
}

/// Does the same, and gives all that happened until the client left.
pub fn happened(data: &[u8]) -> Vec<Happened> {
    let mut input = Input::new(data);
    let (mut client, mut had) = (WatchedClient::new(input.below(3)), None);
    while let Some(step) = input.step() {
        client.pass(pause(&mut Input::new(&[step])));
        match step >> 3 {
            30 => client.say(input.block(1_300)),
            31 => {
                had.get_or_insert_with(|| client.happened.clone());
                client.leave();
            }
            choice => {
                let packet = specimen(&genuine().to_client, &mut input);
                let from = if choice < 20 { packet.from } else { source(choice) };
                let mut bytes = packet.bytes.clone();
                mutate(&mut bytes, &mut input, 1_400);
                client.handle(from, &mut bytes);
            }
        }
    }
    client.pass(std::time::Duration::ZERO);
    had.unwrap_or(client.happened)
}
