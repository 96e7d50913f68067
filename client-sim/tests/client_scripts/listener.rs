//! A client behind a netcode server that says what a script says.

use super::datagram::Datagram;
use super::schema::{Press, schema};
use core::net::SocketAddr;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tidelock::bits::BitReader;
use tidelock::netcode::{
    ConnectToken, Key, PACKET_BYTES_MAX, Server, ServerConfig, ServerEvent, ServerSecrets, Slot, TokenSecrets,
    TokenSpec, USER_DATA_BYTES,
};
use tidelock::state::{Audience, NetId};
use tidelock::wire::{Acks, ClientMessage, ReliableReceiver, read_unreliable};
use tidelock::{ClientId, Instant};
use tidelock_sim::client::{Client, ClientConfig, ClientEvent, Status};

/// The audience, the entity, the mask and the lanes.
pub(crate) type Shown = (Audience, NetId, u32, Vec<u32>);

/// What became of a datagram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) accepted: bool,
    /// It is, or a message in it.
    pub(crate) malformed: bool,
    pub(crate) desync_tick: Option<u32>,
    pub(crate) audit_right: bool,
    pub(crate) ended: bool,
    /// Name and body.
    pub(crate) events: Vec<(String, Vec<u8>)>,
    pub(crate) shown: Vec<Shown>,
}

pub(crate) struct Listener {
    client: Client<Press>,
    server: Server,
    slot: Option<Slot>,
    now: Instant,
    spoken: u64,
    /// Of what it heard.
    newest_sequence: u64,
    /// What it said that it accepted.
    reported: BTreeSet<u64>,
    messages: ReliableReceiver,
}

/// Longer than any client waits before it speaks.
const STEP: Duration = Duration::from_millis(60);
const SERVER: ([u8; 4], u16) = ([10, 0, 0, 1], 7777);
const HOME: ([u8; 4], u16) = ([20, 0, 0, 1], 5000);

fn netcode(now: Instant) -> (ConnectToken, Server) {
    let (key, address) = (Key::new([7; 32]), SocketAddr::from(SERVER));
    let spec = TokenSpec {
        protocol_id: 1,
        create_unix_s: 1_000,
        expire_unix_s: 1_030,
        timeout_s: 30,
        client_id: ClientId(1),
        servers: &[address],
        user_data: [0; USER_DATA_BYTES],
    };
    let secrets = TokenSecrets::from_random(std::array::from_fn(|n| n as u8));
    let token = ConnectToken::generate(&spec, &secrets, &key).unwrap();
    let secrets = ServerSecrets::from_random([2; ServerSecrets::RANDOM_BYTES]);
    (token, Server::new(ServerConfig::new(1, key, address, 1, secrets), now).unwrap())
}

impl Listener {
    /// One that has said its hello.
    pub(crate) fn new() -> Self {
        let now = Instant::from_us(1_000_000);
        let (token, server) = netcode(now);
        let mut listener = Self {
            client: Client::new(ClientConfig { token, schema: Arc::clone(schema()) }, now),
            server,
            slot: None,
            now,
            spoken: 0,
            newest_sequence: 0,
            reported: BTreeSet::new(),
            messages: ReliableReceiver::new(4_096),
        };
        while listener.client.status() == Status::Connecting {
            assert!(listener.speak().is_empty());
            listener.let_netcode_answer();
        }
        let hello = listener.speak();
        assert!(matches!(hello[..], [ClientMessage::Hello { .. }]) && listener.spoken == 1);
        listener
    }

    fn let_netcode_answer(&mut self) {
        let mut out = [0; PACKET_BYTES_MAX];
        while let Some((len, _)) = self.server.poll_transmit(self.now, &mut out) {
            self.client.handle_datagram(SERVER.into(), &mut out[..len], self.now);
        }
    }

    /// Hears a datagram, and says one.
    pub(crate) fn hear(&mut self, datagram: &Datagram) -> Heard {
        self.now += STEP;
        self.newest_sequence = self.newest_sequence.max(datagram.sequence);
        let before = *self.client.stats();
        let mut out = [0; PACKET_BYTES_MAX];
        let slot = self.slot.expect("it is connected");
        let (len, _) = self.server.seal(slot, &datagram.bytes(), &mut out, self.now).unwrap();
        self.client.handle_datagram(SERVER.into(), &mut out[..len], self.now);
        let events = self.take_events();
        let was_reported = self.reported.contains(&datagram.sequence);
        let desync_tick = self.answer();
        let after = self.client.stats();
        let is_applied = after.snapshots.applied > before.snapshots.applied;
        let is_reported = !was_reported && self.reported.contains(&datagram.sequence);
        assert!(!is_reported || datagram.has_no_snapshot() || is_applied, "an ack is the truth");
        Heard {
            // A report leaves out what lies behind many gaps.
            accepted: is_applied || is_reported,
            malformed: after.payloads_malformed > before.payloads_malformed,
            desync_tick,
            audit_right: after.audits_passed > before.audits_passed,
            ended: matches!(self.client.status(), Status::Disconnected(_)),
            events,
            shown: self.shown(),
        }
    }

    /// Says one datagram. Gives the tick of the desync message in it.
    fn answer(&mut self) -> Option<u32> {
        let spoken = self.spoken;
        match self.client.next_tick() {
            Some(due) if due <= self.now => self.client.tick(&Press, self.now),
            _ => self.client.update(self.now),
        }
        let messages = self.speak();
        let is_over = matches!(self.client.status(), Status::Disconnected(_));
        assert_eq!(self.spoken, spoken + u64::from(!is_over), "it speaks once");
        let desync = messages.into_iter().map(|message| match message {
            ClientMessage::Desync { tick } => tick.0,
            other => panic!("it says {other:?}"),
        });
        let desyncs: Vec<_> = desync.collect();
        assert!(desyncs.len() < 2);
        desyncs.first().copied()
    }

    /// The messages in what the client sends.
    fn speak(&mut self) -> Vec<ClientMessage> {
        let mut out = [0; PACKET_BYTES_MAX];
        let mut messages = Vec::new();
        while let Some((len, _)) = self.client.poll_transmit(self.now, &mut out) {
            let payload = match self.server.handle_datagram(HOME.into(), &mut out[..len], self.now, 1_001) {
                ServerEvent::Connected { slot, .. } => {
                    self.slot = Some(slot);
                    continue;
                }
                ServerEvent::Payload { payload, .. } => payload.to_vec(),
                _ => continue,
            };
            messages.extend(self.read(&payload));
        }
        messages
    }

    fn read(&mut self, payload: &[u8]) -> Vec<ClientMessage> {
        const GREETING: u64 = 14;
        let mut r = BitReader::new(payload);
        if r.read(4).unwrap() == GREETING {
            return Vec::new();
        }
        assert_eq!(r.read(16).unwrap(), self.spoken);
        self.spoken += 1;
        let acks = Acks::read(&mut r, self.newest_sequence + 1).unwrap();
        self.reported.extend(acks.iter().flat_map(Acks::iter));
        read_unreliable(&mut r, |_| {}).unwrap();
        self.messages.read(&mut r).unwrap();
        std::iter::from_fn(|| self.messages.poll()).map(|bytes| ClientMessage::read(&bytes).unwrap()).collect()
    }

    fn take_events(&mut self) -> Vec<(String, Vec<u8>)> {
        let all = std::iter::from_fn(|| self.client.poll_event());
        let events = all.filter_map(|event| match event {
            ClientEvent::Event { id, body } => {
                let event = &schema().events()[usize::from(id.0)];
                Some((event.name.to_owned(), body))
            }
            _ => None,
        });
        events.collect()
    }

    fn shown(&self) -> Vec<Shown> {
        let streams = self.client.view().streams();
        streams.map(|(id, audience, _, version)| (audience, id, version.mask, version.lanes.to_vec())).collect()
    }
}
