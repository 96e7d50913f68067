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
    /// None: bodies travel as they are, so that every packet keeps its shape and length. The tag is 8 bytes of the key and the
    /// sequence: so a packet of another connection, or of another sequence, is refused as it should be. Anybody can read such
    /// packets, and who has seen one can forge them: for simulations and benchmarks in one process only, where the cipher is
    /// not what is asked about.
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
            Self::Null => *sealed.last_chunk_mut().expect("room for the tag") = null_tag(sequence, key),
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
                Some((message, tag)) if *tag == null_tag(sequence, key) => Ok(message),
                _ => Err(Forged),
            },
        }
    }
}

/// `[the key's first 8 bytes] [sequence u64]`
fn null_tag(sequence: u64, key: &Key) -> [u8; TAG_BYTES] {
    let mut tag = [0; TAG_BYTES];
    tag[..8].copy_from_slice(&key.as_bytes()[..8]);
    tag[8..].copy_from_slice(&sequence.to_le_bytes());
    tag
}

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
    fn without_a_cipher_the_message_is_plain_and_the_tag_tells_key_and_sequence() {
        let mut sealed = *b"tidelock and sixteen more";
        let message = sealed.len() - TAG_BYTES;
        Cipher::Null.seal(&mut sealed, b"", 0x0102, &Key::new([7; 32]));
        assert_eq!(&sealed[..message], b"tidelock ");
        assert_eq!(sealed[message..], [7, 7, 7, 7, 7, 7, 7, 7, 2, 1, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_message_opens_with_its_own_key_and_sequence_only() {
        let keys = [Key::new([7; 32]), Key::new([8; 32])];
        for cipher in CIPHERS {
            let mut sealed = [1; 32];
            cipher.seal(&mut sealed, b"", 5, &keys[0]);
            for (sequence, key) in [(6, &keys[0]), (5 | 1 << 60, &keys[0]), (5, &keys[1])] {
                assert_eq!(cipher.open(&mut sealed.clone(), b"", sequence, key), Err(Forged), "{cipher:?}, {sequence}");
            }
            assert_eq!(cipher.open(&mut sealed, b"", 5, &keys[0]), Ok(&mut [1u8; 16][..]));
        }
    }

    #[test]
    fn bytes_too_short_for_a_tag_are_forged() {
        assert_eq!(Cipher::Null.open(&mut [0; 15], b"", 0, &Key::new([0; 32])), Err(Forged));
    }
}
