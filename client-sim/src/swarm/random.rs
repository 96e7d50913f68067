use tidelock_server::io::random;

/// A seed short enough to type again.
#[must_use]
pub fn random_seed() -> u64 {
    u64::from(u32::from_le_bytes(random()))
}
