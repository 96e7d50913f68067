use bevy_ecs::prelude::{Component, Resource};
use glam::Vec2;
use tidelock::state::Replicate;

/// The field reaches this far from its middle, both ways.
pub const FIELD_M: f32 = 30.0;

/// Where something is.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq)]
pub struct Place(
    /// In metres from the middle of the field.
    #[field(range(-FIELD_M..=FIELD_M), step = 1.0 / 64.0)]
    pub Vec2,
);

/// One lane, and one that comes and goes.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mood(
    /// 0 to 1,000.
    #[field(range(0..=1_000))]
    pub i32,
);

/// Tells entities apart, whatever their ids.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serial(
    /// Less than 2²⁴, from 1.
    #[field(flags, bits = 24)]
    pub u32,
);

/// For the owner alone, and owners change.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
#[replicate(owner)]
pub struct Secret(
    /// 16 bits.
    #[field(flags, bits = 16)]
    pub u32,
);

/// For the team alone, and sides change.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
#[replicate(team)]
pub struct Banner(
    /// 8 bits.
    #[field(flags, bits = 8)]
    pub u32,
);

/// A mark: it has no lanes.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursed;

/// How many entities there were.
#[derive(Resource, Default)]
pub(super) struct Serials(u32);

impl Serials {
    pub(super) fn next(&mut self) -> Serial {
        self.0 += 1;
        Serial(self.0)
    }
}
