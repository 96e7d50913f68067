//! A server and any number of clients in one thread, on virtual time, over a network that loses nothing unless told to.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use tidelock::netcode::{
    Client, ClientState, ConnectToken, DisconnectCause, Key, PACKET_BYTES_MAX, Server, ServerConfig, ServerEvent,
    ServerSecrets, Slot, TokenSecrets, TokenSpec,
};
use tidelock::{ClientId, Instant};

pub(crate) const PROTOCOL_ID: u64 = 0x5469_6465_6c6f_636b;
/// The date at the start of every test.
pub(crate) const START_UNIX_S: u64 = 1_800_000_000;
pub(crate) const TOKEN_LIFETIME_S: u64 = 30;
pub(crate) const TIMEOUT_S: i32 = 5;
const STEP: Duration = Duration::from_millis(10);

pub(crate) const SERVER: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 7777));
/// Where no server listens.
pub(crate) const SILENT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 9), 7777));

pub(crate) fn client_address(index: usize) -> SocketAddr {
    let [_, a, b, c] = (index as u32).to_be_bytes();
    SocketAddr::from(([20, a, b, c], 5000))
}

pub(crate) fn private_key() -> Key {
    Key::new([0x11; 32])
}

pub(crate) fn config(max_clients: usize) -> ServerConfig {
    let secrets =
        ServerSecrets { global_sequence: 0, ..ServerSecrets::from_random([0x22; ServerSecrets::RANDOM_BYTES]) };
    ServerConfig::new(PROTOCOL_ID, private_key(), SERVER, max_clients, secrets)
}

pub(crate) fn secrets(seed: u64) -> TokenSecrets {
    let mut random = [0x33; TokenSecrets::RANDOM_BYTES];
    for part in random.chunks_mut(32) {
        part[..8].copy_from_slice(&seed.to_le_bytes());
    }
    random[32] ^= 0x80;
    TokenSecrets::from_random(random)
}

pub(crate) fn spec(client_id: u64, servers: &[SocketAddr]) -> TokenSpec<'_> {
    TokenSpec {
        protocol_id: PROTOCOL_ID,
        create_unix_s: START_UNIX_S,
        expire_unix_s: START_UNIX_S + TOKEN_LIFETIME_S,
        timeout_s: TIMEOUT_S,
        client_id: ClientId(client_id),
        servers,
        user_data: std::array::from_fn(|i| (client_id as u8).wrapping_add(i as u8)),
    }
}

pub(crate) fn token(client_id: u64) -> ConnectToken {
    ConnectToken::generate(&spec(client_id, &[SERVER]), &secrets(client_id), &private_key()).unwrap()
}

/// A [`ServerEvent`] that owns what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Connected { slot: Slot, client_id: ClientId, address: SocketAddr, user_data: Vec<u8>, superseded: Option<Slot> },
    Payload { slot: Slot, payload: Vec<u8> },
    Disconnected { slot: Slot, cause: DisconnectCause },
    TimedOut { slot: Slot },
}

/// A datagram on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct Net {
    pub(crate) now: Instant,
    pub(crate) server: Server,
    pub(crate) clients: Vec<Client>,
    pub(crate) addresses: Vec<SocketAddr>,
    /// What the server said, and what each client received.
    pub(crate) events: Vec<Event>,
    pub(crate) received: Vec<Vec<Vec<u8>>>,
    /// Everything that was sent, lost or not.
    pub(crate) sent: Vec<Datagram>,
    pub(crate) lose_to_server: bool,
    pub(crate) lose_to_clients: bool,
}

impl Net {
    pub(crate) fn new(max_clients: usize) -> Self {
        Self::with(config(max_clients))
    }

    pub(crate) fn with(config: ServerConfig) -> Self {
        let now = Instant::from_us(1_000_000);
        Self {
            now,
            server: Server::new(config, now).unwrap(),
            clients: Vec::new(),
            addresses: Vec::new(),
            events: Vec::new(),
            received: Vec::new(),
            sent: Vec::new(),
            lose_to_server: false,
            lose_to_clients: false,
        }
    }

    pub(crate) fn unix_s(&self) -> u64 {
        START_UNIX_S + self.now.as_us() / 1_000_000 - 1
    }

    /// A client with a token of its own, which starts to connect from an address of its own.
    pub(crate) fn add(&mut self, token: ConnectToken) -> usize {
        self.add_at(token, client_address(self.clients.len()))
    }

    pub(crate) fn add_at(&mut self, token: ConnectToken, address: SocketAddr) -> usize {
        self.add_client(Client::new(token, self.now), address)
    }

    pub(crate) fn add_client(&mut self, client: Client, address: SocketAddr) -> usize {
        self.clients.push(client);
        self.addresses.push(address);
        self.received.push(Vec::new());
        self.clients.len() - 1
    }

    /// Connects a client of this id and returns its index.
    pub(crate) fn connect(&mut self, client_id: u64) -> usize {
        let index = self.add(token(client_id));
        self.run(100);
        assert_eq!(self.clients[index].state(), ClientState::Connected);
        index
    }

    pub(crate) fn run(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        while self.now < until {
            self.step();
        }
    }

    pub(crate) fn step(&mut self) {
        self.now += STEP;
        for index in 0..self.clients.len() {
            self.transmit_client(index);
        }
        self.transmit_server();
        while let Some(slot) = self.server.poll_timeout(self.now) {
            self.events.push(Event::TimedOut { slot });
            self.server.disconnect(slot);
        }
    }

    /// Steps until something has come true, as it does within ten seconds, or never.
    pub(crate) fn step_until(&mut self, is_true: impl Fn(&Self) -> bool) {
        let begin = self.now;
        while !is_true(self) {
            assert!(self.now.since(begin) < Duration::from_secs(10), "it never comes true");
            self.step();
        }
    }

    pub(crate) fn transmit_client(&mut self, index: usize) {
        let mut out = [0; PACKET_BYTES_MAX];
        while let Some((len, to)) = self.clients[index].poll_transmit(self.now, &mut out) {
            self.carry(&Datagram { from: self.addresses[index], to, bytes: out[..len].to_vec() });
        }
    }

    pub(crate) fn transmit_server(&mut self) {
        let mut out = [0; PACKET_BYTES_MAX];
        while let Some((len, to)) = self.server.poll_transmit(self.now, &mut out) {
            self.carry(&Datagram { from: SERVER, to, bytes: out[..len].to_vec() });
        }
    }

    pub(crate) fn send_to_server(&mut self, index: usize, payload: &[u8]) {
        let mut out = [0; PACKET_BYTES_MAX];
        let (len, to) = self.clients[index].seal(payload, &mut out, self.now).unwrap();
        self.carry(&Datagram { from: self.addresses[index], to, bytes: out[..len].to_vec() });
    }

    pub(crate) fn send_to_client(&mut self, slot: Slot, payload: &[u8]) {
        let mut out = [0; PACKET_BYTES_MAX];
        let (len, to) = self.server.seal(slot, payload, &mut out, self.now).unwrap();
        self.carry(&Datagram { from: SERVER, to, bytes: out[..len].to_vec() });
    }

    /// No test sends more: a client or server that never has enough would else keep it for ever.
    fn carry(&mut self, datagram: &Datagram) {
        assert!(self.sent.len() < 100_000, "too much is sent");
        self.sent.push(datagram.clone());
        if datagram.to == SERVER {
            if !self.lose_to_server {
                self.deliver_to_server(datagram);
            }
        } else if !self.lose_to_clients {
            self.deliver_to_client(datagram);
        }
    }

    pub(crate) fn deliver_to_server(&mut self, datagram: &Datagram) {
        let mut bytes = datagram.bytes.clone();
        let unix_s = self.unix_s();
        let event = match self.server.handle_datagram(datagram.from, &mut bytes, self.now, unix_s) {
            ServerEvent::Dropped(_) | ServerEvent::Handled => return,
            ServerEvent::Connected { slot, client_id, address, user_data, superseded } => {
                Event::Connected { slot, client_id, address, user_data: user_data.to_vec(), superseded }
            }
            ServerEvent::Payload { slot, payload } => Event::Payload { slot, payload: payload.to_vec() },
            ServerEvent::Disconnected { slot, cause } => Event::Disconnected { slot, cause },
        };
        self.events.push(event);
    }

    pub(crate) fn deliver_to_client(&mut self, datagram: &Datagram) {
        let Some(index) = self.addresses.iter().position(|address| *address == datagram.to) else { return };
        let mut bytes = datagram.bytes.clone();
        if let Some(payload) = self.clients[index].handle_datagram(datagram.from, &mut bytes, self.now) {
            self.received[index].push(payload.to_vec());
        }
    }

    pub(crate) fn payloads(&self) -> Vec<Vec<u8>> {
        let payload = |event: &Event| match event {
            Event::Payload { payload, .. } => Some(payload.clone()),
            _ => None,
        };
        self.events.iter().filter_map(payload).collect()
    }

    /// The kinds of packets sent to an address, in order.
    pub(crate) fn kinds_sent_to(&self, to: SocketAddr) -> Vec<u8> {
        self.sent.iter().filter(|datagram| datagram.to == to).map(|datagram| datagram.bytes[0] & 0xf).collect()
    }
}
