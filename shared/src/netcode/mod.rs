//! Being written.
/// Payload.
pub const PAYLOAD_BYTES_MAX: usize = 1200;
