use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use tidelock::Instant;
use tidelock::netcode::{Cipher, ConnectToken};
use tidelock::state::Schema;
use tidelock_arena::Say;

use crate::measure::summary::Hostile;
use crate::universe::strangers::{FloodKind, Flooder, Insider, InsiderConfig, Ploy, Stranger};
use crate::universe::{Packet, SERVER};

/// A client that means harm: an insider with good tokens who breaks the rules in one way, and beside it an outsider who sends what the
/// insider sent, or things like it, from another port. Which ways these are, its number says.
pub(super) struct Villain {
    insider: Insider,
    outsider: Flooder,
    sockets: Sockets,
}

/// What it sends from, and what went out.
struct Sockets {
    server: SocketAddr,
    /// Where the insider believes that it is, and the socket that stands for it.
    inside: (SocketAddr, UdpSocket),
    outside: UdpSocket,
    datagrams: u64,
    bytes: u64,
}

impl Villain {
    /// The outsider sends so many datagrams in a second.
    const FLOOD_HZ: u64 = 200;
    /// [`Villain::step`] is to be called so often in a second.
    pub(super) const STEPS_HZ: u64 = 500;

    /// Begins to connect with the first step.
    pub(super) fn new(client: u32, token: ConnectToken, schema: &Schema, seed: u64) -> io::Result<Self> {
        let server = token.servers()[0];
        let say = schema.event::<Say>().map(|id| (id.0, bitcode::encode(&Say { text: "ha".to_owned() })));
        let config = InsiderConfig {
            ploy: Ploy::ALL[client as usize % Ploy::ALL.len()],
            tokens: VecDeque::from([token]),
            cipher: Cipher::default(),
            schema_hash: schema.hash(),
            events: say.into_iter().collect(),
        };
        let insider = Insider::new(client as u16, config, seed);
        let kind = FloodKind::ALL[client as usize % FloodKind::ALL.len()];
        // It counts in thousands of steps.
        let outsider = Flooder::new(kind, Self::FLOOD_HZ * 1_000 / Self::STEPS_HZ, Vec::new(), seed);
        let sockets = Sockets {
            server,
            inside: (insider.address(), hostile_socket(server)?),
            outside: hostile_socket(server)?,
            datagrams: 0,
            bytes: 0,
        };
        Ok(Self { insider, outsider, sockets })
    }

    /// Takes what came, and does its worst.
    pub(super) fn step(&mut self, now: Instant) {
        let Self { insider, outsider, sockets } = self;
        let mut buffer = [0; 2048];
        while let Ok(length) = sockets.inside.1.recv(&mut buffer) {
            let datagram = &mut buffer[..length];
            outsider.overhear(&Packet { from: SERVER, to: sockets.inside.0, datagram: datagram.to_vec() });
            insider.receive(datagram, now);
        }
        insider.step(now, &mut |from, _, datagram| {
            sockets.send_as_insider(from, datagram);
            outsider.overhear(&Packet { from, to: SERVER, datagram: datagram.to_vec() });
        });
        outsider.step(now, &mut |from, _, datagram| sockets.send(from, datagram));
    }

    /// Whether it has been thrown out, and needs a token to come back.
    pub(super) fn wants_token(&self) -> bool {
        self.insider.wants_token()
    }

    pub(super) fn give(&mut self, token: ConnectToken) {
        if self.insider.wants_token() {
            self.insider.give(token);
        }
    }

    /// Says goodbye.
    pub(super) fn end(&mut self, now: Instant) {
        let Self { insider, sockets, .. } = self;
        insider.end(now, &mut |from, _, datagram| sockets.send_as_insider(from, datagram));
    }

    /// What it has done.
    pub(super) const fn deeds(&self) -> Hostile {
        let Sockets { datagrams, bytes, .. } = self.sockets;
        Hostile { clients: 1, connections: self.insider.comings(), datagrams_sent: datagrams, bytes_sent: bytes }
    }
}

impl Sockets {
    /// From the insider, who may have moved to another port since.
    fn send_as_insider(&mut self, from: SocketAddr, datagram: &[u8]) {
        if from != self.inside.0
            && let Ok(socket) = hostile_socket(self.server)
        {
            self.inside = (from, socket);
        }
        self.send(from, datagram);
    }

    fn send(&mut self, from: SocketAddr, datagram: &[u8]) {
        let socket = if from == self.inside.0 { &self.inside.1 } else { &self.outside };
        if socket.send(datagram).is_ok() {
            self.datagrams += 1;
            self.bytes += datagram.len() as u64;
        }
    }
}

/// Where the server is on this machine, from an address that no player has: what an address is charged with must not be the
/// players' fault.
fn hostile_socket(server: SocketAddr) -> io::Result<UdpSocket> {
    let own = match server {
        SocketAddr::V4(server) if server.ip().is_loopback() => (Ipv4Addr::new(127, 66, 66, 66), 0).into(),
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(own)?;
    socket.set_nonblocking(true)?;
    socket.connect(server)?;
    Ok(socket)
}
