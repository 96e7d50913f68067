use super::resume::ResumeClaim;
use crate::bits::{BitReader, BitWriter, Malformed};
use crate::state::EventId;
use crate::{Instant, Tick};
use alloc::vec::Vec;

/// A reliable message from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientMessage {
    /// The first: who it is that speaks.
    Hello {
        /// [`Schema::hash`](crate::state::Schema::hash).
        schema_hash: u64,
        /// What the client still holds, if it was here before.
        claim: Option<ResumeClaim>,
    },
    /// The state received for this tick does not verify: everything is wanted in full.
    Desync {
        /// Of the snapshot.
        tick: Tick,
    },
    /// An event of the game.
    Event {
        /// Which type.
        id: EventId,
        /// Encoded with `bitcode`.
        body: Vec<u8>,
    },
}

/// A reliable message from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerMessage {
    /// The answer to a hello: the client is in.
    Welcome(Welcome),
    /// An event of the game.
    Event {
        /// Which type.
        id: EventId,
        /// Encoded with `bitcode`.
        body: Vec<u8>,
    },
}

/// The longest [`Welcome::payload`], in bytes.
pub const JOIN_PAYLOAD_BYTES_MAX: usize = 256 * 1024;

/// What a client learns when it joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// Ticks in a second, 1 to 240.
    pub tick_hz: u8,
    /// Snapshots in a second, which divides `tick_hz`.
    pub snapshot_hz: u8,
    /// A tick of about now, in full: later ones travel in 16 bits.
    pub tick: Tick,
    /// When that tick was due, by the server's clock.
    pub due: Instant,
    /// Whether the player was here before and has kept its place in the game.
    pub resumed: bool,
    /// Whether what the client claimed to hold is what snapshots build on; if not, it is to forget all of it.
    pub state_kept: bool,
    /// The game's, such as the map. `None` if the client has it already.
    pub payload: Option<Vec<u8>>,
}

impl ClientMessage {
    /// The longest that a server takes, in bytes.
    pub const BYTES_MAX: usize = 4096;

    /// The longest body of an event in it.
    pub const EVENT_BYTES_MAX: usize = Self::BYTES_MAX - 2;

    /// Writes it.
    ///
    /// ```text
    /// 0 u8 | schema hash u64 | comes back 1 | if so: claim    hello, padded with zeros to a byte
    /// 1 u8 | tick u32                                         desync
    /// 2 u8 | id u8 | body                                     event, to the end
    /// ```
    pub fn write(&self, w: &mut BitWriter) {
        match self {
            Self::Hello { schema_hash, claim } => {
                w.write(0, 8);
                w.write(*schema_hash, 64);
                w.write_bool(claim.is_some());
                claim.iter().for_each(|claim| claim.write(w));
            }
            Self::Desync { tick } => {
                w.write(1, 8);
                w.write(u64::from(tick.0), 32);
            }
            Self::Event { id, body } => {
                w.write(2, 8);
                w.write(u64::from(id.0), 8);
                w.write_bytes(body);
            }
        }
    }

    /// Reads one that is all of `bytes`.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut r = BitReader::new(bytes);
        let message = match r.read(8)? {
            0 => return Self::read_hello(&mut r),
            1 => Self::Desync { tick: Tick(r.read_u32(32)?) },
            2 => Self::Event { id: EventId(r.read(8)? as u8), body: rest(&mut r)? },
            _ => return Err(Malformed),
        };
        ended(&r).map(|()| message)
    }

    fn read_hello(r: &mut BitReader<'_>) -> Result<Self, Malformed> {
        let schema_hash = r.read(64)?;
        let claim = if r.read_bool()? { Some(ResumeClaim::read(r)?) } else { None };
        let padding_bits = r.remaining_bits() as u32;
        if padding_bits >= 8 || r.read(padding_bits)? != 0 {
            return Err(Malformed);
        }
        Ok(Self::Hello { schema_hash, claim })
    }
}

impl ServerMessage {
    /// Writes it.
    ///
    /// ```text
    /// 0 u8 | tick hz u8 | snapshot hz u8 | tick u32 | due u64 (us) | flags u8 | payload    welcome, to the end
    /// 1 u8 | id u8 | body                                                                 event, to the end
    /// ```
    ///
    /// The flags of a welcome: bit 0 resumed, bit 1 state kept, bit 2 a payload follows. Bit 1 implies bit 0, and
    /// without bit 0 there is a payload.
    pub fn write(&self, w: &mut BitWriter) {
        match self {
            Self::Welcome(welcome) => {
                w.write(0, 8);
                w.write(u64::from(welcome.tick_hz), 8);
                w.write(u64::from(welcome.snapshot_hz), 8);
                w.write(u64::from(welcome.tick.0), 32);
                w.write(welcome.due.as_us(), 64);
                w.write_bool(welcome.resumed);
                w.write_bool(welcome.state_kept);
                w.write_bool(welcome.payload.is_some());
                w.write(0, 5);
                welcome.payload.iter().for_each(|payload| w.write_bytes(payload));
            }
            Self::Event { id, body } => {
                w.write(1, 8);
                w.write(u64::from(id.0), 8);
                w.write_bytes(body);
            }
        }
    }

    /// Reads one that is all of `bytes`.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut r = BitReader::new(bytes);
        let message = match r.read(8)? {
            0 => Self::Welcome(Welcome::read(&mut r)?),
            1 => Self::Event { id: EventId(r.read(8)? as u8), body: rest(&mut r)? },
            _ => return Err(Malformed),
        };
        ended(&r).map(|()| message)
    }
}

impl Welcome {
    fn read(r: &mut BitReader<'_>) -> Result<Self, Malformed> {
        let (tick_hz, snapshot_hz) = (r.read(8)? as u8, r.read(8)? as u8);
        let (tick, due) = (Tick(r.read_u32(32)?), Instant::from_us(r.read(64)?));
        let (resumed, state_kept, with_payload) = (r.read_bool()?, r.read_bool()?, r.read_bool()?);
        let contradicts = !resumed && (state_kept || !with_payload);
        if r.read(5)? != 0 || contradicts || !(1..=240).contains(&tick_hz) || !(1..=tick_hz).contains(&snapshot_hz) {
            return Err(Malformed);
        }
        let payload = if with_payload { Some(rest(r)?) } else { None };
        if payload.as_ref().is_some_and(|payload| payload.len() > JOIN_PAYLOAD_BYTES_MAX) {
            return Err(Malformed);
        }
        Ok(Self { tick_hz, snapshot_hz, tick, due, resumed, state_kept, payload })
    }
}

fn rest(r: &mut BitReader<'_>) -> Result<Vec<u8>, Malformed> {
    r.read_bytes(r.remaining_bits() / 8)
}

fn ended(r: &BitReader<'_>) -> Result<(), Malformed> {
    if r.remaining_bits() == 0 { Ok(()) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Audience, NetId};
    use crate::wire::{HeldStream, MESSAGE_BYTES_MAX};
    use alloc::vec;
    use proptest::prelude::*;

    fn claim() -> ResumeClaim {
        let held = |audience, index, tick| HeldStream { audience, index, tick: Tick(tick), proof: index as u16 };
        let public = [(0, 5), (1, u32::MAX), (700, 9), (NetId::INDEX_MAX, 3)];
        let mut streams: Vec<HeldStream> =
            public.into_iter().map(|(index, tick)| held(Audience::Public, index, tick)).collect();
        streams.push(held(Audience::Owner, 1, 9));
        ResumeClaim { payload_hash: u64::MAX, streams }
    }

    #[test]
    fn a_welcome_that_contradicts_itself_is_malformed() {
        let of = |flags: u8| {
            let mut bytes = vec![0, 60, 60];
            bytes.resize(15, 0);
            bytes.push(flags);
            ServerMessage::read(&bytes).is_ok()
        };
        let accepted: Vec<u8> = (0..=255).filter(|flags| of(*flags)).collect();
        assert_eq!(accepted, [0b001, 0b011, 0b100, 0b101, 0b111]);
    }

    #[test]
    fn a_longer_payload_than_any_is_malformed() {
        let of = |bytes| {
            let mut message = vec![0, 60, 60];
            message.resize(15, 0);
            message.push(0b100);
            message.resize(16 + bytes, 7);
            ServerMessage::read(&message).is_ok()
        };
        assert_eq!((of(JOIN_PAYLOAD_BYTES_MAX), of(JOIN_PAYLOAD_BYTES_MAX + 1)), (true, false));
    }

    fn any_claim() -> impl Strategy<Value = ResumeClaim> {
        let streams = prop::collection::vec((0..Audience::COUNT, 0u32..300, 0u32..1_000, any::<u16>()), 0..40);
        (any::<u64>(), any::<u32>(), streams).prop_map(|(payload_hash, newest, mut streams)| {
            streams.sort_by_key(|(audience, index, ..)| (*audience, *index));
            streams.dedup_by_key(|(audience, index, ..)| (*audience, *index));
            let streams = streams.into_iter().map(|(audience, index, age, proof)| HeldStream {
                audience: Audience::ALL[audience],
                index,
                tick: Tick(newest).sub(age),
                proof,
            });
            ResumeClaim { payload_hash, streams: streams.collect() }
        })
    }

    fn any_client_message() -> impl Strategy<Value = ClientMessage> {
        prop_oneof![
            (any::<u64>(), prop::option::of(any_claim()))
                .prop_map(|(schema_hash, claim)| ClientMessage::Hello { schema_hash, claim }),
            any::<u32>().prop_map(|tick| ClientMessage::Desync { tick: Tick(tick) }),
            (any::<u8>(), prop::collection::vec(any::<u8>(), 0..50))
                .prop_map(|(id, body)| ClientMessage::Event { id: EventId(id), body }),
        ]
    }

    proptest! {
        #[test]
        fn any_client_message_comes_back_and_no_byte_less_or_more_is_the_same(message in any_client_message()) {
            let mut w = BitWriter::new();
            message.write(&mut w);
            let bytes = w.finish().to_vec();
            prop_assert_eq!(ClientMessage::read(&bytes), Ok(message.clone()));
            prop_assert_ne!(ClientMessage::read(&bytes[..bytes.len() - 1]), Ok(message.clone()));
            prop_assert_ne!(ClientMessage::read(&[&bytes[..], &[0]].concat()), Ok(message));
        }

        #[test]
        fn any_bytes_that_read_as_a_welcome_are_written_as_they_were(bytes in prop::collection::vec(any::<u8>(), 16..30)) {
            let mut bytes = bytes;
            (bytes[0], bytes[15]) = (0, bytes[15] & 0b111);
            let Ok(message) = ServerMessage::read(&bytes) else { return Ok(()) };
            let mut w = BitWriter::new();
            message.write(&mut w);
            prop_assert_eq!(w.finish(), &bytes[..]);
        }
    }

    #[test]
    fn the_longest_welcome_can_be_sent() {
        let payload = Some(vec![0; JOIN_PAYLOAD_BYTES_MAX]);
        let (tick, due) = (Tick(1), Instant::from_us(1));
        let welcome = Welcome { tick_hz: 60, snapshot_hz: 60, tick, due, resumed: false, state_kept: false, payload };
        let mut w = BitWriter::new();
        ServerMessage::Welcome(welcome).write(&mut w);
        assert!(w.finish().len() <= MESSAGE_BYTES_MAX);
    }

    #[test]
    fn the_longest_event_is_the_longest_message() {
        let mut w = BitWriter::new();
        ClientMessage::Event { id: EventId(3), body: vec![0; ClientMessage::EVENT_BYTES_MAX] }.write(&mut w);
        assert_eq!(w.finish().len(), ClientMessage::BYTES_MAX);
    }

    #[test]
    fn messages_come_back_as_they_were() {
        let mine = [
            ClientMessage::Hello { schema_hash: 0x0123_4567_89AB_CDEF, claim: None },
            ClientMessage::Hello { schema_hash: 1, claim: Some(ResumeClaim::default()) },
            ClientMessage::Hello { schema_hash: 2, claim: Some(claim()) },
            ClientMessage::Desync { tick: Tick(77) },
            ClientMessage::Event { id: EventId(3), body: vec![1, 2, 3] },
        ];
        for message in mine {
            let mut w = BitWriter::new();
            message.write(&mut w);
            assert_eq!(ClientMessage::read(w.finish()), Ok(message));
        }
        let welcome = Welcome {
            tick_hz: 60,
            snapshot_hz: 30,
            tick: Tick(9),
            due: Instant::from_us(1 << 50),
            resumed: false,
            state_kept: false,
            payload: Some(vec![5; 9]),
        };
        let back = Welcome { resumed: true, state_kept: true, payload: None, ..welcome.clone() };
        let theirs = [
            ServerMessage::Welcome(welcome),
            ServerMessage::Welcome(back),
            ServerMessage::Event { id: EventId(0), body: vec![] },
        ];
        for message in theirs {
            let mut w = BitWriter::new();
            message.write(&mut w);
            assert_eq!(ServerMessage::read(w.finish()), Ok(message));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_read_as_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = ClientMessage::read(&bytes);
            let _ = ServerMessage::read(&bytes);
        }
    }
}
