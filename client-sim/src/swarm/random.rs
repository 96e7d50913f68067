use ring::rand::{SecureRandom, SystemRandom};

/// Bytes from the operating system's cryptographically secure source.
pub(super) fn random<const BYTES: usize>() -> [u8; BYTES] {
    #[expect(clippy::disallowed_methods, reason = "the swarm is where randomness is drawn")]
    let source = SystemRandom::new();
    let mut bytes = [0; BYTES];
    source.fill(&mut bytes).expect("the operating system has a random source");
    bytes
}

/// A seed short enough to type again.
#[must_use]
pub fn random_seed() -> u64 {
    u64::from(u32::from_le_bytes(random()))
}
