//! A player with a real socket, in real time.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tidelock::netcode::{ConnectToken, PACKET_BYTES_MAX};
use tidelock_arena::ArenaInput;
use tidelock_server::io::clock;
use tidelock_sim::client::{Client, ClientConfig, Status};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client core on a socket of its own, which does nothing but play along unless it is told to.
pub(crate) struct Player {
    pub(crate) client: Client<ArenaInput>,
    /// What it asks for in a tick.
    pub(crate) input: fn(u32) -> ArenaInput,
    socket: UdpSocket,
    /// The address that its token names, and the one that leads there, as behind a network's own translation.
    translated: Option<(SocketAddr, SocketAddr)>,
}

impl Player {
    pub(crate) fn new(token: ConnectToken) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let schema = Arc::new(tidelock_arena::schema());
        let client = Client::new(ClientConfig { token, schema }, clock::now());
        Self { client, input: |_| ArenaInput::default(), socket, translated: None }
    }

    /// With a token that names an address which leads to another.
    #[allow(dead_code, reason = "most servers are where tokens say")]
    pub(crate) fn translated(token: ConnectToken, real: SocketAddr) -> Self {
        let named = token.servers()[0];
        Self { translated: Some((named, real)), ..Self::new(token) }
    }

    pub(crate) fn step(&mut self) {
        let mut packet = [0; 2048];
        while let Ok((len, from)) = self.socket.recv_from(&mut packet) {
            let from = self.translated.map_or(from, |(named, _)| named);
            self.client.handle_datagram(from, &mut packet[..len], clock::now());
        }
        let now = clock::now();
        while self.client.next_tick().is_some_and(|due| due <= now) {
            let tick = self.client.client_tick().map_or(0, |tick| tick.0);
            self.client.tick(&(self.input)(tick), now);
        }
        if self.client.next_wakeup() <= now {
            self.client.update(now);
        }
        let mut packet = [0; PACKET_BYTES_MAX];
        while let Some((len, to)) = self.client.poll_transmit(now, &mut packet) {
            let to = self.translated.map_or(to, |(_, real)| real);
            self.socket.send_to(&packet[..len], to).unwrap();
        }
        while self.client.poll_event().is_some() {}
    }

    /// Goes on until it plays or cannot any more.
    #[allow(dead_code, reason = "not every test waits for that")]
    pub(crate) fn join(&mut self) -> Status {
        self.go_on(|status| matches!(status, Status::Playing | Status::Disconnected(_)))
    }

    /// Plays until it is told to leave.
    #[allow(dead_code, reason = "not every test looks at the end")]
    pub(crate) fn leave(&mut self) -> Status {
        self.go_on(|status| matches!(status, Status::Disconnected(_)))
    }

    pub(crate) fn go_on(&mut self, until: impl Fn(&Status) -> bool) -> Status {
        let end = clock::now() + PATIENCE;
        while !until(&self.client.status()) && clock::now() < end {
            self.step();
            clock::sleep_until(clock::now() + Duration::from_millis(1));
        }
        self.client.status()
    }
}
