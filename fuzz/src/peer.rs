use super::backend::{SERVER, fresh_token, home};
use super::conversation::conversation;
use super::engine_stage::EngineStage;
use core::net::SocketAddr;
use tidelock::Instant;
use tidelock::bits::{BitReader, BitWriter};
use tidelock::netcode::{Client, PACKET_BYTES_MAX, PAYLOAD_BYTES_MAX};
use tidelock::wire::Connection;

/// Messages take so much of a datagram, in bits.
const MESSAGE_BITS_MAX: usize = 6_500;

/// The other end of one of an engine's sessions. Its connection is honest: what it writes is what a client would, and it
/// takes all that it receives.
pub struct Peer {
    /// By which the engine knows it.
    pub client_id: u64,
    /// Where it is.
    pub address: SocketAddr,
    /// How many payloads it sent.
    pub said: u64,
    /// How many connections it has had.
    pub connections: u64,
    netcode: Client,
    connection: Connection<()>,
}

impl Peer {
    /// Passes netcode, and no further.
    #[must_use]
    pub fn connect(client_id: u64, stage: &mut EngineStage) -> Self {
        let address = home(client_id);
        let netcode = stage.connect(fresh_token(client_id, 0), address);
        Self { client_id, address, said: 0, connections: 1, netcode, connection: Connection::new(1 << 20) }
    }

    /// Passes netcode again, from another address or the same, and leaves the old connection as it is.
    pub fn come_back(&mut self, has_moved: bool, stage: &mut EngineStage) {
        self.address.set_port(self.address.port() + u16::from(has_moved));
        self.netcode = stage.connect(fresh_token(self.client_id, self.connections), self.address);
        self.connections += 1;
        self.connection = Connection::new(1 << 20);
    }

    /// Says what a client says first.
    pub fn greet(&mut self, stage: &mut EngineStage) {
        self.queue(&conversation().hellos[0]);
        self.say_framed(&[0], stage);
    }

    /// A message for the next datagrams, of any bytes. There may be no room left for it.
    pub fn queue(&mut self, message: &[u8]) {
        let _ = self.connection.send_message(message);
    }

    /// An honest head with the messages that wait, then these bytes: a zero means that there are no inputs.
    pub fn say_framed(&mut self, rest: &[u8], stage: &mut EngineStage) {
        let mut w = BitWriter::new();
        self.connection.write_head(stage.now, MESSAGE_BITS_MAX, &mut w);
        w.write_bytes(rest);
        self.connection.commit(stage.now, (), |_, _| {});
        self.say(w.finish().to_vec().as_slice(), stage);
    }

    /// Seals a payload and sends it.
    pub fn say(&mut self, payload: &[u8], stage: &mut EngineStage) {
        let payload = &payload[..payload.len().min(PAYLOAD_BYTES_MAX)];
        let mut packet = [0; PACKET_BYTES_MAX];
        if payload.is_empty() {
            return;
        }
        if let Some((len, _)) = self.netcode.seal(payload, &mut packet, stage.now) {
            self.said += 1;
            stage.handle(self.address, &mut packet[..len]);
        }
    }

    /// Takes a packet of the engine's.
    pub fn hear(&mut self, packet: &mut [u8], now: Instant) {
        let Some(payload) = self.netcode.handle_datagram(SERVER, packet, now) else { return };
        let mut r = BitReader::new(payload);
        let Ok(Some(header)) = self.connection.read_header(&mut r) else { return };
        assert!(self.connection.read_messages(&mut r).is_ok(), "an engine breaks no protocol");
        self.connection.accept(header.sequence, now);
        self.connection.on_acks(&header, now, |_, _| {});
        while self.connection.poll_message().is_some() {}
    }
}
