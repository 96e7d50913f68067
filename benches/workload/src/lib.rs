//! The shared workload: one world, its clients and their inputs, alike for Tidelock and for every library that it is
//! compared with; and the meter that times them.
//!
//! A world of 200 m × 200 m × 10 m holds entities with position, velocity, yaw and health. In each second a share of them
//! walks, at up to 8 m/s, and the rest stands still; or all of them follow a [`Recording`]. Client `n` sees the world from
//! entity `n`, which is its avatar: all of it, or what lies within 30 m. Thirty ticks make a second. Everything is drawn by
//! hash functions of one seed, so that two programs that never speak to each other run the same world.
//!
//! [`World`] steps, [`Meter`] times what a server does of it, [`Cell`] says on the command line how large it all is, and
//! [`Report`] goes out as one line of JSON.

mod carrier;
mod cell;
mod chance;
pub mod heap;
mod input;
mod link;
mod meter;
mod process;
mod recording;
mod report;
mod state;
mod world;

pub use carrier::Carrier;
pub use cell::{Cell, CellError};
pub use chance::{hash, mix, unit};
pub use input::{Input, input};
pub use link::{Link, Spread};
pub use meter::{Laps, Meter};
pub use process::memory_peak_bytes;
pub use recording::{Recording, RecordingError};
pub use report::{Copies, Quantiles, Report};
pub use state::{Change, State};
pub use world::World;

/// The length of a tick, in microseconds.
pub const TICK_US: u64 = 1_000_000 / TICK_HZ as u64;
/// Ticks in a second.
pub const TICK_HZ: u32 = 30;
/// The world reaches from zero to this, in metres.
pub const WORLD_M: [f32; 3] = [200.0, 200.0, 10.0];
/// How far clients see along the ground, where they do not see everything, in metres.
pub const INTEREST_RADIUS_M: f32 = 30.0;
/// Nothing is faster, in m/s.
pub const SPEED_MAX: f32 = 8.0;
/// The longest message of an unreliable transport, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 1200;
