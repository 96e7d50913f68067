use super::NetSlot;
use super::discretion::Discretion;
use super::references::{EntitySet, NetIds, Targets, referred};
use bevy_ecs::component::Component;
use bevy_ecs::entity::Entity;
use bevy_ecs::world::World;
use tidelock::state::{EntityRef, FieldKind, Replicate};

/// Makes lanes of the components of one type, with references as clients know them.
#[derive(Debug)]
pub(super) struct ComponentWriter {
    lanes: Vec<u32>,
    /// For components with references: to whom, and those of the one just written.
    references: Option<(Targets, Vec<Option<Entity>>)>,
}

impl ComponentWriter {
    pub(super) fn new<C: Replicate>() -> Self {
        let count = C::FIELDS.iter().filter(|field| field.kind == FieldKind::Reference).count();
        let references = (count > 0).then(|| (Targets::new(count), Vec::with_capacity(count)));
        Self { lanes: vec![0; C::lane_count()], references }
    }

    /// The lanes of `component`, which the entity of `slot` has.
    pub(super) fn lanes_of<C: Replicate>(&mut self, component: &C, slot: NetSlot, world: &World) -> &[u32] {
        match &mut self.references {
            None => component.write_lanes(&mut self.lanes),
            Some((targets, written)) => {
                written.clear();
                component.write_lanes_with(&mut self.lanes, &mut |bits| {
                    let target = referred(EntityRef::Local(bits));
                    written.push(target);
                    Discretion::name(world, slot, target?)
                });
                targets.clear(slot.0);
                targets.set(slot.0, written);
            }
        }
        &self.lanes
    }

    /// Calls `sink` with the slot and the lanes of each component that refers to one of `moved`, or is one of theirs and refers
    /// to any.
    pub(super) fn retarget<C: Component + Replicate>(
        &mut self,
        world: &World,
        moved: &EntitySet,
        sink: &mut dyn FnMut(NetSlot, &[u32]),
    ) {
        let Some((targets, _)) = &mut self.references else { return };
        let ids = world.resource::<NetIds>();
        let found = targets.referring_to(moved, ids);
        for index in &found {
            if let Some(component) = ids.at(*index).and_then(|holder| world.get::<C>(holder)) {
                sink(NetSlot(*index), self.lanes_of(component, NetSlot(*index), world));
            }
        }
        if let Some((targets, _)) = &mut self.references {
            targets.recycle(found);
        }
    }

    /// The entity of `slot` has no such component any more.
    pub(super) fn forget(&mut self, slot: NetSlot) {
        if let Some((targets, _)) = &mut self.references {
            targets.clear(slot.0);
        }
    }
}
