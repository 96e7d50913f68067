use super::NetSlot;
use bevy_ecs::entity::Entity;
use bevy_ecs::prelude::{Query, Res, Resource};
use bevy_ecs::system::SystemParam;
use bevy_ecs::world::World;
use tidelock::state::{EntityRef, NetId};

/// A reference to `entity`, for a component that clients see: they are told its network id, while it has one.
#[must_use]
pub const fn refer_to(entity: Entity) -> EntityRef {
    EntityRef::Local(entity.to_bits())
}

/// The entity of this world that `reference` means. It may be gone.
#[must_use]
pub const fn referred(reference: EntityRef) -> Option<Entity> {
    match reference {
        EntityRef::Local(bits) => Entity::try_from_bits(bits),
        _ => None,
    }
}

/// Which entities the network ids mean that clients name in their events. References in inputs are this world's already.
#[derive(Resource, Debug, Default)]
pub struct NetIds {
    /// By index: the generation, and the entity if it is replicated.
    entities: Vec<(u16, Option<Entity>)>,
}

impl NetIds {
    /// The entity that clients call `id`, while it is replicated.
    #[must_use]
    pub fn entity(&self, id: NetId) -> Option<Entity> {
        let (generation, entity) = *self.entities.get(id.index as usize)?;
        entity.filter(|_| generation == id.generation)
    }

    /// What clients call `entity`, while it is replicated: from the end of the tick in which that began.
    #[must_use]
    pub fn of(world: &World, entity: Entity) -> Option<NetId> {
        world.resource::<Self>().id_at(world.get::<NetSlot>(entity)?.0)
    }

    fn id_at(&self, index: u32) -> Option<NetId> {
        let (generation, _) = *self.entities.get(index as usize)?;
        Some(NetId { index, generation })
    }

    /// The entity of an index, if it is anybody's.
    pub(crate) fn at(&self, index: u32) -> Option<Entity> {
        self.entities.get(index as usize)?.1
    }

    pub(crate) fn insert(&mut self, id: NetId, entity: Entity) {
        let index = id.index as usize;
        if index >= self.entities.len() {
            self.entities.resize(index + 1, (0, None));
        }
        self.entities[index] = (id.generation, Some(entity));
    }

    pub(crate) fn remove(&mut self, index: u32) {
        if let Some((_, entity)) = self.entities.get_mut(index as usize) {
            *entity = None;
        }
    }
}

/// What clients call entities, for systems that tell them of some in events.
#[derive(SystemParam, Debug)]
pub struct NetNames<'w, 's> {
    ids: Res<'w, NetIds>,
    slots: Query<'w, 's, &'static NetSlot>,
}

impl NetNames<'_, '_> {
    /// What clients call `entity`, while it is replicated: from the end of the tick in which that began. Tell it to those
    /// alone who may know of the entity.
    #[must_use]
    pub fn of(&self, entity: Entity) -> Option<NetId> {
        self.ids.id_at(self.slots.get(entity).ok()?.0)
    }
}

/// Entities of which it is quickly known whether they are in it.
#[derive(Debug, Default)]
pub(crate) struct EntitySet {
    entities: Vec<Entity>,
    /// A bit for each row of the world's table of entities.
    bits: Vec<u64>,
}

impl EntitySet {
    pub(crate) fn insert(&mut self, entity: Entity) {
        let row = entity.index_u32() as usize;
        if row / 64 >= self.bits.len() {
            self.bits.resize(row / 64 + 1, 0);
        }
        self.bits[row / 64] |= 1 << (row % 64);
        self.entities.push(entity);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        for entity in self.entities.drain(..) {
            self.bits[entity.index_u32() as usize / 64] = 0;
        }
    }

    /// Whether it is in it, or another one that took its row.
    fn may_contain(&self, entity: Entity) -> bool {
        let row = entity.index_u32() as usize;
        self.bits.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 != 0)
    }
}

/// To which entities the components of one type refer, so that they are told again when one of those gets a network id or
/// loses it.
#[derive(Debug)]
pub(super) struct Targets {
    /// References in one component.
    stride: usize,
    /// Those of the component at index `n` begin at `n * stride`.
    entities: Vec<Option<Entity>>,
    /// What was found last, for its memory.
    found: Vec<u32>,
}

impl Targets {
    /// For a component with so many references.
    pub(super) const fn new(stride: usize) -> Self {
        Self { stride, entities: Vec::new(), found: Vec::new() }
    }

    /// The entity of `index` refers to these.
    pub(super) fn set(&mut self, index: u32, referred: &[Option<Entity>]) {
        let begin = index as usize * self.stride;
        if begin + self.stride > self.entities.len() {
            self.entities.resize(begin + self.stride, None);
        }
        self.entities[begin..begin + referred.len()].copy_from_slice(referred);
    }

    /// The entity of `index` refers to nothing any more.
    pub(super) fn clear(&mut self, index: u32) {
        let begin = index as usize * self.stride;
        if let Some(mine) = self.entities.get_mut(begin..begin + self.stride) {
            mine.fill(None);
        }
    }

    /// The indices of those that refer to one of `moved`, or are of it and refer to any. [`Targets::recycle`] takes the list
    /// back.
    pub(super) fn referring_to(&mut self, moved: &EntitySet, ids: &NetIds) -> Vec<u32> {
        let is_moved = |target: &Option<Entity>| target.is_some_and(|entity| moved.may_contain(entity));
        let all = self.entities.chunks(self.stride).enumerate();
        let may_differ = |index: u32, targets: &[Option<Entity>]| {
            targets.iter().any(is_moved) || (targets.iter().any(Option::is_some) && is_moved(&ids.at(index)))
        };
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        found.extend(all.filter(|(index, targets)| may_differ(*index as u32, targets)).map(|(index, _)| index as u32));
        found
    }

    /// Keeps the memory of a list.
    pub(super) fn recycle(&mut self, found: Vec<u32>) {
        self.found = found;
    }
}
