//! Authenticated encryption in place: `[message] [tag 16]`.

use chacha20::{R20, hchacha};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use super::key::Key;
use super::{KEY_BYTES, TAG_BYTES, TOKEN_NONCE_BYTES};

/// The tag did not fit the message, the key, the nonce or the associated data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Forged;

/// Encrypts all but the last 16 bytes with ChaCha20-Poly1305 (RFC 8439) and writes the tag into those.
pub(super) fn seal(sealed: &mut [u8], aad: &[u8], sequence: u64, key: &Key) {
    seal_with(sealed, aad, sequence_nonce(sequence), key.as_bytes());
}

/// Decrypts in place and returns the message. On failure the content of `sealed` is lost.
pub(super) fn open<'a>(sealed: &'a mut [u8], aad: &[u8], sequence: u64, key: &Key) -> Result<&'a mut [u8], Forged> {
    open_with(sealed, aad, sequence_nonce(sequence), key.as_bytes())
}

/// As [`seal`], with XChaCha20-Poly1305: its nonce is long enough to be drawn at random.
pub(super) fn seal_extended(sealed: &mut [u8], aad: &[u8], nonce: &[u8; TOKEN_NONCE_BYTES], key: &Key) {
    let (subkey, nonce) = extend(nonce, key);
    seal_with(sealed, aad, nonce, &subkey);
}

/// As [`open`], with XChaCha20-Poly1305.
pub(super) fn open_extended<'a>(
    sealed: &'a mut [u8],
    aad: &[u8],
    nonce: &[u8; TOKEN_NONCE_BYTES],
    key: &Key,
) -> Result<&'a mut [u8], Forged> {
    let (subkey, nonce) = extend(nonce, key);
    open_with(sealed, aad, nonce, &subkey)
}

/// `[0 0 0 0] [sequence u64]`
fn sequence_nonce(sequence: u64) -> [u8; 12] {
    nonce_of(&sequence.to_le_bytes())
}

fn nonce_of(last: &[u8; 8]) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(last);
    nonce
}

/// The subkey and nonce that turn XChaCha20 into ChaCha20 (draft-irtf-cfrg-xchacha, section 2.3).
fn extend(nonce: &[u8; TOKEN_NONCE_BYTES], key: &Key) -> ([u8; KEY_BYTES], [u8; 12]) {
    let (input, last) = nonce.split_first_chunk::<16>().expect("24 bytes");
    let last: &[u8; 8] = last.try_into().expect("the other 8 of 24 bytes");
    (hchacha::<R20>(key.as_bytes().into(), input.into()).into(), nonce_of(last))
}

/// A prepared key costs half a kilobyte for each of thousands of clients, and preparing one costs next to nothing.
fn prepare(key: &[u8; KEY_BYTES]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).expect("a key of 32 bytes"))
}

fn seal_with(sealed: &mut [u8], aad: &[u8], nonce: [u8; 12], key: &[u8; KEY_BYTES]) {
    let (message, tag) = sealed.split_last_chunk_mut::<TAG_BYTES>().expect("room for the tag");
    let made = prepare(key)
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), message)
        .expect("a message shorter than 256 GiB");
    tag.copy_from_slice(made.as_ref());
}

fn open_with<'a>(
    sealed: &'a mut [u8],
    aad: &[u8],
    nonce: [u8; 12],
    key: &[u8; KEY_BYTES],
) -> Result<&'a mut [u8], Forged> {
    prepare(key).open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), sealed).map_err(|_| Forged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extended_construction_matches_the_draft() {
        // draft-irtf-cfrg-xchacha-03, appendix A.3.1
        let mut key = [0; 32];
        for (i, byte) in key.iter_mut().enumerate() {
            *byte = 0x80 + u8::try_from(i).unwrap();
        }
        let mut nonce = [0; 24];
        for (i, byte) in nonce.iter_mut().enumerate() {
            *byte = 0x40 + u8::try_from(i).unwrap();
        }
        let aad = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let message = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
            sunscreen would be it.";
        let mut sealed = [0; 114 + 16];
        sealed[..114].copy_from_slice(message);
        seal_extended(&mut sealed, &aad, &nonce, &Key::new(key));
        assert_eq!(sealed[..8], [0xbd, 0x6d, 0x17, 0x9d, 0x3e, 0x83, 0xd4, 0x3b]);
        assert_eq!(
            sealed[114..],
            [0xc0, 0x87, 0x59, 0x24, 0xc1, 0xc7, 0x98, 0x79, 0x47, 0xde, 0xaf, 0xd8, 0x78, 0x0a, 0xcf, 0x49]
        );
        assert_eq!(open_extended(&mut sealed, &aad, &nonce, &Key::new(key)).unwrap(), message);
    }

    #[test]
    fn a_message_opens_only_with_its_own_sequence() {
        let key = Key::new([7; 32]);
        let mut sealed = [1; 32];
        seal(&mut sealed, b"aad", 5, &key);
        assert_eq!(open(&mut sealed.clone(), b"aad", 6, &key), Err(Forged));
        assert_eq!(open(&mut sealed.clone(), b"abd", 5, &key), Err(Forged));
        assert_eq!(open(&mut sealed, b"aad", 5, &key), Ok(&mut [1u8; 16][..]));
    }

    #[test]
    fn bytes_too_short_for_a_tag_are_forged() {
        assert_eq!(open(&mut [0; 15], b"", 0, &Key::new([0; 32])), Err(Forged));
    }
}
