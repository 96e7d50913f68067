use bevy_ecs::entity::Entity;
use bevy_ecs::prelude::{Component, Resource};
use tidelock::ClientId;

/// On which of 64 layers an entity is, a bit each: only clients that see one of them ([`SeesLayers`]) see it, where they would
/// see it without. Whoever owns it sees it always, and so does whom it is [shown](Visibility::show).
///
/// Layers are rooms and instances of a level, what only some can make out, what is there for spectators. An entity without
/// this component is on no layer in particular, and hidden from nobody; one with `Layers(0)` is hidden from all.
///
/// What is hidden is not named either. A component that refers to an entity on layers tells so only if the entity it belongs
/// to is on layers too, none of which the other is not on, was shown to nobody, and belongs to nobody who does not see one
/// of the other's. To all others, and so to all, the reference is none.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers(pub u64);

/// Which layers the [`Owner`](super::Owner) of this [`Viewpoint`](super::Viewpoint) sees, a bit each. A client without it sees
/// none: nothing that has [`Layers`].
///
/// ```
/// use bevy_ecs::prelude::Commands;
/// use tidelock::ClientId;
/// use tidelock_server::game::{Layers, Owner, Replicated, SeesLayers, Viewpoint};
///
/// const CRYPT: u64 = 1 << 0;
/// const STEALTH: u64 = 1 << 1;
///
/// fn enter_crypt(client_id: ClientId, detects_stealth: bool, mut commands: Commands) {
///     let sees = if detects_stealth { CRYPT | STEALTH } else { CRYPT };
///     commands.spawn((Owner(client_id), Viewpoint, SeesLayers(sees), Layers(CRYPT), Replicated));
///     // Whoever detects stealth sees it.
///     commands.spawn((Layers(STEALTH), Replicated));
/// }
/// # bevy_ecs::system::assert_is_system(|commands: Commands| enter_crypt(ClientId(1), true, commands));
/// ```
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeesLayers(pub u64);

/// What single clients see or do not see, whatever the rules say: fog of war that the game computes, a replay's camera, a
/// player who is in on a secret.
///
/// An exception holds from the tick in which it is made until it is taken back, the entity is no longer
/// [`Replicated`](super::Replicated), or the player has left. Of entities that are not replicated at the end of a tick
/// none are kept. It costs in each tick what it costs to look at it; whoever has none pays nothing.
///
/// ```
/// use bevy_ecs::prelude::{Commands, Entity, ResMut};
/// use tidelock::ClientId;
/// use tidelock_server::game::{Replicated, Visibility};
///
/// fn scout(client_id: ClientId, found: Entity, lost: Entity, mut visibility: ResMut<Visibility>) {
///     visibility.show(client_id, found);
///     visibility.hide(client_id, lost);
/// }
/// # fn system(mut commands: Commands, visibility: ResMut<Visibility>) {
/// #     let (a, b) = (commands.spawn(Replicated).id(), commands.spawn(Replicated).id());
/// #     scout(ClientId(1), a, b, visibility);
/// # }
/// # bevy_ecs::system::assert_is_system(system);
/// ```
#[derive(Resource, Debug, Default)]
pub struct Visibility {
    changes: Vec<VisibilityChange>,
}

/// What a game said since the last capture, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VisibilityChange {
    /// Of one entity.
    Entity(ClientId, Entity, Option<Exception>),
    /// Of all entities: a client has no exceptions any more.
    Client(ClientId),
}

/// That a client sees an entity, or does not, whatever the rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exception {
    Shown,
    Hidden,
}

impl Visibility {
    /// A client sees an entity wherever it is, and on whatever layers.
    pub fn show(&mut self, client_id: ClientId, entity: Entity) {
        self.changes.push(VisibilityChange::Entity(client_id, entity, Some(Exception::Shown)));
    }

    /// A client does not see an entity, even if it is [`AlwaysRelevant`](super::AlwaysRelevant); unless it owns it. As long as an
    /// entity is hidden from anybody, references to it are none, for everybody.
    pub fn hide(&mut self, client_id: ClientId, entity: Entity) {
        self.changes.push(VisibilityChange::Entity(client_id, entity, Some(Exception::Hidden)));
    }

    /// A client sees an entity, or not, by the rules again.
    pub fn reset(&mut self, client_id: ClientId, entity: Entity) {
        self.changes.push(VisibilityChange::Entity(client_id, entity, None));
    }

    /// A client sees all entities, or not, by the rules again.
    pub fn reset_client(&mut self, client_id: ClientId) {
        self.changes.push(VisibilityChange::Client(client_id));
    }

    pub(crate) fn take_changes(&mut self) -> Vec<VisibilityChange> {
        std::mem::take(&mut self.changes)
    }

    /// Gives the memory of changes back.
    pub(crate) fn recycle(&mut self, mut changes: Vec<VisibilityChange>) {
        changes.clear();
        self.changes = changes;
    }
}
