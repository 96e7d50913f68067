//! Somebody with a token of his own who passes netcode and then sends what he likes.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::net::SocketAddr;
use std::time::Duration;
use tidelock::bits::{BitReader, BitWriter};
use tidelock::netcode::{self, ClientState, ConnectToken, PACKET_BYTES_MAX};
use tidelock::state::{EventId, Input};
use tidelock::wire::{ClientMessage, Connection, Farewell, ServerMessage, WIRE_VERSION};
use tidelock::{ClientId, Tick};
use tidelock_sim::universe::{SERVER, Universe};

pub(crate) struct Attacker {
    pub(crate) address: SocketAddr,
    pub(crate) netcode: netcode::Client,
    /// Honest as long as it is used: what it receives it takes.
    pub(crate) connection: Connection<()>,
    /// Whether he lets the connection read what he receives.
    pub(crate) is_listening: bool,
    /// Whether he acknowledges what he has read.
    pub(crate) is_acknowledging: bool,
    pub(crate) messages: Vec<ServerMessage>,
    /// The server's last word.
    pub(crate) farewell: Option<Farewell>,
    /// The newest sequence that the server sent, as its low bits say.
    pub(crate) heard_sequence: u16,
    /// His next datagram's, if he writes the head himself.
    pub(crate) sequence: u16,
}

impl Attacker {
    /// Connects as somebody new, and says hello if `hello` is the schema's hash.
    pub(crate) fn connect<I: Input>(universe: &mut Universe<I>, number: u16, hello: Option<u64>) -> Self {
        let token = universe.issue_token(ClientId(1_000 + u64::from(number)));
        Self::connect_with(universe, number, token, hello)
    }

    /// The same with a token of whomever.
    pub(crate) fn connect_with<I: Input>(
        universe: &mut Universe<I>,
        number: u16,
        token: ConnectToken,
        hello: Option<u64>,
    ) -> Self {
        universe.tap();
        universe.take_tapped();
        let mut attacker = Self {
            address: SocketAddr::from(([10, 6, 6, 6], 2_000 + number)),
            netcode: netcode::Client::new(token, universe.now()),
            connection: Connection::new(1 << 20),
            is_listening: true,
            is_acknowledging: true,
            messages: Vec::new(),
            farewell: None,
            heard_sequence: 0,
            sequence: 0,
        };
        for _ in 0..1_000 {
            attacker.wait(universe, 1);
            if attacker.netcode.state() == ClientState::Connected {
                break;
            }
        }
        assert_eq!(attacker.netcode.state(), ClientState::Connected);
        if let Some(schema_hash) = hello {
            attacker.queue(&ClientMessage::Hello { schema_hash, claim: None });
            attacker.say_queued(universe);
            attacker.wait(universe, 100);
            attacker.say_queued(universe);
            assert!(matches!(attacker.messages.first(), Some(ServerMessage::Welcome(_))), "{:?}", attacker.messages);
        }
        attacker
    }

    /// Lets time pass, in milliseconds, and takes what comes.
    pub(crate) fn wait<I: Input>(&mut self, universe: &mut Universe<I>, ms: u64) {
        for _ in 0..ms {
            let mut packet = [0; PACKET_BYTES_MAX];
            while let Some((len, _)) = self.netcode.poll_transmit(universe.now(), &mut packet) {
                universe.inject(self.address, &packet[..len]);
            }
            universe.run(Duration::from_millis(1)).unwrap();
            let address = self.address;
            for mut packet in universe.take_tapped().into_iter().filter(|packet| packet.to == address) {
                let payload = self.netcode.handle_datagram(SERVER, &mut packet.datagram, universe.now());
                if let Some(payload) = payload.map(<[u8]>::to_vec) {
                    self.receive(&payload, universe);
                }
            }
        }
    }

    fn receive<I: Input>(&mut self, payload: &[u8], universe: &Universe<I>) {
        if let Some(farewell) = Farewell::read(payload) {
            self.farewell = Some(farewell);
            return;
        }
        let mut r = BitReader::new(payload);
        let head = r.read(20).unwrap();
        self.heard_sequence = (head >> 4) as u16;
        if !self.is_listening {
            return;
        }
        let mut r = BitReader::new(payload);
        let Ok(Some(header)) = self.connection.read_header(&mut r) else { return };
        self.connection.read_messages(&mut r).unwrap();
        if self.is_acknowledging {
            self.connection.accept(header.sequence, universe.now());
        }
        self.connection.on_acks(&header, universe.now(), |_, _| {});
        while let Some(message) = self.connection.poll_message() {
            self.messages.push(ServerMessage::read(&message).unwrap());
        }
    }

    /// Seals any payload and sends it at once.
    pub(crate) fn say<I: Input>(&mut self, universe: &mut Universe<I>, payload: &[u8]) {
        let mut packet = [0; PACKET_BYTES_MAX];
        if let Some((len, _)) = self.netcode.seal(payload, &mut packet, universe.now()) {
            universe.inject(self.address, &packet[..len]);
        }
    }

    /// Queues a message as an honest client would.
    pub(crate) fn queue(&mut self, message: &ClientMessage) {
        let mut w = BitWriter::new();
        message.write(&mut w);
        self.connection.send_message(w.finish()).unwrap();
    }

    pub(crate) fn queue_event(&mut self, id: u8, body: &[u8]) {
        self.queue(&ClientMessage::Event { id: EventId(id), body: body.to_vec() });
    }

    /// A datagram with a true head and as many messages as fit; `write` adds what follows.
    pub(crate) fn datagram<I: Input>(&mut self, universe: &Universe<I>, write: impl FnOnce(&mut BitWriter)) -> Vec<u8> {
        let mut w = BitWriter::new();
        self.connection.write_head(universe.now(), 6_500, &mut w);
        write(&mut w);
        self.connection.commit(universe.now(), (), |_, _| {});
        w.finish().to_vec()
    }

    pub(crate) fn say_queued<I: Input>(&mut self, universe: &mut Universe<I>) {
        let datagram = self.datagram(universe, |w| w.write_bool(false));
        self.say(universe, &datagram);
    }

    /// A head of his own making: this sequence, and acks for `span` datagrams before `newest`, none of them missing.
    pub(crate) fn forged_head(&mut self, newest: u16, span: u32, w: &mut BitWriter) {
        w.write(u64::from(WIRE_VERSION), 4);
        w.write(u64::from(self.sequence), 16);
        self.sequence = self.sequence.wrapping_add(1);
        w.write_bool(true);
        w.write(u64::from(newest), 16);
        w.write(0, 10);
        w.write_golomb(span, 3);
        w.write_golomb(0, 0);
        // No messages of either kind.
        w.write(0, 2);
    }

    /// The inputs of `count` ticks up to `newest`, all at their default.
    pub(crate) fn inputs(newest: Tick, count: u32, w: &mut BitWriter) {
        w.write_bool(true);
        w.write(u64::from(newest.low()), 16);
        w.write_golomb(count - 1, 2);
        (0..count).for_each(|_| w.write_bool(false));
    }
}
