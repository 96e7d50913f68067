use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use tidelock::netcode::{
    ConnectToken, Key, Server, ServerConfig, ServerSecrets, TokenSecrets, TokenSpec, USER_DATA_BYTES,
};
use tidelock::{ClientId, Instant};

/// The game of all targets.
pub const PROTOCOL_ID: u64 = 7;
/// The date when everything starts.
pub const START_UNIX_S: u64 = 1_800_000_000;
/// When everything starts.
pub const START: Instant = Instant::from_us(1_000_000_000);
/// How long tokens are good, in seconds.
pub const TOKEN_LIFETIME_S: u64 = 8;
/// After how many seconds of silence either end gives up.
pub const TIMEOUT_S: u64 = 2;
/// Where the server is.
pub const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 7777);
/// Where tokens say that a server is, but none answers, unless the fuzzer does.
pub const SECOND_SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 7777);

/// The key that backend and server share.
#[must_use]
pub fn private_key() -> Key {
    Key::new([0x11; 32])
}

/// Where a client with this id is at home.
#[must_use]
pub fn home(client_id: u64) -> SocketAddr {
    SocketAddr::from(([20, 0, 0, client_id as u8], 5000))
}

/// What a backend says of a client.
#[must_use]
pub fn spec(client_id: u64, servers: &[SocketAddr]) -> TokenSpec<'_> {
    TokenSpec {
        protocol_id: PROTOCOL_ID,
        create_unix_s: START_UNIX_S,
        expire_unix_s: START_UNIX_S + TOKEN_LIFETIME_S,
        timeout_s: TIMEOUT_S as i32,
        client_id: ClientId(client_id),
        servers,
        user_data: [client_id as u8; USER_DATA_BYTES],
    }
}

/// The same secrets for the same client, every time: recorded packets must open in every run.
#[must_use]
pub fn token_secrets(client_id: u64) -> TokenSecrets {
    let mut random = [0x33; TokenSecrets::RANDOM_BYTES];
    for part in random.chunks_mut(32) {
        part[..8].copy_from_slice(&client_id.to_le_bytes());
    }
    random[32] ^= 0x80;
    TokenSecrets::from_random(random)
}

/// The first token of a client, for the server, and for a second one if that should fail.
#[must_use]
pub fn token(client_id: u64) -> ConnectToken {
    fresh_token(client_id, 0)
}

/// One more token of a client, by how many it had before.
///
/// # Panics
/// Never: the specification is well-formed.
#[must_use]
pub fn fresh_token(client_id: u64, before: u64) -> ConnectToken {
    let servers = [SERVER, SECOND_SERVER];
    let secrets = token_secrets(client_id + 1_000 * before);
    ConnectToken::generate(&spec(client_id, &servers), &secrets, &private_key())
        .expect("the specification is well-formed")
}

/// A server so small that each of its bounds is within reach of a short script, and cheap to make.
///
/// # Panics
/// Never: the configuration is in range.
#[must_use]
pub fn server(max_clients: usize) -> Server {
    let secrets = ServerSecrets::from_random([0x22; ServerSecrets::RANDOM_BYTES]);
    let old_key = Key::new([0x44; 32]);
    let config = ServerConfig {
        private_keys: vec![private_key(), old_key],
        global_sequence: 0,
        handshakes_max: 2,
        token_history_max: 4,
        replies_max: 2,
        token_opens_per_s: 20,
        token_opens_burst: 12,
        token_failures_per_address_per_s: 3,
        ..ServerConfig::new(PROTOCOL_ID, private_key(), SERVER, max_clients, secrets)
    };
    Server::new(config, START).expect("the configuration is in range")
}
