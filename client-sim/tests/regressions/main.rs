//! What a review found broken once, and must not break again: each with the smallest game that shows it.

#[path = "../attacker/mod.rs"]
mod attacker;
#[path = "../churn_game/mod.rs"]
mod churn_game;

mod clock;
mod datagrams;
mod game;
mod hostile;
mod join;
mod prediction;
mod priority;
mod resync;
mod view;
