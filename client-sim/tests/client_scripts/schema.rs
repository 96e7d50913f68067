//! The game of the scripts.

use std::sync::{Arc, OnceLock};
use tidelock::state::{
    Audience, Delivery, Event, Field, Input, LaneReader, LaneWriter, Replicate, Schema, Shaped, StreamLayout,
};

macro_rules! declare {
    ($name:ident, $text:literal, $($field:expr),*) => {
        #[derive(Clone, Default)]
        pub(crate) struct $name;
        impl Replicate for $name {
            const NAME: &'static str = $text;
            const FIELDS: &'static [Field] = &[$($field),*];
            fn quantize(&self, _: &mut LaneWriter<'_>) {}
            fn dequantize(_: &mut LaneReader<'_>) -> Self { Self }
        }
    };
}
declare!(Spot, "spot", Field::range("x", -20.0, 20.0, 0.125), Field::angle("yaw", 8));
declare!(Purse, "purse", Field::integer("coins", 0, 99));

/// The only one whose lanes are asked for.
#[derive(Clone, Default)]
pub(crate) struct Press;

impl Replicate for Press {
    const NAME: &'static str = "press";
    const FIELDS: &'static [Field] = &[Field::flags("held", 4)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.flags(0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        lanes.flags();
        Self
    }
}

impl Input for Press {
    fn clear_one_shots(&mut self) {}
}

#[derive(bitcode::Encode, bitcode::Decode, Shaped)]
struct Note(u8);

impl Event for Note {
    const NAME: &'static str = "note";
}

#[derive(bitcode::Encode, bitcode::Decode, Shaped)]
struct Blip(u8);

impl Event for Blip {
    const NAME: &'static str = "blip";
    const DELIVERY: Delivery = Delivery::Unreliable;
}

pub(crate) const NOTE: u8 = 0;
pub(crate) const BLIP: u8 = 1;
pub(crate) const TICK_HZ: u8 = 60;

pub(crate) fn schema() -> &'static Arc<Schema> {
    static SCHEMA: OnceLock<Arc<Schema>> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let streams = Schema::builder("scripted").component::<Spot>(Audience::Public);
        let streams = streams.component::<Purse>(Audience::Owner);
        Arc::new(streams.input::<Press>().event::<Note>().event::<Blip>().build().unwrap())
    })
}

pub(crate) fn layout(audience: Audience) -> &'static StreamLayout {
    schema().stream(audience)
}
