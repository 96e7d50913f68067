use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use tidelock::Instant;
use tidelock::state::Schema;

use super::options::{SwarmOptions, Target};
use super::{SwarmError, clock};
use crate::link::LinkConfig;
use crate::recording::{Header, Recording};

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
        ("link down", describe(link.down)),
        ("link up", describe(link.up)),
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

/// As one would set it.
fn describe(link: LinkConfig) -> String {
    if link.is_clear() {
        return "clear".to_owned();
    }
    let LinkConfig { latency, jitter, loss: _, bursts, duplicate, reorder, bottleneck, stalls } = link;
    let spread = if jitter.is_zero() { String::new() } else { format!(" ± {jitter:?}") };
    let mut parts = vec![format!("{latency:?}{spread}")];
    let lost = match bursts {
        None => "lost".to_owned(),
        Some(bursts) => format!("lost, {} in a row", rounded(bursts.mean_length())),
    };
    for (share, what) in [(link.mean_loss(), &*lost), (duplicate, "twice"), (reorder, "overtaken")] {
        if share > 0.0 {
            parts.push(format!("{} % {what}", rounded(share * 100.0)));
        }
    }
    if let Some(bottleneck) = bottleneck {
        let kib = |bytes: u32| f64::from(bytes) / 1024.0;
        let (bandwidth, queue) = (kib(bottleneck.bandwidth_bytes_s), kib(bottleneck.queue_bytes));
        parts.push(format!("{bandwidth} KiB/s, queue {queue} KiB"));
    }
    parts.extend(stalls.map(|stalls| format!("stalls for {:?} in {:?}", stalls.length, stalls.every)));
    parts.join(", ")
}

/// As it was typed, where 2.3 hundredths are not exactly that.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{Bottleneck, Bursts};
    use std::time::Duration;

    #[test]
    fn a_link_is_told_as_it_was_set() {
        assert_eq!(describe(LinkConfig::default()), "clear");
        let link = LinkConfig {
            latency: Duration::from_millis(40),
            jitter: Duration::from_micros(1500),
            loss: 0.023,
            bottleneck: Some(Bottleneck::of(64 << 10)),
            ..LinkConfig::default()
        };
        assert_eq!(describe(link), "40ms ± 1.5ms, 2.3 % lost, 64 KiB/s, queue 64 KiB");
        let bursts = LinkConfig { bursts: Some(Bursts::of(0.07, 2.3)), ..LinkConfig::default() };
        assert_eq!(describe(bursts), "0ns, 7 % lost, 2.3 in a row");
    }
}
