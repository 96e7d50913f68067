//! What a review found broken once, and must not break again: each with the smallest game that shows it.

#[path = "../attacker/mod.rs"]
mod attacker;

mod clock;
mod datagrams;
mod game;
mod hostile;
mod join;
mod prediction;
mod priority;
mod resync;
mod view;
