use super::entry::{Entry, What};
use crate::client::{Client, ClientConfig, Status};
use core::net::{Ipv4Addr, SocketAddr};
use std::marker::PhantomData;
use std::sync::Arc;
use tidelock::netcode::{
    Cipher, ConnectToken, Key, PACKET_BYTES_MAX, PAYLOAD_BYTES_MAX, Server, ServerConfig, ServerEvent, ServerSecrets,
    Slot, TokenSecrets, TokenSpec, USER_DATA_BYTES,
};
use tidelock::state::{Input, Schema};
use tidelock::{ClientId, Instant};

/// Lets a client live through a recording: it is told the same at the same times, and so comes to see the same.
///
/// The client is like any other. Behind it stands no engine, but netcode's end of a connection that sends what was
/// recorded. Connections are replayed from when they stood: what was tried before, and what netcode said of its own, is
/// not.
pub struct Replay<I: Input> {
    schema: Arc<Schema>,
    /// The other end of the connection, and which of its slots that is.
    server: Option<(Server, Slot)>,
    client: Option<Client<I>>,
    is_reconnecting: bool,
    input: PhantomData<I>,
}

const SERVER: SocketAddr = SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
const CLIENT: SocketAddr = SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 2);
/// The connection never leaves this process.
const KEY: [u8; 32] = [0; 32];
const PROTOCOL_ID: u64 = 0;

impl<I: Input> std::fmt::Debug for Replay<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("client", &self.client).finish_non_exhaustive()
    }
}

impl<I: Input> Replay<I> {
    /// Of a game with this schema: its hash must be the recording's.
    #[must_use]
    pub fn new(schema: Arc<Schema>) -> Self {
        Self { schema, server: None, client: None, is_reconnecting: false, input: PhantomData }
    }

    /// The client; `None` before it is connected.
    #[must_use]
    pub const fn client(&self) -> Option<&Client<I>> {
        self.client.as_ref()
    }

    /// The same, to take its events.
    pub const fn client_mut(&mut self) -> Option<&mut Client<I>> {
        self.client.as_mut()
    }

    /// Does what an entry says. Entries that only tell what followed do nothing.
    pub fn take(&mut self, entry: &Entry) {
        let now = entry.at;
        match &entry.what {
            What::Connected => self.connect(now),
            What::Reconnecting => self.is_reconnecting = true,
            What::Received { payload: Some(payload), .. } => self.receive(payload, now),
            What::Updated => self.with_client(|client| client.update(now)),
            What::Ticked { lanes, .. } if lanes.len() == I::lane_count() => {
                self.with_client(|client| client.tick(&I::read_lanes(lanes), now));
            }
            What::EventSent { id, delivery, body } => self.with_client(|client| {
                // It was refused before, if it is now.
                let _ = client.send_encoded(*id, *delivery, body.clone());
            }),
            What::Left => self.with_client(Client::disconnect),
            _ => {}
        }
        self.drain(now);
    }

    fn with_client(&mut self, call: impl FnOnce(&mut Client<I>)) {
        if let Some(client) = self.client.as_mut().filter(|_| !self.is_reconnecting) {
            call(client);
        }
    }

    /// Shakes hands, all in one moment.
    fn connect(&mut self, now: Instant) {
        let token = issue_token();
        let client = match self.client.take() {
            Some(mut client) => {
                if self.is_reconnecting {
                    client.resume(token, now);
                }
                client
            }
            None => Client::with_cipher(ClientConfig { token, schema: self.schema.clone() }, Cipher::Null, now),
        };
        let client = self.client.insert(client);
        self.is_reconnecting = false;
        let mut server = new_server(now);
        let mut packet = [0; PACKET_BYTES_MAX];
        // A request, a challenge, a response and a keep-alive.
        while client.status() == Status::Connecting {
            let mut is_silent = true;
            while let Some((length, _)) = client.poll_transmit(now, &mut packet) {
                is_silent = false;
                let event = server.handle_datagram(CLIENT, &mut packet[..length], now, CREATED_UNIX_S);
                if let ServerEvent::Connected { slot, .. } = event {
                    self.server = Some((server, slot));
                    return self.confirm(now);
                }
            }
            while let Some((length, _)) = server.poll_transmit(now, &mut packet) {
                client.handle_datagram(SERVER, &mut packet[..length], now);
            }
            assert!(!is_silent, "nothing is lost on the way, so the handshake goes on");
        }
    }

    /// The server's first packet of a connection tells the client that it stands.
    fn confirm(&mut self, now: Instant) {
        let Some(((server, _), client)) = self.server.as_mut().zip(self.client.as_mut()) else { return };
        let mut packet = [0; PACKET_BYTES_MAX];
        while let Some((length, _)) = server.poll_transmit(now, &mut packet) {
            client.handle_datagram(SERVER, &mut packet[..length], now);
        }
    }

    fn receive(&mut self, payload: &[u8], now: Instant) {
        let Some(((server, slot), client)) = self.server.as_mut().zip(self.client.as_mut()) else { return };
        if self.is_reconnecting || payload.len() > PAYLOAD_BYTES_MAX {
            return;
        }
        let mut packet = [0; PACKET_BYTES_MAX];
        if let Some((length, _)) = server.seal(*slot, payload, &mut packet, now) {
            client.handle_datagram(SERVER, &mut packet[..length], now);
        }
    }

    /// What the client sends, nobody hears but netcode.
    fn drain(&mut self, now: Instant) {
        let mut packet = [0; PACKET_BYTES_MAX];
        let Some(((server, _), client)) = self.server.as_mut().zip(self.client.as_mut()) else { return };
        while let Some((length, _)) = client.poll_transmit(now, &mut packet) {
            server.handle_datagram(CLIENT, &mut packet[..length], now, CREATED_UNIX_S);
        }
    }
}

fn new_server(now: Instant) -> Server {
    let secrets = ServerSecrets::from_random([0; ServerSecrets::RANDOM_BYTES]);
    let mut config = ServerConfig::new(PROTOCOL_ID, Key::new(KEY), SERVER, 1, secrets);
    config.cipher = Cipher::Null;
    Server::new(config, now).expect("the configuration is well-formed")
}

fn issue_token() -> ConnectToken {
    let spec = TokenSpec {
        protocol_id: PROTOCOL_ID,
        create_unix_s: CREATED_UNIX_S,
        expire_unix_s: CREATED_UNIX_S + (1 << 32),
        timeout_s: -1,
        client_id: ClientId(1),
        servers: &[SERVER],
        user_data: [0; USER_DATA_BYTES],
    };
    let secrets = TokenSecrets::from_random([0; TokenSecrets::RANDOM_BYTES]);
    ConnectToken::generate(&spec, &secrets, &Key::new(KEY)).expect("it is well-formed")
}

/// Any date will do.
const CREATED_UNIX_S: u64 = 1_700_000_000;
