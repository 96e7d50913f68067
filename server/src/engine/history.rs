use super::stream_table::{Keep, RING_MAX, StreamTable};
use bevy_ecs::entity::Entity;
use glam::Vec2;
use std::collections::VecDeque;
use std::time::Duration;
use tidelock::state::{Audience, NetId, Schema, VersionRef};
use tidelock::{Buffer, Tick};

/// What the world looked like, tick by tick: for each replicated entity and audience the versions of its stream.
///
/// A stream has a version for each tick in which it changed; the newest at or before a tick is its state at that tick.
/// How long they are kept: see [`StreamTable`].
#[derive(Debug)]
pub(crate) struct History {
    slots: Vec<Slot>,
    streams: [StreamTable; Audience::COUNT],
    /// Slots without an entity and since when, oldest first.
    free: VecDeque<(u32, Tick)>,
    entity_count: usize,
    /// The least time for which all versions are kept.
    keep_all: Duration,
    tick_hz: u32,
}

/// One replicated entity, or the place of one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slot {
    generation: u16,
    entity: Option<Entity>,
    pub(crate) place: Option<Vec2>,
    /// In how many clients' views it is, counted by streams. Its index is not reused before there are none.
    viewers: u32,
}

/// For so many ticks an index is not reused, even if nobody knew it, ...
const REUSE_AFTER_TICKS_MIN: i32 = 64;
/// ... and for so long: clients show what left until the moment at which it did, which they come to half a second later at most.
const REUSE_AFTER: Duration = Duration::from_secs(1);
/// Every version is kept for so long, or for the longest round trip if that is longer.
const KEEP_ALL: Duration = Duration::from_millis(250);
/// No game looks back farther: at 240 ticks a second a ring has room for no more.
pub(crate) const REWIND_MAX: Duration = Duration::from_millis(500);
const _: () = assert!(REWIND_MAX.as_millis() as usize * 240 / 1_000 + (KEEP_SLACK_TICKS as usize) < RING_MAX);
/// Some are kept for so long.
const KEEP_THINNED: Duration = Duration::from_secs(4);
/// Between a version and the first record that can build on it lie a few ticks beside the round trip.
const KEEP_SLACK_TICKS: i32 = 4;

impl History {
    /// Every version stays for `rewind_max` at least.
    pub(crate) fn new(schema: &Schema, tick_hz: u32, rewind_max: Duration) -> Self {
        let keep_all = KEEP_ALL.max(rewind_max);
        let keep = Keep { all_ticks: keep_ticks(keep_all, tick_hz), thinned_ticks: keep_ticks(KEEP_THINNED, tick_hz) };
        let streams = Audience::ALL.map(|audience| StreamTable::new(audience, schema.stream(audience), keep));
        Self { slots: Vec::new(), streams, free: VecDeque::new(), entity_count: 0, keep_all, tick_hz }
    }

    /// Entities that are replicated now.
    pub(crate) const fn entity_count(&self) -> usize {
        self.entity_count
    }

    /// All indices that were ever given are below this.
    pub(crate) const fn index_count(&self) -> usize {
        self.slots.len()
    }

    /// The most bytes that the versions of one entity take.
    pub(crate) fn entity_bytes_max(&self) -> usize {
        size_of::<Slot>() + self.streams.iter().map(StreamTable::stream_bytes_max).sum::<usize>()
    }

    /// The bytes of all versions.
    pub(crate) fn bytes(&self) -> usize {
        self.streams.iter().map(StreamTable::bytes).sum()
    }

    /// Versions are kept for the longest round trip of a client: once for the first baseline, once more for the second.
    pub(crate) fn serve_round_trips_of(&mut self, longest: Duration) {
        let ticks = keep_ticks(self.keep_all.max(longest * 2), self.tick_hz);
        self.streams.iter_mut().for_each(|streams| streams.keep_all_for(ticks));
    }

    /// How often entities are in somebody's view.
    pub(crate) fn viewer_count(&self) -> usize {
        self.slots.iter().map(|slot| slot.viewers as usize).sum()
    }

    /// Indices, and what their versions take: clients ask for old ones, and keep indices from being free.
    pub(crate) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        let indices = self.slots.len();
        see(Buffer { name: "indices", len: indices, max: NetId::INDEX_MAX as usize + 1 });
        see(Buffer { name: "indices that rest", len: self.free.len(), max: indices });
        see(Buffer { name: "versions, bytes", len: self.bytes(), max: indices * self.entity_bytes_max() });
    }

    pub(crate) fn slot(&self, index: u32) -> &Slot {
        &self.slots[index as usize]
    }

    pub(crate) fn slot_mut(&mut self, index: u32) -> &mut Slot {
        &mut self.slots[index as usize]
    }

    /// The streams of one audience.
    #[inline]
    pub(super) const fn of(&self, audience: Audience) -> &StreamTable {
        &self.streams[audience as usize]
    }

    pub(crate) fn net_id(&self, index: u32) -> NetId {
        NetId { index, generation: self.slots[index as usize].generation }
    }

    /// Whether `id` is what its index was last given to.
    pub(crate) fn knows(&self, id: NetId) -> bool {
        let slot = self.slots.get(id.index as usize);
        slot.is_some_and(|slot| slot.generation == id.generation) && self.of(Audience::Public).has(id.index)
    }

    /// The state of a stream as of `tick`, if it is still known.
    pub(crate) fn at(&self, index: u32, audience: Audience, tick: Tick) -> Option<VersionRef<'_>> {
        self.of(audience).at(index, tick)
    }

    /// When a stream last changed.
    pub(crate) fn newest_tick(&self, index: u32, audience: Audience) -> Tick {
        self.of(audience).newest_tick(index)
    }

    /// Corrupts what records of a stream build on.
    #[cfg(feature = "sabotage")]
    pub(super) fn corrupt_baselines(&mut self, index: u32, audience: Audience) {
        self.streams[audience as usize].corrupt_baselines(index);
    }

    /// Gives `entity` an index; `None` if all are in use. Its streams begin in the tick now captured.
    pub(crate) fn insert(&mut self, entity: Entity, tick: Tick) -> Option<u32> {
        let rest_ticks = REUSE_AFTER_TICKS_MIN.max(keep_ticks(REUSE_AFTER, self.tick_hz));
        let index = match self.free.front() {
            Some((_, since)) if tick.since(*since) > rest_ticks => self.free.pop_front()?.0,
            _ if self.slots.len() > NetId::INDEX_MAX as usize => return None,
            _ => {
                self.slots.push(Slot::default());
                self.slots.len() as u32 - 1
            }
        };
        self.slots[index as usize].entity = Some(entity);
        self.streams.iter_mut().for_each(|streams| streams.begin(index as usize));
        self.entity_count += 1;
        Some(index)
    }

    /// The entity of `index` is no longer replicated.
    pub(crate) fn remove(&mut self, index: u32, tick: Tick) {
        let slot = &mut self.slots[index as usize];
        if slot.entity.take().is_some() {
            slot.place = None;
            self.entity_count -= 1;
            self.free_if_unknown(index, tick);
        }
    }

    /// A client may know the entity of `index` from now on.
    pub(crate) fn add_viewer(&mut self, index: u32) {
        self.slots[index as usize].viewers += 1;
    }

    /// A client knows for sure that it does not see the entity of `index`, or is gone.
    pub(crate) fn remove_viewer(&mut self, index: u32, tick: Tick) {
        self.slots[index as usize].viewers -= 1;
        self.free_if_unknown(index, tick);
    }

    fn free_if_unknown(&mut self, index: u32, tick: Tick) {
        let slot = &mut self.slots[index as usize];
        if slot.entity.is_none() && slot.viewers == 0 {
            slot.generation = slot.generation.wrapping_add(1);
            self.free.push_back((index, tick));
            self.streams.iter_mut().for_each(|streams| streams.end(index as usize));
        }
    }

    /// Sets a component's lanes. What did not change is no change.
    #[inline]
    pub(crate) fn set(&mut self, index: u32, (audience, bit): (Audience, usize), lanes: &[u32]) {
        self.streams[audience as usize].set(index as usize, bit, lanes);
    }

    /// Takes note that a component is gone.
    pub(crate) fn unset(&mut self, index: u32, (audience, bit): (Audience, usize)) {
        self.streams[audience as usize].unset(index as usize, bit);
    }

    /// Keeps what changed as the versions of `tick`.
    pub(crate) fn commit(&mut self, tick: Tick) {
        let slots = &self.slots;
        for streams in &mut self.streams {
            streams.commit(tick, |index| slots[index as usize].generation);
        }
    }

    /// Makes known what changed in the last `ticks` ticks, for those who get a snapshot that often.
    pub(crate) fn merge_changes(&mut self, tick: Tick, ticks: u32) {
        self.streams.iter_mut().for_each(|streams| streams.merge_changes(tick, ticks));
    }
}

impl Slot {
    /// Whether its entity is still replicated.
    pub(crate) const fn is_alive(&self) -> bool {
        self.entity.is_some()
    }
}

fn keep_ticks(duration: Duration, tick_hz: u32) -> i32 {
    let ticks = (duration.as_micros() as u64 * u64::from(tick_hz)).div_ceil(1_000_000);
    i32::try_from(ticks).unwrap_or(i32::MAX / 2) + KEEP_SLACK_TICKS
}
