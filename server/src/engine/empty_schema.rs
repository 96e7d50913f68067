//! For tests of what does not look into streams.

use tidelock::state::{Field, Input, LaneReader, LaneWriter, Replicate, Schema};

#[derive(Clone, Default)]
struct Nothing;

impl Replicate for Nothing {
    const NAME: &'static str = "nothing";
    const FIELDS: &'static [Field] = &[Field::flags("none", 1)];
    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.flags(0);
    }
    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        lanes.flags();
        Self
    }
}

impl Input for Nothing {
    fn clear_one_shots(&mut self) {}
}

/// A schema without components.
pub(crate) fn empty_schema() -> Schema {
    Schema::builder("test").input::<Nothing>().build().expect("an input is all that a schema needs")
}
