use super::bytes::{Body, Fields};
use crate::client::{ClientEvent, Tapped};
use std::time::Duration;
use tidelock::bits::Malformed;
use tidelock::state::{Delivery, EventId};
use tidelock::{Instant, Tick};

/// How a recording begins: whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// When it began, by the client's clock.
    pub start: Instant,
    /// The same in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// Of the game.
    pub schema_hash: u64,
    /// The server reads the same clock, so that the age of a snapshot is what it seems. Else it is off by a constant.
    pub same_clock: bool,
    /// Whatever else is to be known, in this order, such as `seed` and `link down`.
    pub facts: Vec<(String, String)>,
}

/// One entry of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When, by the client's clock.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// What an entry tells.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "fields are those of the module's table, and of what they are taken from")]
pub enum What {
    /// Whose recording it is: the first entry, and only there.
    Begin(Header),
    /// Netcode's handshake is complete.
    Connected,
    /// A datagram of so many bytes came; without a payload if it was netcode's own, or refused.
    Received { bytes: u64, payload: Option<Vec<u8>> },
    /// The client looked after its timers.
    Updated,
    /// The input for a tick was taken, so long after it was due.
    Ticked { tick: Tick, late: Duration, lanes: Vec<u32> },
    /// A datagram of so many bytes went out.
    Sent { bytes: u64 },
    /// An event of the game was queued for the server.
    EventSent { id: EventId, delivery: Delivery, body: Vec<u8> },
    /// The client connects anew, to resume.
    Reconnecting,
    /// The client says goodbye.
    Left,
    /// The server welcomed the client: [`ClientEvent::Joined`].
    Joined { tick_hz: u32, resumed: bool, payload: Vec<u8> },
    /// The server let the client have its place back: [`ClientEvent::Resumed`].
    Resumed,
    /// Nothing came for too long: [`ClientEvent::Silent`].
    Silent { lasted: Duration },
    /// All that is to be seen is there for the first time: [`ClientEvent::FirstFullView`].
    FirstFullView,
    /// A datagram of a snapshot was applied, so many microseconds after its tick was due by the server's clock.
    Snapshot { tick: Tick, age_us: i64 },
    /// A round trip was measured.
    Rtt(Duration),
    /// An event of the game came.
    EventReceived { id: EventId, body: Vec<u8> },
    /// What the client holds was not what the server said: [`ClientEvent::Desync`].
    Desync { tick: Tick },
    /// The connection is over: a [`DisconnectReason`](crate::client::DisconnectReason), as text.
    Disconnected { reason: String },
    /// The prediction for a tick was wrong, by so many metres.
    Correction { tick: Tick, error_m: f32 },
    /// Samples with this number are of this figure.
    Series { number: u32, name: String, unit: String },
    /// Figures at this moment, by number.
    Sample(Vec<(u32, f32)>),
    /// So many entries are lost, as nobody took them in time.
    Missed(u64),
    /// The recording is complete.
    End,
    /// What the input for a tick was predicted to do besides moving did not happen.
    Undone { tick: Tick },
}

impl What {
    /// What passed a client's edge; `None` for what recordings do not have.
    pub(super) fn of_tapped(tapped: Tapped) -> Option<Self> {
        Some(match tapped {
            Tapped::Connected => Self::Connected,
            Tapped::Received { bytes, payload } => Self::Received { bytes: bytes as u64, payload },
            Tapped::Updated => Self::Updated,
            Tapped::Ticked { tick, late, lanes } => Self::Ticked { tick, late, lanes },
            Tapped::Sent { bytes } => Self::Sent { bytes: bytes as u64 },
            Tapped::EventSent { id, delivery, body } => Self::EventSent { id, delivery, body },
            Tapped::Reconnecting => Self::Reconnecting,
            Tapped::Left => Self::Left,
            Tapped::Event(event) => return Self::of_event(event),
            Tapped::Missed(entries) => Self::Missed(entries),
        })
    }

    fn of_event(event: ClientEvent) -> Option<Self> {
        Some(match event {
            ClientEvent::Joined { payload, tick_hz, resumed } => Self::Joined { tick_hz, resumed, payload },
            ClientEvent::Resumed => Self::Resumed,
            ClientEvent::Silent { lasted } => Self::Silent { lasted },
            ClientEvent::FirstFullView => Self::FirstFullView,
            ClientEvent::Snapshot { tick, due, received_at } => {
                Self::Snapshot { tick, age_us: received_at.us_from(due) }
            }
            ClientEvent::InputEffect { .. } => return None,
            ClientEvent::RttSample(rtt) => Self::Rtt(rtt),
            ClientEvent::Event { id, body } => Self::EventReceived { id, body },
            ClientEvent::Desync { tick } => Self::Desync { tick },
            ClientEvent::Disconnected(reason) => Self::Disconnected { reason: reason.to_string() },
        })
    }

    /// Appends the fields, and says of which kind they are.
    pub(super) fn write(&self, f: &mut Fields) -> u8 {
        let us = |duration: &Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        match self {
            Self::Begin(header) => {
                f.varint(header.start.as_us()).varint(header.started_unix_ms).u64(header.schema_hash);
                f.u8(header.same_clock.into()).varint(header.facts.len() as u64);
                for (name, value) in &header.facts {
                    f.bytes(name.as_bytes()).bytes(value.as_bytes());
                }
                1
            }
            Self::Connected => 2,
            Self::Received { bytes, payload } => f.varint(*bytes).bytes(payload.as_deref().unwrap_or_default()).kind(3),
            Self::Updated => 4,
            Self::Ticked { tick, late, lanes } => {
                f.varint(tick.0.into()).varint(us(late)).varint(lanes.len() as u64);
                for lane in lanes {
                    f.varint((*lane).into());
                }
                5
            }
            Self::Sent { bytes } => f.varint(*bytes).kind(6),
            Self::EventSent { id, delivery, body } => {
                f.u8(id.0).u8((*delivery == Delivery::Reliable).into()).bytes(body).kind(7)
            }
            Self::Reconnecting => 8,
            Self::Left => 9,
            Self::Joined { tick_hz, resumed, payload } => {
                f.varint((*tick_hz).into()).u8((*resumed).into()).bytes(payload).kind(10)
            }
            Self::Resumed => 11,
            Self::Silent { lasted } => f.varint(us(lasted)).kind(12),
            Self::FirstFullView => 13,
            Self::Snapshot { tick, age_us } => f.varint(tick.0.into()).zigzag(*age_us).kind(14),
            Self::Rtt(rtt) => f.varint(us(rtt)).kind(15),
            Self::EventReceived { id, body } => f.u8(id.0).bytes(body).kind(16),
            Self::Desync { tick } => f.varint(tick.0.into()).kind(17),
            Self::Disconnected { reason } => f.bytes(reason.as_bytes()).kind(18),
            Self::Correction { tick, error_m } => f.varint(tick.0.into()).f32(*error_m).kind(19),
            Self::Series { number, name, unit } => {
                f.varint((*number).into()).bytes(name.as_bytes()).bytes(unit.as_bytes()).kind(20)
            }
            Self::Sample(values) => {
                for (number, value) in values {
                    f.varint((*number).into()).f32(*value);
                }
                21
            }
            Self::Missed(entries) => f.varint(*entries).kind(22),
            Self::End => 23,
            Self::Undone { tick } => f.varint(tick.0.into()).kind(24),
        }
    }

    /// Reads the fields of a kind; `None` if it is not known.
    pub(super) fn read(kind: u8, f: &mut Body<'_>) -> Result<Option<Self>, Malformed> {
        Ok(Some(match kind {
            1 => Self::Begin(read_header(f)?),
            2 => Self::Connected,
            3 => {
                let (bytes, payload) = (f.varint()?, f.bytes()?);
                Self::Received { bytes, payload: (!payload.is_empty()).then(|| payload.to_vec()) }
            }
            4 => Self::Updated,
            5 => {
                let (tick, late, count) = (Tick(f.varint_u32()?), read_us(f)?, f.varint()?);
                // A lane takes a byte at least, so a body of bounded length bounds how many there are.
                let lanes = (0..count).map(|_| f.varint_u32()).collect::<Result<_, _>>()?;
                Self::Ticked { tick, late, lanes }
            }
            6 => Self::Sent { bytes: f.varint()? },
            7 => {
                let (id, is_reliable) = (EventId(f.u8()?), f.u8()? != 0);
                let delivery = if is_reliable { Delivery::Reliable } else { Delivery::Unreliable };
                Self::EventSent { id, delivery, body: f.bytes()?.to_vec() }
            }
            8 => Self::Reconnecting,
            9 => Self::Left,
            10 => Self::Joined { tick_hz: f.varint_u32()?, resumed: f.u8()? != 0, payload: f.bytes()?.to_vec() },
            11 => Self::Resumed,
            12 => Self::Silent { lasted: read_us(f)? },
            13 => Self::FirstFullView,
            14 => Self::Snapshot { tick: Tick(f.varint_u32()?), age_us: f.zigzag()? },
            15 => Self::Rtt(read_us(f)?),
            16 => Self::EventReceived { id: EventId(f.u8()?), body: f.bytes()?.to_vec() },
            17 => Self::Desync { tick: Tick(f.varint_u32()?) },
            18 => Self::Disconnected { reason: f.text()? },
            19 => Self::Correction { tick: Tick(f.varint_u32()?), error_m: f.f32()? },
            20 => Self::Series { number: f.varint_u32()?, name: f.text()?, unit: f.text()? },
            21 => {
                let mut values = Vec::new();
                while !f.is_empty() {
                    values.push((f.varint_u32()?, f.f32()?));
                }
                Self::Sample(values)
            }
            22 => Self::Missed(f.varint()?),
            23 => Self::End,
            24 => Self::Undone { tick: Tick(f.varint_u32()?) },
            _ => return Ok(None),
        }))
    }
}

fn read_header(f: &mut Body<'_>) -> Result<Header, Malformed> {
    let start = Instant::from_us(f.varint()?);
    let (started_unix_ms, schema_hash, same_clock) = (f.varint()?, f.u64()?, f.u8()? != 0);
    let count = f.varint()?;
    let facts = (0..count).map(|_| Ok((f.text()?, f.text()?))).collect::<Result<_, _>>()?;
    Ok(Header { start, started_unix_ms, schema_hash, same_clock, facts })
}

fn read_us(f: &mut Body<'_>) -> Result<Duration, Malformed> {
    f.varint().map(Duration::from_micros)
}
