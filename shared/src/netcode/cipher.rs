use super::TAG_BYTES;
use super::aead::{self, Forged};
use super::key::Key;

/// How packets are protected. Both ends must use the same.
///
/// Only code can choose: no setting of a program does, and `tidelock_server::io` refuses to serve anything but the default.
/// Connect tokens and challenges are encrypted whatever it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cipher {
    /// ChaCha20-Poly1305 (RFC 8439), as the standard has it.
    #[default]
    ChaCha20Poly1305,
    /// None: bodies travel as they are, with a tag of 16 zeros, so that every packet keeps its shape and length. Anybody can
    /// read and forge such packets: for simulations and benchmarks in one process only, where the cipher is not what is
    /// asked about.
    Null,
}

/// What both ends agree on before the first packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Protocol {
    /// The game and its version.
    pub(super) id: u64,
    pub(super) cipher: Cipher,
}

impl Cipher {
    /// Encrypts all but the last 16 bytes and writes the tag into those.
    pub(super) fn seal(self, sealed: &mut [u8], aad: &[u8], sequence: u64, key: &Key) {
        match self {
            Self::ChaCha20Poly1305 => aead::seal(sealed, aad, sequence, key),
            Self::Null => *sealed.last_chunk_mut().expect("room for the tag") = NULL_TAG,
        }
    }

    /// Decrypts in place and returns the message. On failure the content of `sealed` is lost.
    pub(super) fn open<'a>(
        self,
        sealed: &'a mut [u8],
        aad: &[u8],
        sequence: u64,
        key: &Key,
    ) -> Result<&'a mut [u8], Forged> {
        match self {
            Self::ChaCha20Poly1305 => aead::open(sealed, aad, sequence, key),
            Self::Null => match sealed.split_last_chunk_mut() {
                Some((message, tag)) if *tag == NULL_TAG => Ok(message),
                _ => Err(Forged),
            },
        }
    }
}

const NULL_TAG: [u8; TAG_BYTES] = [0; TAG_BYTES];

#[cfg(test)]
mod tests {
    use super::*;

    const CIPHERS: [Cipher; 2] = [Cipher::ChaCha20Poly1305, Cipher::Null];

    #[test]
    fn what_one_cipher_sealed_the_other_takes_for_forged() {
        let key = Key::new([7; 32]);
        for seals in CIPHERS {
            for opens in CIPHERS {
                let mut sealed = [1; 32];
                seals.seal(&mut sealed, b"aad", 5, &key);
                let opened = opens.open(&mut sealed, b"aad", 5, &key);
                let expected = if seals == opens { Ok(&mut [1u8; 16][..]) } else { Err(Forged) };
                assert_eq!(opened, expected, "{seals:?}, {opens:?}");
            }
        }
    }

    #[test]
    fn without_a_cipher_the_tag_is_zero_and_the_message_plain() {
        let mut sealed = *b"tidelock and sixteen more";
        let message = sealed.len() - TAG_BYTES;
        Cipher::Null.seal(&mut sealed, b"", 0, &Key::new([7; 32]));
        assert_eq!(&sealed[..message], b"tidelock ");
        assert_eq!(sealed[message..], [0; TAG_BYTES]);
    }

    #[test]
    fn bytes_too_short_for_a_tag_are_forged() {
        assert_eq!(Cipher::Null.open(&mut [0; 15], b"", 0, &Key::new([0; 32])), Err(Forged));
    }
}
