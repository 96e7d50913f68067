//! Many clients on real sockets: how they are run, what they measure, and how it is told.
//!
//! This folder touches the operating system. One main thread hands out connect tokens and watches; one or two workers
//! run the clients, each a client core with a bot and a bad link on a socket of its own. `MEASUREMENTS.md` defines every
//! figure.

mod admin;
mod embedded;
mod error;
mod flooder;
mod frames;
mod gate;
mod insider;
mod metrics_text;
mod options;
mod player;
mod poller;
mod progress;
mod random;
mod record;
mod recorder;
mod report;
mod run;
mod schedule;
mod server_figures;
pub mod summary;
mod system;
mod table;
mod threshold;
mod totals;
mod worker;

// The server reads the same clock: an age is a difference.
use tidelock_server::io::clock;

pub use error::SwarmError;
pub use flooder::{Flooded, Flooder};
pub use insider::Insider;
pub use options::{EmbeddedOptions, RemoteOptions, SwarmOptions, Target};
pub use random::random_seed;
pub use run::{record, run};
pub use summary::Summary;
pub use table::{Ink, render};
pub use threshold::{Threshold, ThresholdError};
