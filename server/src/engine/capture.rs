use super::history::History;
use super::interest::Interest;
use super::marks::IndexSet;
use super::teams::Teams;
use crate::game::{
    AlwaysRelevant, CapturedColumn, Departed, Discretion, EntitySet, Layers, Locator, NetIds, NetSlot, Owner,
    Replicated, SeesLayers, Team, TeamRelevant, Viewpoint, Visibility, VisibilityChange, for_each_without,
};
use bevy_ecs::change_detection::Tick as ChangeTick;
use bevy_ecs::entity::Entity;
use bevy_ecs::query::{Added, Changed, QueryState, With, Without};
use bevy_ecs::world::World;
use tidelock::{ClientId, Tick};

/// Takes from the world, once a tick and for all clients, what changed of what is replicated.
pub(crate) struct Capture {
    columns: Vec<Box<dyn CapturedColumn>>,
    locator: Option<Box<dyn Locator>>,
    since: ChangeTick,
    spawned: QueryState<Entity, (With<Replicated>, Without<NetSlot>)>,
    made_relevant: QueryState<&'static NetSlot, (With<Replicated>, Added<AlwaysRelevant>)>,
    made_team_relevant: QueryState<&'static NetSlot, (With<Replicated>, Added<TeamRelevant>)>,
    owned: QueryState<(&'static NetSlot, &'static Owner), With<Replicated>>,
    viewpoints: QueryState<(&'static NetSlot, &'static Owner, Option<&'static SeesLayers>), IsViewpoint>,
    layered: QueryState<(Entity, &'static NetSlot, &'static Layers), ChangedLayers>,
    /// Things on layers that changed hands.
    handed_over: QueryState<Entity, ChangedHands>,
    teams: Teams,
    /// Entities that have a network id since the last tick, or no longer, or that others may know of.
    moved: EntitySet,
    /// Each owner with one of its entities, sorted.
    owners: Vec<(ClientId, u32)>,
    /// Each client with the entity it sees from, and the layers it sees, sorted.
    eyes: Vec<(ClientId, u32, u64)>,
}

type IsViewpoint = (With<Replicated>, With<Viewpoint>);
type ChangedLayers = (With<Replicated>, Changed<Layers>);
type ChangedHands = (With<Replicated>, With<Layers>, Changed<Owner>);

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
            made_team_relevant: world.query_filtered(),
            owned: world.query_filtered(),
            viewpoints: world.query_filtered(),
            layered: world.query_filtered(),
            handed_over: world.query_filtered(),
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
            self.forget(world, slot, interest);
            self.teams.set(slot.0, None);
            history.remove(slot.0, tick);
        }
        let spawned = self.take_spawned(world, tick, history, interest);
        self.take_owners(world);
        self.take_visibility(world, &spawned, interest);
        self.read_spawned(world, &spawned, history, interest);
        self.take_changes(world, history, interest);
        self.take_relevance(world, interest);
        self.teams.take_changes(world);
        history.commit(tick);
        world.clear_trackers();
        // What the game changes in the next tick is newer than this.
        self.since = world.change_tick();
        world.increment_change_tick();
    }

    /// The entity of `slot` is no longer replicated.
    fn forget(&mut self, world: &mut World, slot: NetSlot, interest: &mut Interest) {
        let mut ids = world.resource_mut::<NetIds>();
        if let Some(entity) = ids.at(slot.0) {
            self.moved.insert(entity);
            ids.remove(slot.0);
        }
        self.columns.iter_mut().for_each(|column| column.forget(slot));
        let mut discretion = world.resource_mut::<Discretion>();
        if discretion.has_exceptions(slot.0) {
            interest.filter.reset_entity(slot.0, |exception| {
                discretion.on_exception(slot.0, Some(exception), None);
            });
        }
        interest.remove(slot.0);
    }

    /// Gives what is new an index. What is near each other gets indices near each other, for then what a client sees lies
    /// in few words of 64 indices: of a level that is loaded in one tick, in a tenth as many.
    fn take_spawned(
        &mut self,
        world: &mut World,
        tick: Tick,
        history: &mut History,
        interest: &Interest,
    ) -> Vec<Entity> {
        let mut spawned: Vec<Entity> = self.spawned.iter(world).collect();
        let place = |entity: Entity| self.locator.as_ref().and_then(|locator| locator.read(world, entity));
        spawned.sort_by_cached_key(|entity| (place(*entity).map(|place| interest.locality(place)), *entity));
        // First all of them, so that they can refer to each other.
        let mut count = 0;
        for entity in &spawned {
            let Some(index) = history.insert(*entity, tick) else { break };
            world.entity_mut(*entity).insert(NetSlot(index));
            world.resource_mut::<NetIds>().insert(history.net_id(index), *entity);
            self.moved.insert(*entity);
            count += 1;
        }
        spawned.truncate(count);
        spawned
    }

    /// Takes all of what is new.
    fn read_spawned(&mut self, world: &mut World, spawned: &[Entity], history: &mut History, interest: &mut Interest) {
        for entity in spawned.iter().copied() {
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
            interest.set_always_relevant(index, world.entity(entity).contains::<AlwaysRelevant>());
            interest.set_team_relevant(index, world.entity(entity).contains::<TeamRelevant>());
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
        for slot in self.made_team_relevant.iter(world) {
            interest.set_team_relevant(slot.0, true);
        }
        for_each_without::<TeamRelevant>(world, &mut |slot| interest.set_team_relevant(slot.0, false));
    }

    /// Who owns what, and who sees from where.
    fn take_owners(&mut self, world: &World) {
        self.owners.clear();
        self.owners.extend(self.owned.iter(world).map(|(slot, owner)| (owner.0, slot.0)));
        self.owners.sort_unstable();
        let eye = |(slot, owner, layers): (&NetSlot, &Owner, Option<&SeesLayers>)| {
            (owner.0, slot.0, layers.map_or(0, |layers| layers.0))
        };
        self.eyes.clear();
        self.eyes.extend(self.viewpoints.iter(world).map(eye));
        self.eyes.sort_unstable();
        // Of several the first counts.
        self.eyes.dedup_by_key(|(client_id, ..)| *client_id);
    }

    /// What the game hides and shows, before anything is read that may refer to it.
    fn take_visibility(&mut self, world: &mut World, spawned: &[Entity], interest: &mut Interest) {
        let mut is_free = |slot: NetSlot| {
            world.resource::<NetIds>().at(slot.0).into_iter().for_each(|entity| self.moved.insert(entity));
        };
        for_each_without::<Owner>(world, &mut is_free);
        for_each_without::<Layers>(world, &mut |slot| {
            interest.filter.set_layers(slot.0, None);
            is_free(slot);
        });
        for entity in spawned.iter().filter_map(|entity| world.get_entity(*entity).ok()) {
            if let (Some(slot), Some(layers)) = (entity.get::<NetSlot>(), entity.get::<Layers>()) {
                interest.filter.set_layers(slot.0, Some(layers.0));
            }
        }
        for (entity, slot, layers) in self.layered.iter(world) {
            interest.filter.set_layers(slot.0, Some(layers.0));
            self.moved.insert(entity);
        }
        self.take_exceptions(world, interest);
        world.resource_scope::<Discretion, _>(|world, mut discretion| {
            let Self { owners, moved, eyes, handed_over, .. } = self;
            let ids = world.resource::<NetIds>();
            discretion.set_seen_layers(eyes.iter().map(|(client_id, _, layers)| (*client_id, *layers)), |client_id| {
                owned_by(owners, client_id).filter_map(|index| ids.at(index)).for_each(|entity| moved.insert(entity));
            });
            handed_over.iter(world).for_each(|entity| moved.insert(entity));
        });
    }

    /// The exceptions of single clients.
    fn take_exceptions(&mut self, world: &mut World, interest: &mut Interest) {
        let changes = world.resource_mut::<Visibility>().take_changes();
        if !changes.is_empty() {
            world.resource_scope::<Discretion, _>(|world, mut discretion| {
                let (filter, ids, moved) = (&mut interest.filter, world.resource::<NetIds>(), &mut self.moved);
                let mut note = |index, before, now| {
                    if discretion.on_exception(index, before, now) {
                        ids.at(index).into_iter().for_each(|entity| moved.insert(entity));
                    }
                };
                for change in &changes {
                    match *change {
                        VisibilityChange::Client(client_id) => {
                            filter.reset_client(client_id, |index, before| note(index, Some(before), None));
                        }
                        VisibilityChange::Entity(client_id, entity, exception) => {
                            let Some(NetSlot(index)) = world.get::<NetSlot>(entity).copied() else { continue };
                            note(index, filter.set_exception(client_id, index, exception), exception);
                        }
                    }
                }
            });
        }
        world.resource_mut::<Visibility>().recycle(changes);
    }

    /// The entities of one client, by ascending index.
    pub(crate) fn owned_by(&self, client_id: ClientId) -> impl Iterator<Item = u32> {
        owned_by(&self.owners, client_id)
    }

    pub(crate) fn is_owned_by(&self, client_id: ClientId, index: u32) -> bool {
        self.owners.binary_search(&(client_id, index)).is_ok()
    }

    /// The entity that a client sees from: the first, should there be several.
    pub(crate) fn viewpoint_of(&self, client_id: ClientId) -> Option<u32> {
        Some(self.eye_of(client_id)?.0)
    }

    /// The layers that a client sees, a bit each.
    pub(crate) fn layers_seen_by(&self, client_id: ClientId) -> u64 {
        self.eye_of(client_id).map_or(0, |(_, layers)| layers)
    }

    fn eye_of(&self, client_id: ClientId) -> Option<(u32, u64)> {
        let at = self.eyes.binary_search_by_key(&client_id, |(client_id, ..)| *client_id).ok()?;
        let (_, index, layers) = self.eyes[at];
        Some((index, layers))
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

/// The entities of one client, by ascending index, among each owner with one of its entities.
fn owned_by(owners: &[(ClientId, u32)], client_id: ClientId) -> impl Iterator<Item = u32> {
    let begin = owners.partition_point(|(owner, _)| *owner < client_id);
    owners[begin..].iter().take_while(move |(owner, _)| *owner == client_id).map(|(_, index)| *index)
}
