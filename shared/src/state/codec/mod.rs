//! The delta codec: what a record's body says of one stream, against one or two versions that the client holds.
//!
//! A body depends only on the layout, the baselines with their ages, and the new version; never on its neighbours in the packet. So
//! it is encoded once a tick and its bits are copied to every client that holds the same baselines.
//!
//! Each field is predicted (`predict.rs`), and what it differs by is written in a prefix code whose table was trained once and for
//! all (`tables.rs`) for what the baselines let one expect (`context.rs`).
//!
//! ```text
//! full:  mask (one bit a component) | for each present component: its lanes, absolute
//! delta: the first symbol says 32 if the mask has changed: then the new mask, the components that are new, absolute, and the symbol anew
//!        for each block of up to 16 fields, at least one:
//!          for each group of up to four that are expected to change, at least one:
//!            symbol: bit n if the nth of them differs from its prediction; of the first group, 16 if one that stands still does
//!          which of those that stand still, if more than one does stand still and the symbol says so: a bit each
//!          for each that differs, its residuals, or for what has no order each lane: 0, or 1 and its value (one lane: its value)
//! ```

mod ages;
mod codebook;
mod coder;
mod context;
mod decode;
mod encode;
mod expected;
mod frame;
mod plan;
mod predict;
mod prefix;
mod residual;
mod rotation;
mod sink;
mod tables;
mod telling;

pub(crate) use codebook::Codebook;
pub use codebook::{TABLE_OF_CONTEXT, code_lengths};
pub use coder::DeltaCoder;
pub use context::{CONTEXTS, PATTERNS};
pub use decode::{decode_delta, decode_full};
pub use encode::{encode_delta, encode_delta_to, encode_full};
pub(crate) use plan::Plan;
pub use sink::{Code, Sink};

use super::version::VersionRef;

/// The versions that a delta builds on: both held, and acknowledged, by the client.
#[derive(Clone, Copy, Debug)]
pub struct Baselines<'a> {
    /// The version that the delta changes.
    pub first: VersionRef<'a>,
    /// How many ticks before the snapshot the tick lies by which `first` is named; at least 1.
    pub first_age: u32,
    /// An older version, which tells where things were going, and its age, greater than the first's.
    pub second: Option<(VersionRef<'a>, u32)>,
    /// Ticks in a second, 1 to 240: velocities are per second.
    pub tick_hz: u32,
}

impl<'a> Baselines<'a> {
    /// One baseline alone.
    #[must_use]
    pub const fn one(first: VersionRef<'a>, first_age: u32, tick_hz: u32) -> Self {
        Self { first, first_age, second: None, tick_hz }
    }
}

/// The bit of a first group's symbol that says that something changes of which that was not expected.
const SURPRISE: u8 = 16;
/// The symbol that says that the mask has changed.
const MASK_CHANGED: u8 = 32;

#[cfg(test)]
mod tests;
