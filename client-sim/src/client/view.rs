use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tidelock::Tick;
use tidelock::state::{Audience, Checksum, NetId, Replicate, Schema, Version};
use tidelock::wire::{HeldStream, audit_bucket};

/// What a client knows of the world: for each stream that it sees the versions it may still need.
#[derive(Debug)]
pub struct View {
    schema: Arc<Schema>,
    streams: [BTreeMap<u32, Stream>; Audience::COUNT],
    newest_tick: Option<Tick>,
    /// The newest tick of which all that is visible is known: what it did not bring has not changed.
    whole_tick: Option<Tick>,
    /// When what left long ago was last forgotten.
    pruned_tick: Tick,
}

/// One stream of one entity, as this client knows it.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) generation: u16,
    pub(super) epoch: u8,
    /// The snapshot that brought this visibility.
    pub(super) since: Tick,
    /// The snapshot that ended it. The stream is kept for a while: late datagrams may build on it, or try to revive it.
    pub(super) left: Option<Tick>,
    /// By ascending tick. The last is what is shown.
    versions: VecDeque<Held>,
}

/// The state of a stream in one snapshot.
#[derive(Debug)]
struct Held {
    tick: Tick,
    hash: u64,
    version: Version,
}

/// Versions held of a stream at most: more than the server ever keeps.
const VERSIONS_MAX: usize = 512;
/// Baselines never go back, but a datagram that was overtaken by this many ticks may still build on an older one.
const REORDER_TICKS: i32 = 64;
/// How often it is looked for what can be forgotten.
const PRUNE_TICKS: i32 = 64;
/// What left the view is forgotten after this many ticks.
const FORGET_AFTER_TICKS: i32 = 1024;

impl View {
    pub(super) fn new(schema: Arc<Schema>) -> Self {
        Self { schema, streams: Default::default(), newest_tick: None, whole_tick: None, pruned_tick: Tick(0) }
    }

    /// The entities visible now, by ascending index.
    pub fn entities(&self) -> impl Iterator<Item = EntityView<'_>> {
        let public = &self.streams[Audience::Public as usize];
        public.iter().filter(|(_, stream)| stream.is_shown()).map(|(index, public)| self.entity_view(*index, public))
    }

    /// One entity, if it is visible now.
    #[must_use]
    pub fn entity(&self, id: NetId) -> Option<EntityView<'_>> {
        let public = self.streams[Audience::Public as usize].get(&id.index)?;
        (public.is_shown() && public.generation == id.generation).then(|| self.entity_view(id.index, public))
    }

    /// The entities that belong to this client.
    pub fn owned(&self) -> impl Iterator<Item = EntityView<'_>> {
        self.entities().filter(EntityView::is_owned)
    }

    /// The newest tick of which something is known.
    #[must_use]
    pub const fn newest_tick(&self) -> Option<Tick> {
        self.newest_tick
    }

    /// The newest tick of which everything is held: what no snapshot changed up to then stood still. As long as it is
    /// [`View::newest_tick`] too, the view is the server's of that tick.
    #[must_use]
    pub const fn whole_tick(&self) -> Option<Tick> {
        self.whole_tick
    }

    /// How many entities are visible.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entities().count()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entities().next().is_none()
    }

    /// How many streams it remembers: those shown, and for a while those that left.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.streams.iter().map(BTreeMap::len).sum()
    }

    /// Every shown stream with its entity and the newest version: what checks compare with the server's truth.
    pub fn streams(&self) -> impl Iterator<Item = (NetId, Audience, Tick, &Version)> {
        Audience::ALL.into_iter().flat_map(|audience| {
            let shown = self.streams[audience as usize].iter().filter(|(_, stream)| stream.is_shown());
            shown.filter_map(move |(index, stream)| {
                let held = stream.versions.back()?;
                Some((NetId { index: *index, generation: stream.generation }, audience, held.tick, &held.version))
            })
        })
    }

    pub(super) fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    pub(super) fn stream(&self, audience: Audience, index: u32) -> Option<&Stream> {
        self.streams[audience as usize].get(&index)
    }

    pub(super) fn stream_mut(&mut self, audience: Audience, index: u32) -> Option<&mut Stream> {
        self.streams[audience as usize].get_mut(&index)
    }

    pub(super) fn insert(&mut self, audience: Audience, index: u32, stream: Stream) {
        self.streams[audience as usize].insert(index, stream);
    }

    /// A snapshot of `tick` was applied.
    pub(super) fn on_snapshot(&mut self, tick: Tick) {
        if self.newest_tick.is_none_or(|newest| tick.is_newer_than(newest)) {
            self.newest_tick = Some(tick);
        }
        if tick.since(self.pruned_tick).abs() >= PRUNE_TICKS {
            self.pruned_tick = tick;
            let keep = |stream: &Stream| stream.left.is_none_or(|left| tick.since(left) < FORGET_AFTER_TICKS);
            self.streams.iter_mut().for_each(|streams| streams.retain(|_, stream| keep(stream)));
        }
    }

    /// The sum over all shown streams in one audit bucket.
    pub(super) fn audit(&self, bucket: u8) -> u32 {
        let mut sum = Checksum::default();
        for (index, stream) in self.streams.iter().flatten() {
            if audit_bucket(*index) == bucket && stream.is_shown() {
                stream.versions.back().into_iter().for_each(|held| sum.add(held.hash));
            }
        }
        sum.to_u32()
    }

    /// Everything visible at `tick` is known.
    pub(super) fn on_whole(&mut self, tick: Tick) {
        self.whole_tick = Some(tick);
    }

    /// Forgets all but the newest version of each stream that is shown, and says which those are.
    pub(super) fn collapse(&mut self) -> Vec<HeldStream> {
        let mut held_streams = Vec::new();
        for (audience, streams) in Audience::ALL.into_iter().zip(&mut self.streams) {
            streams.retain(|_, stream| stream.is_shown());
            for (index, stream) in streams {
                stream.versions.drain(..stream.versions.len() - 1);
                let newest = &stream.versions[0];
                let proof = HeldStream::proof_of(newest.hash);
                held_streams.push(HeldStream { audience, index: *index, tick: newest.tick, proof });
            }
        }
        held_streams
    }

    /// Forgets all but these streams, which are sorted as [`View::collapse`] gives them.
    pub(super) fn retain(&mut self, held: &[HeldStream]) {
        for (audience, streams) in Audience::ALL.into_iter().zip(&mut self.streams) {
            let is_held = |index| {
                held.binary_search_by_key(&(audience, index), |held: &HeldStream| (held.audience, held.index)).is_ok()
            };
            let before = streams.len();
            streams.retain(|index, _| is_held(*index));
            if streams.len() < before {
                self.whole_tick = None;
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.streams.iter_mut().for_each(BTreeMap::clear);
        self.whole_tick = None;
    }

    fn entity_view<'a>(&'a self, index: u32, public: &'a Stream) -> EntityView<'a> {
        let shown = |audience: Audience| self.streams[audience as usize].get(&index).filter(|stream| stream.is_shown());
        let (team, owner) = (shown(Audience::Team), shown(Audience::Owner));
        EntityView { schema: &self.schema, whole_tick: self.whole_tick, index, public, team, owner }
    }
}

impl Stream {
    pub(super) const fn new(generation: u16, epoch: u8, since: Tick) -> Self {
        Self { generation, epoch, since, left: None, versions: VecDeque::new() }
    }

    fn is_shown(&self) -> bool {
        self.left.is_none() && !self.versions.is_empty()
    }

    /// The version that the snapshot of `tick` brought.
    pub(super) fn at(&self, tick: Tick) -> Option<&Version> {
        self.versions.iter().rev().find(|held| held.tick == tick).map(|held| &held.version)
    }

    /// Keeps a version, also one too old to be shown: the server may build on it. `baseline` is what it was built on.
    pub(super) fn keep(&mut self, tick: Tick, hash: u64, version: Version, baseline: Option<Tick>) {
        let place = self.versions.iter().rposition(|held| !held.tick.is_newer_than(tick)).map_or(0, |at| at + 1);
        if place > 0 && self.versions[place - 1].tick == tick {
            self.versions[place - 1] = Held { tick, hash, version };
        } else {
            self.versions.insert(place, Held { tick, hash, version });
        }
        let too_old = |held: &Held| baseline.is_some_and(|baseline| baseline.since(held.tick) > REORDER_TICKS);
        while self.versions.len() > 1 && (self.versions.len() > VERSIONS_MAX || too_old(&self.versions[0])) {
            self.versions.pop_front();
        }
    }
}

/// One visible entity.
#[derive(Clone, Copy, Debug)]
pub struct EntityView<'a> {
    schema: &'a Schema,
    whole_tick: Option<Tick>,
    index: u32,
    public: &'a Stream,
    team: Option<&'a Stream>,
    owner: Option<&'a Stream>,
}

impl EntityView<'_> {
    /// Its name on the wire.
    #[must_use]
    pub const fn id(&self) -> NetId {
        NetId { index: self.index, generation: self.public.generation }
    }

    /// Whether it belongs to this client.
    #[must_use]
    pub const fn is_owned(&self) -> bool {
        self.owner.is_some()
    }

    /// Whether it is of this client's team.
    #[must_use]
    pub const fn is_teammate(&self) -> bool {
        self.team.is_some()
    }

    /// The newest tick of which its public components are known: it was in that snapshot, or that snapshot was whole.
    #[must_use]
    pub fn tick(&self) -> Tick {
        let brought = self.public.versions.back().map_or(self.public.since, |held| held.tick);
        self.whole_tick.filter(|whole| whole.is_newer_than(brought)).unwrap_or(brought)
    }

    /// One of its components, as of the newest snapshot that brought it.
    #[must_use]
    pub fn get<C: Replicate>(&self) -> Option<C> {
        let (audience, bit) = self.schema.find::<C>()?;
        let stream = match audience {
            Audience::Public => self.public,
            Audience::Team => self.team?,
            Audience::Owner => self.owner?,
        };
        let version = &stream.versions.back()?.version;
        (version.mask >> bit & 1 != 0).then(|| {
            let offset = self.schema.stream(audience).lane_offset(version.mask, bit);
            C::read_lanes(&version.lanes[offset..offset + C::lane_count()])
        })
    }
}
