//! What a swarm measures, and what that comes to. Pure.
//!
//! Data flows one way: clients tell a [`Recorder`], whose [`Account`] is added up into a [`Run`], which comes to a [`Summary`], against
//! which a [`Threshold`] is held. Each [`Second`] goes by on the side, for whoever looks on.

mod account;
mod baseline;
mod counts;
mod distribution;
mod figure;
mod file;
mod histograms;
mod merge;
mod metrics_text;
mod mood;
mod names;
mod recorder;
mod run;
mod second;
mod seconds;
mod server_figures;
pub mod summary;
mod threshold;

pub use account::{Account, Attendance, Reasons, commonest};
pub use baseline::{Change, Comparison};
pub use counts::{Counts, Events};
pub use distribution::Distribution;
pub use figure::Figure;
pub use file::SummaryFileError;
pub use histograms::Histograms;
pub use merge::MergeError;
pub use mood::Mood;
pub use recorder::Recorder;
pub use run::{ProfileRun, Run, ServerRun, Setup};
pub use second::{Presence, Second, ServerSecond};
pub use seconds::Seconds;
pub use server_figures::{ServerFigures, TickTimes};
pub use summary::Summary;
pub use threshold::{Threshold, ThresholdError};
