//! The netcode 1.02 standard: who may connect, and packets that nobody else can read, forge or repeat.
//!
//! A backend makes a [`ConnectToken`] for a player; the [`Client`] presents it to the servers it names; the [`Server`]
//! makes the client prove that it receives at its address, gives it a slot, and from then on both exchange encrypted
//! payloads. Neither owns a socket, a clock or a source of randomness: datagrams go in by `handle_datagram` and come
//! out of `poll_transmit` and `seal`, and time is an argument.
//!
//! Sources: the netcode 1.02 standard by Más Bandwidth, and the behaviour of its C reference 1.4.5 where the standard is
//! silent. `PROTOCOL.md` draws every byte and says what is ours.

mod aead;
mod bytes;
mod cipher;
mod client;
mod deadlines;
mod drops;
mod eavesdropper;
mod key;
mod keyed_hash;
mod packet;
mod private_token;
#[cfg(test)]
mod reference;
mod replay;
mod server;
mod shape;
mod token;

use core::fmt;
use core::time::Duration;

pub use cipher::Cipher;
pub use client::{Client, ClientState};
pub use drops::{DropCounts, DropReason};
pub use eavesdropper::{Eavesdropper, Side};
pub use key::Key;
pub use server::{Sealers, Server, ServerConfig, ServerConfigError, ServerEvent, ServerSecrets, Slot};
pub use shape::Shape;
pub use token::{ConnectToken, TokenError, TokenSecrets, TokenSpec};

/// The size of a [`Key`].
pub const KEY_BYTES: usize = 32;
/// A payload has from 1 to this many bytes.
pub const PAYLOAD_BYTES_MAX: usize = 1200;
/// Room for any packet. None is longer than 1,225 bytes; the standard's buffers have this size.
pub const PACKET_BYTES_MAX: usize = 1300;
/// What a backend can tell a server through a connect token.
pub const USER_DATA_BYTES: usize = 256;
/// The size of a connect token.
pub const TOKEN_BYTES: usize = 2048;
/// How many servers a connect token can name.
pub const SERVERS_MAX: usize = 32;
/// How many clients a server can have: 16,384 who play, and 256 who are only told why they do not.
pub const CLIENTS_MAX: usize = 16_640;

const TAG_BYTES: usize = 16;
const TOKEN_NONCE_BYTES: usize = 24;
const VERSION: &[u8; 13] = b"NETCODE 1.02\0";
/// Requests, responses and keep-alives go out at 10 Hz.
const SEND_INTERVAL: Duration = Duration::from_millis(100);
/// A disconnect is said this often, because nobody acknowledges it.
const FAREWELLS: u8 = 10;

/// Why a connection, or the attempt at one, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DisconnectCause {
    /// This end wanted it.
    Local,
    /// The other end said so.
    Remote,
    /// Nothing came for as long as the connect token says.
    TimedOut,
    /// The last server did not answer the connection request.
    RequestTimedOut,
    /// The last server did not answer the connection response.
    ResponseTimedOut,
    /// The last server is full.
    Denied,
    /// The connect token expired before any server was reached.
    TokenExpired,
}

impl DisconnectCause {
    /// Every cause.
    pub const ALL: &'static [Self] = &[
        Self::Local,
        Self::Remote,
        Self::TimedOut,
        Self::RequestTimedOut,
        Self::ResponseTimedOut,
        Self::Denied,
        Self::TokenExpired,
    ];

    /// The cause in snake case, as metrics call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
            Self::TimedOut => "timed_out",
            Self::RequestTimedOut => "request_timed_out",
            Self::ResponseTimedOut => "response_timed_out",
            Self::Denied => "denied",
            Self::TokenExpired => "token_expired",
        }
    }
}

/// As a player may read it.
impl fmt::Display for DisconnectCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "left",
            Self::Remote => "the server closed the connection",
            Self::TimedOut => "the connection was lost",
            Self::RequestTimedOut => "the server did not answer",
            Self::ResponseTimedOut => "the server stopped answering while connecting",
            Self::Denied => "the server is full",
            Self::TokenExpired => "the connect token expired before a server answered",
        })
    }
}
