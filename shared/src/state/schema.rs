use super::audience::Audience;
use super::event::{Delivery, Event, EventRate};
use super::field::Field;
use super::lane::Lane;
use super::layout::StreamLayout;
use super::motion::MotionError;
use super::replicate::Replicate;
use super::schema_builder::SchemaBuilder;
use super::shape::Shape;
use alloc::vec::Vec;
use core::any::TypeId;

/// Everything about a game's state and messages that both ends must agree on. Compared by hash when a client joins.
#[derive(Clone, Debug)]
pub struct Schema {
    pub(super) game: &'static str,
    pub(super) streams: [StreamLayout; Audience::COUNT],
    pub(super) input: Option<InputLayout>,
    pub(super) events: Vec<EventLayout>,
    pub(super) hash: u64,
}

/// What a player asks for in one tick.
#[derive(Clone, Debug)]
pub struct InputLayout {
    /// As declared by [`Replicate::NAME`].
    pub name: &'static str,
    /// As declared by [`Replicate::FIELDS`].
    pub fields: &'static [Field],
    /// In order.
    pub lanes: Vec<Lane>,
    pub(super) write_default: fn(&mut [u32]),
}

/// An event type.
#[derive(Clone, Copy, Debug)]
pub struct EventLayout {
    /// As declared by [`Event::NAME`].
    pub name: &'static str,
    /// As declared by [`Event::DELIVERY`].
    pub delivery: Delivery,
    /// As declared by [`Event::RATE`]. Not in the schema's hash.
    pub rate: EventRate,
    /// What its body is made of.
    pub shape: Shape,
    pub(super) type_id: TypeId,
}

/// The number of an event type on the wire, in the order of declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u8);

/// Why a schema cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A component or event was declared twice, or another of the same name.
    #[error("`{0}` is declared twice")]
    Duplicate(&'static str),
    /// A stream has more than 32 components, or there are more than 256 events.
    #[error("`{0}` is one too many: a stream has at most 32 components, a game at most 256 events")]
    TooMany(&'static str),
    /// A component or the input has more than 64 lanes.
    #[error("`{0}` has more than 64 lanes")]
    TooWide(&'static str),
    /// A record of all components of one stream would not fit a datagram.
    #[error("a full record of all components of one stream takes {0} bits, and a datagram has room for {1}")]
    RecordTooLong(usize, usize),
    /// The longest input takes too much of a datagram.
    #[error("the longest input takes {0} bits, and may take {1}")]
    InputTooLong(usize, usize),
    /// A field is linked to a velocity that is none.
    #[error("`{component}.{field}` is linked to a velocity, but {problem}")]
    Velocity {
        /// Whose field is linked.
        component: &'static str,
        /// Which field.
        field: &'static str,
        /// What is wrong with the link.
        problem: MotionError,
    },
    /// No input was declared, or one that nobody could tell from another.
    #[error("the game declares no input, or one without fields")]
    NoInput,
}

impl Schema {
    /// The longest full record of a stream, in bits: what surely fits into a datagram beside its headers.
    pub const RECORD_BITS_MAX: usize = 1_000 * 8;

    /// The longest input, in bits: with a fragment of a message it fits a datagram.
    pub const INPUT_BITS_MAX: usize = 2_000;

    /// Starts declaring the schema of the game called `name`.
    #[must_use]
    pub fn builder(name: &'static str) -> SchemaBuilder {
        SchemaBuilder::new(name)
    }

    /// What the game is called.
    #[must_use]
    pub const fn game(&self) -> &'static str {
        self.game
    }

    /// The layout of one audience's stream.
    #[must_use]
    pub fn stream(&self, audience: Audience) -> &StreamLayout {
        &self.streams[audience as usize]
    }

    /// The lanes of the input.
    #[must_use]
    pub fn input(&self) -> &[Lane] {
        &self.input_layout().lanes
    }

    /// The layout of the input.
    #[must_use]
    pub fn input_layout(&self) -> &InputLayout {
        self.input.as_ref().expect("a schema is not built without one")
    }

    /// The event types, by their numbers on the wire.
    #[must_use]
    pub fn events(&self) -> &[EventLayout] {
        &self.events
    }

    /// Differs, but for one chance in 2^64, between any two schemas.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// In which stream, and as which bit of its mask, a component travels.
    #[must_use]
    pub fn find<C: Replicate>(&self) -> Option<(Audience, usize)> {
        let at = |audience| Some((audience, self.stream(audience).find::<C>()?));
        Audience::ALL.into_iter().find_map(at)
    }

    /// The number of an event type.
    #[must_use]
    pub fn event<E: Event>(&self) -> Option<EventId> {
        let index = self.events.iter().position(|event| event.type_id == TypeId::of::<E>())?;
        Some(EventId(index as u8))
    }

    /// How events of a type travel; `None` if there is no such type.
    #[must_use]
    pub fn delivery(&self, id: EventId) -> Option<Delivery> {
        self.events.get(usize::from(id.0)).map(|event| event.delivery)
    }

    /// How many event types there are.
    #[must_use]
    pub fn event_count(&self) -> usize {
        self.events.len()
    }
}

impl InputLayout {
    /// What the lanes hold when nothing is asked for. Not in the schema's hash.
    #[must_use]
    pub fn default_lanes(&self) -> Vec<u32> {
        let mut lanes = alloc::vec![0; self.lanes.len()];
        (self.write_default)(&mut lanes);
        lanes
    }
}
