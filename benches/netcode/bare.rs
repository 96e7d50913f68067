//! The cipher alone, as a measure of what is added to it.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use std::hint::black_box;
use std::time::Duration;
use tidelock_benches::cpu_timed;

const TAG_BYTES: usize = 16;
/// As long as netcode's.
const AAD: [u8; 22] = [1; 22];

/// Seals so many messages of so many bytes.
pub(crate) fn seal(messages: usize, bytes: usize) -> Duration {
    let (key, mut message) = (key(), vec![0x5a; bytes]);
    let (took, ()) = cpu_timed(|| {
        for sequence in 0..messages {
            let tag = key.seal_in_place_separate_tag(nonce(sequence), Aad::from(AAD), &mut message);
            let _tag = black_box(tag.expect("the message is short"));
        }
    });
    took
}

/// Opens as many, one after the other in one buffer.
pub(crate) fn open(messages: usize, bytes: usize) -> Duration {
    let key = key();
    let mut batch = vec![0x5a; messages * (bytes + TAG_BYTES)];
    for (sequence, message) in batch.chunks_exact_mut(bytes + TAG_BYTES).enumerate() {
        let (body, tag) = message.split_at_mut(bytes);
        let made = key.seal_in_place_separate_tag(nonce(sequence), Aad::from(AAD), body);
        tag.copy_from_slice(made.expect("the message is short").as_ref());
    }
    let (took, ()) = cpu_timed(|| {
        for (sequence, message) in batch.chunks_exact_mut(bytes + TAG_BYTES).enumerate() {
            black_box(key.open_in_place(nonce(sequence), Aad::from(AAD), message)).expect("it was sealed so");
        }
    });
    took
}

fn key() -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &[7; 32]).expect("a key of 32 bytes"))
}

fn nonce(sequence: usize) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&(sequence as u64).to_le_bytes());
    Nonce::assume_unique_for_key(nonce)
}
