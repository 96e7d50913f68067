//! What both ends of a Tidelock connection agree on.
//!
//! This crate is pure: no socket, clock, thread or source of randomness. Time, datagrams and random bytes are
//! arguments, so that every test runs on virtual time and the same seed gives the same bytes.
//!
//! - [`bits`]: reading and writing bit by bit.
//! - [`state`]: fields quantized to integer lanes, the schema that both ends compare, the delta codec.
//! - [`wire`]: what travels inside a netcode payload: acks, inputs, snapshots, reliable messages.
//! - [`netcode`]: the netcode 1.02 standard: connect tokens, encrypted packets, client and server.
//!
//! `PROTOCOL.md` beside this crate is the normative description of every byte.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
// What the derives write names this crate from the outside, and so do its own tests.
extern crate self as tidelock;

pub mod bits;
mod buffer;
mod client_id;
mod moment;
pub mod netcode;
pub mod state;
mod tick;
mod time;
pub mod wire;

pub use buffer::Buffer;
pub use client_id::ClientId;
pub use moment::{Moment, ViewAge};
pub use tick::Tick;
pub use time::Instant;
