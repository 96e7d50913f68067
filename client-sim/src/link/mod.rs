//! A bad link, one direction at a time: datagrams go in, and come out late, twice, out of order or never, alone or in bursts.
//!
//! Pure: time is an argument and chance comes from a seed, so that the same seed gives every datagram the same fate,
//! in a test on virtual time as under a swarm on real sockets.

mod bursts;
mod conditioner;
mod config;
mod profile;
mod queue;
mod rng;
mod stalls;

pub use bursts::Bursts;
pub use conditioner::{Conditioner, Delivery, LinkCounts};
pub use config::{Bottleneck, LinkConfig};
pub use profile::{Link, LinkMix, Profile};
pub use rng::Rng;
pub use stalls::Stalls;
