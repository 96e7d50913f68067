/// A stream of random numbers from a seed: SplitMix64, eight bytes of state.
///
/// Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng(u64);

impl Rng {
    const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

    /// The stream of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One of many streams of the same seed, each unlike the others.
    #[must_use]
    pub const fn stream(seed: u64, index: u64) -> Self {
        Self(mix(mix(seed).wrapping_add(index.wrapping_mul(Self::GAMMA))))
    }

    /// 64 random bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(Self::GAMMA);
        mix(self.0)
    }

    /// A whole number from 0 to `bound - 1`; 0 if `bound` is 0.
    pub const fn below(&mut self, bound: u32) -> u32 {
        // Multiplying the upper half instead of dividing: the bias is below 2^-32 for the bounds a game has.
        (((self.next_u64() >> 32) * bound as u64) >> 32) as u32
    }

    /// A number from 0 to below 1, in steps of 2^-24.
    pub const fn unit(&mut self) -> f32 {
        (self.next_u64() >> 40) as f32 / 16_777_216.0
    }

    /// A number between `min` and `max`.
    pub const fn between(&mut self, min: f32, max: f32) -> f32 {
        min + (max - min) * self.unit()
    }
}

const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_first_numbers_of_seed_1234567() {
        let mut rng = Rng::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([rng.next_u64(), rng.next_u64(), rng.next_u64()], expected);
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut rng = Rng::stream(7, 3);
        for _ in 0..10_000 {
            assert!(rng.below(6) < 6);
            assert!((0.0..1.0).contains(&rng.unit()));
            assert!((-2.0..=3.0).contains(&rng.between(-2.0, 3.0)));
        }
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn streams_of_one_seed_differ() {
        assert_ne!(Rng::stream(1, 0).next_u64(), Rng::stream(1, 1).next_u64());
        assert_ne!(Rng::stream(1, 0).next_u64(), Rng::stream(2, 0).next_u64());
    }
}
