//! The Tidelock simulator: headless clients, bad links, and what players would feel.
//!
//! - [`client`]: the client core that a game embeds; pure.
//! - [`link`]: bad links, by seed; pure.
//! - [`recording`]: what one client received and did, written, read and lived through again.
//! - [`show`]: a recording as a page; pure.
//! - [`bots`]: players of the sample game; pure.
//! - [`swarm`]: many clients on real sockets, and what they measure.
//! - [`universe`]: server, clients and network in one thread on virtual time.
//! - [`seeds`]: many universes, one a seed, on all cores.
//! - [`siege`]: a universe under a flood of hostile datagrams; pure.
//!
//! A game that embeds the client turns the feature `simulator` off, which is on by default: then there are [`client`],
//! [`link`] and [`recording`] only, and nothing of servers, sockets and command lines is built.
#![forbid(unsafe_code)]

#[cfg(feature = "simulator")]
pub mod bots;
pub mod client;
pub mod link;
pub mod recording;
#[cfg(feature = "simulator")]
pub mod seeds;
#[cfg(feature = "simulator")]
pub mod show;
#[cfg(feature = "simulator")]
pub mod siege;
#[cfg(feature = "simulator")]
pub mod swarm;
#[cfg(feature = "simulator")]
pub mod universe;
