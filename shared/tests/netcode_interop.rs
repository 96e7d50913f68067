//! Our client and server against `netcode-official`, the Rust port by the author of the netcode standard, over loopback.
//!
//! Its time is an argument as ours is, so that both live in virtual time and only the datagrams are real.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use netcode as official;
use tidelock::netcode::{
    Client, ClientState, ConnectToken, DisconnectCause, Key, PACKET_BYTES_MAX, Server, ServerConfig, ServerEvent,
    ServerSecrets, Slot, TokenSecrets, TokenSpec, USER_DATA_BYTES,
};
use tidelock::{ClientId, Instant};

const PROTOCOL_ID: u64 = 0x1122_3344_5566_7788;
const PRIVATE_KEY: [u8; 32] = [0x5a; 32];
const STEP_MS: u64 = 10;

fn localhost(v6: bool) -> SocketAddr {
    if v6 { (Ipv6Addr::LOCALHOST, 0).into() } else { (Ipv4Addr::LOCALHOST, 0).into() }
}

fn user_data() -> [u8; USER_DATA_BYTES] {
    std::array::from_fn(|i| i as u8)
}

fn official_token(servers: &[SocketAddr], client_id: u64) -> [u8; official::CONNECT_TOKEN_BYTES] {
    official::generate_connect_token(servers, servers, 30, 5, client_id, PROTOCOL_ID, &PRIVATE_KEY, &user_data())
        .unwrap()
}

/// The other implementation reads the date itself: this is what it read.
fn unix_s() -> u64 {
    ConnectToken::from_bytes(&official_token(&[localhost(false)], 0)).unwrap().create_unix_s()
}

fn our_token(servers: &[SocketAddr], client_id: u64) -> ConnectToken {
    let spec = TokenSpec {
        protocol_id: PROTOCOL_ID,
        create_unix_s: unix_s(),
        expire_unix_s: unix_s() + 30,
        timeout_s: 5,
        client_id: ClientId(client_id),
        servers,
        user_data: user_data(),
    };
    let secrets = TokenSecrets::from_random(std::array::from_fn(|i| (i as u8) ^ (client_id as u8)));
    ConnectToken::generate(&spec, &secrets, &Key::new(PRIVATE_KEY)).unwrap()
}

/// A socket that does not wait; `None` where this family of addresses does not exist.
fn bind(v6: bool) -> Option<UdpSocket> {
    let socket = UdpSocket::bind(localhost(v6)).ok()?;
    socket.set_nonblocking(true).unwrap();
    Some(socket)
}

struct OurClient {
    client: Client,
    socket: UdpSocket,
    received: Vec<Vec<u8>>,
}

impl OurClient {
    fn new(token: ConnectToken, v6: bool) -> Self {
        Self { client: Client::new(token, Instant::from_us(0)), socket: bind(v6).unwrap(), received: Vec::new() }
    }

    fn update(&mut self, now: Instant) {
        let mut buffer = [0; 2048];
        while let Ok((len, from)) = self.socket.recv_from(&mut buffer) {
            if let Some(payload) = self.client.handle_datagram(from, &mut buffer[..len], now) {
                self.received.push(payload.to_vec());
            }
        }
        let mut out = [0; PACKET_BYTES_MAX];
        while let Some((len, to)) = self.client.poll_transmit(now, &mut out) {
            self.socket.send_to(&out[..len], to).unwrap();
        }
    }

    fn send(&mut self, payload: &[u8], now: Instant) {
        let mut out = [0; PACKET_BYTES_MAX];
        let (len, to) = self.client.seal(payload, &mut out, now).unwrap();
        self.socket.send_to(&out[..len], to).unwrap();
    }
}

struct OurServer {
    server: Server,
    socket: UdpSocket,
    address: SocketAddr,
    connected: Vec<(ClientId, Vec<u8>)>,
    received: Vec<Vec<u8>>,
}

impl OurServer {
    fn new(max_clients: usize, v6: bool) -> Option<Self> {
        let socket = bind(v6)?;
        let address = socket.local_addr().unwrap();
        let secrets = ServerSecrets::from_random([7; ServerSecrets::RANDOM_BYTES]);
        let config = ServerConfig::new(PROTOCOL_ID, Key::new(PRIVATE_KEY), address, max_clients, secrets);
        let server = Server::new(config, Instant::from_us(0)).unwrap();
        Some(Self { server, socket, address, connected: Vec::new(), received: Vec::new() })
    }

    fn update(&mut self, now: Instant) {
        let mut buffer = [0; 2048];
        while let Ok((len, from)) = self.socket.recv_from(&mut buffer) {
            match self.server.handle_datagram(from, &mut buffer[..len], now, unix_s()) {
                ServerEvent::Connected { client_id, user_data, .. } => {
                    self.connected.push((client_id, user_data.to_vec()));
                }
                ServerEvent::Payload { payload, .. } => self.received.push(payload.to_vec()),
                _ => {}
            }
        }
        let mut out = [0; PACKET_BYTES_MAX];
        while let Some((len, to)) = self.server.poll_transmit(now, &mut out) {
            self.socket.send_to(&out[..len], to).unwrap();
        }
    }

    fn send(&mut self, slot: Slot, payload: &[u8], now: Instant) {
        let mut out = [0; PACKET_BYTES_MAX];
        let (len, to) = self.server.seal(slot, payload, &mut out, now).unwrap();
        self.socket.send_to(&out[..len], to).unwrap();
    }
}

/// Calls `step` with the time, in microseconds and in seconds, until it says that it is done.
fn run(what: &str, mut step: impl FnMut(Instant, f64) -> bool) {
    for i in 0..2_000 {
        let ms = i * STEP_MS;
        if step(Instant::from_us(ms * 1000), ms as f64 / 1000.0) {
            return;
        }
        // The loopback delivers while it sends. If it ever does not, here is its chance, long before a timeout.
        if i % 10 == 0 {
            std::thread::yield_now();
        }
    }
    panic!("{what} takes too long");
}

fn payload_of(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed)).collect()
}

fn official_server(max_clients: usize, v6: bool) -> official::Server {
    let mut server = official::Server::new(localhost(v6), PROTOCOL_ID, &PRIVATE_KEY, 0.0).unwrap();
    server.start(max_clients).unwrap();
    server
}

/// Connects, exchanges payloads for longer than the timeout so that each end shows to hear the other, and disconnects.
fn our_client_and_their_server(v6: bool, token: impl Fn(&[SocketAddr]) -> ConnectToken) {
    let mut server = official_server(2, v6);
    let mut ours = OurClient::new(token(&[server.address()]), v6);
    let (mut sent, mut heard, mut idle) = (0, 0, 0);
    run("our client with their server", |now, time| {
        ours.update(now);
        server.update(time);
        if ours.client.state() == ClientState::Connected && server.client_connected(0) && sent < 700 {
            ours.send(&payload_of(1 + sent * 7 % 1200, 1), now);
            server.send_packet(0, &payload_of(1 + sent * 11 % 1200, 2)).unwrap();
            sent += 1;
        }
        while let Some((payload, _)) = server.receive_packet(0) {
            assert_eq!(payload, payload_of(payload.len(), 1));
            heard += 1;
        }
        idle += usize::from(sent == 700);
        idle > 700
    });
    assert_eq!(ours.client.state(), ClientState::Connected);
    assert_eq!((ours.client.client_index(), ours.client.max_clients()), (0, 2));
    assert!(heard >= 690 && ours.received.len() >= 690, "{heard} {}", ours.received.len());
    assert!(ours.received.iter().all(|payload| *payload == payload_of(payload.len(), 2)));
    assert_eq!(server.client_user_data(0), Some(&user_data()));
    assert_eq!(ours.client.drops().total(), 0, "{:?}", ours.client);
    ours.client.disconnect();
    run("our goodbye", |now, time| {
        ours.update(now);
        server.update(time + 14.0);
        !server.client_connected(0)
    });
}

#[test]
fn our_client_plays_on_their_server() {
    our_client_and_their_server(false, |servers| our_token(servers, 77));
}

#[test]
fn our_client_plays_on_their_server_with_their_token() {
    our_client_and_their_server(false, |servers| ConnectToken::from_bytes(&official_token(servers, 78)).unwrap());
}

#[test]
fn our_client_plays_on_their_server_over_ipv6() {
    if bind(true).is_some() {
        our_client_and_their_server(true, |servers| our_token(servers, 79));
    }
}

/// As [`our_client_and_their_server`], the other way round.
fn their_client_and_our_server(v6: bool, token: impl Fn(&[SocketAddr]) -> [u8; 2048]) {
    let Some(mut ours) = OurServer::new(3, v6) else { return };
    let mut client = official::Client::new(localhost(v6), 0.0).unwrap();
    client.connect(&token(&[ours.address])).unwrap();
    let (mut sent, mut heard, mut idle) = (0, 0, 0);
    run("their client with our server", |now, time| {
        client.update(time);
        ours.update(now);
        assert_eq!(ours.server.poll_timeout(now), None);
        if client.state() == official::ClientState::Connected && sent < 700 {
            client.send_packet(&payload_of(1 + sent * 7 % 1200, 1)).unwrap();
            ours.send(Slot(0), &payload_of(1 + sent * 11 % 1200, 2), now);
            sent += 1;
        }
        while let Some((payload, _)) = client.receive_packet() {
            assert_eq!(payload, payload_of(payload.len(), 2));
            heard += 1;
        }
        idle += usize::from(sent == 700);
        idle > 700
    });
    assert_eq!(client.state(), official::ClientState::Connected);
    assert_eq!((client.client_index(), client.max_clients()), (0, 3));
    assert!(heard >= 690 && ours.received.len() >= 690, "{heard} {}", ours.received.len());
    assert!(ours.received.iter().all(|payload| *payload == payload_of(payload.len(), 1)));
    assert_eq!(ours.connected.len(), 1);
    assert_eq!(ours.connected[0].1, user_data());
    assert!(ours.server.is_confirmed(Slot(0)));
    client.disconnect();
    run("their goodbye", |now, _| {
        ours.update(now + Duration::from_secs(14));
        ours.server.clients() == 0
    });
}

#[test]
fn their_client_plays_on_our_server() {
    their_client_and_our_server(false, |servers| official_token(servers, 80));
}

#[test]
fn their_client_plays_on_our_server_with_our_token() {
    their_client_and_our_server(false, |servers| our_token(servers, 81).to_bytes());
}

#[test]
fn their_client_plays_on_our_server_over_ipv6() {
    their_client_and_our_server(true, |servers| official_token(servers, 82));
}

#[test]
fn our_goodbye_reaches_their_client_and_theirs_ours() {
    let mut ours = OurServer::new(1, false).unwrap();
    let mut client = official::Client::new(localhost(false), 0.0).unwrap();
    client.connect(&official_token(&[ours.address], 83)).unwrap();
    run("our server's goodbye", |now, time| {
        client.update(time);
        ours.update(now);
        if client.state() == official::ClientState::Connected {
            ours.server.disconnect(Slot(0));
        }
        client.state() == official::ClientState::Disconnected
    });

    let mut server = official_server(1, false);
    let mut ours = OurClient::new(our_token(&[server.address()], 84), false);
    run("their server's goodbye", |now, time| {
        ours.update(now);
        server.update(time);
        if ours.client.state() == ClientState::Connected {
            server.disconnect_client(0);
        }
        ours.client.state() == ClientState::Disconnected(DisconnectCause::Remote)
    });
}

#[test]
fn a_full_server_denies_the_other_implementation() {
    let mut ours = OurServer::new(1, false).unwrap();
    let mut clients = [85, 86].map(|id| {
        let mut client = official::Client::new(localhost(false), 0.0).unwrap();
        client.connect(&official_token(&[ours.address], id)).unwrap();
        client
    });
    run("our denial", |now, time| {
        clients.iter_mut().for_each(|client| client.update(time));
        ours.update(now);
        clients.iter().any(|client| client.state() == official::ClientState::ConnectionDenied)
    });

    let mut server = official_server(1, false);
    let mut ours = [87, 88].map(|id| OurClient::new(our_token(&[server.address()], id), false));
    run("their denial", |now, time| {
        ours.iter_mut().for_each(|client| client.update(now));
        server.update(time);
        ours.iter().any(|client| client.client.state() == ClientState::Disconnected(DisconnectCause::Denied))
    });
}

#[test]
fn each_reads_the_other_s_ipv6_addresses() {
    let servers: Vec<SocketAddr> = vec!["[2001:db8:1:2:3:4:5:6]:7777".parse().unwrap(), "1.2.3.4:5".parse().unwrap()];
    assert_eq!(ConnectToken::from_bytes(&official_token(&servers, 89)).unwrap().servers(), servers);
    let mut client = official::Client::new(localhost(false), 0.0).unwrap();
    client.connect(&our_token(&servers, 90).to_bytes()).unwrap();
    assert_eq!(client.server_address(), Some(servers[0]));
}
