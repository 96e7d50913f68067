//! The Tidelock server: the engine, the I/O around it, and the sample game.
//!
//! - [`engine`]: everything between a datagram in and a datagram out; pure.
//! - [`game`]: what a game plugs in through.
//! - [`io`]: the clock, the sockets, the threads and the program around the engine.
//! - [`arena`]: the sample game, a plugin like anyone's.
#![forbid(unsafe_code)]

pub mod arena;
pub mod engine;
pub mod game;
pub mod io;
