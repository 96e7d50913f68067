use ring::rand::{SecureRandom, SystemRandom};

/// Bytes from the operating system's cryptographically secure source.
#[must_use]
pub fn random<const BYTES: usize>() -> [u8; BYTES] {
    #[expect(clippy::disallowed_methods, reason = "io is where randomness is drawn")]
    let source = SystemRandom::new();
    let mut bytes = [0; BYTES];
    source.fill(&mut bytes).expect("the operating system has a random source");
    bytes
}
