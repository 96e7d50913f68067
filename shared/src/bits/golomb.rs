/// The code of `value` in exponential Golomb code of order `k`, first bit lowest, and its bits; of more than 64 only the
/// last 64, as the others are zeros.
///
/// # Panics
/// If `k` exceeds 31.
#[inline]
#[must_use]
pub(crate) const fn golomb(value: u32, k: u32) -> (u64, u32) {
    if (value as usize) < SHORT_VALUES && (k as usize) < SHORT_ORDERS {
        let (code, bits) = SHORT[k as usize][value as usize];
        return (code as u64, bits as u32);
    }
    compute(value, k)
}

/// The codes that are used most.
static SHORT: [[(u16, u8); SHORT_VALUES]; SHORT_ORDERS] = short();
const SHORT_VALUES: usize = 64;
const SHORT_ORDERS: usize = 4;

const fn short() -> [[(u16, u8); SHORT_VALUES]; SHORT_ORDERS] {
    let mut codes = [[(0, 0); SHORT_VALUES]; SHORT_ORDERS];
    let mut at = 0;
    while at < SHORT_ORDERS * SHORT_VALUES {
        let (k, value) = (at / SHORT_VALUES, at % SHORT_VALUES);
        let (code, bits) = compute(value as u32, k as u32);
        codes[k][value] = (code as u16, bits as u8);
        at += 1;
    }
    codes
}

const fn compute(value: u32, k: u32) -> (u64, u32) {
    assert!(k < 32);
    let shifted = value as u64 + (1 << k);
    let significant = u64::BITS - shifted.leading_zeros();
    let zeros = significant - k - 1;
    let bits = zeros + significant;
    let low = shifted & !(1 << (significant - 1));
    let skip = bits.saturating_sub(64);
    ((low << 1 | 1) << (zeros - skip), bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_codes_are_what_is_computed() {
        for (value, k) in (0..100).flat_map(|value| (0..6).map(move |k| (value, k))) {
            assert_eq!(golomb(value, k), compute(value, k), "{value} in order {k}");
        }
    }
}
