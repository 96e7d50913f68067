use super::history::History;
use super::interest::Interest;
use super::marks::IndexSet;
use super::teams::Teams;
use crate::game::{
    AlwaysRelevant, CapturedColumn, Departed, EntitySet, Locator, NetIds, NetSlot, Owner, Replicated, Team, Viewpoint,
    for_each_without,
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
    teams: Teams,
    /// Entities that have a network id since the last tick, or no longer.
    moved: EntitySet,
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
            teams: Teams::new(world),
            moved: EntitySet::default(),
            owners: Vec::new(),
            eyes: Vec::new(),
        }
    }

    /// Brings `history` and `interest` to the end of `tick`.
    pub(crate) fn run(&mut self, world: &mut World, tick: Tick, history: &mut History, interest: &mut Interest) {
        self.moved.clear();
        for slot in std::mem::take(&mut world.resource_mut::<Departed>().0) {
            self.forget(world, slot);
            interest.remove(slot.0);
            self.teams.set(slot.0, None);
            history.remove(slot.0, tick);
        }
        self.take_spawned(world, tick, history, interest);
        self.take_changes(world, history, interest);
        self.take_relevance(world, interest);
        self.teams.take_changes(world);
        self.take_owners(world);
        history.commit(tick);
        world.clear_trackers();
        // What the game changes in the next tick is newer than this.
        self.since = world.change_tick();
        world.increment_change_tick();
    }

    /// The entity of `slot` is no longer replicated.
    fn forget(&mut self, world: &mut World, slot: NetSlot) {
        let mut ids = world.resource_mut::<NetIds>();
        if let Some(entity) = ids.at(slot.0) {
            self.moved.insert(entity);
            ids.remove(slot.0);
        }
        self.columns.iter_mut().for_each(|column| column.forget(slot));
    }

    /// Gives what is new an index, in the order of entities, and takes all of it.
    fn take_spawned(&mut self, world: &mut World, tick: Tick, history: &mut History, interest: &mut Interest) {
        let mut spawned: Vec<Entity> = self.spawned.iter(world).collect();
        spawned.sort_unstable();
        // First all of them, so that they can refer to each other.
        let mut count = 0;
        for entity in &spawned {
            let Some(index) = history.insert(*entity, tick) else { break };
            world.entity_mut(*entity).insert(NetSlot(index));
            world.resource_mut::<NetIds>().insert(history.net_id(index), *entity);
            self.moved.insert(*entity);
            count += 1;
        }
        for entity in spawned.drain(..count) {
            let Some(slot) = world.get::<NetSlot>(entity).copied() else { continue };
            let index = slot.0;
            for column in &mut self.columns {
                let place = (column.audience(), column.bit());
                column.read(world, slot, entity, &mut |lanes| history.set(index, place, lanes));
            }
            if let Some(place) = self.locator.as_ref().and_then(|locator| locator.read(world, entity)) {
                history.slot_mut(index).place = Some(place);
                interest.place(index, place);
            }
            self.teams.set(index, world.get::<Team>(entity).copied());
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
        if !self.moved.is_empty() {
            for column in &mut self.columns {
                let place = (column.audience(), column.bit());
                column.retarget(world, &self.moved, &mut |slot, lanes| history.set(slot.0, place, lanes));
            }
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

    pub(crate) fn is_owned_by(&self, client_id: ClientId, index: u32) -> bool {
        self.owners.binary_search(&(client_id, index)).is_ok()
    }

    /// The entity that a client sees from: the first, should there be several.
    pub(crate) fn viewpoint_of(&self, client_id: ClientId) -> Option<u32> {
        let at = self.eyes.partition_point(|(owner, _)| *owner < client_id);
        self.eyes.get(at).filter(|(owner, _)| *owner == client_id).map(|(_, index)| *index)
    }

    /// The team of a client: that of the entity it sees from, or else of the first it owns that has one.
    pub(crate) fn team_of(&self, client_id: ClientId) -> Option<Team> {
        let seen_from = self.viewpoint_of(client_id).and_then(|index| self.teams.of(index));
        seen_from.or_else(|| self.owned_by(client_id).find_map(|index| self.teams.of(index)))
    }

    /// Those of a team.
    pub(crate) fn members(&self, team: Team) -> Option<&IndexSet> {
        self.teams.members(team)
    }
}
