//! Connect tokens: any bytes, genuine ones changed, and every kind that a backend can make.

use super::backend::{PROTOCOL_ID, SERVER, START, START_UNIX_S, home, private_key, server, spec, token_secrets};
use super::input::Input;
use super::mutation::mutate;
use core::net::SocketAddr;
use tidelock::ClientId;
use tidelock::netcode::{
    Client, ConnectToken, PACKET_BYTES_MAX, SERVERS_MAX, ServerEvent, TOKEN_BYTES, TokenError, USER_DATA_BYTES,
};

/// The first byte says which of the three follows.
pub fn run(data: &[u8]) {
    judged(data);
}

/// Does the same, and gives what was read as a token, and whether it is one: another client is to say the same.
pub fn judged(data: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut input = Input::new(data);
    let bytes = match input.below(3) {
        0 => input.take(usize::MAX).to_vec(),
        1 => {
            let mut bytes = generate(&mut input).map_or_else(|_| Vec::new(), |token| token.to_bytes().to_vec());
            mutate(&mut bytes, &mut input, TOKEN_BYTES + 4);
            bytes
        }
        _ => {
            let token = generate(&mut input).ok()?;
            let bytes = token.to_bytes().to_vec();
            assert_eq!(ConnectToken::from_bytes(&bytes).as_ref(), Ok(&token));
            present(token, &mut input);
            bytes
        }
    };
    let is_token = read(&bytes);
    Some((bytes, is_token))
}

/// Before the addresses: version 13, protocol, create and expire date 24, nonce 24, sealed 1024, timeout 4, count 4.
const HEAD_BYTES: usize = 13 + 24 + 24 + 1024 + 4 + 4;

/// What is read is within its bounds, and written as it came, but that the padding is zeros. Whether it is a token.
fn read(bytes: &[u8]) -> bool {
    let token = match ConnectToken::from_bytes(bytes) {
        Ok(token) => token,
        Err(error) => {
            assert_eq!(error == TokenError::Length, bytes.len() != TOKEN_BYTES);
            return false;
        }
    };
    assert!((1..=SERVERS_MAX).contains(&token.servers().len()));
    assert!(token.create_unix_s() <= token.expire_unix_s());
    let address_bytes = |address: &SocketAddr| if address.is_ipv4() { 7 } else { 19 };
    let end = HEAD_BYTES + token.servers().iter().map(address_bytes).sum::<usize>() + 64;
    let written = token.to_bytes();
    assert!(written[..end] == bytes[..end] && written[end..].iter().all(|byte| *byte == 0));
    assert_eq!(ConnectToken::from_bytes(&written), Ok(token));
    true
}

/// A token as the input wants it.
fn generate(input: &mut Input<'_>) -> Result<ConnectToken, TokenError> {
    let client_id = u64::from(input.byte());
    let count = input.below(SERVERS_MAX + 2);
    let servers: Vec<SocketAddr> = (0..count).map(|_| address(input)).collect();
    let mut spec = spec(client_id, &servers);
    match input.below(8) {
        0 => spec.protocol_id = input.u64(),
        1 => spec.create_unix_s = input.u64(),
        2 => spec.expire_unix_s = input.u64(),
        3 => spec.timeout_s = input.u64() as i32,
        4 => spec.client_id = ClientId(input.u64()),
        5 => input.take(USER_DATA_BYTES).iter().zip(&mut spec.user_data).for_each(|(from, to)| *to = *from),
        _ => {}
    }
    let token = ConnectToken::generate(&spec, &token_secrets(client_id), &private_key());
    let refusal = if spec.create_unix_s > spec.expire_unix_s {
        Some(TokenError::Expiry)
    } else if spec.timeout_s == 0 {
        Some(TokenError::Timeout)
    } else {
        (!(1..=SERVERS_MAX).contains(&count)).then_some(TokenError::Servers)
    };
    assert_eq!(token.as_ref().err(), refusal.as_ref());
    token
}

fn address(input: &mut Input<'_>) -> SocketAddr {
    match input.below(4) {
        0 => SERVER,
        1 => SocketAddr::new("::ffff:10.0.0.1".parse().expect("an address"), 7777),
        2 => SocketAddr::from((u32::from(input.u16()).to_be_bytes(), input.u16())),
        _ => SocketAddr::from((u128::from(input.u64()).to_be_bytes(), input.u16())),
    }
}

/// The server lets in whom the token lets in, and nobody else, and learns what the backend says of it.
fn present(token: ConnectToken, input: &mut Input<'_>) {
    let mut server = server(1);
    let unix_s = START_UNIX_S + input.below(20) as u64;
    let named = |address: &SocketAddr| address.port() == SERVER.port() && address.ip().to_canonical() == SERVER.ip();
    let good = token.protocol_id() == PROTOCOL_ID
        && token.expire_unix_s() > unix_s
        && token.expire_unix_s() > token.create_unix_s()
        && token.servers().iter().any(named);
    // The client sends to the first address; that it arrives is not netcode's doing.
    let first = token.servers()[0];
    let mut client = Client::new(token, START);
    let mut out = [0; PACKET_BYTES_MAX];
    let mut connected = false;
    for _ in 0..2 {
        let Some((len, _)) = client.poll_transmit(START, &mut out) else { break };
        let event = server.handle_datagram(home(1), &mut out[..len], START, unix_s);
        connected |= matches!(event, ServerEvent::Connected { .. });
        while let Some((len, _)) = server.poll_transmit(START, &mut out) {
            client.handle_datagram(first, &mut out[..len], START);
        }
    }
    assert_eq!((connected, server.clients()), (good, usize::from(good)));
}
