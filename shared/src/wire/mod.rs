//! What travels inside a netcode payload: sequences and acks, reliable messages, inputs, snapshots.
//!
//! A datagram is, bit by bit:
//!
//! ```text
//! version 4 | sequence 16 | acks | messages | from a client: inputs; from a server: one snapshot datagram
//! ```
//!
//! Every datagram decodes alone, given what its receiver has acknowledged before. Two are different: [`Greeting`] and
//! [`Farewell`] have the same form in every version.

mod acks;
mod connection;
mod flight;
mod frozen;
mod input;
mod message;
mod reason;
mod records;
mod reliable;
mod resume;
mod rtt;
mod runs;
mod snapshot;
mod unreliable;

pub use acks::{AckWindow, Acks, Reported};
pub use connection::{Connection, HEAD_BITS_MAX, Header, ReceiveCounts};
pub use flight::{Fate, Flight, SendCounts};
pub use frozen::{Farewell, Greeting};
pub use input::{INPUTS_MAX, InputReader, write_inputs};
pub use message::{ClientMessage, JOIN_PAYLOAD_BYTES_MAX, ServerMessage, Welcome};
pub use reason::{CloseReason, RejectReason};
pub use records::{GHOST_MAX, GhostId, RecordHead, RecordList, RecordReader, RecordWriter, RecordsHead};
pub use reliable::{MESSAGE_BYTES_MAX, ReliableReceiver, ReliableSender, SendError};
pub use resume::{HeldStream, ResumeClaim};
pub use rtt::RttEstimator;
pub use runs::{RunReader, RunWriter};
pub use snapshot::{Audit, InputReport, Load, SnapshotHeader, audit_bucket};
pub use unreliable::{UNRELIABLE_BYTES_MAX, UnreliableSender, read_unreliable};

/// The version of everything in this module, sent in each datagram. Below 14: see [`Greeting`].
pub const WIRE_VERSION: u8 = 1;

/// The most bytes a datagram of this module has: a netcode payload.
pub const DATAGRAM_BYTES_MAX: usize = crate::netcode::PAYLOAD_BYTES_MAX;

/// The same in bits.
pub const DATAGRAM_BITS_MAX: usize = DATAGRAM_BYTES_MAX * 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitWriter;
    use crate::state::Schema;
    use crate::{Instant, netcode};

    #[test]
    fn a_datagram_holds_the_longest_input_and_the_longest_message_of_either_kind() {
        for reliable in [true, false] {
            let mut connection = Connection::<()>::new(0);
            // What a report is longest for: sequences left out far from each other.
            (0..1_000).step_by(15).for_each(|sequence| connection.accept(sequence, Instant::default()));
            let message = [7; UNRELIABLE_BYTES_MAX];
            if reliable { connection.send_message(&message) } else { connection.send_unreliable(&message) }.unwrap();
            let mut w = BitWriter::new();
            connection.write_head(
                Instant::default(),
                DATAGRAM_BITS_MAX - HEAD_BITS_MAX - Schema::INPUT_BITS_MAX,
                &mut w,
            );
            assert!(w.len_bits() > UNRELIABLE_BYTES_MAX * 8, "it goes out");
            w.write_bytes(&[0; Schema::INPUT_BITS_MAX / 8]);
            assert!(w.finish().len() <= netcode::PAYLOAD_BYTES_MAX);
        }
    }
}
