//! A client core against a server that lies: what it holds turns out wrong, and it gets it right again.

use super::{Client, ClientConfig, ClientEvent, DisconnectReason, Status};
use core::net::SocketAddr;
use std::sync::Arc;
use tidelock::bits::{BitReader, BitWriter};
use tidelock::netcode::{ConnectToken, Key, TokenSecrets, TokenSpec, USER_DATA_BYTES};
use tidelock::state::codec::{Baselines, encode_delta, encode_full};
use tidelock::state::{
    Audience, Checksum, Event, EventId, Field, Input, LaneReader, LaneWriter, NetId, Replicate, Schema, Shaped,
    Version, version_hash,
};
use tidelock::wire::{
    Audit, ClientMessage, Connection, DATAGRAM_BITS_MAX, InputReader, RecordHead, RecordWriter, RecordsHead,
    ServerMessage, SnapshotHeader, Welcome, audit_bucket,
};
use tidelock::{ClientId, Instant, Tick};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Light(u32);

impl Replicate for Light {
    const NAME: &'static str = "light";
    const FIELDS: &'static [Field] = &[Field::flags("colour", 8)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.flags(self.0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.flags())
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wish(u32);

impl Replicate for Wish {
    const NAME: &'static str = "wish";
    const FIELDS: &'static [Field] = &[Field::flags("wish", 4)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.flags(self.0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.flags())
    }
}

impl Input for Wish {
    fn clear_one_shots(&mut self) {}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, bitcode::Encode, bitcode::Decode, Shaped)]
struct Hum(u32);

impl Event for Hum {
    const NAME: &'static str = "hum";
}

/// What a snapshot brings: the lights from index 0 on, in full or against an older snapshot's, and how honestly.
struct Snapshot {
    tick: u32,
    lights: Vec<u32>,
    baseline: Option<(u32, Vec<u32>)>,
    is_true: bool,
    audit: Option<u32>,
}

impl Snapshot {
    fn full(tick: u32, lights: &[u32]) -> Self {
        Self { tick, lights: lights.to_vec(), baseline: None, is_true: true, audit: None }
    }

    fn delta(tick: u32, lights: &[u32], from: u32, old: &[u32]) -> Self {
        Self { baseline: Some((from, old.to_vec())), ..Self::full(tick, lights) }
    }

    fn false_one(self) -> Self {
        Self { is_true: false, ..self }
    }

    /// Audits the bucket of the light at index 0, as if it were of this colour.
    fn auditing(self, colour: u32) -> Self {
        Self { audit: Some(colour), ..self }
    }
}

fn version(light: u32) -> Version {
    Version { mask: 1, lanes: vec![light] }
}

fn hash(index: u32, light: u32) -> u64 {
    version_hash(NetId { index, generation: 3 }, Audience::Public, 1, &[light])
}

/// A client that is in, and the other end of its connection.
struct Pair {
    client: Client<Wish>,
    server: Connection<()>,
    schema: Arc<Schema>,
    token: ConnectToken,
    now: Instant,
    heard: Vec<ClientMessage>,
}

impl Pair {
    fn new() -> Self {
        let schema = Schema::builder("lights")
            .component::<Light>(Audience::Public)
            .input::<Wish>()
            .event::<Hum>()
            .build()
            .unwrap();
        let (schema, now) = (Arc::new(schema), Instant::from_us(1_000_000));
        let server = SocketAddr::from(([10, 0, 0, 1], 7777));
        let spec = TokenSpec {
            protocol_id: 1,
            create_unix_s: 1_000,
            expire_unix_s: 2_000,
            timeout_s: 5,
            client_id: ClientId(1),
            servers: &[server],
            user_data: [0; USER_DATA_BYTES],
        };
        let secrets = TokenSecrets::from_random(std::array::from_fn(|n| n as u8));
        let token = ConnectToken::generate(&spec, &secrets, &Key::new([7; 32])).unwrap();
        let client = Client::new(ClientConfig { token: token.clone(), schema: Arc::clone(&schema) }, now);
        let server = Connection::new(4_096);
        let mut pair = Self { client, server, schema, token, now, heard: Vec::new() };
        pair.welcome(Tick(5), false);
        pair
    }

    /// The client loses its connection, and comes back in `tick`.
    fn come_back(&mut self, tick: u32, state_kept: bool) {
        self.client.resume(self.token.clone(), self.now);
        self.server = Connection::new(4_096);
        self.client.hello();
        self.welcome(Tick(tick), state_kept);
    }

    fn welcome(&mut self, tick: Tick, state_kept: bool) {
        // Netcode's handshake is not what is tested here.
        self.client.status = Status::Joining;
        let welcome = Welcome {
            tick_hz: 60,
            snapshot_hz: 60,
            tick,
            due: self.now,
            resumed: state_kept,
            state_kept,
            payload: (!state_kept).then(Vec::new),
        };
        let mut w = BitWriter::new();
        ServerMessage::Welcome(welcome).write(&mut w);
        self.server.send_message(w.finish()).unwrap();
        self.send(|w| w.write_bool(false));
        assert_eq!(self.client.status(), Status::Playing);
    }

    /// The server sends a datagram, and `write` what comes after its head.
    fn send(&mut self, write: impl FnOnce(&mut BitWriter)) {
        let mut w = BitWriter::new();
        self.server.write_head(self.now, DATAGRAM_BITS_MAX / 2, &mut w);
        write(&mut w);
        self.server.commit(self.now, (), |_, _| {});
        self.client.receive(w.finish(), self.now);
        self.now += std::time::Duration::from_millis(17);
    }

    fn show(&mut self, snapshot: &Snapshot) {
        let tick = Tick(snapshot.tick);
        let mut checksum = Checksum::default();
        snapshot.lights.iter().enumerate().for_each(|(index, light)| checksum.add(hash(index as u32, *light)));
        let mut sum = Checksum::default();
        snapshot.audit.into_iter().for_each(|light| sum.add(hash(0, light)));
        let header = SnapshotHeader {
            tick,
            count: 1,
            complete: true,
            checksum: Some(checksum.to_u16() ^ u16::from(!snapshot.is_true)),
            audit: snapshot.audit.map(|_| Audit { bucket: audit_bucket(0), hash: sum.to_u32() }),
            ..Default::default()
        };
        let schema = Arc::clone(&self.schema);
        let layout = schema.stream(Audience::Public);
        self.send(|w| {
            header.write(w);
            let mut head = RecordsHead::default();
            head.lists[0].others = snapshot.lights.len() as u32;
            head.write(tick, w);
            let mut heads = RecordWriter::new(tick);
            for (index, light) in snapshot.lights.iter().enumerate() {
                match &snapshot.baseline {
                    Some((from, old)) => {
                        heads.write(index as u32, RecordHead::Delta { baseline: Tick(*from) }, w);
                        let old = version(old[index]);
                        let baselines = Baselines::one(old.borrow(), snapshot.tick - from, 60);
                        encode_delta(layout, &baselines, version(*light).borrow(), w);
                    }
                    None => {
                        let id = NetId { index: index as u32, generation: 3 };
                        heads.write(index as u32, RecordHead::Full { id }, w);
                        encode_full(layout, version(*light).borrow(), w);
                    }
                }
            }
        });
    }

    /// The client speaks, and the server takes it.
    fn answer(&mut self) {
        self.client.queue_datagram(self.now, None);
        while let Some(payload) = self.client.outgoing.pop_front() {
            let mut r = BitReader::new(&payload);
            let header = self.server.read_header(&mut r).unwrap().unwrap();
            self.server.read_messages(&mut r).unwrap();
            assert!(InputReader::new(self.schema.input(), Tick(1), &mut r).unwrap().is_none());
            self.server.accept(header.sequence, self.now);
            self.server.on_acks(&header, self.now, |_, _| {});
            while let Some(message) = self.server.poll_message() {
                self.heard.push(ClientMessage::read(&message).unwrap());
            }
        }
    }

    fn lights(&self) -> Vec<u32> {
        self.client.view().entities().map(|entity| entity.get::<Light>().unwrap().0).collect()
    }

    fn desyncs(&mut self) -> Vec<Tick> {
        let events = std::iter::from_fn(|| self.client.poll_event());
        let desyncs = events.filter_map(|event| match event {
            ClientEvent::Desync { tick } => Some(tick),
            _ => None,
        });
        desyncs.collect()
    }
}

/// A client that holds three lights of tick 10, and was then sent a delta that does not verify.
fn in_doubt() -> Pair {
    let mut pair = Pair::new();
    pair.show(&Snapshot::full(10, &[1, 2, 3]));
    assert_eq!((pair.lights(), pair.client.view().whole_tick()), (vec![1, 2, 3], Some(Tick(10))));
    pair.answer();
    pair.show(&Snapshot::delta(12, &[4, 5, 6], 10, &[1, 2, 3]).false_one());
    pair
}

#[test]
fn a_server_whose_first_message_is_no_welcome_is_left() {
    for message in [&b"\x01\x00"[..], b"\x00\x00"] {
        let mut pair = Pair::new();
        (pair.client.status, pair.server) = (Status::Joining, Connection::new(4_096));
        pair.client.connection = Connection::new(4_096);
        pair.server.send_message(message).unwrap();
        pair.send(|w| w.write_bool(false));
        assert_eq!(pair.client.status(), Status::Disconnected(DisconnectReason::ProtocolError), "{message:?}");
        assert_eq!(pair.client.stats().payloads_malformed, 1);
    }
}

#[test]
fn what_does_not_verify_clears_the_view_and_is_told_once() {
    let mut pair = in_doubt();
    assert!(pair.client.view().is_empty() && pair.client.view().whole_tick().is_none());
    // More of the same, and what builds on what is forgotten, is no news.
    pair.show(&Snapshot::delta(13, &[4, 5, 6], 10, &[1, 2, 3]).false_one());
    pair.show(&Snapshot::delta(14, &[4, 5, 6], 10, &[1, 2, 3]));
    pair.show(&Snapshot::full(15, &[4, 5, 6]).false_one());
    (0..3).for_each(|_| pair.answer());
    assert_eq!(pair.heard, [ClientMessage::Desync { tick: Tick(12) }]);
    assert_eq!(pair.desyncs(), [Tick(12)]);
    let stats = pair.client.stats();
    assert_eq!((stats.desyncs, stats.snapshots.undecodable, stats.snapshots.stale), (1, 0, 3));
    assert!(pair.client.view().is_empty());
}

#[test]
fn snapshots_from_before_the_doubt_are_neither_taken_nor_acknowledged() {
    let mut pair = in_doubt();
    let acked = pair.server.send_counts().acked;
    pair.show(&Snapshot::full(11, &[7, 8, 9]));
    pair.show(&Snapshot::full(12, &[7, 8, 9]));
    assert!(pair.client.view().is_empty());
    pair.answer();
    assert_eq!(pair.server.send_counts().acked, acked, "nothing after the first snapshot is held");
}

#[test]
fn once_the_server_knows_everything_is_held_again_and_counted_as_one_desync() {
    let mut pair = in_doubt();
    // The server does not know yet: what is new comes in full all the same, but nothing is whole.
    pair.show(&Snapshot::full(13, &[4]));
    assert_eq!((pair.lights(), pair.client.view().whole_tick()), (vec![4], None));
    pair.answer();
    assert_eq!(pair.heard.len(), 1);
    // From here on it knows, and says so with this snapshot.
    pair.show(&Snapshot::full(14, &[4, 5, 6]));
    pair.answer();
    pair.show(&Snapshot::delta(15, &[4, 5, 7], 14, &[4, 5, 6]).auditing(4));
    assert_eq!((pair.lights(), pair.client.view().whole_tick()), (vec![4, 5, 7], Some(Tick(15))));
    let stats = *pair.client.stats();
    assert_eq!((stats.desyncs, stats.snapshots.undecodable, stats.payloads_malformed), (1, 0, 0));
    assert_eq!(pair.heard.len(), 1);
}

#[test]
fn a_resync_ends_though_other_messages_are_always_under_way() {
    let mut pair = in_doubt();
    for tick in 14..40 {
        pair.client.send_event(&Hum(tick)).unwrap();
        pair.answer();
        // What was said a moment ago is never acknowledged yet.
        pair.client.send_event(&Hum(tick)).unwrap();
        pair.client.queue_datagram(pair.now, None);
        pair.show(&Snapshot::full(tick, &[4, 5, 6]));
    }
    assert_eq!(pair.client.view().whole_tick(), Some(Tick(39)));
    assert_eq!((pair.desyncs(), pair.client.stats().desyncs), (vec![Tick(12)], 1));
}

#[test]
fn a_second_doubt_after_the_first_is_over_is_told_anew() {
    let mut pair = in_doubt();
    pair.answer();
    pair.show(&Snapshot::full(14, &[4, 5, 6]));
    pair.answer();
    pair.show(&Snapshot::delta(16, &[4, 5, 7], 14, &[4, 5, 6]).false_one());
    pair.answer();
    let told = [12, 16].map(|tick| ClientMessage::Desync { tick: Tick(tick) });
    assert_eq!(pair.heard, told);
    assert_eq!((pair.desyncs(), pair.client.stats().desyncs), (vec![Tick(12), Tick(16)], 2));
    assert!(pair.client.view().is_empty());
}

#[test]
fn an_audit_that_does_not_agree_is_a_desync_too() {
    let mut pair = Pair::new();
    pair.show(&Snapshot::full(10, &[1, 2, 3]).auditing(1));
    assert_eq!((pair.client.stats().audits_passed, pair.client.stats().desyncs), (1, 0));
    pair.answer();
    pair.show(&Snapshot::delta(11, &[1, 2, 4], 10, &[1, 2, 3]).auditing(9));
    assert_eq!((pair.client.stats().desyncs, pair.desyncs()), (1, vec![Tick(11)]));
    assert!(pair.client.view().is_empty());
}

#[test]
fn what_the_server_has_kept_of_one_who_comes_back_is_built_upon() {
    let mut pair = Pair::new();
    pair.show(&Snapshot::full(10, &[1, 2, 3]));
    pair.come_back(300, true);
    assert_eq!(pair.lights(), [1, 2, 3], "shown on");
    pair.show(&Snapshot::delta(301, &[1, 2, 4], 10, &[1, 2, 3]).auditing(1));
    assert_eq!((pair.lights(), pair.client.view().whole_tick()), (vec![1, 2, 4], Some(Tick(301))));
    assert_eq!((pair.client.stats().desyncs, pair.client.stats().audits_passed), (0, 1));
}

#[test]
fn one_who_comes_back_to_a_server_that_has_restarted_begins_anew() {
    let mut pair = Pair::new();
    pair.show(&Snapshot::full(70_000, &[1, 2, 3]));
    pair.come_back(30, false);
    assert!(pair.client.view().is_empty());
    pair.show(&Snapshot::full(31, &[5]).auditing(5));
    assert_eq!((pair.lights(), pair.client.view().newest_tick()), (vec![5], Some(Tick(31))));
    assert_eq!((pair.client.view().whole_tick(), pair.client.stats().audits_passed), (Some(Tick(31)), 1));
}

#[test]
fn a_game_that_does_not_look_for_long_misses_news_but_no_reliable_event() {
    let mut pair = Pair::new();
    let (mut said, mut told) = (0u32, Vec::new());
    let look = |pair: &mut Pair, told: &mut Vec<u32>| {
        while let Some(event) = pair.client.poll_event() {
            told.extend(event.read::<Hum>(&pair.schema).map(|hum| hum.0));
        }
    };
    for round in 0..3 {
        for tick in 0..3_000 {
            for _ in 0..u32::from(tick < 1_000) * 4 {
                let message = ServerMessage::Event { id: EventId(0), body: bitcode::encode(&Hum(said)) };
                let mut w = BitWriter::new();
                message.write(&mut w);
                said += u32::from(pair.server.send_message(w.finish()).is_ok());
            }
            pair.show(&Snapshot::full(1 + round * 3_000 + tick, &[tick % 256]));
            pair.answer();
        }
        pair.client.buffers(&mut |buffer| assert!(buffer.is_within(), "{buffer:?}"));
        assert!(pair.client.stats().datagrams_put_off > 0 && pair.client.stats().events_missed > 0);
        assert!(!pair.server.messages_delivered(), "what was not taken is not acknowledged");
        look(&mut pair, &mut told);
    }
    for tick in 9_001..11_000 {
        pair.show(&Snapshot::full(tick, &[tick % 256]));
        pair.answer();
        look(&mut pair, &mut told);
    }
    assert!(pair.server.messages_delivered() && said > 10_000, "{said}");
    assert!(told.iter().copied().eq(0..said), "each once and in order");
    assert_eq!((pair.client.stats().desyncs, pair.client.stats().payloads_malformed), (0, 0));
}
