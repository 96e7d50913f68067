use super::options::OptionsError;
use super::random::random;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use std::path::Path;
use tidelock::netcode::Key;

/// Bytes of a key; twice as many hex digits stand in its file.
const KEY_BYTES: usize = 32;

/// Reads a key that servers and matchmaker share: 64 hex digits, white space around them.
///
/// # Errors
/// If the file cannot be read or holds anything else. The error does not quote it.
pub fn read_key(file: &Path) -> Result<Key, OptionsError> {
    let text = std::fs::read_to_string(file).map_err(|why| OptionsError::file("key-file", file, &why))?;
    let refused = |why: &str| OptionsError::refused("key-file", file, why);
    let digits = text.trim();
    if digits.len() != 2 * KEY_BYTES {
        return Err(refused(&format!("has {} characters, and must have 64 hex digits", digits.len())));
    }
    // The error must not quote the file: it may be nearly a key.
    let bytes =
        HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).map_err(|_| refused("has other characters than hex digits"))?;
    Ok(Key::new(bytes.try_into().expect("64 digits are 32 bytes")))
}

/// A new key.
pub(crate) fn random_key() -> Key {
    Key::new(random())
}

/// A new key as its file has it.
pub(crate) fn random_key_text() -> String {
    HEXLOWER.encode(&random::<KEY_BYTES>())
}
