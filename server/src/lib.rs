//! The Tidelock server: the engine, the I/O around it, and the sample game.
//!
//! - [`game`]: what a game plugs in through.
//! - [`arena`]: the sample game.
#![forbid(unsafe_code)]

pub mod arena;
pub mod game;
