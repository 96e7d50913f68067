//! What servers told clients, changed, repeated, in any order and from the wrong addresses.

use super::genuine::genuine;
use super::input::Input;
use super::mutation::mutate;
use super::watched_client::{WatchedClient, source};
use super::watched_server::{pause, specimen};

/// After a byte for how far the client has come, each step is a pause and a packet of the recording, changed or not, or
/// something that the client does.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut client = WatchedClient::new(input.below(3));
    while let Some(step) = input.step() {
        client.pass(pause(&mut Input::new(&[step])));
        match step >> 3 {
            30 => client.say(input.block(1_300)),
            31 => client.leave(),
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
}
