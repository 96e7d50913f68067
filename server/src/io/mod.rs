//! The only folder that touches the operating system: sockets, clocks, threads, files, signals, HTTP.
mod bans;
pub mod clock;
mod keys;
pub mod options;
mod random;
mod tokens;
mod udp;
