use super::backend::{SECOND_SERVER, SERVER, START, START_UNIX_S, fresh_token, home, server, token};
use core::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;
use tidelock::Instant;
use tidelock::netcode::{Client, ClientState, ConnectToken, PACKET_BYTES_MAX, Server, ServerEvent, Slot};

/// A packet that somebody who may did send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Which connection it belongs to.
    pub connection: u64,
    /// Where it came from.
    pub from: SocketAddr,
    /// Where it was to go.
    pub to: SocketAddr,
    /// As it travels.
    pub bytes: Vec<u8>,
    /// What it carries, if it is a payload.
    pub payload: Option<Vec<u8>>,
}

impl Packet {
    /// The number of its type.
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.bytes[0] & 0xf
    }
}

/// Whole connections, from the request to the last goodbye, as they are every time.
#[derive(Debug)]
pub struct Genuine {
    /// From the clients of connections 1 to [`CONNECTIONS`].
    pub to_server: Vec<Packet>,
    /// To the same, from a server, and from a second one that was full.
    pub to_client: Vec<Packet>,
}

/// How many connections there are packets of.
pub const CONNECTIONS: u64 = 4;

/// Whose a connection is: the last is a second one of the first client, from another address.
#[must_use]
pub const fn client_of(connection: u64) -> u64 {
    if connection == CONNECTIONS { 1 } else { connection }
}

fn token_of(connection: u64) -> ConnectToken {
    if connection == CONNECTIONS { fresh_token(1, 1) } else { token(connection) }
}

/// The recording, made once.
pub fn genuine() -> &'static Genuine {
    static GENUINE: OnceLock<Genuine> = OnceLock::new();
    GENUINE.get_or_init(|| {
        let mut genuine = Genuine { to_server: Vec::new(), to_client: Vec::new() };
        for connection in 1..=CONNECTIONS {
            Recording::new(connection).run(&mut genuine);
        }
        genuine
    })
}

/// One client, its server, and what both said.
struct Recording {
    connection: u64,
    client: Client,
    server: Server,
    slot: Option<Slot>,
    now: Instant,
    packets: Vec<Packet>,
}

impl Recording {
    fn new(connection: u64) -> Self {
        let client = Client::new(token_of(connection), START);
        Self { connection, client, server: server(2), slot: None, now: START, packets: Vec::new() }
    }

    fn run(mut self, genuine: &mut Genuine) {
        while self.client.state() != ClientState::Connected {
            self.pass(10);
        }
        self.pass(10);
        for len in [1, 2, 40, 200, 1_200] {
            let payload: Vec<u8> = (0..len).map(|at| (at as u64 + self.connection) as u8).collect();
            self.say(&payload);
            self.pass(60);
        }
        if self.connection.is_multiple_of(2) {
            self.client.disconnect();
        } else {
            self.server.disconnect(self.slot.expect("the client is connected"));
        }
        self.pass(10);
        self.packets.push(denied(self.connection));
        let (up, down): (Vec<_>, Vec<_>) = self.packets.into_iter().partition(|packet| packet.to == SERVER);
        genuine.to_server.extend(up);
        genuine.to_client.extend(down);
    }

    /// Time passes, and what is said arrives at once.
    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        let mut out = [0; PACKET_BYTES_MAX];
        while let Some((len, _)) = self.client.poll_transmit(self.now, &mut out) {
            self.up(&out[..len], None);
        }
        while let Some((len, _)) = self.server.poll_transmit(self.now, &mut out) {
            self.down(&out[..len], None);
        }
    }

    /// Both ends send a payload.
    fn say(&mut self, payload: &[u8]) {
        let mut out = [0; PACKET_BYTES_MAX];
        let (len, _) = self.client.seal(payload, &mut out, self.now).expect("the client is connected");
        self.up(&out[..len], Some(payload));
        let slot = self.slot.expect("the client is connected");
        let (len, _) = self.server.seal(slot, payload, &mut out, self.now).expect("the slot is taken");
        self.down(&out[..len], Some(payload));
    }

    fn up(&mut self, bytes: &[u8], payload: Option<&[u8]>) {
        let from = home(self.connection);
        self.note(from, SERVER, bytes, payload);
        if let ServerEvent::Connected { slot, .. } =
            self.server.handle_datagram(from, &mut bytes.to_vec(), self.now, START_UNIX_S)
        {
            self.slot = Some(slot);
        }
    }

    fn down(&mut self, bytes: &[u8], payload: Option<&[u8]>) {
        self.note(SERVER, home(self.connection), bytes, payload);
        self.client.handle_datagram(SERVER, &mut bytes.to_vec(), self.now);
    }

    fn note(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8], payload: Option<&[u8]>) {
        let packet = Packet {
            connection: self.connection,
            from,
            to,
            bytes: bytes.to_vec(),
            payload: payload.map(<[u8]>::to_vec),
        };
        if !self.packets.contains(&packet) {
            self.packets.push(packet);
        }
    }
}

/// What a client hears of a server that is full: others come before it until that is so.
fn denied(connection: u64) -> Packet {
    let mut full = server(1);
    for other in 100..200 {
        let bytes = ask(&mut full, connection);
        if bytes.first() == Some(&(0x80 | 1)) {
            return Packet { connection, from: SECOND_SERVER, to: home(connection), bytes, payload: None };
        }
        full = server(1);
        (100..=other).for_each(|other| drop(connect(&mut full, other)));
    }
    unreachable!("a full server says so")
}

/// The answer to a client's request.
fn ask(server: &mut Server, connection: u64) -> Vec<u8> {
    let mut out = [0; PACKET_BYTES_MAX];
    let mut client = Client::new(token_of(connection), START);
    let (len, _) = client.poll_transmit(START, &mut out).expect("a client that connects has something to say");
    server.handle_datagram(home(connection), &mut out[..len], START, START_UNIX_S);
    server.poll_transmit(START, &mut out).map_or_else(Vec::new, |(len, _)| out[..len].to_vec())
}

fn connect(server: &mut Server, connection: u64) -> Client {
    let mut out = [0; PACKET_BYTES_MAX];
    let mut client = Client::new(token_of(connection), START);
    while let Some((len, _)) = client.poll_transmit(START, &mut out) {
        server.handle_datagram(home(connection), &mut out[..len], START, START_UNIX_S);
        while let Some((len, _)) = server.poll_transmit(START, &mut out) {
            client.handle_datagram(SERVER, &mut out[..len], START);
        }
    }
    client
}
