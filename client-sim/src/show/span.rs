use crate::recording::{ReadError, Reader};
use std::io::Read;
use std::time::Duration;
use tidelock::Instant;

/// The time that a page shows: all of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: Instant,
    /// More than nothing.
    pub(super) lasts: Duration,
}

impl Span {
    /// Of a whole recording; `None` if nothing happens in it.
    pub(super) fn measure<R: Read>(reader: &mut Reader<R>) -> Result<Option<Self>, ReadError> {
        let start = reader.header().start;
        let mut end = start;
        while let Some(entry) = reader.read()? {
            end = end.max(entry.at);
        }
        Ok((end > start).then(|| Self { start, lasts: end.since(start) }))
    }

    /// How far into it a moment lies, in seconds. What came just before it counts as its start.
    pub(super) fn seconds(&self, at: Instant) -> f64 {
        at.since(self.start).min(self.lasts).as_secs_f64()
    }

    pub(super) fn lasts_s(&self) -> f64 {
        self.lasts.as_secs_f64()
    }
}
