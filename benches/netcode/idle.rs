//! What a client costs the engine that stands still in a world where nothing is.

use bevy_app::{App, Plugin};
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tidelock::netcode::{
    Cipher, ConnectToken, Key, PACKET_BYTES_MAX, ServerSecrets, TokenSecrets, TokenSpec, USER_DATA_BYTES,
};
use tidelock::wire::Load;
use tidelock::{ClientId, Instant};
use tidelock_arena::ArenaInput;
use tidelock_benches::heap::live_bytes;
use tidelock_server::engine::{Engine, EngineConfig};
use tidelock_server::game::Replication;
use tidelock_sim::client::{Client, ClientConfig, Status};

const CLIENTS: u16 = 256;
const TICK_HZ: u32 = 60;
const PLAYED: Duration = Duration::from_secs(3);
const UNIX_S: u64 = 1_700_000_000;
const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), 7777);

/// What it costs.
#[derive(Serialize)]
pub(crate) struct IdleCost {
    /// Above netcode, which takes its memory for all slots at the start.
    pub(crate) engine_bytes_per_client: f64,
}

/// A game in which nothing is replicated.
struct Nothing;

impl Plugin for Nothing {
    fn build(&self, app: &mut App) {
        app.input::<ArenaInput>();
    }
}

/// Lets clients play for a while, and says what they make the engine take.
pub(crate) fn measure() -> IdleCost {
    let mut now = Instant::from_us(1_000_000);
    let mut engine = Engine::new(config(), Nothing, now).expect("the configuration is in range");
    let schema = Arc::new(engine.schema().clone());
    let mut clients: Vec<Client<ArenaInput>> = (0..CLIENTS)
        .map(|number| Client::new(ClientConfig { token: token(number), schema: schema.clone() }, now))
        .collect();
    let (mut taken, mut tick_due, end) = (0, now, now + PLAYED);
    let mut sent = Vec::new();
    while now < end {
        for (number, client) in clients.iter_mut().enumerate() {
            speak(client, now);
            let mut packet = [0; PACKET_BYTES_MAX];
            while let Some((len, _)) = client.poll_transmit(now, &mut packet) {
                let before = live_bytes();
                engine.handle_datagram(address(number as u16), &mut packet[..len], now, UNIX_S);
                taken += live_bytes() - before;
            }
        }
        if now >= tick_due {
            let before = live_bytes();
            engine.tick(now, tick_due, Load::default(), &mut |_| {});
            engine.stats_mut().samples.clear();
            taken += live_bytes() - before;
            tick_due += Duration::from_secs(1) / TICK_HZ;
        }
        sent.extend(engine.outbox().iter().map(|(to, datagram)| (to, datagram.to_vec())));
        engine.outbox().clear();
        for (to, mut datagram) in sent.drain(..) {
            clients[usize::from(to.port() - PORT)].handle_datagram(SERVER, &mut datagram, now);
        }
        now += Duration::from_millis(2);
    }
    assert!(clients.iter().all(|client| client.status() == Status::Playing), "all of them play");
    IdleCost { engine_bytes_per_client: taken as f64 / f64::from(CLIENTS) }
}

fn speak(client: &mut Client<ArenaInput>, now: Instant) {
    while client.next_tick().is_some_and(|due| due <= now) {
        client.tick(&ArenaInput::default(), now);
    }
    if client.next_wakeup() <= now {
        client.update(now);
    }
    while client.poll_event().is_some() {}
}

const PORT: u16 = 10_000;

fn address(number: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 1, 1], PORT + number))
}

fn token(number: u16) -> ConnectToken {
    let spec = TokenSpec {
        protocol_id: 7,
        create_unix_s: UNIX_S,
        expire_unix_s: UNIX_S + 60,
        timeout_s: 5,
        client_id: ClientId(u64::from(number) + 1),
        servers: &[SERVER],
        user_data: [0; USER_DATA_BYTES],
    };
    let mut random = [5; TokenSecrets::RANDOM_BYTES];
    random.chunks_exact_mut(2).for_each(|pair| pair.copy_from_slice(&number.to_le_bytes()));
    ConnectToken::generate(&spec, &TokenSecrets::from_random(random), &Key::new([7; 32])).expect("it is well-formed")
}

fn config() -> EngineConfig {
    EngineConfig {
        tick_hz: TICK_HZ,
        snapshot_hz: TICK_HZ,
        max_clients: usize::from(CLIENTS),
        protocol_id: 7,
        private_keys: vec![Key::new([7; 32])],
        public_addresses: vec![SERVER],
        token_floor_unix_s: None,
        token_lifetime_max_s: None,
        secrets: [9; ServerSecrets::RANDOM_BYTES],
        seed: 1,
        client_bandwidth_bytes_s: 64 * 1024,
        view_radius: None,
        rewind_max: None,
        resume_time: Duration::from_secs(30),
        cipher: Cipher::default(),
    }
}
