//! Many clients on real sockets.
//!
//! This folder touches the operating system. One main thread sends clients on and off, hands out connect tokens and watches; a few
//! workers run the clients, each a client core with a bot and a bad link on a socket of its own; one thread asks the server once a
//! second what it has counted. What they measure goes into a [`measure::Run`](crate::measure::Run).

mod admin;
mod crew;
mod embedded;
mod error;
mod flooder;
mod frames;
mod gate;
mod hearing;
mod insider;
mod links;
mod options;
mod outcome;
mod player;
mod poller;
mod random;
mod record;
mod run;
mod schedule;
mod scraper;
mod seats;
mod socket;
mod system;
mod tally;
mod timeline;
mod villain;
mod villains;
mod worker;

// The server reads the same clock: an age is a difference.
use tidelock_server::io::clock;

pub use embedded::{EMBEDDED_SUBCOMMAND, serve_embedded};
pub use error::SwarmError;
pub use flooder::{Flooded, Flooder};
pub use insider::Insider;
pub use links::Links;
pub use options::{EmbeddedOptions, RemoteOptions, Share, SwarmOptions, Target, ThinShare};
pub use outcome::{End, Outcome};
pub use random::random_seed;
pub use run::{Nobody, Watcher, record, run};
