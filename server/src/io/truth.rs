use super::options::OptionsError;
use crate::engine::Engine;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use tidelock::Tick;
use tidelock::state::{Audience, NetId, VersionRef};

/// Writes down what is so in each tick, a line each, as section 18 of PROTOCOL.md has it: what clients are judged by.
///
/// It waits for the disk, and looks at everything in every tick: for tests.
#[derive(Debug)]
pub(crate) struct TruthWriter<W: Write = BufWriter<File>> {
    out: Option<W>,
    /// Since when each stream is what it is, as the lines say.
    written: BTreeMap<(u32, Audience), (u16, Tick)>,
    line: Vec<u8>,
}

impl TruthWriter {
    /// Begins a new file.
    pub(crate) fn create(path: &Path) -> Result<Self, OptionsError> {
        let file = File::create(path).map_err(|why| OptionsError::file("truth", path, &why))?;
        Ok(Self::new(BufWriter::new(file)))
    }
}

impl<W: Write> TruthWriter<W> {
    fn new(out: W) -> Self {
        Self { out: Some(out), written: BTreeMap::new(), line: Vec::new() }
    }

    /// The engine has run a tick.
    pub(crate) fn on_tick(&mut self, engine: &Engine) {
        let Some(out) = &mut self.out else { return };
        self.line.clear();
        let streams = engine.streams().map(|(id, audience, since, version)| Stream { id, audience, since, version });
        let told = tell(engine.tick_number(), streams, &mut self.written, &mut self.line);
        if let Err(error) = told.and_then(|()| out.write_all(&self.line)) {
            tracing::error!(%error, "the file of --truth cannot be written: it ends here");
            self.out = None;
        }
    }
}

/// A stream as it is.
struct Stream<'a> {
    id: NetId,
    audience: Audience,
    since: Tick,
    version: VersionRef<'a>,
}

/// Appends the line of a tick.
fn tell<'a>(
    tick: Tick,
    streams: impl Iterator<Item = Stream<'a>>,
    written: &mut BTreeMap<(u32, Audience), (u16, Tick)>,
    line: &mut Vec<u8>,
) -> io::Result<()> {
    let before = std::mem::take(written);
    write!(line, "{{\"tick\":{},\"set\":[", tick.0)?;
    let mut comma = "";
    for Stream { id, audience, since, version } in streams {
        let (key, state) = ((id.index, audience), (id.generation, since));
        written.insert(key, state);
        if before.get(&key) != Some(&state) {
            let (index, generation, audience) = (id.index, id.generation, audience as u8);
            write!(line, "{comma}[{index},{generation},{audience},{},{:?}]", version.mask, version.lanes)?;
            comma = ",";
        }
    }
    line.extend_from_slice(b"],\"gone\":[");
    let mut comma = "";
    for (index, audience) in before.keys().filter(|key| !written.contains_key(key)) {
        write!(line, "{comma}[{index},{}]", *audience as u8)?;
        comma = ",";
    }
    line.extend_from_slice(b"]}\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(index: u32, generation: u16, since: u32, lanes: &[u32]) -> Stream<'_> {
        let id = NetId { index, generation };
        Stream { id, audience: Audience::Public, since: Tick(since), version: VersionRef { mask: 1, lanes } }
    }

    #[test]
    fn a_line_says_what_has_changed_since_the_one_before() {
        let (mut written, mut line) = (BTreeMap::new(), Vec::new());
        let ticks = [
            vec![stream(3, 0, 1, &[7, 8]), stream(4, 2, 1, &[])],
            vec![stream(3, 0, 1, &[7, 8]), stream(4, 2, 2, &[1])],
            vec![stream(4, 3, 2, &[1])],
        ];
        for (tick, streams) in (1..).zip(ticks) {
            tell(Tick(tick), streams.into_iter(), &mut written, &mut line).unwrap();
        }
        let lines = "{\"tick\":1,\"set\":[[3,0,0,1,[7, 8]],[4,2,0,1,[]]],\"gone\":[]}\n\
                     {\"tick\":2,\"set\":[[4,2,0,1,[1]]],\"gone\":[]}\n\
                     {\"tick\":3,\"set\":[[4,3,0,1,[1]]],\"gone\":[[3,0]]}\n";
        assert_eq!(String::from_utf8(line).unwrap(), lines);
    }
}
