//! Golden bytes as text: blocks of `key = value` lines, each under the name of one vector.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fmt::Write as _;
use std::path::PathBuf;

use tidelock::bits::BitWriter;

/// A file of vectors as the code writes it now.
pub(crate) struct Vectors {
    file: &'static str,
    text: String,
}

impl Vectors {
    /// Begins a file. Each line of `about` becomes a comment.
    pub(crate) fn new(file: &'static str, about: &str) -> Self {
        let mut text = String::new();
        for line in about.lines() {
            text.push_str(format!("# {line}").trim_end());
            text.push('\n');
        }
        text.push_str("# Bit 0 is the lowest bit of the first byte; the last byte is padded with zeros.\n");
        Self { file, text }
    }

    /// A vector that a reader must take for `fields`.
    pub(crate) fn accepted(&mut self, name: &str, fields: &str, write: impl FnOnce(&mut BitWriter)) {
        self.block(name, "fields", fields, write);
    }

    /// A vector that a reader must refuse, and why. Its accepted twin lies one step inside the bound.
    pub(crate) fn refused(&mut self, name: &str, why: &str, write: impl FnOnce(&mut BitWriter)) {
        self.block(&format!("refused_{name}"), "why", why, write);
    }

    /// A body of an event, of this shape, that a reader must take for `value`. Both are JSON.
    pub(crate) fn event(&mut self, name: &str, shape: &str, value: &str, body: &[u8]) {
        self.block(name, "shape", &format!("{shape}\njson = {value}"), |w| w.write_bytes(body));
    }

    /// A line that is no message: a hash, say.
    pub(crate) fn value(&mut self, name: &str, fields: &str, value: &str) {
        write!(self.text, "\n[{name}]\nfields = {fields}\nvalue = {value}\n").unwrap();
    }

    /// Holds the file against what it should be.
    pub(crate) fn check(self) {
        let path = path(self.file);
        if std::env::var_os("WRITE_VECTORS").is_some() {
            std::fs::write(&path, &self.text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let differs = self.text.lines().zip(written.lines()).find(|(now, then)| now != then);
        assert!(self.text == written, "{}: the wire has changed: (now, written) = {differs:?}", self.file);
    }

    fn block(&mut self, name: &str, key: &str, about: &str, write: impl FnOnce(&mut BitWriter)) {
        let mut w = BitWriter::new();
        write(&mut w);
        let bits = w.len_bits();
        let hex = w.finish().iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        write!(self.text, "\n[{name}]\n{key} = {about}\nbits = {bits}\nhex = {hex}\n").unwrap();
    }
}

fn path(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "vectors", file].iter().collect()
}

/// The bytes of one vector of a file, as they were written down.
pub(crate) fn bytes(file: &str, name: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(path(file)).unwrap();
    let head = format!("[{name}]");
    let block = text.lines().skip_while(|line| *line != head);
    let hex = block.take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix("hex = "));
    let hex = hex.unwrap_or_else(|| panic!("{file} has no vector {name}"));
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}
