use super::NetId;
use super::entity_ref::{Entities, EntityRef, KeptRefs, NetIds};
use super::field::{Field, FieldKind};
use super::reader::LaneReader;
use super::rules::Rules;
use super::writer::LaneWriter;

/// A component whose value clients see. It declares its fields once; both ends then speak of it in lanes.
///
/// # Deriving it
/// ```
/// use glam::{Quat, Vec3};
/// use tidelock::state::{Audience, EntityRef, Input, Replicate, Schema};
///
/// /// Everybody who sees the entity sees this, in each tick in which it changes.
/// #[derive(Replicate)]
/// #[replicate(priority = 4)]
/// struct Body {
///     /// A range needs its ends and a step; a vector takes one range for all axes, or one for each. What moves steadily
///     /// costs little if it says which field is its velocity, in units a second.
///     #[field(range(-100.0..=100.0, -100.0..=100.0, 0.0..=10.0), step = 0.01, velocity = "Velocity")]
///     place: Vec3,
///     /// Radians, in 2^12 steps of a turn.
///     #[field(angle, bits = 12)]
///     yaw: f32,
///     #[field(bits = 9)]
///     turn: Quat,
///     /// Bits that follow each other share a lane.
///     dead: bool,
///     hit: bool,
///     /// An enum without data that derives `Replicate`, or any other type that implements it.
///     kind: Kind,
/// }
///
/// #[derive(Replicate)]
/// struct Velocity(#[field(range(-8.0..=8.0), step = 0.125)] Vec3);
///
/// #[derive(Replicate, Clone, Copy, Debug, PartialEq)]
/// enum Kind { Avatar, Npc }
///
/// /// Teammates see this, at most five times a second.
/// #[derive(Replicate)]
/// #[replicate(name = "orders", team, hz = 5)]
/// struct Orders {
///     target: EntityRef,
///     #[field(text, bytes = 24)]
///     shout: String,
///     /// Small whole numbers are taken whole unless a range is given.
///     squad: u8,
///     #[field(range(0..=1000))]
///     rounds: u32,
///     /// Begins anew after the largest.
///     #[field(counter, bits = 6)]
///     steps: u32,
///     #[field(skip)]
///     path: Vec<Vec3>,
/// }
///
/// #[derive(Replicate, Clone, Default)]
/// struct Walk {
///     #[field(range(-1.0..=1.0), step = 0.125)]
///     forward: f32,
///     jump: bool,
/// }
///
/// impl Input for Walk {
///     fn clear_one_shots(&mut self) {
///         self.jump = false;
///     }
/// }
///
/// let schema = Schema::builder("walkers")
///     .replicate::<Body>()
///     .replicate::<Velocity>()
///     .replicate::<Orders>()
///     .input::<Walk>()
///     .build()?;
/// assert_eq!(schema.find::<Orders>(), Some((Audience::Team, 0)));
/// assert_eq!(Walk { forward: 9.0, jump: true }.snapped().forward, 1.0);
/// # Ok::<(), tidelock::state::SchemaError>(())
/// ```
///
/// | member | `#[field(...)]` | |
/// |---|---|---|
/// | `f32` | `range(min..=max), step` | number; or `angle, bits` |
/// | `Vec2`, `Vec3` | `range(min..=max), step`, or a range for each axis | a number for each axis |
/// | `Quat` | `bits` of each of the smallest three components | rotation |
/// | `bool`, `[bool; N]` | | bits; neighbours share a lane |
/// | `u8`, `i8`, `u16`, `i16`, `u32`, `i32` | `range(min..=max)`; the small ones may do without | whole number; or `counter` or `flags` with `bits` |
/// | `String`, `Vec<u8>` | `text, bytes` or `blob, bytes`, at most 48 | |
/// | [`EntityRef`] | | |
/// | `[T; N]` | as for `T` | so many of them |
/// | any other type | | its own fields: it implements `Replicate` |
/// | any | `skip` | stays behind; reads as its default |
///
/// Each also takes `name = "..."`, by which it enters the hash of the schema and which velocities are found by; numbers take
/// `order`, or `order(...)` with one for each axis (see [`Field::order`]), and `held` (see [`Field::held`](field@Field::held));
/// ranges and angles take `velocity`: `"field"` of the same struct, `"Component::field"`, or `"Newtype"`. In the fields'
/// names, axes and elements follow the member's after a dot.
///
/// `#[replicate(...)]` takes `name` (that of the type in snake case otherwise), an audience (`public`, `team` or `owner`), a
/// rate (`every` so many ticks, or `hz`) and a `priority`: see [`Rules`]. A struct without members is a mark: clients see
/// whether an entity has it.
///
/// # By hand
/// ```
/// use tidelock::state::{Field, LaneReader, LaneWriter, Replicate};
///
/// struct Health(u8);
///
/// impl Replicate for Health {
///     const NAME: &'static str = "health";
///     const FIELDS: &'static [Field] = &[Field::integer("points", 0, 100)];
///
///     fn quantize(&self, lanes: &mut LaneWriter<'_>) {
///         lanes.integer(i32::from(self.0));
///     }
///
///     fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
///         Self(lanes.integer() as u8)
///     }
/// }
///
/// assert_eq!(Health(250).snapped().0, 100);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how it becomes lanes",
    label = "this is no component, input or part of one",
    note = "derive `tidelock::state::Replicate` for it, or implement it by hand"
)]
pub trait Replicate: Sized + Send + Sync + 'static {
    /// Its name in the schema: both ends must agree.
    const NAME: &'static str;
    /// Its fields, in the order in which [`Replicate::quantize`] writes and [`Replicate::dequantize`] reads them.
    const FIELDS: &'static [Field];
    /// Who sees it, how often it is sent and how soon.
    const RULES: Rules = Rules::PUBLIC;

    /// Writes each field, in order.
    fn quantize(&self, lanes: &mut LaneWriter<'_>);

    /// Reads each field, in order.
    fn dequantize(lanes: &mut LaneReader<'_>) -> Self;

    /// How many lanes its fields become.
    #[must_use]
    fn lane_count() -> usize {
        Self::FIELDS.iter().map(Field::lane_count).sum()
    }

    /// Whether it has references to other entities.
    #[must_use]
    fn has_references() -> bool {
        Self::FIELDS.iter().any(|field| matches!(field.kind, FieldKind::Reference))
    }

    /// Writes all fields to `lanes`, which has [`Replicate::lane_count`] places. References to local entities become none.
    fn write_lanes(&self, lanes: &mut [u32]) {
        write(self, lanes, NetIds::Unknown);
    }

    /// The same with references to local entities, by the bits of which `net_id_of` finds what they are called on the wire.
    fn write_lanes_with(&self, lanes: &mut [u32], net_id_of: &mut dyn FnMut(u64) -> Option<NetId>) {
        write(self, lanes, NetIds::Known(net_id_of));
    }

    /// Reads all fields from `lanes`, which has [`Replicate::lane_count`] places.
    #[must_use]
    fn read_lanes(lanes: &[u32]) -> Self {
        read(lanes, Entities::Unknown)
    }

    /// The same with references to what `entity_of` makes of them.
    #[must_use]
    fn read_lanes_with(lanes: &[u32], entity_of: &mut dyn FnMut(NetId) -> EntityRef) -> Self {
        read(lanes, Entities::Known(entity_of))
    }

    /// The value as the other end will see it. Predicted state is snapped after each step, on both ends. References stay as
    /// they are.
    #[must_use]
    fn snapped(&self) -> Self {
        let (mut lanes, mut kept) = ([0; LANES_MAX], KeptRefs::new());
        let lanes = &mut lanes[..Self::lane_count()];
        write(self, lanes, NetIds::Kept(&mut kept));
        read(lanes, Entities::Kept(&kept))
    }
}

fn write<'a, C: Replicate>(value: &C, lanes: &'a mut [u32], net_ids: NetIds<'a>) {
    let mut writer = LaneWriter { fields: C::FIELDS, lanes, net_ids };
    value.quantize(&mut writer);
    assert!(writer.fields.is_empty() && writer.lanes.is_empty(), "{} writes fewer fields than it declares", C::NAME);
}

fn read<'a, C: Replicate>(lanes: &'a [u32], entities: Entities<'a>) -> C {
    let mut reader = LaneReader { fields: C::FIELDS, lanes, entities };
    let value = C::dequantize(&mut reader);
    assert!(reader.fields.is_empty() && reader.lanes.is_empty(), "{} reads fewer fields than it declares", C::NAME);
    value
}

/// A component or input has at most this many lanes.
pub(super) const LANES_MAX: usize = 64;

/// What a player asks for in one tick. Declared like a component; the default is "nothing".
pub trait Input: Replicate + Clone + Default {
    /// Clears what must happen once, such as a shot: a missing input is replaced by the last one without these.
    fn clear_one_shots(&mut self);
}

#[cfg(test)]
mod tests {
    use super::super::declared::component;
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// One of each kind that is no number in a range.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Odd {
        choice: u32,
        counter: u32,
        target: EntityRef,
        name: String,
        data: Vec<u8>,
        by: EntityRef,
    }

    impl Replicate for Odd {
        const NAME: &'static str = "odd";
        const FIELDS: &'static [Field] = &[
            Field::choice("choice", 5),
            Field::counter("counter", 8),
            Field::reference("target"),
            Field::text("name", 10),
            Field::blob("data", 48),
            Field::reference("by"),
        ];

        fn quantize(&self, lanes: &mut LaneWriter<'_>) {
            lanes.choice(self.choice);
            lanes.counter(self.counter);
            lanes.reference(self.target);
            lanes.text(&self.name);
            lanes.blob(&self.data);
            lanes.reference(self.by);
        }

        fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
            let (choice, counter, target) = (lanes.choice(), lanes.counter(), lanes.reference());
            let (name, data) = (lanes.text(), lanes.blob());
            Self { choice, counter, target, name, data, by: lanes.reference() }
        }
    }

    fn reference() -> impl Strategy<Value = EntityRef> {
        let net = (0..=NetId::INDEX_MAX, any::<u16>())
            .prop_map(|(index, generation)| EntityRef::Net(NetId { index, generation }));
        prop_oneof![Just(EntityRef::None), any::<u64>().prop_map(EntityRef::Local), net]
    }

    fn odd() -> impl Strategy<Value = Odd> {
        let parts = (any::<u32>(), any::<u32>(), reference(), ".{0,12}", prop::collection::vec(any::<u8>(), 0..60));
        (parts, reference()).prop_map(|((choice, counter, target, name, data), by)| Odd {
            choice,
            counter,
            target,
            name,
            data,
            by,
        })
    }

    fn lanes_of(odd: &Odd) -> Vec<u32> {
        let mut lanes = alloc::vec![0; Odd::lane_count()];
        odd.write_lanes(&mut lanes);
        lanes
    }

    proptest! {
        #[test]
        fn what_is_read_back_becomes_the_same_lanes_and_those_are_in_range(odd in odd()) {
            let lanes = lanes_of(&odd);
            let maxima: Vec<u32> = Odd::FIELDS.iter().flat_map(Field::lanes).map(|lane| lane.max).collect();
            prop_assert_eq!(maxima.len(), lanes.len());
            prop_assert!(lanes.iter().zip(&maxima).all(|(lane, max)| lane <= max), "{:?} of {:?}", lanes, maxima);
            prop_assert_eq!(lanes_of(&Odd::read_lanes(&lanes)), lanes);
        }

        #[test]
        fn snapping_keeps_references_and_settles(odd in odd()) {
            let snapped = odd.snapped();
            prop_assert_eq!((snapped.target, snapped.by), (odd.target, odd.by));
            prop_assert_eq!(&snapped.snapped(), &snapped);
        }
    }

    #[test]
    fn local_references_become_what_the_server_calls_them_and_come_back() {
        let id = NetId { index: 6, generation: 9 };
        let odd = Odd { target: EntityRef::Local(77), by: EntityRef::Local(78), ..Odd::default() };
        let mut lanes = alloc::vec![0; Odd::lane_count()];
        odd.write_lanes_with(&mut lanes, &mut |bits| (bits == 77).then_some(id));
        let client = Odd::read_lanes(&lanes);
        assert_eq!((client.target, client.by), (EntityRef::Net(id), EntityRef::None));
        let server = Odd::read_lanes_with(&lanes, &mut |named| {
            if named == id { EntityRef::Local(77) } else { EntityRef::None }
        });
        assert_eq!((server.target, server.by), (EntityRef::Local(77), EntityRef::None));
    }

    #[test]
    fn counters_wrap_and_choices_end() {
        let odd = Odd { choice: 99, counter: 0x1_02, ..Odd::default() }.snapped();
        assert_eq!((odd.choice, odd.counter), (4, 2));
    }

    #[test]
    fn a_component_with_a_reference_among_its_fields_has_references() {
        component!(Marker, Field::flags("shown", 1), Field::reference("target"));
        component!(Sign, Field::flags("shown", 1), Field::text("says", 3));
        assert!(Marker::has_references() && !Sign::has_references());
    }

    #[test]
    fn several_ranges_are_written_and_read_as_one_after_the_other() {
        #[derive(Debug, PartialEq)]
        struct Point([f32; 3]);
        impl Replicate for Point {
            const NAME: &'static str = "point";
            const FIELDS: &'static [Field] = &[
                Field::range("x", -10.0, 10.0, 0.5),
                Field::range("y", -10.0, 10.0, 0.5),
                Field::range("z", 0.0, 100.0, 1.0),
            ];
            fn quantize(&self, lanes: &mut LaneWriter<'_>) {
                lanes.ranges(self.0);
            }
            fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
                Self(lanes.ranges())
            }
        }
        assert_eq!(Point([1.1, -20.0, 63.0]).snapped(), Point([1.0, -10.0, 63.0]));
    }
}
