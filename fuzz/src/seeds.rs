use super::conversation::conversation;
use super::genuine::genuine;

/// Inputs to begin with, for the target of this name: what is genuine, where a fuzzer would not guess it.
#[must_use]
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "server_datagram" => server_datagram(),
        "client_datagram" => client_datagram(),
        "engine_datagram" => (0..3u8).flat_map(engine_datagram).collect(),
        "client_payload" => (0..4).map(client_payload).collect(),
        "token_reader" => token_reader(),
        "connection_pair" => vec![vec![0x11, 200, 0x91, 90, 7, 3, 2, 0, 9, 6, 4, 3, 0, 7, 60, 0x87, 1]],
        "pair_script" => vec![vec![3, 15, 11, 12, 3, 3], vec![3, 2, 11, 4, 0, 0, 12, 6, 0, 14, 0, 3, 15, 3, 3]],
        "reliable_reassembly" => vec![vec![0, 9, 0xf1, 200, 2, 0, 9, 2, 0xff, 0xff, 6, 1, 2, 0xff, 0xff, 4, 0, 5, 0]],
        "bit_reader" => {
            vec![vec![0, 4, 0, 1, 2, 3, 4, 0, 9, 3, 1, 5, 1], vec![1, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 1, 4, 9]]
        }
        _ => Vec::new(),
    }
}

/// The connections of clients 1 and 2, one packet after the other, each from its home.
fn server_datagram() -> Vec<Vec<u8>> {
    let connection = |number: u64| {
        let packets = genuine().to_server.iter().filter(move |packet| packet.connection == number);
        let from = if number == 1 { 0 } else { 4 };
        packets.flat_map(move |packet| datagram(&[0, from], &packet.bytes)).collect::<Vec<u8>>()
    };
    let whole = [connection(1), connection(2)];
    let single = genuine().to_server.iter().take(12).map(|packet| datagram(&[0, 7, 1], &packet.bytes));
    whole.into_iter().chain(single).collect()
}

/// All that client 1 is told, from each state on.
fn client_datagram() -> Vec<Vec<u8>> {
    let told = genuine().to_client.iter().filter(|packet| packet.connection == 1);
    let packets: Vec<u8> = told.flat_map(|packet| datagram(&[0], &packet.bytes)).collect();
    (0..3).map(|progress| [&[progress], packets.as_slice()].concat()).collect()
}

fn datagram(before: &[u8], bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).expect("packets are shorter");
    [before, &len.to_le_bytes(), bytes].concat()
}

/// Genuine payloads as they were, with a tick after each; and one of them byte by byte.
fn engine_datagram(progress: u8) -> [Vec<u8>; 2] {
    let first = conversation().up.iter().take(30).enumerate();
    let genuine: Vec<u8> = first.flat_map(|(number, _)| [3 + 8 * number as u8, 0, 0]).collect();
    let last = conversation().up.last().expect("something was said");
    [[&[progress], genuine.as_slice()].concat(), [&[progress], datagram(&[2], last).as_slice()].concat()]
}

/// Genuine turns, then a snapshot byte by byte, then one that comes again.
fn client_payload(progress: u8) -> Vec<u8> {
    let last = conversation().down.last().expect("something was said");
    [&[progress, 2, 2, 0, 1, 2], datagram(&[1], last).as_slice(), &[3, 0, 2, 0, 3, 4, 1, 0, 40, 0, 5]].concat()
}

/// A token byte by byte, one that is changed, and one that is presented.
fn token_reader() -> Vec<Vec<u8>> {
    let token = super::backend::token(1).to_bytes();
    let presented = [2, 1, 2, 0, 3, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 6, 0];
    vec![[&[0], token.as_slice()].concat(), vec![1, 1, 1, 0, 6, 1, 0, 80, 0, 3], presented.to_vec()]
}
