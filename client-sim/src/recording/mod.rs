//! Recordings of one client: what it received, what it did, and how it fared. Pure, but for the writer and reader that the
//! caller brings.
//!
//! [`Recording`] writes, [`Reader`] reads, and [`Replay`] lets another client live through the same again.
//!
//! # The format
//! Version 1. A file is a magic number, a version, and entries until its end. A file that ends inside of an entry was cut
//! off, as when the program was killed; the entries before that hold.
//!
//! ```text
//! file     = magic: "TLRECORD"  version: u16, little-endian  entry*
//! entry    = kind: u8  length: varint  body: `length` bytes, at most 524,288
//! body     = after: zigzag  fields
//! varint   = LEB128 of at most 64 bits: seven bits a byte, the lowest first, the high bit set in all but the last
//! zigzag   = varint of 2n for n >= 0, and of -2n - 1 for n < 0
//! text     = length: varint  UTF-8
//! bytes    = length: varint  bytes
//! ```
//!
//! `after` is the time since the entry before, in microseconds; that of the first entry is 0. Time may go back a little: a
//! datagram counts from when it arrived, not from when the program looked. A reader skips kinds that it does not know, and
//! whatever follows the fields that it does know in a body: both may grow without a new version.
//!
//! | kind | | fields |
//! |---|---|---|
//! | 1 | begin: first, and only there | start: varint, in µs by the client's clock; started_unix_ms: varint; schema hash: u64, little-endian; same_clock: u8, 1 if the server reads the same clock; facts: varint, then so many pairs of name and value: text |
//! | 2 | netcode is connected | |
//! | 3 | datagram received | its length: varint; payload: bytes, none if it was netcode's own or refused |
//! | 4 | the client looked after its timers | |
//! | 5 | client tick | tick: varint; lateness: varint, µs; lanes: varint, then so many: varint |
//! | 6 | datagram sent | its length: varint |
//! | 7 | event sent | type: u8; reliable: u8, 1 if so; body: bytes |
//! | 8 | connects anew, to resume | |
//! | 9 | says goodbye | |
//! | 10 | joined | tick rate: varint, Hz; resumed: u8; join payload: bytes |
//! | 11 | resumed | |
//! | 12 | silence | for how long: varint, µs |
//! | 13 | first full view | |
//! | 14 | snapshot datagram applied | tick: varint; age: zigzag, µs from when the tick was due by the server's clock |
//! | 15 | round trip measured | varint, µs |
//! | 16 | event received | type: u8; body: bytes |
//! | 17 | desync | tick: varint |
//! | 18 | disconnected | reason: text |
//! | 19 | prediction corrected | tick: varint; error: f32, little-endian, m |
//! | 20 | declares a series | number: varint; name, unit: text |
//! | 21 | sample | pairs of number: varint and value: f32, little-endian, to the end of the body |
//! | 22 | entries lost, as nobody took them in time | how many: varint |
//! | 23 | end: the recording is complete | |
//! | 24 | a predicted effect, such as a shot, did not happen | tick: varint |
//!
//! Payloads are what netcode carries, before encryption on one end and after decryption on the other. In the order of the
//! entries 2 to 9 they are all that a client core is ever told, so they make another one do the same, bit for bit.

mod bytes;
mod entry;
mod reader;
mod replay;
mod writer;

#[cfg(test)]
mod tests;

pub use entry::{Entry, Header, What};
pub use reader::{ReadError, Reader};
pub use replay::Replay;
pub use writer::Recording;

/// How every recording begins.
const MAGIC: [u8; 8] = *b"TLRECORD";
/// Of the format.
const VERSION: u16 = 1;
/// An entry's body is no longer. The longest is a join payload.
const BODY_BYTES_MAX: usize = 1 << 19;
