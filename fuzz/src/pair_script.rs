//! A netcode client and its server, and a network that loses, repeats, reorders, delays and forges what they say, as the
//! script has it. When it stops doing so, both ends agree before long: they are connected, or neither is.

use super::backend::{SERVER, START, START_UNIX_S, fresh_token, server};
use super::input::Input;
use super::mutation::mutate;
use core::net::SocketAddr;
use std::time::Duration;
use tidelock::netcode::{Client, ClientState, PACKET_BYTES_MAX, Server, ServerEvent, Slot};
use tidelock::{ClientId, Instant};

/// Each step is something that an end does, or the network.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut pair = Pair::new();
    while let Some(step) = input.step() {
        match step % 16 {
            0..=2 => pair.pass([1, 10, 50, 110, 700, 2_100][input.below(6)]),
            3 => (0..=input.below(16)).for_each(|_| pair.flow()),
            4 | 5 => pair.deliver_up(&mut input, false),
            6 | 7 => pair.deliver_down(&mut input, false),
            8 => pair.deliver_up(&mut input, true),
            9 => pair.deliver_down(&mut input, true),
            10 => drop(pair.lose(input.byte())),
            11 => pair.say_up(),
            12 => pair.say_down(),
            13 => pair.address = SocketAddr::from(([20, 0, 0, 1], 5_000 + u16::from(input.byte() % 3))),
            14 => pair.leave(input.byte()),
            _ => pair.come_back(),
        }
    }
    pair.settle();
}

/// Packets under way in one direction.
const UNDER_WAY_MAX: usize = 16;
/// How long it may take until both ends agree: all time-outs of a handshake with both servers, and that of a session.
const SETTLE_MS: u64 = 20_000;
const CLIENT_ID: ClientId = ClientId(1);

struct Pair {
    client: Client,
    server: Server,
    now: Instant,
    /// Where the client's packets come from at present.
    address: SocketAddr,
    up: Vec<(SocketAddr, Vec<u8>)>,
    down: Vec<(SocketAddr, Vec<u8>)>,
    attempts: u64,
    /// How many payloads were made, each with its number, and those that came out.
    said: u32,
    heard: Vec<u32>,
}

impl Pair {
    fn new() -> Self {
        Self {
            client: Client::new(fresh_token(CLIENT_ID.0, 0), START),
            server: server(2),
            now: START,
            address: SocketAddr::from(([20, 0, 0, 1], 5_000)),
            up: Vec::new(),
            down: Vec::new(),
            attempts: 0,
            said: 0,
            heard: Vec::new(),
        }
    }

    fn unix_s(&self) -> u64 {
        START_UNIX_S + self.now.since(START).as_secs()
    }

    fn slot(&self) -> Option<Slot> {
        self.server.slot_of(CLIENT_ID)
    }

    /// Time passes, and both ends do what is due.
    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        let mut out = [0; PACKET_BYTES_MAX];
        while let Some((len, to)) = self.client.poll_transmit(self.now, &mut out) {
            if to == SERVER {
                self.up.push((self.address, out[..len].to_vec()));
            }
        }
        while let Some((len, to)) = self.server.poll_transmit(self.now, &mut out) {
            self.down.push((to, out[..len].to_vec()));
        }
        while let Some(slot) = self.server.poll_timeout(self.now) {
            self.server.disconnect(slot);
        }
        let excess = |queue: &Vec<_>| queue.len().saturating_sub(UNDER_WAY_MAX);
        self.up.drain(..excess(&self.up));
        self.down.drain(..excess(&self.down));
    }

    /// Time passes, and all arrives, in order.
    fn flow(&mut self) {
        self.pass(50);
        while !self.up.is_empty() || !self.down.is_empty() {
            let nothing = &mut Input::new(&[]);
            self.deliver_up(nothing, false);
            self.deliver_down(nothing, false);
            self.pass(0);
        }
    }

    /// One of the packets to the server arrives; it may stay under way, to come again, and then it may be changed.
    fn deliver_up(&mut self, input: &mut Input<'_>, again: bool) {
        let Some((from, mut bytes, is_changed)) = pick(&mut self.up, input, again) else { return };
        let drops = self.server.drops().total();
        let unix_s = self.unix_s();
        match self.server.handle_datagram(from, &mut bytes, self.now, unix_s) {
            ServerEvent::Payload { slot, payload } => {
                assert!(!is_changed);
                let number = number(payload);
                assert_eq!(Some(slot), self.server.slot_of(CLIENT_ID));
                self.hear(number);
            }
            ServerEvent::Connected { client_id, address, superseded, .. } => {
                assert_eq!((client_id, address, is_changed), (CLIENT_ID, from, false));
                // The client came back before the server knew that it was gone.
                assert!(superseded.is_none_or(|old| self.server.disconnect(old)));
            }
            ServerEvent::Dropped(_) | ServerEvent::Handled | ServerEvent::Disconnected { .. } => {}
        }
        assert!(!is_changed || self.server.drops().total() == drops + 1, "what was changed is dropped");
        assert!(self.server.clients() <= 1);
    }

    /// The same for packets to the client. Only those to its present address reach it.
    fn deliver_down(&mut self, input: &mut Input<'_>, again: bool) {
        let Some((to, mut bytes, is_changed)) = pick(&mut self.down, input, again) else { return };
        if to != self.address {
            return;
        }
        let drops = self.client.drops().total();
        let number = self.client.handle_datagram(SERVER, &mut bytes, self.now).map(number);
        assert!(!is_changed || (number.is_none() && self.client.drops().total() == drops + 1));
        number.into_iter().for_each(|number| self.hear(number));
    }

    fn lose(&mut self, which: u8) -> Option<(SocketAddr, Vec<u8>)> {
        let queue = if which < 128 { &mut self.up } else { &mut self.down };
        let index = usize::from(which) % queue.len().max(1);
        (index < queue.len()).then(|| queue.remove(index))
    }

    fn say_up(&mut self) {
        let mut out = [0; PACKET_BYTES_MAX];
        self.said += 1;
        if let Some((len, _)) = self.client.seal(&payload(self.said), &mut out, self.now) {
            self.up.push((self.address, out[..len].to_vec()));
        }
    }

    fn say_down(&mut self) {
        let mut out = [0; PACKET_BYTES_MAX];
        self.said += 1;
        let sealed = self.slot().and_then(|slot| self.server.seal(slot, &payload(self.said), &mut out, self.now));
        if let Some((len, to)) = sealed {
            self.down.push((to, out[..len].to_vec()));
        }
    }

    fn hear(&mut self, number: u32) {
        assert!((1..=self.said).contains(&number) && !self.heard.contains(&number), "a payload comes once");
        self.heard.push(number);
    }

    fn leave(&mut self, who: u8) {
        match self.slot() {
            Some(slot) if who >= 128 => assert!(self.server.disconnect(slot)),
            _ => self.client.disconnect(),
        }
    }

    /// Who is out comes back with a new token.
    fn come_back(&mut self) {
        if matches!(self.client.state(), ClientState::Disconnected(_)) && self.attempts < 3 {
            self.attempts += 1;
            self.client = Client::new(fresh_token(CLIENT_ID.0, self.attempts), self.now);
        }
    }

    fn settle(&mut self) {
        for _ in 0..SETTLE_MS / 50 {
            self.flow();
            match (self.client.state(), self.slot()) {
                (ClientState::Disconnected(_), None) => return,
                (ClientState::Connected, Some(_)) if self.understand_each_other() => return,
                _ => {}
            }
        }
        panic!("no agreement: {:?} and {:?}", self.client, self.slot());
    }

    /// Whether what either says arrives.
    fn understand_each_other(&mut self) -> bool {
        self.say_up();
        self.say_down();
        let numbers = [self.said - 1, self.said];
        self.flow();
        numbers.iter().all(|number| self.heard.contains(number))
    }
}

/// Takes a packet out, or a copy of it, which may then be changed.
fn pick(
    queue: &mut Vec<(SocketAddr, Vec<u8>)>,
    input: &mut Input<'_>,
    again: bool,
) -> Option<(SocketAddr, Vec<u8>, bool)> {
    let index = usize::from(input.byte()) % queue.len().max(1);
    let (address, original) = queue.get(index)?.clone();
    let mut bytes = original.clone();
    if again {
        mutate(&mut bytes, input, PACKET_BYTES_MAX);
    } else {
        queue.remove(index);
    }
    let is_changed = bytes != original;
    Some((address, bytes, is_changed))
}

fn payload(number: u32) -> Vec<u8> {
    number.to_le_bytes().repeat(1 + number as usize % 8)
}

fn number(payload: &[u8]) -> u32 {
    let number = u32::from_le_bytes(payload[..4].try_into().expect("payloads begin with their number"));
    assert_eq!(payload, self::payload(number));
    number
}
