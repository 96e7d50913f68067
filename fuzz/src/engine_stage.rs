use super::backend::{PROTOCOL_ID, SERVER, START, START_UNIX_S, private_key};
use super::game::Yard;
use core::net::SocketAddr;
use core::time::Duration;
use tidelock::netcode::{Cipher, Client, ClientState, ConnectToken, PACKET_BYTES_MAX, ServerSecrets};
use tidelock::wire::Load;
use tidelock::{ClientId, Instant};
use tidelock_server::engine::{Engine, EngineConfig};

/// An engine with the small game, and its clock.
pub struct EngineStage {
    /// The engine.
    pub engine: Engine,
    /// Now.
    pub now: Instant,
    due: Instant,
}

impl EngineStage {
    /// An engine without players.
    ///
    /// # Panics
    /// Never: the configuration is in range.
    #[must_use]
    pub fn new() -> Self {
        let config = EngineConfig {
            tick_hz: 60,
            snapshot_hz: 60,
            max_clients: 2,
            protocol_id: PROTOCOL_ID,
            private_keys: vec![private_key()],
            public_addresses: vec![SERVER],
            token_floor_unix_s: None,
            token_lifetime_max_s: None,
            secrets: [0x22; ServerSecrets::RANDOM_BYTES],
            seed: 1,
            client_bandwidth_bytes_s: 64 * 1024,
            view_radius: None,
            rewind_max: None,
            resume_time: Duration::from_secs(1),
            cipher: Cipher::default(),
        };
        let engine = Engine::new(config, Yard, START).expect("the configuration is in range");
        Self { engine, now: START, due: START }
    }

    /// A datagram arrives.
    pub fn handle(&mut self, from: SocketAddr, datagram: &mut [u8]) {
        self.engine.handle_datagram(from, datagram, self.now, self.unix_s());
    }

    /// The next tick runs, on time. Hears what is sent.
    pub fn tick(&mut self, mut on_sent: impl FnMut(SocketAddr, &mut [u8], Instant)) {
        self.due += self.engine.config().tick_period();
        self.now = self.now.max(self.due);
        self.engine.tick(self.now, self.due, Load::default(), &mut |_| {});
        let now = self.now;
        let sent: Vec<_> = self.engine.outbox().iter().map(|(to, bytes)| (to, bytes.to_vec())).collect();
        self.engine.outbox().clear();
        sent.into_iter().for_each(|(to, mut bytes)| on_sent(to, &mut bytes, now));
    }

    /// Connects a client as netcode does, and no further.
    ///
    /// # Panics
    /// If it is refused.
    pub fn connect(&mut self, token: ConnectToken, from: SocketAddr) -> Client {
        let mut client = Client::new(token, self.now);
        let mut out = [0; PACKET_BYTES_MAX];
        for _ in 0..2 {
            while let Some((len, _)) = client.poll_transmit(self.now, &mut out) {
                self.handle(from, &mut out[..len]);
            }
            self.tick(|to, packet, now| {
                if to == from {
                    client.handle_datagram(SERVER, packet, now);
                }
            });
        }
        assert_eq!(client.state(), ClientState::Connected);
        client
    }

    /// Whether a client is connected.
    #[must_use]
    pub fn is_connected(&self, client_id: u64) -> bool {
        self.engine.clients().iter().any(|client| client.client_id == ClientId(client_id))
    }

    fn unix_s(&self) -> u64 {
        START_UNIX_S + self.now.since(START).as_secs()
    }
}

impl Default for EngineStage {
    fn default() -> Self {
        Self::new()
    }
}
