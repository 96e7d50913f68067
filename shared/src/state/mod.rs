//! Replicated state: fields quantized to integer lanes, the schema both ends compare, and the delta codec.
//!
//! A component or input declares [`Field`]s; each becomes one or more [`Lane`]s, integers from 0 to a maximum. What is
//! compared, hashed and sent is lanes, never floats. The lanes of all components that one audience sees of an entity
//! form a *stream*; a [`Version`] is the whole of a stream at one tick.

mod audience;
mod change;
pub mod codec;
#[cfg(test)]
mod declared;
mod entity_ref;
mod event;
mod field;
mod hash;
mod interpolate;
mod lane;
mod layout;
mod motion;
mod net_id;
mod numbers;
mod reader;
mod replicate;
mod rotation;
mod rules;
mod schema;
mod schema_builder;
mod shape;
mod text;
mod version;
mod version_pool;
mod writer;

pub use audience::Audience;
pub(crate) use change::{read_change_into, write_change};
pub use entity_ref::EntityRef;
pub use event::{Delivery, Event, EventRate};
pub use field::{Field, FieldKind, VelocityLink, join_fields};
pub use hash::{Checksum, FNV1A_OFFSET, fnv1a, version_hash};
pub use interpolate::Interpolate;
pub use lane::{Coding, Lane};
pub use layout::{ComponentLayout, StreamLayout};
pub use motion::{LaneMotion, MotionError, MotionTime};
pub use net_id::NetId;
pub use reader::LaneReader;
pub use replicate::{Input, Replicate};
pub use rules::{Rules, SendRate};
pub use schema::{EventId, EventLayout, InputLayout, Schema, SchemaError};
pub use schema_builder::SchemaBuilder;
pub use shape::{Member, Shape, Shaped, Variant};
pub use tidelock_derive::{Replicate, Shaped};
pub use version::{Version, VersionRef};
pub use version_pool::{Ring, VersionHead, VersionPool};
pub use writer::LaneWriter;
