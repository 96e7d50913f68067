//! As much of HTTP as this needs: version 1.0, so that a body ends with its connection.

use super::processes::sleep;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longest time without an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);

/// The body of an answer that is a success.
pub(super) fn get(address: &str, path: &str) -> Result<String, String> {
    let (head, body) = answer(address, path).map_err(|why| format!("GET {path} of {address}: {why}"))?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status == "200" { Ok(body) } else { Err(format!("GET {path} of {address}: {status} {body}")) }
}

fn answer(address: &str, path: &str) -> std::io::Result<(String, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Ok((head.to_owned(), body.to_owned()))
}

/// Waits for a success.
pub(super) fn wait_for(address: &str, path: &str, at_most: Duration) -> Result<(), String> {
    let mut waited = Duration::ZERO;
    while let Err(why) = get(address, path) {
        if waited >= at_most {
            return Err(why);
        }
        sleep(POLL);
        waited += POLL;
    }
    Ok(())
}

/// A text as the value of a parameter in an address.
pub(super) fn parameter(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
