use std::fmt;
use std::time::Duration;
use tidelock::netcode::DisconnectCause;
use tidelock::state::{Event, EventId, Schema};
use tidelock::wire::{CloseReason, RejectReason};
use tidelock::{Instant, Tick};

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Netcode's handshake is under way.
    Connecting,
    /// The server has not welcomed the client yet.
    Joining,
    /// Inputs go out, snapshots come in.
    Playing,
    /// It is over.
    Disconnected(DisconnectReason),
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisconnectReason {
    /// This end wanted it.
    Local,
    /// The server turned the client away.
    Rejected(RejectReason),
    /// The server closed the connection.
    Closed(CloseReason),
    /// Netcode gave up, or never came through.
    Netcode(DisconnectCause),
    /// The server broke the protocol.
    ProtocolError,
}

impl DisconnectReason {
    /// The name it has in logs and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Rejected(reason) => reason.name(),
            Self::Closed(reason) => reason.name(),
            Self::Netcode(cause) => cause.name(),
            Self::ProtocolError => "protocol_error",
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("left"),
            Self::Rejected(reason) => reason.fmt(f),
            Self::Closed(reason) => reason.fmt(f),
            Self::Netcode(cause) => cause.fmt(f),
            Self::ProtocolError => f.write_str("the server broke the protocol"),
        }
    }
}

/// Something that happened to a client.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientEvent {
    /// The server welcomed the client.
    Joined {
        /// The game's, such as the map.
        payload: Vec<u8>,
        /// Ticks in a second.
        tick_hz: u32,
        /// The player was here before and has kept its place in the game.
        resumed: bool,
    },
    /// The server let the client have its place back, and the join payload is what it was.
    Resumed,
    /// Nothing came for as long as several snapshots take: the network may have changed under the client. Time to get a
    /// fresh token and [`Client::resume`](super::Client::resume), unless it speaks again.
    Silent {
        /// For how long nothing came.
        lasted: Duration,
    },
    /// For the first time since it joined, all that the client should see is there.
    FirstFullView,
    /// A datagram of a snapshot was decoded, verified and stored.
    Snapshot {
        /// The state is that of the end of this tick.
        tick: Tick,
        /// When that tick was due, by the server's clock; an estimate between the ticks for which the server tells it.
        due: Instant,
        /// When the datagram arrived.
        received_at: Instant,
    },
    /// The effect of an input came back.
    InputEffect {
        /// The input's.
        tick: Tick,
        /// From when the input was due to the receipt of the first snapshot with its effect.
        latency: Duration,
    },
    /// A round trip was measured.
    RttSample(Duration),
    /// An event of the game: read it with [`ClientEvent::read`].
    Event {
        /// Which type.
        id: EventId,
        /// Encoded with `bitcode`.
        body: Vec<u8>,
    },
    /// What the client holds is not what the server said: everything is asked for again.
    Desync {
        /// Of the snapshot that did not verify.
        tick: Tick,
    },
    /// The connection is over.
    Disconnected(DisconnectReason),
}

impl ClientEvent {
    /// The event of the game that this is, if it is an `E` that decodes.
    #[must_use]
    pub fn read<E: Event>(&self, schema: &Schema) -> Option<E> {
        let Self::Event { id, body } = self else { return None };
        (schema.event::<E>() == Some(*id)).then(|| bitcode::decode(body).ok()).flatten()
    }
}
