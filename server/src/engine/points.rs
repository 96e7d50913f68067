//! For tests that need something that changes: one number.

use tidelock::state::{Audience, Field, Input, LaneReader, LaneWriter, Replicate, Schema};

#[derive(Clone, Default)]
struct Points(i32);

impl Replicate for Points {
    const NAME: &'static str = "points";
    const FIELDS: &'static [Field] = &[Field::integer("points", 0, 1_000_000)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.integer(self.0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.integer())
    }
}

impl Input for Points {
    fn clear_one_shots(&mut self) {}
}

/// A schema whose one component is a lane from 0 to a million.
pub(crate) fn points_schema() -> Schema {
    Schema::builder("test").component::<Points>(Audience::Public).input::<Points>().build().expect("a small schema")
}
