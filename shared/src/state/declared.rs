//! For tests: components of which only the declaration is used, as the tests are about lanes.

macro_rules! component {
    ($name:ident, $($field:expr),*) => {
        #[derive(Clone, Default)]
        struct $name;
        impl Replicate for $name {
            const NAME: &'static str = stringify!($name);
            const FIELDS: &'static [Field] = &[$($field),*];
            fn quantize(&self, _: &mut LaneWriter<'_>) {}
            fn dequantize(_: &mut LaneReader<'_>) -> Self { Self }
        }
    };
}
pub(super) use component;
