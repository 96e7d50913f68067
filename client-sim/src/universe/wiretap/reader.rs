use super::decoded::Decoded;
use super::line::Line;
use super::names::Names;
use super::report::nearest;
use super::{Change, Kind, Report, Said};
use tidelock::Tick;
use tidelock::bits::{BitReader, Malformed};
use tidelock::netcode::Side;
use tidelock::state::codec::{DeltaCoder, decode_full};
use tidelock::state::{Audience, NetId, Version};
use tidelock::wire::{
    Farewell, GhostId, Greeting, RecordHead, RecordReader, RecordsHead, RunReader, ServerMessage, SnapshotHeader,
    WIRE_VERSION, read_unreliable,
};
use tidelock_server::engine::Engine;

/// Reads a payload at the moment at which it is sent: deltas against what the server itself has for their baselines.
pub(super) struct Reader<'a> {
    pub(super) line: &'a mut Line,
    pub(super) names: &'a mut Names,
    pub(super) engine: &'a Engine,
    /// Used again and again.
    pub(super) scratch: &'a mut Scratch,
}

/// Kept for its memory.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    decoded: Decoded,
    version: Version,
    ghosts: Vec<(GhostId, u32)>,
}

impl Reader<'_> {
    /// Reads all of it. What cannot be read is told in [`Said::fault`].
    pub(super) fn read(&mut self, said: &mut Said) {
        if said.from == Side::Client && Greeting::read(said.payload()).is_some() {
            said.kind = Kind::Greeting;
            return;
        }
        if let Some(farewell) = Farewell::read(said.payload()).filter(|_| said.from == Side::Server) {
            said.kind = Kind::Farewell(farewell);
            return;
        }
        let (packet, payload) = said.take_packet();
        if let Err(what) = self.read_datagram(said, &mut BitReader::new(&packet[payload])) {
            said.fault = Some(what);
        }
        said.put_packet(packet);
    }

    fn read_datagram(&mut self, said: &mut Said, r: &mut BitReader<'_>) -> Result<(), String> {
        let version = r.read(4).map_err(malformed)?;
        if version != u64::from(WIRE_VERSION) {
            return Err(format!("a datagram of version {version}"));
        }
        let other = if said.from == Side::Server { Side::Client } else { Side::Server };
        said.other_sent = self.line.way(other).next;
        let way = self.line.way_mut(said.from);
        said.sequence = nearest(r.read(16).map_err(malformed)? as u16, way.next);
        way.next = said.sequence + 1;
        // What others put on the line was not counted: then any number will do.
        let near = if said.is_followed { said.other_sent } else { u64::from(u32::MAX) };
        said.report = Report::read(r, near).map_err(malformed)?;
        read_unreliable(r, |_| {}).map_err(malformed)?;
        let fragments_at = r.position_bits();
        way.messages.read(r).map_err(malformed)?;
        if r.position_bits() > fragments_at + 1 {
            said.set_fragments_at(fragments_at);
            said.messages.extend(std::iter::from_fn(|| way.messages.poll()));
        }
        if said.from == Side::Server {
            self.follow_welcome(said);
            self.read_snapshot(said, r)?;
        }
        Ok(())
    }

    /// A client that is welcomed, and has kept nothing, is given its ghosts anew.
    fn follow_welcome(&mut self, said: &Said) {
        for message in &said.messages {
            if let Ok(ServerMessage::Welcome(welcome)) = ServerMessage::read(message)
                && !welcome.state_kept
            {
                self.names.clear();
            }
        }
    }

    fn read_snapshot(&mut self, said: &mut Said, r: &mut BitReader<'_>) -> Result<(), String> {
        let now = self.engine.tick_number();
        let Some(header) = SnapshotHeader::read(now, r).map_err(malformed)? else { return Ok(()) };
        let (tick, has_records) = (header.tick, header.checksum.is_some());
        said.snapshot = Some(header);
        if tick != now {
            return Err(format!("a snapshot of tick {tick} is sent in tick {now}"));
        }
        if has_records {
            said.head = RecordsHead::read(tick, r).map_err(malformed)?;
            let head = said.head;
            self.scratch.decoded.begin(tick);
            Audience::ALL.into_iter().try_for_each(|audience| self.read_list(said, audience, tick, &head, r))?;
        }
        Ok(())
    }

    fn read_list(
        &mut self,
        said: &mut Said,
        audience: Audience,
        tick: Tick,
        head: &RecordsHead,
        r: &mut BitReader<'_>,
    ) -> Result<(), String> {
        let list = head.lists[audience as usize];
        if list.runs + list.others == 0 {
            return Ok(());
        }
        let of = (audience, tick);
        let mut runs = RunReader::new(list);
        self.scratch.ghosts.clear();
        while let Some(run) = runs.next(r).map_err(malformed)? {
            self.scratch.ghosts.push(run);
        }
        for n in 0..self.scratch.ghosts.len() {
            let (begin, len) = self.scratch.ghosts[n];
            let base = head.base.ok_or("a run without a base")?;
            for ghost in begin..begin + len {
                self.read_delta(said, of, ghost, (base, head.second), r)?;
            }
        }
        let mut others = RecordReader::new(tick, head, list);
        while let Some((ghost, other)) = others.next(r).map_err(malformed)? {
            match other {
                RecordHead::Base => {
                    let base = head.base.ok_or("a delta without a base")?;
                    self.read_delta(said, of, ghost, (base, None), r)?;
                }
                RecordHead::Delta { baseline } => self.read_delta(said, of, ghost, (baseline, None), r)?,
                RecordHead::Full { id } => {
                    self.read_body(said, of, (ghost, id), Change::Full, r)?;
                    self.names.tell(audience, ghost, id);
                }
                RecordHead::Leave { .. } => said.push_leave(audience, ghost, self.names.leave(audience, ghost)),
            }
        }
        Ok(())
    }

    /// Reads a delta against one baseline or two.
    fn read_delta(
        &mut self,
        said: &mut Said,
        of: (Audience, Tick),
        ghost: GhostId,
        (first, second): (Tick, Option<Tick>),
        r: &mut BitReader<'_>,
    ) -> Result<(), String> {
        let id = self.names.at(of.0, ghost);
        let id = id.ok_or_else(|| format!("a delta of ghost {ghost} {:?}, which nobody was told of", of.0))?;
        self.read_body(said, of, (ghost, id), Change::Delta { first, second }, r)
    }

    /// Reads what a record leads to, unless the same was read before in this tick.
    fn read_body(
        &mut self,
        said: &mut Said,
        of: (Audience, Tick),
        (ghost, id): (GhostId, NetId),
        change: Change,
        r: &mut BitReader<'_>,
    ) -> Result<(), String> {
        let audience = of.0;
        let number = if let Some(number) = self.scratch.decoded.find(audience, id, change, r) {
            number
        } else {
            let begin = r.clone();
            self.decode(of, id, change, r)?;
            let Scratch { decoded, version, .. } = &mut *self.scratch;
            decoded.remember(audience, id, change, (begin, r), version)
        };
        said.push((audience, ghost, id), change, number, self.scratch.decoded.version(number));
        Ok(())
    }

    /// Decodes a body, into the version that is used again and again.
    fn decode(
        &mut self,
        (audience, tick): (Audience, Tick),
        id: NetId,
        change: Change,
        r: &mut BitReader<'_>,
    ) -> Result<(), String> {
        let Self { engine, scratch, .. } = self;
        let layout = engine.schema().stream(audience);
        let Change::Delta { first, second } = change else {
            return decode_full(layout, r, &mut scratch.version).map_err(malformed);
        };
        let truth = |baseline| {
            let version = engine.version_at(id, audience, baseline);
            version.ok_or_else(|| {
                format!("{id} {audience:?} of {tick} builds on {baseline}, which the server itself has forgotten")
            })
        };
        let (older, newer) = (second.map(truth).transpose()?, truth(first)?);
        let age = |baseline| tick.since(baseline).cast_unsigned();
        let coder = DeltaCoder::new(layout, age(first), second.map(age), engine.config().tick_hz);
        coder.decode(newer, older, r, &mut scratch.version).map_err(malformed)
    }
}

fn malformed(_: Malformed) -> String {
    "bits that nobody can read".into()
}
