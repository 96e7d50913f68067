const SEED: u64 = 0x5EED_CAFE;

/// The finalizer of `SplitMix64`, by Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
#[inline]
#[must_use]
pub const fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number that depends on nothing but what it is for (`stream`) and for whom and when.
#[inline]
#[must_use]
pub const fn hash(stream: u64, a: u64, b: u64) -> u64 {
    mix(mix(mix(mix(SEED) ^ stream) ^ a) ^ b)
}

/// The same from 0 up to, and without, 1, in 2^24 steps.
#[inline]
#[must_use]
pub const fn unit(stream: u64, a: u64, b: u64) -> f32 {
    (hash(stream, a, b) >> 40) as f32 / (1 << 24) as f32
}
