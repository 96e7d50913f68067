use super::super::Universe;
use core::net::SocketAddr;
use std::time::Duration;
use tidelock::bits::{BitReader, BitWriter};
use tidelock::netcode::{self, Cipher, ClientState, ConnectToken, PACKET_BYTES_MAX};
use tidelock::state::{EventId, Input};
use tidelock::wire::{ClientMessage, Connection, Farewell, ServerMessage, SnapshotHeader, WIRE_VERSION};
use tidelock::{ClientId, Instant, Tick};

/// Somebody with a token of its own who passes netcode and then sends what it likes.
///
/// Left to itself it is honest: in netcode, acks and messages. A test drives it through a universe with
/// [`Attacker::wait`] and [`Attacker::say`]; an [`Insider`](super::Insider) drives it as a stranger.
#[derive(Debug)]
pub struct Attacker {
    /// From which it sends.
    pub address: SocketAddr,
    /// To which.
    pub server: SocketAddr,
    /// Its half of netcode.
    pub netcode: netcode::Client,
    /// Honest as long as it is used: what it receives it takes.
    pub connection: Connection<()>,
    /// Whether it lets the connection read what it receives.
    pub is_listening: bool,
    /// Whether it acknowledges what it has read.
    pub is_acknowledging: bool,
    /// The server's messages, in order.
    pub messages: Vec<ServerMessage>,
    /// The server's last word.
    pub farewell: Option<Farewell>,
    /// The newest sequence that the server sent, as its low bits say.
    pub heard_sequence: u16,
    /// The newest tick that the server spoke of.
    pub heard_tick: Tick,
    /// What the server's last snapshot said of itself.
    pub heard_snapshot: Option<SnapshotHeader>,
    /// Its next datagram's, if it writes the head itself.
    pub sequence: u16,
}

/// Bits of messages in a datagram, besides which there is room for inputs.
const MESSAGE_BITS: usize = 6_500;

impl Attacker {
    /// Begins to connect.
    #[must_use]
    pub fn new(address: SocketAddr, token: ConnectToken, cipher: Cipher, now: Instant) -> Self {
        Self {
            address,
            server: token.servers()[0],
            netcode: netcode::Client::with_cipher(token, cipher, now),
            connection: Connection::new(1 << 20),
            is_listening: true,
            is_acknowledging: true,
            messages: Vec::new(),
            farewell: None,
            heard_sequence: 0,
            heard_tick: Tick::default(),
            heard_snapshot: None,
            sequence: 0,
        }
    }

    /// Whether netcode has let it in, and it has not left.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.netcode.state() == ClientState::Connected
    }

    /// Sends what its half of netcode has to say.
    pub fn poll(&mut self, now: Instant, send: &mut dyn FnMut(&mut [u8])) {
        let mut packet = [0; PACKET_BYTES_MAX];
        while let Some((len, _)) = self.netcode.poll_transmit(now, &mut packet) {
            send(&mut packet[..len]);
        }
    }

    /// Takes a datagram of the server.
    pub fn handle_datagram(&mut self, datagram: &mut [u8], now: Instant) {
        let payload = self.netcode.handle_datagram(self.server, datagram, now).map(<[u8]>::to_vec);
        payload.iter().for_each(|payload| self.receive(payload, now));
    }

    fn receive(&mut self, payload: &[u8], now: Instant) {
        if let Some(farewell) = Farewell::read(payload) {
            self.farewell = Some(farewell);
            return;
        }
        let mut r = BitReader::new(payload);
        let Ok(head) = r.read(20) else { return };
        self.heard_sequence = (head >> 4) as u16;
        if !self.is_listening {
            return;
        }
        let mut r = BitReader::new(payload);
        let Ok(Some(header)) = self.connection.read_header(&mut r) else { return };
        if self.connection.read_messages(&mut r).is_err() {
            return;
        }
        if let Ok(Some(snapshot)) = SnapshotHeader::read(self.heard_tick, &mut r) {
            self.heard_tick = snapshot.tick;
            self.heard_snapshot = Some(snapshot);
        }
        if self.is_acknowledging {
            self.connection.accept(header.sequence, now);
        }
        self.connection.on_acks(&header, now, |_, _| {});
        while let Some(message) = self.connection.poll_message() {
            let message = ServerMessage::read(&message).expect("a server writes what can be read");
            if let ServerMessage::Welcome(welcome) = &message {
                self.heard_tick = welcome.tick;
            }
            self.messages.push(message);
        }
    }

    /// Seals any payload, and sends it.
    pub fn seal(&mut self, payload: &[u8], now: Instant, send: &mut dyn FnMut(&mut [u8])) {
        let mut packet = [0; PACKET_BYTES_MAX];
        if let Some((len, _)) = self.netcode.seal(payload, &mut packet, now) {
            send(&mut packet[..len]);
        }
    }

    /// Queues a message as an honest client would.
    ///
    /// # Panics
    /// If as much waits as can.
    pub fn queue(&mut self, message: &ClientMessage) {
        let mut w = BitWriter::new();
        message.write(&mut w);
        self.connection.send_message(w.finish()).expect("there is room for a message");
    }

    /// Queues an event.
    ///
    /// # Panics
    /// As [`Attacker::queue`].
    pub fn queue_event(&mut self, id: u8, body: &[u8]) {
        self.queue(&ClientMessage::Event { id: EventId(id), body: body.to_vec() });
    }

    /// A datagram with a true head and as many messages as fit; `write` adds what follows.
    pub fn write(&mut self, now: Instant, write: impl FnOnce(&mut BitWriter)) -> Vec<u8> {
        let mut w = BitWriter::new();
        self.connection.write_head(now, MESSAGE_BITS, &mut w);
        write(&mut w);
        self.connection.commit(now, (), |_, _| {});
        w.finish().to_vec()
    }

    /// A head of its own making: this sequence, and acks for `span` datagrams before `newest`, none of them missing.
    pub fn forged_head(&mut self, newest: u16, span: u32, w: &mut BitWriter) {
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
    pub fn inputs(newest: Tick, count: u32, w: &mut BitWriter) {
        w.write_bool(true);
        w.write(u64::from(newest.low()), 16);
        w.write_golomb(count - 1, 2);
        (0..count).for_each(|_| w.write_bool(false));
    }
}

/// Driven by a test, through a universe that is tapped from then on.
impl Attacker {
    /// Connects as somebody new, and says hello if `hello` is the schema's hash.
    ///
    /// # Panics
    /// If it is not let in.
    pub fn connect<I: Input>(universe: &mut Universe<I>, number: u16, hello: Option<u64>) -> Self {
        let token = universe.issue_token(ClientId(1_000 + u64::from(number)));
        Self::connect_with(universe, number, token, hello)
    }

    /// The same with a token of whomever.
    ///
    /// # Panics
    /// If it is not let in.
    pub fn connect_with<I: Input>(
        universe: &mut Universe<I>,
        number: u16,
        token: ConnectToken,
        hello: Option<u64>,
    ) -> Self {
        universe.tap();
        universe.take_tapped();
        let address = SocketAddr::from(([10, 6, 6, 6], 2_000 + number));
        let mut attacker = Self::new(address, token, universe.engine().config().cipher, universe.now());
        for _ in 0..1_000 {
            attacker.wait(universe, 1);
            if attacker.is_connected() {
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
    ///
    /// # Panics
    /// If the universe is not sound.
    pub fn wait<I: Input>(&mut self, universe: &mut Universe<I>, ms: u64) {
        for _ in 0..ms {
            let (address, now) = (self.address, universe.now());
            self.poll(now, &mut |datagram| universe.inject_in_place(address, datagram));
            universe.run(Duration::from_millis(1)).expect("the universe is sound");
            for mut packet in universe.take_tapped().into_iter().filter(|packet| packet.to == address) {
                self.handle_datagram(&mut packet.datagram, universe.now());
            }
        }
    }

    /// Seals any payload and sends it at once.
    pub fn say<I: Input>(&mut self, universe: &mut Universe<I>, payload: &[u8]) {
        let (address, now) = (self.address, universe.now());
        self.seal(payload, now, &mut |datagram| universe.inject_in_place(address, datagram));
    }

    /// A datagram with a true head and as many messages as fit; `write` adds what follows.
    pub fn datagram<I: Input>(&mut self, universe: &Universe<I>, write: impl FnOnce(&mut BitWriter)) -> Vec<u8> {
        self.write(universe.now(), write)
    }

    /// Sends the messages that wait.
    pub fn say_queued<I: Input>(&mut self, universe: &mut Universe<I>) {
        let datagram = self.datagram(universe, |w| w.write_bool(false));
        self.say(universe, &datagram);
    }
}
