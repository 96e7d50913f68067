//! A player with a real socket, in real time.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;
use tidelock::netcode::{ConnectToken, PACKET_BYTES_MAX};
use tidelock_arena::ArenaInput;
use tidelock_server::io::clock;
use tidelock_sim::client::{Client, ClientConfig, Status};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client core on a socket of its own, which does nothing but play along.
pub(crate) struct Player {
    pub(crate) client: Client<ArenaInput>,
    socket: UdpSocket,
}

impl Player {
    pub(crate) fn new(token: ConnectToken) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let schema = Arc::new(tidelock_arena::schema());
        Self { client: Client::new(ClientConfig { token, schema }, clock::now()), socket }
    }

    pub(crate) fn step(&mut self) {
        let mut packet = [0; 2048];
        while let Ok((len, from)) = self.socket.recv_from(&mut packet) {
            self.client.handle_datagram(from, &mut packet[..len], clock::now());
        }
        let now = clock::now();
        while self.client.next_tick().is_some_and(|due| due <= now) {
            self.client.tick(&ArenaInput::default(), now);
        }
        if self.client.next_wakeup() <= now {
            self.client.update(now);
        }
        let mut packet = [0; PACKET_BYTES_MAX];
        while let Some((len, to)) = self.client.poll_transmit(now, &mut packet) {
            self.socket.send_to(&packet[..len], to).unwrap();
        }
        while self.client.poll_event().is_some() {}
    }

    /// Goes on until it plays or cannot any more.
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
