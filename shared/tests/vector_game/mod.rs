//! A small game with every kind of field, for vectors of its fields, bodies and hashes.

#![allow(dead_code, reason = "each test file uses a part of it")]

use glam::Quat;
use tidelock::state::{Audience, EntityRef, Event, Field, Input, LaneReader, LaneWriter, Replicate, Schema, Shaped};

/// One field of each kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Body {
    pub(crate) x: f32,
    pub(crate) yaw: f32,
    pub(crate) turn: Quat,
    pub(crate) points: i32,
    pub(crate) flags: u32,
}

impl Replicate for Body {
    const NAME: &'static str = "body";
    const FIELDS: &'static [Field] = &[
        Field::range("x", -10.0, 10.0, 0.25),
        Field::angle("yaw", 8).with_order(2),
        Field::rotation("turn", 9),
        Field::integer("points", -5, 94),
        Field::flags("flags", 3),
    ];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.range(self.x);
        lanes.angle(self.yaw);
        lanes.rotation(self.turn);
        lanes.integer(self.points);
        lanes.flags(self.flags);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        let (x, yaw, turn) = (lanes.range(), lanes.angle(), lanes.rotation());
        Self { x, yaw, turn, points: lanes.integer(), flags: lanes.flags() }
    }
}

/// One field of each kind that is no number in a range.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Label {
    pub(crate) kind: u32,
    pub(crate) steps: u32,
    pub(crate) bearer: EntityRef,
    pub(crate) name: String,
    pub(crate) seal: Vec<u8>,
}

impl Replicate for Label {
    const NAME: &'static str = "label";
    const FIELDS: &'static [Field] = &[
        Field::choice("kind", 3),
        Field::counter("steps", 6),
        Field::reference("bearer"),
        Field::text("name", 7),
        Field::blob("seal", 4),
    ];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.choice(self.kind);
        lanes.counter(self.steps);
        lanes.reference(self.bearer);
        lanes.text(&self.name);
        lanes.blob(&self.seal);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        let (kind, steps, bearer) = (lanes.choice(), lanes.counter(), lanes.reference());
        Self { kind, steps, bearer, name: lanes.text(), seal: lanes.blob() }
    }
}

/// A component of a single lane: it has no bit of its own for the lane.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health(i32);

impl Replicate for Health {
    const NAME: &'static str = "health";
    const FIELDS: &'static [Field] = &[Field::integer("points", 0, 100)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.integer(self.0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.integer())
    }
}

/// For owners.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ammo;

impl Replicate for Ammo {
    const NAME: &'static str = "ammo";
    const FIELDS: &'static [Field] = &[Field::flags("loaded", 1)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.flags(0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        lanes.flags();
        Self
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Buttons;

impl Replicate for Buttons {
    const NAME: &'static str = "buttons";
    const FIELDS: &'static [Field] = &[Field::flags("held", 4)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.flags(0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        lanes.flags();
        Self
    }
}

impl Input for Buttons {
    fn clear_one_shots(&mut self) {}
}

#[derive(bitcode::Encode, bitcode::Decode, Shaped)]
pub(crate) struct Shout(u8);

impl Event for Shout {
    const NAME: &'static str = "shout";
}

pub(crate) fn schema() -> Schema {
    let public = Schema::builder("vectors").component::<Body>(Audience::Public).component::<Health>(Audience::Public);
    public.component::<Ammo>(Audience::Owner).input::<Buttons>().event::<Shout>().build().unwrap()
}
