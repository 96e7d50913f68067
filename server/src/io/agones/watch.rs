use super::super::clock;
use super::game_server::GameServer;
use super::sidecar::Sidecar;
use serde::Deserialize;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;

/// What Agones said last, until somebody takes it.
pub(super) type Mailbox = Mutex<Option<GameServer>>;

/// A line of the stream of changes.
#[derive(Deserialize)]
struct Watched {
    result: GameServer,
}

/// A stream that is silent for so long is opened anew: it may be broken, and nobody would know.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Between two attempts.
const PAUSE: Duration = Duration::from_secs(2);

/// Puts what the sidecar tells of changes into a mailbox, in a thread of its own, as long as there is one. A sidecar that hangs
/// holds up that thread alone, and nobody waits for its end.
pub(super) fn start(sidecar: Sidecar, mailbox: Weak<Mailbox>) -> io::Result<()> {
    let builder = std::thread::Builder::new().name("tidelock-agones-watch".to_owned());
    let run = move || {
        while mailbox.strong_count() > 0 {
            follow(&sidecar, &mailbox);
            clock::sleep_until(clock::now() + PAUSE);
        }
    };
    builder.spawn(run).map(drop)
}

/// Follows one stream to its end.
fn follow(sidecar: &Sidecar, mailbox: &Weak<Mailbox>) {
    let Ok(stream) = sidecar.watch(SILENCE_MAX) else { return };
    let mut lines = BufReader::new(stream);
    while let Some(line) = next_line(&mut lines) {
        let Some(mailbox) = mailbox.upgrade() else { return };
        // What is no such line says nothing.
        if let Ok(Watched { result }) = serde_json::from_slice(&line) {
            *mailbox.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        }
    }
}

/// `None` at the end, and of a line that has none.
fn next_line(lines: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    lines.take(Sidecar::ANSWER_BYTES_MAX).read_until(b'\n', &mut line).ok()?;
    line.ends_with(b"\n").then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_line_by_line_and_given_up_where_a_line_has_no_end() {
        let mut lines = BufReader::new(&b"{}\n\nlast"[..]);
        assert_eq!(next_line(&mut lines).as_deref(), Some(&b"{}\n"[..]));
        assert_eq!(next_line(&mut lines).as_deref(), Some(&b"\n"[..]));
        assert_eq!(next_line(&mut lines), None);
        let endless = io::repeat(b'x');
        assert_eq!(next_line(&mut BufReader::new(endless)), None);
    }
}
