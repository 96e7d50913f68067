//! Components of which only the declaration is used, as vectors are of lanes.

macro_rules! component {
    ($name:ident, $text:literal, $($field:expr),*) => {
        #[derive(Clone, Default)]
        struct $name;
        impl tidelock::state::Replicate for $name {
            const NAME: &'static str = $text;
            const FIELDS: &'static [tidelock::state::Field] = &[$($field),*];
            fn quantize(&self, _: &mut tidelock::state::LaneWriter<'_>) {}
            fn dequantize(_: &mut tidelock::state::LaneReader<'_>) -> Self { Self }
        }
    };
}
pub(crate) use component;
