use super::change_scan::ChangeScan;
use super::component_writer::ComponentWriter;
use super::components::NetSlot;
use super::references::EntitySet;
use super::rewind::REWIND_MAX_DEFAULT;
use super::turns::Turns;
use super::{EventType, InputType};
use bevy_ecs::change_detection::Tick as ChangeTick;
use bevy_ecs::component::Component;
use bevy_ecs::entity::Entity;
use bevy_ecs::prelude::Resource;
use bevy_ecs::world::World;
use glam::Vec2;
use std::time::Duration;
use tidelock::state::{Audience, Event, Input, Replicate, Rules, Schema, SchemaBuilder};

/// Everything a game declared, in order, with the types erased.
#[derive(Resource)]
pub(crate) struct Registry {
    schema: Option<SchemaBuilder>,
    pub(crate) columns: Vec<Box<dyn CapturedColumn>>,
    pub(crate) input: Option<InputType>,
    pub(crate) events: Vec<EventType>,
    pub(crate) locator: Option<Box<dyn Locator>>,
    pub(crate) view_radius: f32,
    pub(crate) rewind_max: Duration,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            schema: Some(Schema::builder("game")),
            columns: Vec::new(),
            input: None,
            events: Vec::new(),
            locator: None,
            view_radius: 50.0,
            rewind_max: REWIND_MAX_DEFAULT,
        }
    }
}

impl Registry {
    pub(super) fn name(&mut self, name: &'static str) {
        assert!(
            self.columns.is_empty() && self.input.is_none() && self.events.is_empty(),
            "name the game before its components"
        );
        self.schema = Some(Schema::builder(name));
    }

    pub(super) fn component<C: Component + Replicate>(&mut self, rules: Rules, tick_hz: u32) {
        self.declare(|schema| schema.component_by::<C>(rules));
        let audience = rules.audience;
        let bit = self.columns.iter().filter(|column| column.audience() == audience).count();
        self.columns.push(Box::new(Column::<C> {
            audience,
            bit,
            turns: Turns::new(rules.rate.ticks(tick_hz)),
            writer: ComponentWriter::new::<C>(),
            changes: ChangeScan::default(),
        }));
    }

    pub(super) fn input<I: Input>(&mut self) {
        self.declare(|schema| schema.input::<I>());
        self.input = Some(InputType::of::<I>());
    }

    pub(super) fn event<E: Event>(&mut self) {
        self.declare(|schema| schema.event::<E>());
        self.events.push(EventType::of::<E>());
    }

    pub(super) fn locate<C: Component>(&mut self, position: fn(&C) -> Vec2) {
        self.locator = Some(Box::new(ComponentLocator::<C> { position, changes: ChangeScan::default() }));
    }

    /// The finished schema. Taken once.
    pub(crate) fn build_schema(&mut self) -> Result<Schema, tidelock::state::SchemaError> {
        self.schema.take().expect("the schema is built once").build()
    }

    fn declare(&mut self, add: impl FnOnce(SchemaBuilder) -> SchemaBuilder) {
        self.schema = self.schema.take().map(add);
    }
}

/// One component type that is captured each tick.
pub(crate) trait CapturedColumn: Send + Sync {
    /// Who sees it.
    fn audience(&self) -> Audience;

    /// Its bit in the stream's mask.
    fn bit(&self) -> usize;

    /// Calls `sink` with the lanes of one entity's component, if it has it.
    fn read(&mut self, world: &World, slot: NetSlot, entity: Entity, sink: &mut dyn FnMut(&[u32]));

    /// Calls `sink` with the slot and the new lanes of each component that changed after `since`, or since its last turn if it
    /// has a lower rate.
    fn changed(&mut self, world: &mut World, since: ChangeTick, sink: &mut dyn FnMut(NetSlot, &[u32]));

    /// Calls `sink` with the slot and the lanes of each component that refers to one of `moved`, or is one of theirs and refers
    /// to any: entities that have a network id since the last tick, or no longer, or that others may know of.
    fn retarget(&mut self, world: &World, moved: &EntitySet, sink: &mut dyn FnMut(NetSlot, &[u32]));

    /// The entity of `slot` is no longer replicated.
    fn forget(&mut self, slot: NetSlot);

    /// Calls `sink` with the slot of each entity that lost the component, but lives, since trackers were last cleared.
    fn removed(&mut self, world: &mut World, sink: &mut dyn FnMut(NetSlot));
}

struct Column<C: Component + Replicate> {
    audience: Audience,
    bit: usize,
    turns: Turns,
    writer: ComponentWriter,
    changes: ChangeScan<C>,
}

impl<C: Component + Replicate> CapturedColumn for Column<C> {
    fn audience(&self) -> Audience {
        self.audience
    }

    fn bit(&self) -> usize {
        self.bit
    }

    fn read(&mut self, world: &World, slot: NetSlot, entity: Entity, sink: &mut dyn FnMut(&[u32])) {
        if let Some(component) = world.get::<C>(entity) {
            sink(self.writer.lanes_of(component, slot, world));
        }
    }

    fn changed(&mut self, world: &mut World, since: ChangeTick, sink: &mut dyn FnMut(NetSlot, &[u32])) {
        let Self { turns, writer, changes, .. } = self;
        let now = world.change_tick();
        let since_turn = turns.begin(since);
        changes.each(world, since_turn, |world, slot, component, ticks| {
            // What is new does not wait for its turn.
            if turns.has(slot.0) || ticks.added.is_newer_than(since, now) {
                sink(slot, writer.lanes_of(component, slot, world));
            }
        });
    }

    fn retarget(&mut self, world: &World, moved: &EntitySet, sink: &mut dyn FnMut(NetSlot, &[u32])) {
        self.writer.retarget::<C>(world, moved, sink);
    }

    fn forget(&mut self, slot: NetSlot) {
        self.writer.forget(slot);
    }

    fn removed(&mut self, world: &mut World, sink: &mut dyn FnMut(NetSlot)) {
        for_each_without::<C>(world, &mut |slot| {
            self.writer.forget(slot);
            sink(slot);
        });
    }
}

/// Calls `sink` with the slot of each entity that lost a `C`, but lives, since trackers were last cleared.
pub(crate) fn for_each_without<C: Component>(world: &World, sink: &mut dyn FnMut(NetSlot)) {
    for entity in world.removed::<C>() {
        let Ok(entity) = world.get_entity(entity) else { continue };
        if let (Some(slot), false) = (entity.get::<NetSlot>(), entity.contains::<C>()) {
            sink(*slot);
        }
    }
}

/// Tells where entities are.
pub(crate) trait Locator: Send + Sync {
    /// Where one entity is, if it is anywhere.
    fn read(&self, world: &World, entity: Entity) -> Option<Vec2>;

    /// Calls `sink` with the slot and place of each entity whose place may have changed after `since`.
    fn moved(&mut self, world: &mut World, since: ChangeTick, sink: &mut dyn FnMut(NetSlot, Vec2));

    /// Calls `sink` with the slot of each entity that is nowhere any more, but lives.
    fn removed(&self, world: &World, sink: &mut dyn FnMut(NetSlot));
}

struct ComponentLocator<C: Component> {
    position: fn(&C) -> Vec2,
    changes: ChangeScan<C>,
}

impl<C: Component> Locator for ComponentLocator<C> {
    fn read(&self, world: &World, entity: Entity) -> Option<Vec2> {
        world.get::<C>(entity).map(self.position)
    }

    fn moved(&mut self, world: &mut World, since: ChangeTick, sink: &mut dyn FnMut(NetSlot, Vec2)) {
        let Self { position, changes } = self;
        changes.each(world, since, |_, slot, component, _| sink(slot, position(component)));
    }

    fn removed(&self, world: &World, sink: &mut dyn FnMut(NetSlot)) {
        for_each_without::<C>(world, sink);
    }
}
