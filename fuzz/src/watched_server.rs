use super::backend::{START, START_UNIX_S, TIMEOUT_S, home, server};
use super::genuine::{Packet, client_of, genuine};
use super::input::Input;
use core::net::SocketAddr;
use std::time::Duration;
use tidelock::netcode::{DropReason, PACKET_BYTES_MAX, Server, ServerEvent, Slot};
use tidelock::{ClientId, Instant};

/// A server that somebody tries to break, and beside it what must be so: whatever arrives, each answer is held against
/// that.
#[derive(Debug)]
pub struct WatchedServer {
    server: Server,
    now: Instant,
    /// Who is connected, the oldest first.
    connected: Vec<Connected>,
    /// Connections that were: a token makes one.
    consumed: Vec<u64>,
    /// Payloads that came out, as places in the recording: each does at most once.
    delivered: Vec<usize>,
    strangers: Vec<Stranger>,
}

#[derive(Clone, Copy, Debug)]
struct Connected {
    slot: Slot,
    connection: u64,
    client_id: ClientId,
    address: SocketAddr,
    heard_at: Instant,
}

/// What an address sent and was sent, until it proved that it receives what it is sent.
#[derive(Clone, Copy, Debug)]
struct Stranger {
    address: SocketAddr,
    bytes_in: usize,
    bytes_out: usize,
    proven: bool,
}

/// What came of a datagram, as far as it concerns the watch.
#[derive(Debug)]
enum Outcome {
    Dropped(DropReason),
    Handled,
    Connected(Slot, ClientId, SocketAddr, Option<Slot>),
    Payload(Slot, Vec<u8>),
    Disconnected(Slot),
}

impl WatchedServer {
    /// A server of two slots; the first client is connected from its home.
    #[must_use]
    pub fn new() -> Self {
        let mut watched = Self {
            server: server(2),
            now: START,
            connected: Vec::new(),
            consumed: Vec::new(),
            delivered: Vec::new(),
            strangers: Vec::new(),
        };
        let first = genuine().to_server.iter().filter(|packet| packet.connection == 1);
        for kind in [0, 3] {
            let packet = first.clone().find(|packet| packet.kind() == kind).expect("it said all of it");
            watched.handle(home(1), &mut packet.bytes.clone());
            watched.poll();
        }
        assert_eq!(watched.server.clients(), 1);
        watched
    }

    /// A datagram arrives.
    pub fn handle(&mut self, from: SocketAddr, datagram: &mut [u8]) {
        let packet = genuine().to_server.iter().position(|packet| packet.bytes == *datagram);
        let drops = self.server.drops().clone();
        let len = datagram.len();
        self.stranger(from).bytes_in += len;
        let outcome = self.outcome(from, datagram);
        let reason = if let Outcome::Dropped(reason) = outcome { Some(reason) } else { None };
        assert_eq!(self.server.drops().total(), drops.total() + u64::from(reason.is_some()), "{outcome:?}");
        if let Some(reason) = reason {
            assert_eq!(self.server.drops().of(reason), drops.of(reason) + 1);
        } else {
            let packet = packet.expect("only what is genuine is taken");
            self.on_taken(packet, from, outcome);
        }
        self.check();
    }

    fn outcome(&mut self, from: SocketAddr, datagram: &mut [u8]) -> Outcome {
        match self.server.handle_datagram(from, datagram, self.now, unix_s(self.now)) {
            ServerEvent::Dropped(reason) => Outcome::Dropped(reason),
            ServerEvent::Handled => Outcome::Handled,
            ServerEvent::Connected { slot, client_id, address, user_data, superseded } => {
                assert!(user_data.iter().all(|byte| u64::from(*byte) == client_id.0), "what the backend said");
                Outcome::Connected(slot, client_id, address, superseded)
            }
            ServerEvent::Payload { slot, payload } => Outcome::Payload(slot, payload.to_vec()),
            ServerEvent::Disconnected { slot, .. } => Outcome::Disconnected(slot),
        }
    }

    /// A genuine packet was taken: as what it is, from whom it may come, and not before or after it may.
    fn on_taken(&mut self, place: usize, from: SocketAddr, outcome: Outcome) {
        let packet = &genuine().to_server[place];
        let now = self.now;
        match outcome {
            Outcome::Dropped(_) => {}
            Outcome::Handled if packet.kind() == 0 => assert!(!self.consumed.contains(&packet.connection)),
            Outcome::Handled => {
                assert_eq!(packet.kind(), 4);
                self.heard(from, packet).heard_at = now;
            }
            Outcome::Connected(slot, who, address, superseded) => {
                assert_eq!((packet.kind(), who.0, address), (3, client_of(packet.connection), from));
                assert_eq!(superseded, self.newest_of(who), "the client's own older one, if there is one");
                self.connect(packet.connection, slot, from);
            }
            Outcome::Payload(slot, payload) => {
                assert_eq!(packet.payload.as_ref(), Some(&payload));
                assert!(!self.delivered.contains(&place), "a payload comes once");
                self.delivered.push(place);
                let client = self.heard(from, packet);
                assert_eq!(client.slot, slot);
                client.heard_at = now;
            }
            Outcome::Disconnected(slot) => {
                assert_eq!(packet.kind(), 6);
                assert_eq!(self.heard(from, packet).slot, slot);
                self.forget(slot);
            }
        }
    }

    fn connect(&mut self, connection: u64, slot: Slot, address: SocketAddr) {
        assert!(!self.consumed.contains(&connection), "a token makes one connection");
        self.consumed.push(connection);
        let client_id = ClientId(client_of(connection));
        let conflicts = |other: &Connected| other.address == address && other.client_id != client_id;
        assert!(self.connected.iter().all(|other| other.slot != slot && !conflicts(other)));
        self.connected.push(Connected { slot, connection, client_id, address, heard_at: self.now });
        self.stranger(address).proven = true;
    }

    /// The newest connection at an address, which is the only one that is heard from there.
    fn heard(&mut self, from: SocketAddr, packet: &Packet) -> &mut Connected {
        let client = self.connected.iter_mut().rfind(|client| client.address == from);
        client.filter(|client| client.connection == packet.connection).expect("only who is connected is heard")
    }

    /// Where a client is: an older connection does not count, even when the newer one is over.
    fn newest_of(&self, client_id: ClientId) -> Option<Slot> {
        let newest = self.consumed.iter().rfind(|connection| client_of(**connection) == client_id.0)?;
        let connected = self.connected.iter().find(|client| client.connection == *newest);
        connected.map(|client| client.slot)
    }

    fn forget(&mut self, slot: Slot) -> Connected {
        let index = self.connected.iter().position(|client| client.slot == slot).expect("it was connected");
        self.connected.remove(index)
    }

    /// The server disconnects who has been there longest.
    pub fn hang_up(&mut self) {
        let Some(Connected { slot, .. }) = self.connected.first().copied() else { return };
        assert!(self.server.disconnect(slot) && !self.server.disconnect(slot));
        self.forget(slot);
        self.check();
    }

    /// Time passes, and the server does what is due.
    pub fn pass(&mut self, time: Duration) {
        self.now += time;
        let due = self.server.next_wakeup().is_some_and(|at| at <= self.now);
        let (mut spoke, now) = (self.poll(), self.now);
        while let Some(slot) = self.server.poll_timeout(now) {
            spoke = true;
            let gone = self.forget(slot);
            assert!(now.since(gone.heard_at).as_secs() >= TIMEOUT_S, "only who was silent is given up");
            assert!(self.server.disconnect(slot));
        }
        assert!(due || !spoke, "a server is never late that wakes up when it says");
        assert!(self.connected.iter().all(|client| now.since(client.heard_at).as_secs() < TIMEOUT_S));
        self.check();
    }

    /// Sends what waits. Who has not proven that it receives is never sent more than it sent.
    fn poll(&mut self) -> bool {
        let mut out = [0; PACKET_BYTES_MAX];
        let mut spoke = false;
        while let Some((len, to)) = self.server.poll_transmit(self.now, &mut out) {
            spoke = true;
            let stranger = self.stranger(to);
            stranger.bytes_out += len;
            assert!(stranger.proven || stranger.bytes_out <= stranger.bytes_in, "amplified: {stranger:?}");
        }
        spoke
    }

    fn stranger(&mut self, address: SocketAddr) -> &mut Stranger {
        let known = self.strangers.iter().position(|stranger| stranger.address == address);
        let index = known.unwrap_or_else(|| {
            self.strangers.push(Stranger { address, bytes_in: 0, bytes_out: 0, proven: false });
            self.strangers.len() - 1
        });
        &mut self.strangers[index]
    }

    fn check(&self) {
        assert_eq!(self.server.clients(), self.connected.len());
        assert!(self.server.clients() <= self.server.max_clients());
        for client in &self.connected {
            assert_eq!(self.server.client_id(client.slot), Some(client.client_id));
            assert_eq!(self.server.slot_of(client.client_id), self.newest_of(client.client_id));
            assert_eq!(self.server.address(client.slot), Some(client.address));
        }
    }
}

impl Default for WatchedServer {
    fn default() -> Self {
        Self::new()
    }
}

fn unix_s(now: Instant) -> u64 {
    START_UNIX_S + now.since(START).as_secs()
}

/// Where a datagram comes from: homes of clients, an address that is the same endpoint as one of them, and strangers.
pub fn source(input: &mut Input<'_>) -> SocketAddr {
    match input.below(8) {
        0..=3 => home(1),
        4 | 5 => home(2),
        6 if input.byte().is_multiple_of(2) => home(4),
        6 => SocketAddr::new("::ffff:20.0.0.1".parse().expect("an address"), 5000),
        _ => SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(input.byte() % 4)], 5000)),
    }
}

/// How long nothing happens: mostly not at all, and up to six seconds.
pub fn pause(input: &mut Input<'_>) -> Duration {
    Duration::from_millis([0, 0, 0, 1, 16, 110, 1_100, 6_000][input.below(8)])
}

/// A packet of the recording.
pub fn specimen<'a>(packets: &'a [Packet], input: &mut Input<'_>) -> &'a Packet {
    &packets[input.below(packets.len())]
}
