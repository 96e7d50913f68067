//! How many clients a server holds: which numbers to try, and what came of it. Pure.

mod report;
mod search;

pub use report::{Trial, Verdict, answer, head, line};
pub use search::{Answer, Search};
