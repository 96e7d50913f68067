use super::audience::Audience;
use super::codec::Codebook;
use super::event::{Delivery, Event};
use super::field::{Field, FieldKind, VelocityLink};
use super::hash::{FNV1A_OFFSET, fnv1a};
use super::replicate::{Input, LANES_MAX, Replicate};
use super::rules::Rules;
use super::schema::{EventLayout, InputLayout, Schema, SchemaError};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::TypeId;

/// Declares a schema, component by component. The order is part of the schema.
#[derive(Clone, Debug)]
pub struct SchemaBuilder {
    schema: Schema,
    error: Option<SchemaError>,
}

impl SchemaBuilder {
    pub(super) fn new(game: &'static str) -> Self {
        let hash = fnv1a(FNV1A_OFFSET, game.as_bytes());
        let schema = Schema { game, streams: Default::default(), input: None, events: Vec::new(), hash };
        Self { schema, error: None }
    }

    /// Adds a component by its own [`Replicate::RULES`].
    #[must_use]
    pub fn replicate<C: Replicate>(self) -> Self {
        self.component_by::<C>(C::RULES)
    }

    /// Adds a component that `audience` sees, whatever it says itself, and for the rest by its own rules.
    #[must_use]
    pub fn component<C: Replicate>(self, audience: Audience) -> Self {
        self.component_by::<C>(C::RULES.with_audience(audience))
    }

    /// Adds a component by `rules`.
    #[must_use]
    pub fn component_by<C: Replicate>(mut self, rules: Rules) -> Self {
        let mut names =
            self.schema.streams.iter().flat_map(|layout| layout.components()).map(|component| component.name);
        if self.schema.find::<C>().is_some() || names.any(|name| name == C::NAME) {
            return self.fail(SchemaError::Duplicate(C::NAME));
        }
        if C::lane_count() > LANES_MAX {
            return self.fail(SchemaError::TooWide(C::NAME));
        }
        let layout = &mut self.schema.streams[rules.audience as usize];
        if layout.components().len() == 32 {
            return self.fail(SchemaError::TooMany(C::NAME));
        }
        layout.push::<C>(rules);
        self.mix_bytes(&[1]);
        self.mix(&rules.to_bytes(), C::NAME);
        self.mix_fields(C::FIELDS);
        self
    }

    /// Sets the input.
    #[must_use]
    pub fn input<I: Input>(mut self) -> Self {
        if self.schema.input.is_some() {
            return self.fail(SchemaError::Duplicate(I::NAME));
        }
        if I::lane_count() > LANES_MAX {
            return self.fail(SchemaError::TooWide(I::NAME));
        }
        let lanes = I::FIELDS.iter().flat_map(Field::lanes).collect();
        let write_default = |lanes: &mut [u32]| I::default().write_lanes(lanes);
        self.schema.input = Some(InputLayout { name: I::NAME, fields: I::FIELDS, lanes, write_default });
        self.mix(&[2], I::NAME);
        self.mix_fields(I::FIELDS);
        self
    }

    /// Adds an event type.
    #[must_use]
    pub fn event<E: Event>(mut self) -> Self {
        if self.schema.events.iter().any(|event| event.name == E::NAME) {
            return self.fail(SchemaError::Duplicate(E::NAME));
        }
        if self.schema.events.len() == 256 {
            return self.fail(SchemaError::TooMany(E::NAME));
        }
        let (name, delivery, rate, shape) = (E::NAME, E::DELIVERY, E::RATE, E::SHAPE);
        self.schema.events.push(EventLayout { name, delivery, rate, shape, type_id: TypeId::of::<E>() });
        let kind = match E::DELIVERY {
            Delivery::Reliable => 3,
            Delivery::Unreliable => 4,
        };
        self.mix(&[kind], name);
        shape.to_bytes(&mut |bytes| self.mix_bytes(bytes));
        self
    }

    /// Checks the whole.
    pub fn build(mut self) -> Result<Schema, SchemaError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if self.schema.input.as_ref().is_none_or(|input| input.lanes.is_empty()) {
            return Err(SchemaError::NoInput);
        }
        let input = 1 + self.schema.input().iter().map(|lane| 1 + lane.change_bits_max()).sum::<usize>();
        if input > Schema::INPUT_BITS_MAX {
            return Err(SchemaError::InputTooLong(input, Schema::INPUT_BITS_MAX));
        }
        for layout in &mut self.schema.streams {
            layout.link_velocities()?;
        }
        let longest =
            self.schema.streams.iter().map(|layout| layout.record_bits(layout.full_mask())).max().unwrap_or(0);
        if longest > Schema::RECORD_BITS_MAX {
            return Err(SchemaError::RecordTooLong(longest, Schema::RECORD_BITS_MAX));
        }
        let codebook = Arc::new(Codebook::new());
        for layout in &mut self.schema.streams {
            layout.plan(Arc::clone(&codebook));
        }
        Ok(self.schema)
    }

    /// Keeps the first error until [`SchemaBuilder::build`].
    fn fail(mut self, error: SchemaError) -> Self {
        self.error.get_or_insert(error);
        self
    }

    fn mix(&mut self, head: &[u8], name: &str) {
        self.mix_bytes(head);
        self.mix_bytes(&[name.len() as u8]);
        self.mix_bytes(name.as_bytes());
    }

    fn mix_bytes(&mut self, bytes: &[u8]) {
        self.schema.hash = fnv1a(self.schema.hash, bytes);
    }

    fn mix_fields(&mut self, fields: &[Field]) {
        self.mix_bytes(&[fields.len() as u8]);
        for field in fields {
            let (kind, numbers) = match field.kind {
                FieldKind::Range { min, max, step } => (0, [min.to_bits(), max.to_bits(), step.to_bits()]),
                FieldKind::Angle { bits } => (1, [u32::from(bits), 0, 0]),
                FieldKind::Rotation { bits } => (2, [u32::from(bits), 0, 0]),
                FieldKind::Integer { min, max } => (3, [min.cast_unsigned(), max.cast_unsigned(), 0]),
                FieldKind::Flags { bits } => (4, [u32::from(bits), 0, 0]),
                FieldKind::Choice { count } => (5, [count, 0, 0]),
                FieldKind::Counter { bits } => (6, [u32::from(bits), 0, 0]),
                FieldKind::Reference => (7, [0; 3]),
                FieldKind::Text { bytes_max } => (8, [u32::from(bytes_max), 0, 0]),
                FieldKind::Blob { bytes_max } => (9, [u32::from(bytes_max), 0, 0]),
            };
            self.mix(&[kind | u8::from(field.held) << 7, field.order], field.name);
            for number in numbers {
                self.mix_bytes(&number.to_le_bytes());
            }
            self.mix_bytes(&[u8::from(field.velocity.is_some())]);
            if let Some(VelocityLink { component, field }) = field.velocity {
                self.mix(&[], component);
                self.mix(&[], field);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::declared::component;
    use super::super::{EventId, LaneReader, LaneWriter, Shaped};
    use super::*;
    use bitcode::{Decode, Encode};

    /// A component of so many fields of 31 bits, and one of `LAST` bits if that is not 0; `N` tells it from others.
    #[derive(Clone, Default)]
    struct Made<const N: usize, const WIDE: usize, const LAST: u8>;

    /// An event; `N` tells it from others.
    #[derive(Encode, Decode, Shaped)]
    struct Told<const N: usize>;

    const WIDE: Field = Field::flags("wide", 31);
    const NAMES: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    impl<const N: usize, const WIDE_COUNT: usize, const LAST: u8> Replicate for Made<N, WIDE_COUNT, LAST> {
        const NAME: &'static str = NAMES.split_at(N).1.split_at(1).0;
        const FIELDS: &'static [Field] = {
            let all: &'static [Field; 66] = &const {
                let mut fields = [WIDE; 66];
                if LAST > 0 {
                    fields[WIDE_COUNT] = Field::flags("last", LAST);
                }
                fields
            };
            all.split_at(WIDE_COUNT + (LAST > 0) as usize).0
        };
        fn quantize(&self, _: &mut LaneWriter<'_>) {}
        fn dequantize(_: &mut LaneReader<'_>) -> Self {
            Self
        }
    }

    impl<const N: usize, const WIDE_COUNT: usize, const LAST: u8> Input for Made<N, WIDE_COUNT, LAST> {
        fn clear_one_shots(&mut self) {}
    }

    impl<const N: usize> Event for Told<N> {
        const NAME: &'static str = NAMES.split_at(N).1.split_at(1).0;
    }

    /// With an input.
    fn builder() -> SchemaBuilder {
        Schema::builder("game").input::<Made<51, 1, 0>>()
    }

    #[test]
    fn what_is_declared_twice_is_refused_by_type_and_by_name() {
        let twice = |builder: SchemaBuilder| builder.build().map(|_| ());
        let schema = builder().replicate::<Made<0, 1, 0>>().replicate::<Made<1, 1, 0>>();
        assert_eq!(twice(schema.clone()), Ok(()));
        let duplicate = Err(SchemaError::Duplicate("A"));
        assert_eq!(twice(schema.clone().replicate::<Made<0, 1, 0>>()), duplicate);
        assert_eq!(twice(schema.clone().component::<Made<0, 1, 0>>(Audience::Owner)), duplicate);
        assert_eq!(twice(schema.clone().replicate::<Made<0, 2, 0>>()), duplicate, "another type of the same name");
        assert_eq!(twice(schema.clone().input::<Made<5, 1, 0>>()), Err(SchemaError::Duplicate("F")));
        let schema = schema.event::<Told<0>>().event::<Told<1>>();
        assert_eq!(twice(schema.clone()), Ok(()));
        assert_eq!(twice(schema.event::<Told<1>>()), Err(SchemaError::Duplicate(Told::<1>::NAME)));
    }

    #[test]
    fn events_of_one_name_are_refused() {
        #[derive(Encode, Decode, Shaped)]
        struct Other;
        impl Event for Other {
            const NAME: &'static str = Told::<0>::NAME;
        }
        let schema = builder().event::<Told<0>>().event::<Other>().build();
        assert_eq!(schema.map(|_| ()), Err(SchemaError::Duplicate(Other::NAME)));
    }

    #[test]
    fn what_an_event_is_made_of_is_part_of_the_hash() {
        /// Names and shapes of members count, and their order.
        macro_rules! hash_of {
            ($($member:ident: $type:ty),*) => {{
                #[derive(Encode, Decode, Shaped)]
                struct Body { $($member: $type),* }
                impl Event for Body {
                    const NAME: &'static str = "body";
                }
                builder().event::<Body>().build().unwrap().hash()
            }};
        }
        let hashes = [
            hash_of!(),
            hash_of!(a: u8),
            hash_of!(b: u8),
            hash_of!(a: i8),
            hash_of!(a: u8, b: u8),
            hash_of!(b: u8, a: u8),
            hash_of!(a: Option<u8>),
            hash_of!(a: Vec<u8>),
            hash_of!(a: [u8; 2]),
            hash_of!(a: [u8; 3]),
        ];
        let different: alloc::collections::BTreeSet<_> = hashes.iter().collect();
        assert_eq!(different.len(), hashes.len(), "{hashes:x?}");
    }

    #[test]
    fn a_schema_needs_an_input_with_fields() {
        assert_eq!(Schema::builder("game").build().map(|_| ()), Err(SchemaError::NoInput));
        assert_eq!(Schema::builder("game").input::<Made<0, 0, 0>>().build().map(|_| ()), Err(SchemaError::NoInput));
    }

    #[test]
    fn a_component_has_64_lanes_at_most_and_so_has_the_input() {
        let of = |builder: SchemaBuilder| builder.build().map(|_| ());
        assert_eq!(of(builder().replicate::<Made<0, 64, 0>>()), Ok(()));
        assert_eq!(of(builder().replicate::<Made<0, 65, 0>>()), Err(SchemaError::TooWide("A")));
        let input = Schema::builder("game").input::<Made<0, 65, 0>>();
        assert_eq!(of(input), Err(SchemaError::TooWide("A")));
        let input = Schema::builder("game").input::<Made<0, 64, 0>>();
        assert_eq!(
            of(input),
            Err(SchemaError::InputTooLong(2_049, 2_000)),
            "64 are not too many, but each is too long"
        );
    }

    #[test]
    fn the_longest_full_record_fits_to_the_bit() {
        // Four times 64 lanes of 31 bits, and a bit for each component.
        let four = builder()
            .replicate::<Made<0, 64, 0>>()
            .replicate::<Made<1, 64, 0>>()
            .replicate::<Made<2, 64, 0>>()
            .replicate::<Made<3, 64, 0>>();
        let fits = four.clone().replicate::<Made<4, 1, 28>>().build().unwrap();
        let stream = fits.stream(Audience::Public);
        assert_eq!(stream.record_bits(stream.full_mask()), Schema::RECORD_BITS_MAX);
        let over = four.clone().replicate::<Made<4, 1, 29>>().build();
        assert_eq!(over.map(|_| ()), Err(SchemaError::RecordTooLong(8_001, 8_000)));
        let aside = four.component::<Made<4, 1, 29>>(Audience::Team).build();
        assert!(aside.is_ok(), "each stream has records of its own");
    }

    #[test]
    fn the_longest_input_fits_to_the_bit() {
        // A bit, and for each lane one and its change.
        let schema = Schema::builder("game").input::<Made<0, 62, 14>>().build().unwrap();
        assert_eq!((schema.input().len(), schema.input()[62].bits()), (63, 14));
        let over = Schema::builder("game").input::<Made<0, 62, 15>>().build();
        assert_eq!(over.map(|_| ()), Err(SchemaError::InputTooLong(2_001, 2_000)));
    }

    #[test]
    fn the_first_mistake_is_told() {
        let schema = builder().replicate::<Made<0, 65, 0>>().replicate::<Made<1, 1, 0>>().replicate::<Made<1, 1, 0>>();
        assert_eq!(schema.build().map(|_| ()), Err(SchemaError::TooWide("A")));
    }

    #[test]
    fn a_stream_has_32_components_at_most() {
        macro_rules! replicate {
            ($builder:expr, $($n:literal)*) => { $builder$(.replicate::<Made<$n, 1, 0>>())* };
        }
        let full = replicate!(builder(), 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
        let schema = full.clone().build().unwrap();
        assert_eq!(schema.find::<Made<31, 1, 0>>(), Some((Audience::Public, 31)));
        assert_eq!(schema.find::<Made<32, 1, 0>>(), None);
        assert!(full.clone().component::<Made<32, 1, 0>>(Audience::Team).build().is_ok());
        assert_eq!(full.replicate::<Made<32, 1, 0>>().build().map(|_| ()), Err(SchemaError::TooMany("g")));
    }

    #[test]
    fn events_are_numbered_in_the_order_of_their_declaration() {
        #[derive(Encode, Decode, Shaped)]
        struct Fleeting;
        impl Event for Fleeting {
            const NAME: &'static str = "fleeting";
            const DELIVERY: Delivery = Delivery::Unreliable;
        }
        let schema = builder().event::<Told<3>>().event::<Fleeting>().event::<Told<2>>().build().unwrap();
        assert_eq!([schema.event::<Told<3>>(), schema.event::<Told<2>>()], [Some(EventId(0)), Some(EventId(2))]);
        assert_eq!((schema.event::<Told<1>>(), schema.event_count()), (None, 3));
        let delivery = [0, 1, 2, 3].map(|n| schema.delivery(EventId(n)));
        assert_eq!(delivery, [Some(Delivery::Reliable), Some(Delivery::Unreliable), Some(Delivery::Reliable), None]);
    }

    #[test]
    fn whether_a_field_is_held_is_part_of_the_hash() {
        fn hash<C: Replicate>() -> u64 {
            builder().replicate::<C>().build().unwrap().hash()
        }
        fn moving() -> u64 {
            component!(Same, Field::range("x", -1.0, 1.0, 0.1));
            hash::<Same>()
        }
        fn held() -> u64 {
            component!(Same, Field::range("x", -1.0, 1.0, 0.1).held());
            hash::<Same>()
        }
        assert_ne!(moving(), held());
    }
}
