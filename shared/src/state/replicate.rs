use super::field::{self, Field, FieldKind};

/// A component whose value clients see. It declares its fields once; both ends then speak of it in lanes.
///
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
pub trait Replicate: Sized + Send + Sync + 'static {
    /// Its name in the schema: both ends must agree.
    const NAME: &'static str;
    /// Its fields, in the order in which [`Replicate::quantize`] writes and [`Replicate::dequantize`] reads them.
    const FIELDS: &'static [Field];

    /// Writes each field, in order.
    fn quantize(&self, lanes: &mut LaneWriter<'_>);

    /// Reads each field, in order.
    fn dequantize(lanes: &mut LaneReader<'_>) -> Self;

    /// How many lanes its fields become.
    #[must_use]
    fn lane_count() -> usize {
        Self::FIELDS.iter().map(Field::lane_count).sum()
    }

    /// Writes all fields to `lanes`, which has [`Replicate::lane_count`] places.
    fn write_lanes(&self, lanes: &mut [u32]) {
        let mut writer = LaneWriter { fields: Self::FIELDS, lanes };
        self.quantize(&mut writer);
        assert!(
            writer.fields.is_empty() && writer.lanes.is_empty(),
            "{} writes fewer fields than it declares",
            Self::NAME
        );
    }

    /// Reads all fields from `lanes`, which has [`Replicate::lane_count`] places.
    #[must_use]
    fn read_lanes(lanes: &[u32]) -> Self {
        let mut reader = LaneReader { fields: Self::FIELDS, lanes };
        let value = Self::dequantize(&mut reader);
        assert!(
            reader.fields.is_empty() && reader.lanes.is_empty(),
            "{} reads fewer fields than it declares",
            Self::NAME
        );
        value
    }

    /// The value as the other end will see it. Predicted state is snapped after each step, on both ends.
    #[must_use]
    fn snapped(&self) -> Self {
        let mut lanes = [0; LANES_MAX];
        let lanes = &mut lanes[..Self::lane_count()];
        self.write_lanes(lanes);
        Self::read_lanes(lanes)
    }
}

/// A component or input has at most this many lanes.
pub(super) const LANES_MAX: usize = 64;

/// What a player asks for in one tick. Declared like a component; the default is "nothing".
pub trait Input: Replicate + Clone + Default {
    /// Clears what must happen once, such as a shot: a missing input is replaced by the last one without these.
    fn clear_one_shots(&mut self);
}

/// A message of the game, sent reliably and in order. Its body is encoded with `bitcode`.
pub trait Event: bitcode::Encode + bitcode::DecodeOwned + Send + Sync + 'static {
    /// Its name in the schema: both ends must agree.
    const NAME: &'static str;
}

/// Takes a component's fields in their declared order and stores their lanes.
///
/// Its methods panic when the field called for is not the one declared: that is a mistake in the component.
#[derive(Debug)]
pub struct LaneWriter<'a> {
    fields: &'static [Field],
    lanes: &'a mut [u32],
}

impl LaneWriter<'_> {
    /// The next field: a range.
    pub fn range(&mut self, value: f32) {
        let FieldKind::Range { min, max, step } = self.next() else { panic!("the field is not a range") };
        self.put(field::quantize_range(value, min, max, step));
    }

    /// The next fields: one range for each element.
    pub fn ranges<const N: usize>(&mut self, values: [f32; N]) {
        for value in values {
            self.range(value);
        }
    }

    /// The next field: an angle in radians.
    pub fn angle(&mut self, value: f32) {
        let FieldKind::Angle { bits } = self.next() else { panic!("the field is not an angle") };
        self.put(field::quantize_angle(value, bits));
    }

    /// The next field: a rotation.
    pub fn rotation(&mut self, value: glam::Quat) {
        let FieldKind::Rotation { bits } = self.next() else { panic!("the field is not a rotation") };
        for lane in field::quantize_rotation(value.to_array(), bits) {
            self.put(lane);
        }
    }

    /// The next field: a whole number.
    pub fn integer(&mut self, value: i32) {
        let FieldKind::Integer { min, max } = self.next() else { panic!("the field is not an integer") };
        self.put(value.clamp(min, max).wrapping_sub(min).cast_unsigned());
    }

    /// The next field: flags; bits beyond the declared ones are dropped.
    pub fn flags(&mut self, value: u32) {
        let FieldKind::Flags { bits } = self.next() else { panic!("the field is not flags") };
        self.put(value & ((1 << bits) - 1));
    }

    fn next(&mut self) -> FieldKind {
        let (first, rest) = self.fields.split_first().expect("more fields are written than declared");
        self.fields = rest;
        first.kind
    }

    fn put(&mut self, value: u32) {
        let lanes = core::mem::take(&mut self.lanes);
        let (first, rest) = lanes.split_first_mut().expect("a lane for each field");
        *first = value;
        self.lanes = rest;
    }
}

/// Gives a component's fields back in their declared order. Panics like [`LaneWriter`].
#[derive(Debug)]
pub struct LaneReader<'a> {
    fields: &'static [Field],
    lanes: &'a [u32],
}

impl LaneReader<'_> {
    /// The next field: a range.
    pub fn range(&mut self) -> f32 {
        let FieldKind::Range { min, step, .. } = self.next() else { panic!("the field is not a range") };
        field::dequantize_range(self.take(), min, step)
    }

    /// The next fields: one range for each element.
    pub fn ranges<const N: usize>(&mut self) -> [f32; N] {
        core::array::from_fn(|_| self.range())
    }

    /// The next field: an angle in radians, -pi to pi.
    pub fn angle(&mut self) -> f32 {
        let FieldKind::Angle { bits } = self.next() else { panic!("the field is not an angle") };
        field::dequantize_angle(self.take(), bits)
    }

    /// The next field: a rotation.
    pub fn rotation(&mut self) -> glam::Quat {
        let FieldKind::Rotation { bits } = self.next() else { panic!("the field is not a rotation") };
        let lanes = core::array::from_fn(|_| self.take());
        glam::Quat::from_array(field::dequantize_rotation(lanes, bits))
    }

    /// The next field: a whole number.
    pub fn integer(&mut self) -> i32 {
        let FieldKind::Integer { min, .. } = self.next() else { panic!("the field is not an integer") };
        min.wrapping_add_unsigned(self.take())
    }

    /// The next field: flags.
    pub fn flags(&mut self) -> u32 {
        let FieldKind::Flags { .. } = self.next() else { panic!("the field is not flags") };
        self.take()
    }

    fn next(&mut self) -> FieldKind {
        let (first, rest) = self.fields.split_first().expect("more fields are read than declared");
        self.fields = rest;
        first.kind
    }

    fn take(&mut self) -> u32 {
        let (first, rest) = self.lanes.split_first().expect("a lane for each field");
        self.lanes = rest;
        *first
    }
}
