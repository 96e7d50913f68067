//! The Tidelock simulator: headless clients, bad links, and what players would feel.
//!
//! - [`client`]: the client core that a game embeds; pure.
//! - [`link`]: bad links, by seed; pure.
//! - [`universe`]: server, clients and network in one thread on virtual time.
#![forbid(unsafe_code)]

pub mod client;
pub mod link;
pub mod universe;
