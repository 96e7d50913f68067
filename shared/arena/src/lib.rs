//! The half of Tidelock's sample game that server and clients share: what is replicated, what a player may ask for, the
//! map, and the one movement step that the server runs and clients predict.
//!
//! The arena is a square of 200 m with boxes to hide behind. Avatars run, jump and shoot; NPCs wander; packs of health
//! and ammunition lie about.
//!
//! Everything here is pure and uses no platform's mathematics: the same arguments give the same bits on every machine.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod body;
mod events;
pub mod flight;
mod input;
pub mod map;
pub mod movement;
mod pack;
mod rng;
mod solid;
mod vitals;
mod weapon;

pub use body::{Facing, Position, Velocity};
pub use events::{CHAT_BYTES_MAX, Chat, Hit, Say};
pub use flight::Flight;
pub use input::ArenaInput;
pub use map::Map;
pub use movement::Body;
pub use pack::Pack;
pub use rng::Rng;
pub use solid::Solid;
pub use vitals::{Ammo, Cooldown, Health, Kind, Score, Status};
pub use weapon::Weapon;

use tidelock::state::Schema;

/// What both ends must agree on. The server's plugin declares the same in the same order.
#[must_use]
pub fn schema() -> Schema {
    Schema::builder("arena")
        .replicate::<Position>()
        .replicate::<Velocity>()
        .replicate::<Facing>()
        .replicate::<Health>()
        .replicate::<Status>()
        .replicate::<Kind>()
        .replicate::<Ammo>()
        .replicate::<Cooldown>()
        .replicate::<Score>()
        .input::<ArenaInput>()
        .event::<Say>()
        .event::<Chat>()
        .event::<Hit>()
        .build()
        .expect("the arena's schema is within the limits")
}
