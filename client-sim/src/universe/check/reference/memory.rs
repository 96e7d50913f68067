//! What a client keeps: `PROTOCOL.md`, section 8, line by line.

use crate::universe::wiretap::{Change, Record, Said};
use tidelock::Tick;
use tidelock::state::{Audience, NetId, VersionRef};
use tidelock::wire::{GhostId, ResumeClaim};

/// All streams and ghosts, by audience.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// By index.
    streams: [Vec<Option<Box<Stream>>>; Audience::COUNT],
    /// By number.
    ghosts: [Vec<Ghost>; Audience::COUNT],
    /// The newest snapshot of the present connection that was applied.
    newest: Option<Tick>,
    /// Datagrams since what left long ago was last forgotten.
    stored: u32,
}

/// A stream that is to be shown: of which entity, since which tick, and as what.
pub(super) type Shown<'a> = (NetId, Audience, Tick, VersionRef<'a>);

#[derive(Clone, Debug)]
struct Stream {
    generation: u16,
    /// The oldest version that came, and the newest.
    oldest: Tick,
    newest: Tick,
    /// What older versions than this are needed for is over: the newest baseline of a delta that was stored.
    needed: Option<Tick>,
    left: Option<Tick>,
    /// Of the newest version.
    mask: u32,
    lanes: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Ghost {
    entity: Option<NetId>,
    since: Option<Tick>,
    left: Option<Tick>,
}

/// What is to become of a datagram with records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All baselines are held: it must be stored.
    Store,
    /// A baseline is not held: it must not be stored. A sentence says which.
    Drop(String),
    /// It is late, and a baseline may have been forgotten.
    MayDrop,
}

/// A client should keep what was the state so long before the newest baseline.
const KEEP_TICKS: i32 = 64;
/// What left so long ago no datagram revives.
const FORGET_AFTER_TICKS: i32 = 2048;
/// How often it is looked for that, in datagrams.
const FORGET_EVERY: u32 = 256;

fn is_after(tick: Tick, other: Option<Tick>) -> bool {
    other.is_none_or(|other| tick.is_newer_than(other))
}

fn later(a: Option<Tick>, b: Tick) -> Option<Tick> {
    if is_after(b, a) { Some(b) } else { a }
}

impl Memory {
    /// A new connection: what was applied before is from another time.
    pub(super) const fn begin(&mut self) {
        self.newest = None;
    }

    /// Whether a snapshot is older than the newest that was applied.
    fn is_late(&self, tick: Tick) -> bool {
        self.newest.is_some_and(|newest| newest.is_newer_than(tick))
    }

    /// A snapshot was applied.
    pub(super) fn on_applied(&mut self, tick: Tick) {
        self.newest = later(self.newest, tick);
    }

    /// Whether all is held on which the records build.
    ///
    /// # Errors
    /// If the server means another entity than a client must take it for.
    pub(super) fn judge(&self, said: &Said, tick: Tick) -> Result<Verdict, String> {
        let mut verdict = Verdict::Store;
        for record in &said.records {
            let Change::Delta { first, second } = record.change else { continue };
            let Record { audience, ghost, .. } = record;
            let known =
                self.ghosts[*audience as usize].get(*ghost as usize).filter(|ghost| is_after(tick, ghost.since));
            let Some(entity) = known.and_then(|ghost| ghost.entity) else {
                return Ok(Verdict::Drop(format!("of ghost {ghost} {audience:?} nothing is held")));
            };
            let stream = self.stream(*audience, entity.index);
            let Some(stream) = stream.filter(|stream| stream.generation == entity.generation) else {
                return Ok(Verdict::Drop(format!("of {entity} {audience:?} nothing is held")));
            };
            for baseline in second.into_iter().chain([first]) {
                if stream.oldest.is_newer_than(baseline) {
                    let what =
                        format!("{entity} {audience:?} is held of {} at the earliest, not {baseline}", stream.oldest);
                    return Ok(Verdict::Drop(what));
                }
                if stream.needed.is_some_and(|needed| needed.since(baseline) > KEEP_TICKS) && self.is_late(tick) {
                    verdict = Verdict::MayDrop;
                }
            }
            if record.id != Some(entity) {
                let meant = record.id;
                return Err(format!(
                    "ghost {ghost} {audience:?} of tick {tick} is {entity}, and the server means {meant:?}"
                ));
            }
        }
        Ok(verdict)
    }

    /// Stores the records of a snapshot of `tick`.
    pub(super) fn store(&mut self, said: &Said, tick: Tick) {
        for record in &said.records {
            let version = said.version(record);
            match (record.change, record.id) {
                (Change::Full, Some(id)) => self.store_full(record, id, tick, version),
                (Change::Delta { first, .. }, Some(id)) => {
                    if let Some(stream) = self.stream_mut(record.audience, id.index) {
                        stream.put(tick, version);
                        stream.needed = later(stream.needed, first);
                    }
                }
                _ => self.leave(record.audience, record.ghost, tick),
            }
        }
        self.stored += 1;
        if self.stored.is_multiple_of(FORGET_EVERY) {
            let is_old = |left: Tick| tick.since(left) > FORGET_AFTER_TICKS;
            for place in self.streams.iter_mut().flatten() {
                place.take_if(|stream| stream.left.is_some_and(is_old));
            }
        }
    }

    fn store_full(&mut self, record: &Record, id: NetId, tick: Tick, version: VersionRef<'_>) {
        if !self.name(record.audience, record.ghost, id, tick) {
            return;
        }
        let place = slot(&mut self.streams[record.audience as usize], id.index);
        let Some(stream) = place else {
            *place = Some(Box::new(Stream::new(id.generation, tick, version)));
            return;
        };
        let is_same = stream.generation == id.generation;
        match stream.left {
            None if is_same => stream.put(tick, version),
            None if tick.is_newer_than(stream.newest) => stream.renew(id.generation, tick, version),
            Some(left) if is_same => {
                stream.put(tick, version);
                stream.left = Some(left).filter(|left| !tick.is_newer_than(*left));
            }
            Some(left) if tick.is_newer_than(left) => stream.renew(id.generation, tick, version),
            _ => {}
        }
    }

    /// A full record says that a ghost is this entity. Whether it counts.
    fn name(&mut self, audience: Audience, number: GhostId, id: NetId, tick: Tick) -> bool {
        let ghosts = &mut self.ghosts[audience as usize];
        let ghost = slot(ghosts, number);
        if !is_after(tick, ghost.left) {
            return false;
        }
        if ghost.entity == Some(id) {
            ghost.since = later(ghost.since, tick);
            return true;
        }
        if !is_after(tick, ghost.since) {
            return false;
        }
        (ghost.entity, ghost.since) = (Some(id), Some(tick));
        // An entity has one ghost at a time: the one that the newest full record names.
        let has_it = |(other, ghost): &(usize, &Ghost)| *other != number as usize && ghost.entity == Some(id);
        if let Some((other, since)) = ghosts.iter().enumerate().find(has_it).map(|(other, ghost)| (other, ghost.since))
        {
            let older = if is_after(tick, since) { other } else { number as usize };
            ghosts[older].entity = None;
        }
        true
    }

    fn leave(&mut self, audience: Audience, number: GhostId, tick: Tick) {
        let ghost = slot(&mut self.ghosts[audience as usize], number);
        if !is_after(tick, ghost.since) {
            return;
        }
        ghost.left = later(ghost.left, tick);
        let Some(entity) = ghost.entity.take() else { return };
        if let Some(stream) =
            self.stream_mut(audience, entity.index).filter(|stream| !stream.newest.is_newer_than(tick))
        {
            stream.left = later(stream.left, tick);
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Forgets all that a hello does not claim: other streams, older versions, and what has left.
    ///
    /// # Errors
    /// If it claims what is not held.
    pub(super) fn retain(&mut self, claim: &ResumeClaim) -> Result<(), String> {
        for held in &claim.streams {
            let shown = self.shown_at(held.audience, held.index).map(|(_, _, tick, _)| tick);
            if shown != Some(held.tick) {
                return Err(format!("it claims {held:?}, and shows that stream of {shown:?}"));
            }
        }
        for audience in Audience::ALL {
            let is_claimed = |index| claim.streams.iter().any(|held| held.audience == audience && held.index == index);
            let streams = &mut self.streams[audience as usize];
            for (index, place) in (0..).zip(&mut *streams) {
                match place {
                    Some(stream) if is_claimed(index) => (stream.oldest, stream.needed) = (stream.newest, None),
                    _ => *place = None,
                }
            }
            let is_kept = |entity: NetId| streams.get(entity.index as usize).is_some_and(Option::is_some);
            for ghost in &mut self.ghosts[audience as usize] {
                if !ghost.entity.is_some_and(is_kept) {
                    *ghost = Ghost::default();
                }
            }
        }
        Ok(())
    }

    /// Every stream that is to be shown, by audience and ascending index.
    pub(super) fn shown(&self) -> impl Iterator<Item = Shown<'_>> {
        Audience::ALL.into_iter().zip(&self.streams).flat_map(|(audience, streams)| {
            let known = (0..).zip(streams).filter_map(|(index, stream)| Some((index, stream.as_deref()?)));
            known.filter_map(move |(index, stream)| stream.shown(index, audience))
        })
    }

    /// One of them.
    pub(super) fn shown_at(&self, audience: Audience, index: u32) -> Option<Shown<'_>> {
        self.stream(audience, index)?.shown(index, audience)
    }

    fn stream(&self, audience: Audience, index: u32) -> Option<&Stream> {
        self.streams[audience as usize].get(index as usize)?.as_deref()
    }

    fn stream_mut(&mut self, audience: Audience, index: u32) -> Option<&mut Stream> {
        self.streams[audience as usize].get_mut(index as usize)?.as_deref_mut()
    }
}

/// The place of a number, which is made if there is none.
fn slot<T: Default>(places: &mut Vec<T>, number: u32) -> &mut T {
    let number = number as usize;
    if places.len() <= number {
        places.resize_with(number + 1, T::default);
    }
    &mut places[number]
}

impl Stream {
    fn new(generation: u16, tick: Tick, version: VersionRef<'_>) -> Self {
        let VersionRef { mask, lanes } = version;
        Self { generation, oldest: tick, newest: tick, needed: None, left: None, mask, lanes: lanes.to_vec() }
    }

    /// It begins anew, as another entity's.
    fn renew(&mut self, generation: u16, tick: Tick, version: VersionRef<'_>) {
        (self.generation, self.oldest, self.newest, self.needed, self.left) = (generation, tick, tick, None, None);
        self.put(tick, version);
    }

    /// If it is to be shown, as what.
    fn shown(&self, index: u32, audience: Audience) -> Option<Shown<'_>> {
        let id = NetId { index, generation: self.generation };
        let version = VersionRef { mask: self.mask, lanes: &self.lanes };
        self.left.is_none().then_some((id, audience, self.newest, version))
    }

    /// A version comes, of whatever tick.
    fn put(&mut self, tick: Tick, version: VersionRef<'_>) {
        if self.oldest.is_newer_than(tick) {
            self.oldest = tick;
        }
        if !self.newest.is_newer_than(tick) {
            (self.newest, self.mask) = (tick, version.mask);
            self.lanes.clear();
            self.lanes.extend_from_slice(version.lanes);
        }
    }
}
