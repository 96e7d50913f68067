//! The only folder that touches the operating system: sockets, clocks, threads, files, signals, HTTP.
//!
//! One server is four threads. The tick thread owns the engine and waits for nothing but the next deadline, and may share the
//! work of a tick out to some more; the receive thread drains the socket into an inbox that the tick picks up; the admin thread answers HTTP from what the
//! tick published; the signal thread turns SIGTERM into a request that the tick thread reads. In a pod of Agones two more talk to its
//! sidecar. A program has one for its log besides, and one that tells systemd how it is.
//!
//! [`run`] is the whole program of a game's server, [`Server::start`] a server inside another program.

mod admin;
mod agones;
mod bans;
mod build;
pub mod clock;
mod command_line;
mod cores;
mod keys;
mod lifecycle;
mod logging;
mod metrics;
mod notices;
pub mod options;
mod process;
mod program;
mod random;
mod schema_json;
mod server;
mod server_config;
mod shared;
mod signals;
mod systemd;
mod tick_thread;
mod tokens;
mod truth;
mod udp;

pub use admin::{AdminConfig, AdminToken};
pub use cores::Cores;
pub use keys::read_key;
pub use options::Options;
pub use program::run;
pub use random::random;
pub use schema_json::schema_json;
pub use server::{Crashed, Server, ServerHandle, StartError};
pub use server_config::ServerConfig;
pub use shared::ServerStats;
pub use tokens::TokenMint;
pub use udp::SendDrops;
