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
    /// The answer to a hello: the client is not in, and why.
    Rejected(RejectReason),
    /// An event of the game.
    Event {
        /// Which type.
        id: EventId,
        /// Encoded with `bitcode`.
        body: Vec<u8>,
    },
    /// The server closes the connection, and why.
    Closing(CloseReason),
}

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
    /// The game's, such as the map.
    pub payload: Vec<u8>,
}

macro_rules! reasons {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $code:literal, $label:literal, $text:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$variant_meta])* $variant = $code,)*
        }

        impl $name {
            /// The name it has in logs and metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(match self { $(Self::$variant => $text,)* })
            }
        }
    };
}

reasons!(
    /// Why a client that passed netcode is turned away.
    RejectReason {
        /// Another game, or another version of it.
        SchemaMismatch = 1, "schema_mismatch", "the server runs another version of the game";
        /// The server stops soon.
        Draining = 2, "draining", "the server takes no new players";
        /// On the ban list.
        Banned = 3, "banned", "banned from this server";
    }
);

reasons!(
    /// Why the server closes a connection.
    CloseReason {
        /// An operator or the game said so.
        Kicked = 1, "kicked", "kicked from the server";
        /// The server stops.
        Shutdown = 2, "shutdown", "the server stops";
        /// The client broke the protocol, or did not take its messages.
        ProtocolError = 3, "protocol_error", "the connection broke the protocol";
    }
);

impl ClientMessage {
    /// The longest that a server takes, in bytes.
    pub const BYTES_MAX: usize = 4096;

    /// The longest body of an event in it.
    pub const EVENT_BYTES_MAX: usize = Self::BYTES_MAX - 2;

    /// Writes it.
    ///
    /// ```text
    /// 0 u8 | schema hash u64        hello
    /// 1 u8 | tick u32               desync
    /// 2 u8 | id u8 | body           event, to the end
    /// ```
    pub fn write(&self, w: &mut BitWriter) {
        match self {
            Self::Hello { schema_hash } => {
                w.write(0, 8);
                w.write(*schema_hash, 64);
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
            0 => Self::Hello { schema_hash: r.read(64)? },
            1 => Self::Desync { tick: Tick(r.read_u32(32)?) },
            2 => Self::Event { id: EventId(r.read(8)? as u8), body: rest(&mut r)? },
            _ => return Err(Malformed),
        };
        ended(&r).map(|()| message)
    }
}

impl ServerMessage {
    /// Writes it.
    ///
    /// ```text
    /// 0 u8 | tick hz u8 | snapshot hz u8 | tick u32 | due u64 (us) | payload    welcome, to the end
    /// 1 u8 | reason u8                                                          rejected
    /// 2 u8 | id u8 | body                                                       event, to the end
    /// 3 u8 | reason u8                                                          closing
    /// ```
    pub fn write(&self, w: &mut BitWriter) {
        match self {
            Self::Welcome(welcome) => {
                w.write(0, 8);
                w.write(u64::from(welcome.tick_hz), 8);
                w.write(u64::from(welcome.snapshot_hz), 8);
                w.write(u64::from(welcome.tick.0), 32);
                w.write(welcome.due.as_us(), 64);
                w.write_bytes(&welcome.payload);
            }
            Self::Rejected(reason) => {
                w.write(1, 8);
                w.write(*reason as u64, 8);
            }
            Self::Event { id, body } => {
                w.write(2, 8);
                w.write(u64::from(id.0), 8);
                w.write_bytes(body);
            }
            Self::Closing(reason) => {
                w.write(3, 8);
                w.write(*reason as u64, 8);
            }
        }
    }

    /// Reads one that is all of `bytes`.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut r = BitReader::new(bytes);
        let message = match r.read(8)? {
            0 => Self::Welcome(Welcome {
                tick_hz: r.read(8)? as u8,
                snapshot_hz: r.read(8)? as u8,
                tick: Tick(r.read_u32(32)?),
                due: Instant::from_us(r.read(64)?),
                payload: rest(&mut r)?,
            }),
            1 => Self::Rejected(RejectReason::from_code(r.read(8)? as u8).ok_or(Malformed)?),
            2 => Self::Event { id: EventId(r.read(8)? as u8), body: rest(&mut r)? },
            3 => Self::Closing(CloseReason::from_code(r.read(8)? as u8).ok_or(Malformed)?),
            _ => return Err(Malformed),
        };
        match &message {
            Self::Welcome(w)
                if w.tick_hz == 0 || w.tick_hz > 240 || w.snapshot_hz == 0 || w.snapshot_hz > w.tick_hz =>
            {
                Err(Malformed)
            }
            _ => ended(&r).map(|()| message),
        }
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
    use alloc::vec;
    use proptest::prelude::*;

    #[test]
    fn messages_come_back_as_they_were() {
        let mine = [
            ClientMessage::Hello { schema_hash: 0x0123_4567_89AB_CDEF },
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
            payload: vec![5; 9],
        };
        let theirs = [
            ServerMessage::Welcome(welcome),
            ServerMessage::Rejected(RejectReason::Banned),
            ServerMessage::Event { id: EventId(0), body: vec![] },
            ServerMessage::Closing(CloseReason::Kicked),
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
