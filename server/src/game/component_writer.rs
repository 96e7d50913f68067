use super::NetSlot;
use super::discretion::Discretion;
use super::references::{EntitySet, NetIds, Targets, referred};
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

    /// The indices of entities of which the component refers to one of `moved`, or is one of theirs and refers to any.
    pub(super) fn referring_to(&self, moved: &EntitySet, ids: &NetIds) -> Vec<u32> {
        self.references.as_ref().map_or_else(Vec::new, |(targets, _)| targets.referring_to(moved, ids))
    }

    /// The entity of `slot` has no such component any more.
    pub(super) fn forget(&mut self, slot: NetSlot) {
        if let Some((targets, _)) = &mut self.references {
            targets.clear(slot.0);
        }
    }
}
