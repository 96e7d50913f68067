//! Genuine packets of several clients, changed, repeated, in any order and from the wrong addresses.

use super::genuine::genuine;
use super::input::Input;
use super::mutation::mutate;
use super::watched_server::{WatchedServer, pause, source, specimen};

/// Each step is a pause, an address and a packet of the recording, changed or not; or the server hangs up.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut server = WatchedServer::new();
    while let Some(step) = input.step() {
        server.pass(pause(&mut Input::new(&[step])));
        if step & 0x78 == 0x78 {
            server.hang_up();
            continue;
        }
        let packet = specimen(&genuine().to_server, &mut input);
        let from = if step & 0x80 == 0 { packet.from } else { source(&mut input) };
        let mut bytes = packet.bytes.clone();
        mutate(&mut bytes, &mut input, 1_400);
        server.handle(from, &mut bytes);
    }
    server.pass(std::time::Duration::ZERO);
}
