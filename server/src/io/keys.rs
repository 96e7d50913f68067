use super::options::OptionsError;
use super::random::random;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use tidelock::netcode::Key;

/// Bytes of a key; twice as many hex digits stand in its file.
const KEY_BYTES: usize = 32;

/// Reads a key that servers and matchmaker share: 64 hex digits, white space around them.
///
/// # Errors
/// If the file cannot be read or holds anything else. The error does not quote it.
pub fn read_key(file: &Path) -> Result<Key, OptionsError> {
    let refused = |why: &str| OptionsError::refused("key-file", file, why);
    let text = std::fs::read_to_string(file).map_err(|why| match why.kind() {
        io::ErrorKind::InvalidData => refused("must have 64 hex digits, and has other bytes"),
        _ => OptionsError::file("key-file", file, &why),
    })?;
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

/// Writes a new key to a new file that only its owner may read.
pub(crate) fn write_new_key(file: &Path) -> Result<(), OptionsError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(file).map_err(|why| match why.kind() {
        // Whoever shares the old key would be locked out.
        io::ErrorKind::AlreadyExists => OptionsError::refused("out", file, "exists, and is not overwritten"),
        _ => OptionsError::file("out", file, &why),
    })?;
    let written = writeln!(opened, "{}", random_key_text()).and_then(|()| opened.sync_all());
    written.map_err(|why| {
        // The reason it could not be written is what the caller is told.
        let _ = std::fs::remove_file(file);
        OptionsError::file("out", file, &why)
    })
}

/// A new key as its file has it.
pub(crate) fn random_key_text() -> String {
    HEXLOWER.encode(&random::<KEY_BYTES>())
}
