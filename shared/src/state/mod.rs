//! Replicated state: fields quantized to integer lanes, the schema both ends compare, and the delta codec.
//!
//! A component or input declares [`Field`]s; each becomes one or more [`Lane`]s, integers from 0 to a maximum. What is
//! compared, hashed and sent is lanes, never floats. The lanes of all components that one audience sees of an entity
//! form a *stream*; a [`Version`] is the whole of a stream at one tick.

mod delta;
mod field;
mod hash;
mod lane;
mod net_id;
mod replicate;
mod schema;
mod version;
mod version_pool;

pub use delta::{decode_delta, decode_full, encode_delta, encode_full};
pub(crate) use delta::{read_change_into, write_change};
pub use field::{Field, FieldKind};
pub use hash::{Checksum, FNV1A_OFFSET, fnv1a, version_hash};
pub use lane::{Coding, Lane};
pub use net_id::NetId;
pub use replicate::{Event, Input, LaneReader, LaneWriter, Replicate};
pub use schema::{Audience, ComponentLayout, EventId, Schema, SchemaBuilder, SchemaError, StreamLayout};
pub use version::{Version, VersionRef};
pub use version_pool::{Ring, VersionHead, VersionPool};
