use super::backend::{SERVER, START, home, token};
use super::genuine::{Packet, genuine};
use core::net::SocketAddr;
use std::time::Duration;
use tidelock::Instant;
use tidelock::netcode::{Client, ClientState, PACKET_BYTES_MAX, PAYLOAD_BYTES_MAX};

/// A client that somebody tries to break, and beside it what must be so.
#[derive(Debug)]
pub struct WatchedClient {
    client: Client,
    now: Instant,
    /// Payloads that came out, as places in the recording: each does at most once.
    delivered: Vec<usize>,
    /// All that happened to it: another client is to do the same.
    pub happened: Vec<Happened>,
}

/// Something that happened to a client.
#[derive(Clone, Debug)]
pub struct Happened {
    /// When.
    pub at: Instant,
    /// A datagram came, and from where; else it did what was due.
    pub datagram: Option<(SocketAddr, Vec<u8>)>,
    /// Why it was dropped, if it was.
    pub dropped: Option<&'static str>,
    /// What was in it, if it was a payload.
    pub payload: Option<Vec<u8>>,
    /// How far it is then.
    pub state: ClientState,
}

/// The client whose connection was recorded, all of it.
const CLIENT_ID: u64 = 1;

impl WatchedClient {
    /// A client that has come so far: 0 asks, 1 was challenged, anything else is connected.
    #[must_use]
    pub fn new(progress: usize) -> Self {
        let client = Client::new(token(CLIENT_ID), START);
        let mut watched = Self { client, now: START, delivered: Vec::new(), happened: Vec::new() };
        for kind in [2, 4].into_iter().take(progress) {
            let mut own = genuine().to_client.iter().filter(|packet| packet.connection == CLIENT_ID);
            let packet = own.find(|packet| packet.kind() == kind).expect("it heard all of it");
            watched.handle(SERVER, &mut packet.bytes.clone());
        }
        watched
    }

    /// A datagram arrives.
    pub fn handle(&mut self, from: SocketAddr, datagram: &mut [u8]) {
        let mut known = genuine().to_client.iter();
        let place = known.position(|packet| packet.connection == CLIENT_ID && packet.bytes == *datagram);
        let packet = place.map(|place| &genuine().to_client[place]);
        let (state, server) = (self.client.state(), self.client.server_address());
        let (drops, bytes) = (self.client.drops().clone(), datagram.to_vec());
        let payload = self.client.handle_datagram(from, datagram, self.now).map(<[u8]>::to_vec);
        let reason = self.client.drops().iter().find(|(reason, count)| *count > drops.of(*reason));
        self.happened.push(Happened {
            at: self.now,
            datagram: Some((from, bytes)),
            dropped: reason.map(|(reason, _)| reason.name()),
            payload: payload.clone(),
            state: self.client.state(),
        });
        let dropped = self.client.drops().total() - drops.total();
        assert!(dropped == 0 || (dropped == 1 && payload.is_none() && self.client.state() == state));
        if dropped == 1 {
            assert_eq!(self.client.server_address(), server);
            return;
        }
        let packet = packet.expect("only what is genuine is taken");
        assert_eq!(from, server, "and only from the server");
        self.on_taken(packet, state);
        if let Some(payload) = payload {
            let place = place.expect("it has one");
            assert_eq!((packet.kind(), state), (5, ClientState::Connected));
            assert_eq!(packet.payload.as_ref(), Some(&payload));
            assert!(!self.delivered.contains(&place), "a payload comes once");
            self.delivered.push(place);
        }
    }

    /// A genuine packet was taken: it leads from one state to the next one as the standard says.
    fn on_taken(&self, packet: &Packet, before: ClientState) {
        let after = self.client.state();
        let fits = match (packet.kind(), before) {
            (1, ClientState::SendingRequest | ClientState::SendingResponse) => {
                matches!(after, ClientState::SendingRequest | ClientState::Disconnected(_))
            }
            (2, ClientState::SendingRequest) => after == ClientState::SendingResponse,
            (4, ClientState::SendingResponse | ClientState::Connected) => after == ClientState::Connected,
            (5, ClientState::Connected) => after == ClientState::Connected,
            (6, ClientState::Connected) => matches!(after, ClientState::Disconnected(_)),
            _ => false,
        };
        assert!(fits, "{packet:?} leads from {before:?} to {after:?}");
    }

    /// The game says something.
    pub fn say(&mut self, payload: &[u8]) {
        let mut out = [0; PACKET_BYTES_MAX];
        let payload = &payload[..payload.len().min(PAYLOAD_BYTES_MAX)];
        let sealed = (!payload.is_empty()).then(|| self.client.seal(payload, &mut out, self.now)).flatten();
        let connected = self.client.state() == ClientState::Connected;
        assert_eq!(sealed.is_some(), connected && !payload.is_empty());
        assert!(sealed.is_none_or(|(len, to)| len <= payload.len() + 25 && to == self.client.server_address()));
    }

    /// Time passes, and the client does what is due.
    pub fn pass(&mut self, time: Duration) {
        self.now += time;
        let before = self.client.state();
        let due = self.client.next_wakeup().is_some_and(|at| at <= self.now);
        let mut out = [0; PACKET_BYTES_MAX];
        let mut packets = 0;
        while let Some((len, to)) = self.client.poll_transmit(self.now, &mut out) {
            packets += 1;
            assert!((18..=1_078).contains(&len) && to == self.client.server_address());
            assert!(packets <= 10, "the most at once are ten goodbyes");
        }
        let after = self.client.state();
        self.happened.push(Happened { at: self.now, datagram: None, dropped: None, payload: None, state: after });
        assert!(due || (packets == 0 && before == after), "a client is never late that wakes up when it says");
        if let ClientState::Disconnected(_) = before {
            assert_eq!(before, after, "what is over stays over");
        }
        assert_eq!(self.client.next_wakeup().is_none(), matches!(after, ClientState::Disconnected(_)));
    }

    /// The player leaves.
    pub fn leave(&mut self) {
        self.client.disconnect();
        assert!(matches!(self.client.state(), ClientState::Disconnected(_)));
    }
}

/// Where a datagram comes from: the server, the second one, an address that looks like the server's, or a stranger.
pub fn source(choice: u8) -> SocketAddr {
    match choice % 8 {
        0..=3 => SERVER,
        4 | 5 => super::backend::SECOND_SERVER,
        6 => SocketAddr::new(SERVER.ip(), 7778),
        _ => home(9),
    }
}
