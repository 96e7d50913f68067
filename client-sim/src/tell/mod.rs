//! Figures as people read them, and as programs do. Pure: texts come out.

mod comparison;
mod csv;
mod exposition;
mod ink;
mod lines;
mod table;
mod units;

pub use comparison::render_comparison;
pub use csv::{csv_header, csv_line};
pub use exposition::Exposition;
pub use ink::Ink;
pub use lines::progress_line;
pub use table::render;

pub(crate) use table::link;
pub(crate) use units::{grouped, ms, pct, plain, rate};
