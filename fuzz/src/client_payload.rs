//! A client core and a server that passed netcode, and says what it likes: payloads of any bytes and genuine ones
//! changed, snapshots above all.

use super::backend::{SERVER, START, START_UNIX_S, fresh_token, home, server, token};
use super::conversation::{CLIENT_ID, Heard, conversation, play};
use super::game::{Hat, Place, Purse, Shout, Walk};
use super::input::Input;
use super::mutation::mutate;
use std::cell::RefCell;
use std::time::Duration;
use tidelock::Instant;
use tidelock::netcode::{self, ClientState, PACKET_BYTES_MAX, PAYLOAD_BYTES_MAX, Server, ServerEvent, Slot};
use tidelock::state::version_hash;
use tidelock_sim::client::{Client, ClientConfig, ClientEvent, ClientStats, Status};

/// After a byte for how much of the genuine conversation comes first, each step is something that the server says, or
/// time that passes.
pub fn run(data: &[u8]) {
    said(data);
}

/// Does the same, and gives all that the client heard until it lost its first connection.
pub fn said(data: &[u8]) -> Vec<Said> {
    let mut input = Input::new(data);
    let mut lie = Lie::new([0, 4, 10, 24][input.below(4)]);
    while let Some(step) = input.step() {
        match step % 8 {
            0 => lie.pass(Duration::from_millis([1, 17, 100, 700][input.below(4)])),
            1 if step >> 3 == 31 => lie.resume(),
            1 => lie.say(input.block(PAYLOAD_BYTES_MAX)),
            2 => lie.take_turn(),
            _ => lie.say_changed(usize::from(step / 8) + usize::from(step % 8) * 8, &mut input),
        }
        lie.check();
    }
    lie.said
}

/// A payload that a client heard, and what became of it: another client is to take and refuse the same.
#[derive(Clone, Debug)]
pub struct Said {
    /// Below encryption.
    pub payload: Vec<u8>,
    /// The sequence that the client's next datagram had: acks of it and later ones are none.
    pub next_sequence: u64,
    /// It is not well-formed.
    pub malformed: bool,
    /// It has a snapshot, which was applied.
    pub applied: bool,
    /// It did not verify, and the client asked for everything anew.
    pub desync: bool,
    /// The client left for it.
    pub ended: bool,
    /// The sum of the hashes of all that the client shows then.
    pub shown: u64,
}

/// What a client remembers of streams: indices are below this.
const STREAMS_MAX: usize = 2 << 20;
/// Events that may wait.
const EVENTS_MAX: usize = 4_096;

struct Lie {
    client: Client<Walk>,
    now: Instant,
    /// How many turns of the conversation were as they were.
    turn: usize,
    over: bool,
    /// Which of its connections it is on.
    connection: usize,
    /// On its first connection.
    said: Vec<Said>,
}

/// The server's half of the only two connections that there are: every client of every run has the same keys, and takes
/// what follows the sequences of those before.
struct Sealing {
    server: Server,
    slot: Slot,
    /// What the server says until the client is connected.
    handshake: Vec<Vec<u8>>,
}

thread_local! {
    static SEALING: RefCell<[Sealing; 2]> = RefCell::new([Sealing::new(0), Sealing::new(1)]);
}

impl Sealing {
    fn new(before: u64) -> Self {
        let mut server = server(1);
        let mut client = netcode::Client::new(fresh_token(CLIENT_ID, before), START);
        let (mut out, mut handshake, mut slot) = ([0; PACKET_BYTES_MAX], Vec::new(), None);
        while client.state() != ClientState::Connected {
            let (len, _) =
                client.poll_transmit(START, &mut out).expect("it has something to say until it is connected");
            let event = server.handle_datagram(home(CLIENT_ID), &mut out[..len], START, START_UNIX_S);
            if let ServerEvent::Connected { slot: given, .. } = event {
                slot = Some(given);
            }
            while let Some((len, _)) = server.poll_transmit(START, &mut out) {
                handshake.push(out[..len].to_vec());
                client.handle_datagram(SERVER, &mut out[..len], START);
            }
        }
        let mut sealing = Self { server, slot: slot.expect("who is connected has a slot"), handshake };
        // The sequences that the recorded packets of netcode's own have are left out.
        (0..100).for_each(|_| drop(sealing.seal(&[0])));
        sealing
    }

    fn seal(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut out = [0; PACKET_BYTES_MAX];
        let (len, _) = self.server.seal(self.slot, payload, &mut out, START).expect("the client is connected");
        out[..len].to_vec()
    }
}

impl Lie {
    /// A client that had so many honest turns, after as many as netcode takes.
    fn new(turns: usize) -> Self {
        let config = ClientConfig { token: token(CLIENT_ID), schema: conversation().schema.clone() };
        let mut lie = Self {
            client: Client::new(config, START),
            now: START,
            turn: 0,
            over: false,
            connection: 0,
            said: Vec::new(),
        };
        while lie.client.status() == Status::Connecting {
            lie.take_turn();
        }
        (0..turns).for_each(|_| lie.take_turn());
        assert!(turns < 8 || lie.client.status() == Status::Playing);
        assert_eq!((lie.client.stats().desyncs, lie.client.stats().payloads_malformed), (0, 0));
        lie
    }

    /// What was said next in the conversation, when it was.
    fn take_turn(&mut self) {
        let Some(turn) = conversation().turns.get(self.turn) else { return };
        self.now = self.now.max(turn.played_at);
        play(&mut self.client, self.turn as u32, self.now);
        self.now = self.now.max(turn.heard_at);
        self.turn += 1;
        for heard in &turn.heard {
            match heard {
                Heard::Payload(place) => self.say(&conversation().down[*place]),
                // What netcode says later would come too late, by its sequence.
                Heard::Packet(packet) if self.client.status() == Status::Connecting => {
                    self.client.handle_datagram(SERVER, &mut packet.clone(), self.now);
                }
                Heard::Packet(_) => {}
            }
        }
    }

    /// The player comes back with a second token, whatever has become of the first connection.
    fn resume(&mut self) {
        if self.connection > 0 {
            return;
        }
        (self.connection, self.over) = (1, false);
        self.client.resume(fresh_token(CLIENT_ID, 1), self.now);
        let handshake = SEALING.with_borrow(|sealing| sealing[1].handshake.clone());
        for mut packet in handshake {
            self.client.handle_datagram(SERVER, &mut packet, self.now);
        }
        assert_eq!(self.client.status(), Status::Joining);
    }

    fn say_changed(&mut self, number: usize, input: &mut Input<'_>) {
        let down = &conversation().down;
        let mut payload = down[number % down.len()].clone();
        mutate(&mut payload, input, PAYLOAD_BYTES_MAX);
        self.say(&payload);
    }

    fn say(&mut self, payload: &[u8]) {
        if payload.is_empty() {
            return;
        }
        let before = *self.client.stats();
        let mut packet = SEALING.with_borrow_mut(|sealing| sealing[self.connection].seal(payload));
        self.client.handle_datagram(SERVER, &mut packet, self.now);
        if self.connection == 0 {
            self.note(payload, &before);
        }
        let after = self.client.stats();
        assert_eq!(after.datagrams_received, before.datagrams_received + 1);
        let fates = |stats: &ClientStats| {
            let counts = stats.snapshots;
            (counts.received, counts.applied + counts.stale + counts.undecodable)
        };
        let ((received, fated), (received_before, fated_before)) = (fates(after), fates(&before));
        assert!(received - received_before <= 1 && fated - fated_before <= received - received_before);
        assert!(after.desyncs <= before.desyncs + 1);
    }

    fn note(&mut self, payload: &[u8], before: &ClientStats) {
        let after = self.client.stats();
        let shown = self.client.view().streams();
        let hashes = shown.map(|(id, audience, _, version)| version_hash(id, audience, version.mask, version.lanes));
        self.said.push(Said {
            payload: payload.to_vec(),
            // Nothing goes out before the client is asked.
            next_sequence: after.up.sent,
            malformed: after.payloads_malformed > before.payloads_malformed,
            applied: after.snapshots.applied > before.snapshots.applied,
            desync: after.desyncs > before.desyncs,
            ended: matches!(self.client.status(), Status::Disconnected(_)),
            shown: hashes.fold(0, u64::wrapping_add),
        });
    }

    /// Time passes: the player plays, and what the client says goes out.
    fn pass(&mut self, time: Duration) {
        self.now += time;
        if let Status::Playing = self.client.status() {
            self.client.tick(&Walk::default(), self.now);
        }
        self.client.update(self.now);
        let _ = self.client.send_event(&Shout(vec![1]));
        let mut out = [0; PACKET_BYTES_MAX];
        let mut packets = 0;
        while let Some((len, to)) = self.client.poll_transmit(self.now, &mut out) {
            packets += 1;
            assert!((18..=1_225).contains(&len) && to == SERVER && packets <= 128);
        }
    }

    fn check(&mut self) {
        let view = self.client.view();
        assert!(view.remembered() <= STREAMS_MAX && view.len() <= view.remembered());
        for entity in view.entities() {
            let place = entity.get::<Place>();
            assert!(place.is_none_or(|place| place.0.abs().max_element() <= 20.0), "{place:?}");
            assert!(entity.get::<Hat>().is_none_or(|hat| hat.colours < 16));
            assert!(entity.get::<Purse>().is_none_or(|purse| (-9..=99).contains(&purse.0)));
        }
        let mut events = 0;
        while let Some(event) = self.client.poll_event() {
            events += 1;
            assert!(!self.over, "nothing comes after the end: {event:?}");
            self.over = matches!(event, ClientEvent::Disconnected(_));
        }
        assert!(events <= EVENTS_MAX);
        assert_eq!(self.over, matches!(self.client.status(), Status::Disconnected(_)));
    }
}
