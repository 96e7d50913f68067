//! A run as a page: what players would have felt, over time and by kind of link. Pure: figures in, HTML out.
//!
//! The page is one file without scripts.

mod curves;
mod page;
mod tables;

pub use page::page;
