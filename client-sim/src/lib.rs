//! The Tidelock simulator: headless clients, bad links, and what players would feel.
//!
//! - [`client`]: the client core that a game embeds; pure.
//! - [`link`]: bad links, by seed; pure.
//! - [`bots`]: players of the sample game; pure.
//! - [`swarm`]: many clients on real sockets, and what they measure.
//! - [`universe`]: server, clients and network in one thread on virtual time.
//! - [`siege`]: a universe under a flood of hostile datagrams; pure.
#![forbid(unsafe_code)]

pub mod bots;
pub mod client;
pub mod link;
pub mod siege;
pub mod swarm;
pub mod universe;
