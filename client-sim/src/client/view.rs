use super::arrivals::{Arrival, Arrivals};
use super::ghosts::Ghosts;
use super::playback::Playback;
use super::scene::Scene;
use super::streams::Streams;
use std::sync::Arc;
use std::time::Duration;
use tidelock::state::{Audience, Checksum, NetId, Replicate, Schema, VersionRef};
use tidelock::wire::{HeldStream, SnapshotHeader};
use tidelock::{Buffer, Moment, Tick};

/// What a client knows of the world: for each stream that it sees the versions it may still need.
#[derive(Debug)]
pub struct View {
    schema: Arc<Schema>,
    streams: [Streams; Audience::COUNT],
    ghosts: [Ghosts; Audience::COUNT],
    arrivals: Arrivals,
    /// Of the server; 0 before it is known.
    tick_hz: u32,
    newest_tick: Option<Tick>,
    /// The newest tick of which all that is visible is known: what it did not bring has not changed.
    whole_tick: Option<Tick>,
    /// When what left long ago was last forgotten.
    pruned_tick: Tick,
}

/// How often it is looked for what can be forgotten.
const PRUNE_TICKS: i32 = 64;
/// What left the view is forgotten after this many ticks.
const FORGET_AFTER_TICKS: i32 = 1024;
/// What may still be shown is this old at most: the longest delay, and what frames take.
const SHOWN_AGE_MAX: Duration = Duration::from_millis(Playback::DELAY_MAX.as_millis() as u64 + 100);

impl View {
    pub(super) fn new(schema: Arc<Schema>) -> Self {
        let streams = Audience::ALL.map(|audience| Streams::new(schema.stream(audience)));
        Self {
            schema,
            streams,
            ghosts: Default::default(),
            arrivals: Arrivals::new(1, 1),
            tick_hz: 0,
            newest_tick: None,
            whole_tick: None,
            pruned_tick: Tick(0),
        }
    }

    /// Snapshots will come from a server with `tick_hz` ticks a second, one every so many ticks.
    pub(super) fn begin(&mut self, tick_hz: u32, every_ticks: u32) {
        self.tick_hz = tick_hz;
        let keep_ticks = (SHOWN_AGE_MAX.as_millis() as u32 * tick_hz).div_ceil(1000);
        self.arrivals = Arrivals::new(every_ticks, keep_ticks);
        self.streams.iter_mut().for_each(|streams| streams.keep_for(keep_ticks.cast_signed()));
    }

    /// The entities visible now, by ascending index.
    pub fn entities(&self) -> impl Iterator<Item = EntityView<'_>> {
        let public = &self.streams[Audience::Public as usize];
        public.iter_shown().map(|(index, stream)| EntityView { view: self, index, generation: stream.generation })
    }

    /// One entity, if it is visible now.
    #[must_use]
    pub fn entity(&self, id: NetId) -> Option<EntityView<'_>> {
        let public = self.streams[Audience::Public as usize].shown(id.index)?;
        let NetId { index, generation } = id;
        (public.generation == generation).then_some(EntityView { view: self, index, generation })
    }

    /// The entities that belong to this client.
    pub fn owned(&self) -> impl Iterator<Item = EntityView<'_>> {
        self.entities().filter(EntityView::is_owned)
    }

    /// What was to be seen at a moment: between snapshots, between what they said. Past what is known, what moved moves on
    /// for [`Playback::EXTRAPOLATION_MAX`].
    ///
    /// [`Client::shown`](super::Client::shown) tells which moment to show. Far before the newest snapshot is forgotten.
    #[must_use]
    pub const fn at(&self, moment: Moment) -> Scene<'_> {
        Scene::new(self, moment)
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
        self.streams[Audience::Public as usize].shown_count()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entities().next().is_none()
    }

    /// How many streams it remembers: those shown, and for a while those that left.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.streams.iter().map(Streams::held_count).sum()
    }

    /// Every shown stream with its entity, the newest version and the snapshot that brought it: what checks compare with
    /// the server's truth.
    pub fn streams(&self) -> impl Iterator<Item = (NetId, Audience, Tick, VersionRef<'_>)> {
        let mut audiences = self.streams.iter().zip(Audience::ALL);
        let mut of = audiences.next().map(|(streams, audience)| (streams, audience, streams.iter_shown()));
        std::iter::from_fn(move || {
            loop {
                let (streams, audience, shown) = of.as_mut()?;
                for (index, stream) in shown {
                    if let Some((head, version)) = streams.newest(stream) {
                        let id = NetId { index, generation: stream.generation };
                        return Some((id, *audience, head.tick, version));
                    }
                }
                of = audiences.next().map(|(streams, audience)| (streams, audience, streams.iter_shown()));
            }
        })
    }

    /// One of [`View::streams`], if it is shown.
    #[must_use]
    pub fn stream(&self, audience: Audience, index: u32) -> Option<(NetId, Audience, Tick, VersionRef<'_>)> {
        let streams = self.of(audience);
        let stream = streams.shown(index)?;
        let (head, version) = streams.newest(stream)?;
        Some((NetId { index, generation: stream.generation }, audience, head.tick, version))
    }

    pub(super) fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The streams of one audience.
    pub(super) const fn of(&self, audience: Audience) -> &Streams {
        &self.streams[audience as usize]
    }

    /// The same, to change them.
    pub(super) const fn of_mut(&mut self, audience: Audience) -> &mut Streams {
        &mut self.streams[audience as usize]
    }

    /// Which snapshots are here.
    pub(super) const fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    /// Ticks in a second; 0 before it is known.
    pub(super) const fn tick_hz(&self) -> u32 {
        self.tick_hz
    }

    /// What ghosts mean in the streams of one audience.
    pub(super) const fn ghosts(&self, audience: Audience) -> &Ghosts {
        &self.ghosts[audience as usize]
    }

    /// The same, to change it.
    pub(super) const fn ghosts_mut(&mut self, audience: Audience) -> &mut Ghosts {
        &mut self.ghosts[audience as usize]
    }

    /// What it holds of the world.
    pub(super) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        self.streams.iter().for_each(|streams| streams.buffers(see));
        self.ghosts.iter().for_each(|ghosts| ghosts.buffers(see));
        self.arrivals.buffers(see);
    }

    /// A snapshot of `tick` was applied.
    pub(super) fn on_snapshot(&mut self, tick: Tick) {
        if self.newest_tick.is_none_or(|newest| tick.is_newer_than(newest)) {
            self.newest_tick = Some(tick);
        }
        if tick.since(self.pruned_tick).abs() >= PRUNE_TICKS {
            self.pruned_tick = tick;
            for streams in &mut self.streams {
                streams.retain(|_, stream| stream.left.is_none_or(|left| tick.since(left) < FORGET_AFTER_TICKS));
            }
        }
    }

    /// A datagram of a snapshot was applied. Gives the snapshot, if it is here with that, and newer than all before.
    pub(super) fn on_datagram(&mut self, sequence: u64, header: &SnapshotHeader) -> Option<Arrival> {
        self.arrivals.on_datagram(sequence, header)
    }

    /// The sum over all shown streams in one audit bucket.
    pub(super) fn audit(&self, bucket: u8) -> u32 {
        let mut sum = Checksum::default();
        for (audience, streams) in Audience::ALL.into_iter().zip(&self.streams) {
            sum.add(streams.audit(audience, bucket).0);
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
            streams.collapse();
            self.ghosts[audience as usize].retain(|index| streams.at(index).is_some());
            held_streams.extend(streams.iter_shown().filter_map(|(index, stream)| {
                let (newest, _) = streams.newest(stream)?;
                Some(HeldStream { audience, index, tick: newest.tick, proof: HeldStream::proof_of(newest.hash) })
            }));
        }
        held_streams
    }

    /// Forgets all but these streams, which are sorted as [`View::collapse`] gives them.
    pub(super) fn retain(&mut self, held: &[HeldStream]) {
        for (audience, streams) in Audience::ALL.into_iter().zip(&mut self.streams) {
            let is_held = |index| {
                held.binary_search_by_key(&(audience, index), |held: &HeldStream| (held.audience, held.index)).is_ok()
            };
            let before = streams.held_count();
            streams.retain(|index, _| is_held(index));
            self.ghosts[audience as usize].retain(is_held);
            if streams.held_count() < before {
                self.whole_tick = None;
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.streams.iter_mut().for_each(|streams| streams.retain(|_, _| false));
        self.ghosts = Default::default();
        self.arrivals.clear();
        self.whole_tick = None;
    }
}

/// One visible entity.
#[derive(Clone, Copy)]
pub struct EntityView<'a> {
    view: &'a View,
    index: u32,
    generation: u16,
}

impl std::fmt::Debug for EntityView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EntityView").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl EntityView<'_> {
    /// Its name on the wire.
    #[must_use]
    pub const fn id(&self) -> NetId {
        NetId { index: self.index, generation: self.generation }
    }

    /// Whether it belongs to this client.
    #[must_use]
    pub fn is_owned(&self) -> bool {
        self.view.of(Audience::Owner).shown(self.index).is_some()
    }

    /// Whether it is of this client's team.
    #[must_use]
    pub fn is_teammate(&self) -> bool {
        self.view.of(Audience::Team).shown(self.index).is_some()
    }

    /// The newest tick of which its public components are known: it was in that snapshot, or that snapshot was whole.
    #[must_use]
    pub fn tick(&self) -> Tick {
        let streams = self.view.of(Audience::Public);
        let brought = streams.at(self.index).and_then(|stream| streams.newest(stream));
        let brought = brought.map_or(Tick::default(), |(head, _)| head.tick);
        self.view.whole_tick.filter(|whole| whole.is_newer_than(brought)).unwrap_or(brought)
    }

    /// One of its components, as of the newest snapshot that brought it.
    #[must_use]
    pub fn get<C: Replicate>(&self) -> Option<C> {
        let (audience, bit) = self.view.schema.find::<C>()?;
        let streams = self.view.of(audience);
        let (_, version) = streams.newest(streams.shown(self.index)?)?;
        (version.mask >> bit & 1 != 0).then(|| {
            let offset = self.view.schema.stream(audience).lane_offset(version.mask, bit);
            C::read_lanes(&version.lanes[offset..offset + C::lane_count()])
        })
    }
}
