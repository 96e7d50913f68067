use super::game::Ask;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::netcode::{Cipher, Client as Netcode, ClientState, ConnectToken, PACKET_BYTES_MAX};
use tidelock::state::{Replicate, Schema};
use tidelock::wire::{
    ClientMessage, Connection, DATAGRAM_BITS_MAX, Farewell, HEAD_BITS_MAX, INPUTS_MAX, MESSAGE_BYTES_MAX,
    ServerMessage, SnapshotHeader, write_inputs,
};
use tidelock::{Instant, Tick};

/// A client that plays, sends inputs and acknowledges every datagram, but never looks at the state in it: where thousands
/// of clients are to load a server in one thread, decoding for them would be most of the work.
#[derive(Debug)]
pub struct Acker {
    netcode: Netcode,
    schema: Arc<Schema>,
    connection: Connection<()>,
    phase: Phase,
    /// The last snapshot's.
    newest: Tick,
    /// The tick of the next input, once there is a snapshot to count from.
    next_input: Option<Tick>,
    /// Inputs go out for so many ticks after the newest known.
    lead_ticks: u32,
    unconfirmed: VecDeque<(Tick, Vec<u32>)>,
    default_input: Vec<u32>,
    outgoing: VecDeque<Vec<u8>>,
    writer: BitWriter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    Joining,
    Playing,
}

impl Acker {
    /// Begins to connect.
    #[must_use]
    pub fn new(token: ConnectToken, schema: Arc<Schema>, lead_ticks: u32, now: Instant) -> Self {
        let mut default_input = vec![0; Ask::lane_count()];
        Ask::default().write_lanes(&mut default_input);
        Self {
            netcode: Netcode::with_cipher(token, Cipher::Null, now),
            schema,
            connection: Connection::new(MESSAGE_BYTES_MAX),
            phase: Phase::Connecting,
            newest: Tick(0),
            next_input: None,
            lead_ticks,
            unconfirmed: VecDeque::new(),
            default_input,
            outgoing: VecDeque::new(),
            writer: BitWriter::new(),
        }
    }

    /// Whether the server welcomed it.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.phase == Phase::Playing
    }

    /// Takes a datagram.
    ///
    /// # Panics
    /// If the server sends what cannot be read, or says goodbye: a benchmark has no use for such a run.
    pub fn handle_datagram(&mut self, from: SocketAddr, datagram: &mut [u8], now: Instant) {
        if let Some(payload) = self.netcode.handle_datagram(from, datagram, now) {
            assert!(Farewell::read(payload).is_none(), "the server lets everybody play");
            let mut r = BitReader::new(payload);
            read(&mut self.connection, &mut self.newest, &mut self.unconfirmed, &mut r, now)
                .expect("servers write well");
        }
        while let Some(message) = self.connection.poll_message() {
            if let ServerMessage::Welcome(welcome) = ServerMessage::read(&message).expect("servers write well") {
                self.phase = Phase::Playing;
                self.newest = welcome.tick;
            }
        }
        if self.phase == Phase::Connecting && self.netcode.state() == ClientState::Connected {
            self.phase = Phase::Joining;
            self.writer.clear();
            ClientMessage::Hello { schema_hash: self.schema.hash(), claim: None }.write(&mut self.writer);
            self.connection.send_message(self.writer.finish()).expect("the first message fits");
        }
    }

    /// A tick's time has passed: plays, and acknowledges.
    pub fn tick(&mut self, play: impl Fn(Tick) -> Ask, now: Instant) {
        self.connection.expire(now, std::time::Duration::from_millis(200), |_, _| {});
        match self.phase {
            Phase::Connecting => return,
            Phase::Joining => {}
            Phase::Playing => {
                let tick = self.next_input.unwrap_or_else(|| self.newest.add(self.lead_ticks));
                self.next_input = Some(tick.next());
                let mut lanes = vec![0; self.default_input.len()];
                play(tick).write_lanes(&mut lanes);
                if self.unconfirmed.len() == INPUTS_MAX {
                    self.unconfirmed.pop_front();
                }
                self.unconfirmed.push_back((tick, lanes));
            }
        }
        self.writer.clear();
        let room_bits = DATAGRAM_BITS_MAX - HEAD_BITS_MAX - Schema::INPUT_BITS_MAX - 64;
        self.connection.write_head(now, room_bits, &mut self.writer);
        match self.unconfirmed.back() {
            None => self.writer.write_bool(false),
            Some((tick, newest)) => {
                let room_bits = DATAGRAM_BITS_MAX - self.writer.len_bits();
                let older = self.unconfirmed.iter().rev().skip(1).map(|(_, lanes)| &lanes[..]);
                let lanes = self.schema.input();
                write_inputs(lanes, &self.default_input, *tick, newest, older, room_bits, &mut self.writer);
            }
        }
        self.connection.commit(now, (), |_, _| {});
        self.outgoing.push_back(self.writer.finish().to_vec());
    }

    /// The next packet to send. Call until `None`.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8; PACKET_BYTES_MAX]) -> Option<usize> {
        let packet = self.netcode.poll_transmit(now, out).or_else(|| {
            let payload = self.outgoing.pop_front()?;
            self.netcode.seal(&payload, out, now)
        });
        packet.map(|(len, _)| len)
    }
}

fn read(
    connection: &mut Connection<()>,
    newest: &mut Tick,
    unconfirmed: &mut VecDeque<(Tick, Vec<u32>)>,
    r: &mut BitReader<'_>,
    now: Instant,
) -> Result<(), Malformed> {
    let Some(header) = connection.read_header(r)? else { return Ok(()) };
    connection.read_messages(r)?;
    connection.on_acks(&header, now, |_, _| {});
    connection.accept(header.sequence, now);
    let Some(snapshot) = SnapshotHeader::read(*newest, r)? else { return Ok(()) };
    if snapshot.tick.is_newer_than(*newest) {
        *newest = snapshot.tick;
    }
    if let Some(report) = snapshot.inputs {
        let confirmed = snapshot.tick.add(report.ahead);
        while unconfirmed.pop_front_if(|(tick, _)| !tick.is_newer_than(confirmed)).is_some() {}
    }
    Ok(())
}
