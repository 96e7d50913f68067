//! How many clients play and when, and who comes and goes. Pure.

mod director;
mod shape;

pub use director::{Act, Director};
pub use shape::{Load, Stage};
