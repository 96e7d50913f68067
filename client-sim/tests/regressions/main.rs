//! What a review found broken once, and must not break again: each with the smallest game that shows it.

mod datagrams;
mod game;
mod join;
