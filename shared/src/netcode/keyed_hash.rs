use core::hash::BuildHasher;

use siphasher::sip::SipHasher13;

/// Hashes with a secret key, so that nobody can choose addresses or tokens that collide. The key is given, not drawn,
/// so that a run can be repeated.
#[derive(Clone)]
pub(super) struct KeyedHash(SipHasher13);

impl KeyedHash {
    pub(super) fn new(key: &[u8; 16]) -> Self {
        Self(SipHasher13::new_with_key(key))
    }
}

impl BuildHasher for KeyedHash {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::hash::BuildHasher;

    #[test]
    fn a_hash_tells_nothing_to_who_does_not_know_the_key() {
        let of = |key: u8| KeyedHash::new(&[key; 16]).hash_one(7u64);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }
}
