//! The Tidelock simulator: headless clients, bad links, and what players would feel.
//!
//! - [`client`]: the client core that a game embeds; pure.
//! - [`link`]: bad links, by seed; pure.
//! - [`mix`]: several kinds of links or bots by weight; pure.
//! - [`recording`]: what one client received and did, written, read and lived through again.
//! - [`show`]: a recording as a page; pure.
//! - [`bots`]: players of the sample game; pure.
//! - [`capacity`]: how many clients a server holds; pure.
//! - [`load`]: how many clients play and when; pure.
//! - [`measure`]: what a swarm measures, and what that comes to; pure.
//! - [`swarm`]: many clients on real sockets.
//! - [`report`]: a run as a page; pure.
//! - [`live`]: how a run goes, on a terminal; pure.
//! - [`tell`]: figures as people read them, and as programs do; pure.
//! - [`universe`]: server, clients and network in one thread on virtual time.
//! - [`seeds`]: many universes, one a seed, on all cores.
//! - [`siege`]: a universe under a flood of hostile datagrams; pure.
//!
//! A game that embeds the client turns the feature `simulator` off, which is on by default: then there are [`client`],
//! [`link`], [`mix`] and [`recording`] only, and nothing of servers, sockets and command lines is built.
#![forbid(unsafe_code)]

#[cfg(feature = "simulator")]
pub mod bots;
#[cfg(feature = "simulator")]
pub mod capacity;
pub mod client;
pub mod link;
#[cfg(feature = "simulator")]
pub mod live;
#[cfg(feature = "simulator")]
pub mod load;
#[cfg(feature = "simulator")]
pub mod measure;
pub mod mix;
#[cfg(feature = "simulator")]
mod plot;
pub mod recording;
#[cfg(feature = "simulator")]
pub mod report;
#[cfg(feature = "simulator")]
pub mod seeds;
#[cfg(feature = "simulator")]
pub mod show;
#[cfg(feature = "simulator")]
pub mod siege;
#[cfg(feature = "simulator")]
pub mod swarm;
#[cfg(feature = "simulator")]
pub mod tell;
#[cfg(feature = "simulator")]
pub mod universe;
