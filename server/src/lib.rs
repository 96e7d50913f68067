//! The Tidelock server: the engine, the I/O around it, and the sample game.
//!
//! - [`game`]: what a game plugs in through.
#![forbid(unsafe_code)]

pub mod game;
