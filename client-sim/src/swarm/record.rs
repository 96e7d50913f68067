use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use tidelock::Instant;
use tidelock::state::Schema;

use super::options::{SwarmOptions, Target};
use super::{SwarmError, clock};
use crate::link::LinkConfig;
use crate::measure::summary::Direction;
use crate::recording::{Header, Recording};
use crate::tell;

/// The file into which a run writes what its first client receives and does.
pub(super) struct RecordFile {
    path: PathBuf,
    recording: Recording<BufWriter<File>>,
}

impl RecordFile {
    pub(super) fn create(path: &Path) -> Result<File, SwarmError> {
        File::create(path).map_err(|why| SwarmError::RecordCreate { file: path.to_owned(), why })
    }

    /// Begins the recording in a file that was created.
    pub(super) fn begin(path: &Path, file: File, header: Header) -> Self {
        Self { path: path.to_owned(), recording: Recording::begin(BufWriter::with_capacity(1 << 16, file), header) }
    }

    pub(super) const fn recording(&mut self) -> &mut Recording<BufWriter<File>> {
        &mut self.recording
    }

    /// Ends it, and says if it lacks something.
    pub(super) fn end(self, now: Instant) -> Result<(), SwarmError> {
        let Self { path, recording } = self;
        recording.end(now).map(drop).map_err(|why| SwarmError::RecordWrite { file: path, why })
    }
}

/// What a recording says of the run it is from.
pub(super) fn header(
    options: &SwarmOptions,
    server: &str,
    schema: &Schema,
    same_clock: bool,
    start: Instant,
) -> Header {
    let server = match &options.target {
        Target::Embedded(_) => format!("embedded, {server}"),
        Target::Remote(_) => server.to_owned(),
    };
    let (_, link) = options.links.of(0);
    let facts = [
        ("game", "arena".to_owned()),
        ("server", server),
        ("client", format!("the first of {}", options.load.clients_max())),
        ("bot", options.bots.name().to_owned()),
        ("link down", words(link.down)),
        ("link up", words(link.up)),
        ("seed", options.seed.to_string()),
        ("program", concat!("tidelock-sim ", env!("CARGO_PKG_VERSION")).to_owned()),
    ];
    Header {
        start,
        started_unix_ms: clock::unix_s() * 1000,
        schema_hash: schema.hash(),
        same_clock,
        facts: facts.map(|(name, value)| (name.to_owned(), value)).into(),
    }
}

fn words(link: LinkConfig) -> String {
    tell::link(&Direction::from(link)).join(", ")
}
