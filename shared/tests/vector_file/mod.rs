//! Golden bytes as text: blocks of `key = value` lines, each under the name of one vector.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod delta;
pub(crate) mod json;

use serde_json::Value;
use std::fmt::Write as _;
use std::path::PathBuf;

use tidelock::bits::BitWriter;

/// A file of vectors as the code writes it now.
pub(crate) struct Vectors {
    file: &'static str,
    text: String,
    accepted: Vec<String>,
    /// Names of those refused, and what they say of why.
    refused: Vec<(String, String)>,
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
        Self { file, text, accepted: Vec::new(), refused: Vec::new() }
    }

    /// What the readers of all vectors of this file know beforehand. It comes first.
    pub(crate) fn context(&mut self, given: &Value) {
        self.text.push_str("# [context]: what the readers of all vectors are given; what a vector's own `given` says goes before it.\n");
        write!(self.text, "\n[context]\njson = {given}\n").unwrap();
    }

    /// A vector that a reader must take for `json`.
    pub(crate) fn accepted(&mut self, name: &str, json: &Value, write: impl FnOnce(&mut BitWriter)) {
        self.accepted.push(name.to_owned());
        self.block(name, &format!("json = {json}"), write);
    }

    /// A vector that a reader must refuse, and why, which ends with the name of its twin: one that is accepted, one step inside
    /// the bound.
    pub(crate) fn refused(&mut self, name: &str, why: &str, write: impl FnOnce(&mut BitWriter)) {
        self.refused_for(name, why, "", write);
    }

    /// The same for a reader that knows something beforehand which not all readers of this file know.
    pub(crate) fn refused_given(&mut self, name: &str, given: &Value, why: &str, write: impl FnOnce(&mut BitWriter)) {
        self.refused_as(name, &serde_json::json!({ "given": given }), why, write);
    }

    /// The same, of which more can be told.
    pub(crate) fn refused_as(&mut self, name: &str, json: &Value, why: &str, write: impl FnOnce(&mut BitWriter)) {
        self.refused_for(name, why, &format!("\njson = {json}"), write);
    }

    /// A body of an event, of this shape, that a reader must take for `value`. Both are JSON.
    pub(crate) fn event(&mut self, name: &str, shape: &str, value: &str, body: &[u8]) {
        self.accepted.push(name.to_owned());
        self.block(name, &format!("shape = {shape}\njson = {value}"), |w| w.write_bytes(body));
    }

    /// What is no body of an event of this shape.
    pub(crate) fn refused_event(&mut self, name: &str, why: &str, shape: &str, body: &[u8]) {
        self.refused_for(name, why, &format!("\nshape = {shape}"), |w| w.write_bytes(body));
    }

    /// A line that is no message: a hash, say.
    pub(crate) fn value(&mut self, name: &str, json: &Value, value: &str) {
        write!(self.text, "\n[{name}]\njson = {json}\nvalue = {value}\n").unwrap();
    }

    /// What becomes of datagrams that come one after the other. `given` is what is known besides the context.
    pub(crate) fn script(&mut self, name: &str, proves: &str, given: Option<&Value>, steps: &[Value]) {
        write!(self.text, "\n[{name}]\nproves = {proves}\n").unwrap();
        if let Some(given) = given {
            writeln!(self.text, "json = {}", serde_json::json!({ "given": given })).unwrap();
        }
        for (number, step) in (1..).zip(steps) {
            writeln!(self.text, "step_{number} = {step}").unwrap();
        }
    }

    /// Holds the file against what it should be.
    pub(crate) fn check(self) {
        for (name, why) in &self.refused {
            let twin = why.rsplit_once("twin: ").map(|(_, twin)| twin);
            let is_accepted = twin.is_some_and(|twin| self.accepted.iter().any(|name| name == twin));
            assert!(is_accepted, "{}: {name} has no twin that is accepted", self.file);
        }
        let path = path(self.file);
        if std::env::var_os("WRITE_VECTORS").is_some() {
            std::fs::write(&path, &self.text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let differs = self.text.lines().zip(written.lines()).find(|(now, then)| now != then);
        assert!(self.text == written, "{}: the wire has changed: (now, written) = {differs:?}", self.file);
    }

    fn refused_for(&mut self, name: &str, why: &str, more: &str, write: impl FnOnce(&mut BitWriter)) {
        self.refused.push((name.to_owned(), why.to_owned()));
        self.block(&format!("refused_{name}"), &format!("why = {why}{more}"), write);
    }

    fn block(&mut self, name: &str, about: &str, write: impl FnOnce(&mut BitWriter)) {
        let mut w = BitWriter::new();
        write(&mut w);
        let bits = w.len_bits();
        let hex = hex(w.finish());
        write!(self.text, "\n[{name}]\n{about}\nbits = {bits}\nhex = {hex}\n").unwrap();
    }
}

fn path(file: &str) -> PathBuf {
    // Also for tests of other crates of this workspace.
    [env!("CARGO_MANIFEST_DIR"), "..", "shared", "vectors", file].iter().collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
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

/// Bytes as they are.
pub(crate) fn raw(bytes: &[u8]) -> impl FnOnce(&mut BitWriter) {
    let bytes = bytes.to_vec();
    move |w| w.write_bytes(&bytes)
}

/// All but the last bytes of what is written, so many of them.
pub(crate) fn less(missing_bytes: usize, write: impl FnOnce(&mut BitWriter)) -> impl FnOnce(&mut BitWriter) {
    let mut all = BitWriter::new();
    write(&mut all);
    let all = all.finish().to_vec();
    move |w| w.write_bytes(&all[..all.len() - missing_bytes])
}
