use bevy_ecs::entity::Entity;
use glam::Vec2;
use std::collections::VecDeque;
use tidelock::Tick;
use tidelock::state::{Audience, NetId, Schema, StreamLayout, VersionRef, version_hash};

/// What the world looked like, tick by tick: for each replicated entity and audience the versions of its stream.
///
/// A stream has a version for each tick in which it changed; the newest at or before a tick is its state at that tick.
#[derive(Debug, Default)]
pub(crate) struct History {
    slots: Vec<Slot>,
    /// Slots without an entity and since when, oldest first.
    free: VecDeque<(u32, Tick)>,
    /// Streams that changed in the tick now captured.
    dirty: Vec<(u32, Audience)>,
    entity_count: usize,
}

/// One replicated entity, or the place of one.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    generation: u16,
    pub(crate) entity: Option<Entity>,
    pub(crate) place: Option<Vec2>,
    streams: [Stream; Audience::COUNT],
    /// Clients that may know this entity. Its index is not reused before there are none.
    viewers: u32,
}

/// One audience's part of an entity.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    mask: u32,
    /// Of all components, present or not, each at its place in the full layout.
    lanes: Vec<u32>,
    dirty: bool,
    versions: VecDeque<Version>,
}

/// A stream from one tick on.
#[derive(Debug, Default)]
pub(crate) struct Version {
    pub(crate) tick: Tick,
    pub(crate) hash: u64,
    mask: u32,
    lanes: Vec<u32>,
}

/// Versions kept of a stream: a second of changes at 60 Hz. An older baseline costs a full record.
const VERSIONS_MAX: usize = 64;
/// For so many ticks an index is not reused, even if nobody knew it.
const REUSE_AFTER_TICKS: i32 = 64;

impl History {
    /// Entities that are replicated now.
    pub(crate) const fn entity_count(&self) -> usize {
        self.entity_count
    }

    /// How often entities are in somebody's view.
    pub(crate) fn viewer_count(&self) -> usize {
        self.slots.iter().map(|slot| slot.viewers as usize).sum()
    }

    pub(crate) fn slot(&self, index: u32) -> &Slot {
        &self.slots[index as usize]
    }

    pub(crate) fn slot_mut(&mut self, index: u32) -> &mut Slot {
        &mut self.slots[index as usize]
    }

    pub(crate) fn stream(&self, index: u32, audience: Audience) -> &Stream {
        &self.slots[index as usize].streams[audience as usize]
    }

    pub(crate) fn net_id(&self, index: u32) -> NetId {
        NetId { index, generation: self.slots[index as usize].generation }
    }

    /// Whether `id` is what its index was last given to.
    pub(crate) fn knows(&self, id: NetId) -> bool {
        let slot = self.slots.get(id.index as usize);
        slot.is_some_and(|slot| {
            slot.generation == id.generation && !slot.streams[Audience::Public as usize].versions.is_empty()
        })
    }

    /// Gives `entity` an index; `None` if all are in use. Its streams begin in the tick now captured.
    pub(crate) fn insert(&mut self, entity: Entity, tick: Tick, schema: &Schema) -> Option<u32> {
        let index = match self.free.front() {
            Some((_, since)) if tick.since(*since) > REUSE_AFTER_TICKS => self.free.pop_front()?.0,
            _ if self.slots.len() > NetId::INDEX_MAX as usize => return None,
            _ => {
                self.slots.push(Slot::default());
                self.slots.len() as u32 - 1
            }
        };
        let slot = &mut self.slots[index as usize];
        slot.entity = Some(entity);
        for audience in Audience::ALL {
            slot.streams[audience as usize].begin(schema.stream(audience));
            self.dirty.push((index, audience));
        }
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
        }
    }

    /// Sets a component's lanes. What did not change is no change.
    pub(crate) fn set(&mut self, layout: &StreamLayout, index: u32, (audience, bit): (Audience, usize), lanes: &[u32]) {
        let stream = &mut self.slots[index as usize].streams[audience as usize];
        let offset = layout.lane_offset(layout.full_mask(), bit);
        let current = &mut stream.lanes[offset..offset + lanes.len()];
        if stream.mask >> bit & 1 == 0 || current != lanes {
            current.copy_from_slice(lanes);
            stream.mask |= 1 << bit;
            self.mark(index, audience);
        }
    }

    /// Takes note that a component is gone.
    pub(crate) fn unset(&mut self, index: u32, (audience, bit): (Audience, usize)) {
        let stream = &mut self.slots[index as usize].streams[audience as usize];
        if stream.mask >> bit & 1 != 0 {
            stream.mask &= !(1 << bit);
            self.mark(index, audience);
        }
    }

    fn mark(&mut self, index: u32, audience: Audience) {
        let stream = &mut self.slots[index as usize].streams[audience as usize];
        if !stream.dirty {
            stream.dirty = true;
            self.dirty.push((index, audience));
        }
    }

    /// Keeps what changed as the versions of `tick`.
    pub(crate) fn commit(&mut self, tick: Tick, schema: &Schema) {
        for (index, audience) in std::mem::take(&mut self.dirty) {
            let slot = &mut self.slots[index as usize];
            let id = NetId { index, generation: slot.generation };
            slot.streams[audience as usize].commit(id, audience, schema.stream(audience), tick);
        }
    }
}

impl Slot {
    /// Whether its entity is still replicated.
    pub(crate) const fn is_alive(&self) -> bool {
        self.entity.is_some()
    }
}

impl Stream {
    fn begin(&mut self, layout: &StreamLayout) {
        self.mask = 0;
        self.lanes.clear();
        self.lanes.resize(layout.lane_count(layout.full_mask()), 0);
        self.versions.clear();
        self.dirty = true;
    }

    fn commit(&mut self, id: NetId, audience: Audience, layout: &StreamLayout, tick: Tick) {
        self.dirty = false;
        let mut version = Version::default();
        if self.versions.len() == VERSIONS_MAX
            && let Some(oldest) = self.versions.pop_front()
        {
            version = oldest;
        }
        version.tick = tick;
        version.mask = self.mask;
        version.lanes.clear();
        let mut offset = 0;
        for (bit, component) in layout.components().iter().enumerate() {
            if self.mask >> bit & 1 != 0 {
                version.lanes.extend_from_slice(&self.lanes[offset..offset + component.lanes.len()]);
            }
            offset += component.lanes.len();
        }
        version.hash = version_hash(id, audience, version.mask, &version.lanes);
        self.versions.push_back(version);
    }

    /// The state as of the last tick captured.
    pub(crate) fn newest(&self) -> &Version {
        self.versions.back().expect("a stream has a version from its first capture on")
    }

    /// The state as of `tick`, if it is still known.
    pub(crate) fn at(&self, tick: Tick) -> Option<&Version> {
        self.versions.iter().rev().find(|version| !version.tick.is_newer_than(tick))
    }
}

impl Version {
    pub(crate) fn borrow(&self) -> VersionRef<'_> {
        VersionRef { mask: self.mask, lanes: &self.lanes }
    }
}
