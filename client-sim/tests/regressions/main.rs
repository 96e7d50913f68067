//! What a review found broken once, and must not break again: each with the smallest game that shows it.

mod clock;
mod datagrams;
mod game;
mod hostile;
mod join;
mod multitude;
mod prediction;
mod priority;
mod resync;
mod silence;
mod view;
