use super::history::History;
use super::interest::Interest;
use crate::game::{
    AlwaysRelevant, CapturedColumn, Departed, Locator, NetSlot, Owner, Replicated, Viewpoint, for_each_without,
};
use bevy_ecs::change_detection::Tick as ChangeTick;
use bevy_ecs::entity::Entity;
use bevy_ecs::query::{Added, QueryState, With, Without};
use bevy_ecs::world::World;
use tidelock::{ClientId, Tick};

/// Takes from the world, once a tick and for all clients, what changed of what is replicated.
pub(crate) struct Capture {
    columns: Vec<Box<dyn CapturedColumn>>,
    locator: Option<Box<dyn Locator>>,
    since: ChangeTick,
    spawned: QueryState<Entity, (With<Replicated>, Without<NetSlot>)>,
    made_relevant: QueryState<&'static NetSlot, (With<Replicated>, Added<AlwaysRelevant>)>,
    owned: OwnedQuery<With<Replicated>>,
    viewpoints: OwnedQuery<(With<Replicated>, With<Viewpoint>)>,
    /// Each owner with one of its entities, sorted.
    owners: Vec<(ClientId, u32)>,
    /// Each client with the entity it sees from, sorted.
    eyes: Vec<(ClientId, u32)>,
}

type OwnedQuery<Filter> = QueryState<(&'static NetSlot, &'static Owner), Filter>;

impl Capture {
    pub(crate) fn new(
        columns: Vec<Box<dyn CapturedColumn>>,
        locator: Option<Box<dyn Locator>>,
        world: &mut World,
    ) -> Self {
        world.init_resource::<Departed>();
        Self {
            columns,
            locator,
            since: world.change_tick(),
            spawned: world.query_filtered(),
            made_relevant: world.query_filtered(),
            owned: world.query_filtered(),
            viewpoints: world.query_filtered(),
            owners: Vec::new(),
            eyes: Vec::new(),
        }
    }

    /// Brings `history` and `interest` to the end of `tick`.
    pub(crate) fn run(&mut self, world: &mut World, tick: Tick, history: &mut History, interest: &mut Interest) {
        for slot in std::mem::take(&mut world.resource_mut::<Departed>().0) {
            interest.remove(slot.0);
            history.remove(slot.0, tick);
        }
        self.take_spawned(world, tick, history, interest);
        self.take_changes(world, history, interest);
        self.take_relevance(world, interest);
        self.take_owners(world);
        history.commit(tick);
        world.clear_trackers();
        // What the game changes in the next tick is newer than this.
        self.since = world.change_tick();
        world.increment_change_tick();
    }

    /// Gives what is new an index, in the order of entities, and takes all of it.
    fn take_spawned(&mut self, world: &mut World, tick: Tick, history: &mut History, interest: &mut Interest) {
        let mut spawned: Vec<Entity> = self.spawned.iter(world).collect();
        spawned.sort_unstable();
        for entity in spawned {
            let Some(index) = history.insert(entity, tick) else { return };
            world.entity_mut(entity).insert(NetSlot(index));
            for column in &mut self.columns {
                let place = (column.audience(), column.bit());
                column.read(world, entity, &mut |lanes| history.set(index, place, lanes));
            }
            if let Some(place) = self.locator.as_ref().and_then(|locator| locator.read(world, entity)) {
                history.slot_mut(index).place = Some(place);
                interest.place(index, place);
            }
            if world.entity(entity).contains::<AlwaysRelevant>() {
                interest.set_always_relevant(index, true);
            }
        }
    }

    fn take_changes(&mut self, world: &mut World, history: &mut History, interest: &mut Interest) {
        for column in &mut self.columns {
            let place = (column.audience(), column.bit());
            column.removed(world, &mut |slot| history.unset(slot.0, place));
            column.changed(world, self.since, &mut |slot, lanes| history.set(slot.0, place, lanes));
        }
        if let Some(locator) = &mut self.locator {
            locator.removed(world, &mut |slot| {
                history.slot_mut(slot.0).place = None;
                interest.displace(slot.0);
            });
            locator.moved(world, self.since, &mut |slot, place| {
                history.slot_mut(slot.0).place = Some(place);
                interest.place(slot.0, place);
            });
        }
    }

    fn take_relevance(&mut self, world: &World, interest: &mut Interest) {
        for slot in self.made_relevant.iter(world) {
            interest.set_always_relevant(slot.0, true);
        }
        for_each_without::<AlwaysRelevant>(world, &mut |slot| interest.set_always_relevant(slot.0, false));
    }

    /// Who owns what, and who sees from where.
    fn take_owners(&mut self, world: &World) {
        let sorted = |pairs: &mut Vec<(ClientId, u32)>, found: &mut dyn Iterator<Item = (&NetSlot, &Owner)>| {
            pairs.clear();
            pairs.extend(found.map(|(slot, owner)| (owner.0, slot.0)));
            pairs.sort_unstable();
        };
        sorted(&mut self.owners, &mut self.owned.iter(world));
        sorted(&mut self.eyes, &mut self.viewpoints.iter(world));
    }

    /// The entities of one client, by ascending index.
    pub(crate) fn owned_by(&self, client_id: ClientId) -> impl Iterator<Item = u32> {
        let begin = self.owners.partition_point(|(owner, _)| *owner < client_id);
        self.owners[begin..].iter().take_while(move |(owner, _)| *owner == client_id).map(|(_, index)| *index)
    }

    /// The entity that a client sees from: the first, should there be several.
    pub(crate) fn viewpoint_of(&self, client_id: ClientId) -> Option<u32> {
        let at = self.eyes.partition_point(|(owner, _)| *owner < client_id);
        self.eyes.get(at).filter(|(owner, _)| *owner == client_id).map(|(_, index)| *index)
    }
}
