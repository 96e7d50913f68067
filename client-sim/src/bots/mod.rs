//! Players of the sample game: what they see goes in, what they ask for comes out.
//!
//! Pure: the same seed and the same view give the same input.

mod brain;
mod cast;
mod fighter;
mod gatherer;
mod idler;
mod mix;
mod prediction;
mod sight;
mod steering;
mod tracers;
mod wanderer;

#[cfg(test)]
mod tests;

pub use brain::{Bot, Player};
pub use cast::Cast;
pub use fighter::Fighter;
pub use gatherer::Gatherer;
pub use idler::Idler;
pub use mix::{BotKind, BotMix};
pub use prediction::{Avatar, AvatarPrediction, Deed};
pub use sight::{Screen, Seen, Sight};
pub use tracers::{ScreenHit, Tracers};
pub use wanderer::Wanderer;
