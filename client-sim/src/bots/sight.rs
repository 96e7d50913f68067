use glam::{Vec2, Vec3};
use tidelock::Moment;
use tidelock::state::NetId;
use tidelock_arena::{Facing, Kind, Position, Status, Velocity};

use crate::client::{EntityView, Scene, SceneEntity, View};

/// One entity as a bot sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// Names it.
    pub id: NetId,
    /// What it is.
    pub kind: Kind,
    /// Where it stands, in metres.
    pub position: Vec3,
    /// How it moves, in m/s.
    pub velocity: Vec3,
    /// Where it looks.
    pub facing: Facing,
    /// Lies on the ground.
    pub dead: bool,
    /// Is the bot's own.
    pub owned: bool,
}

impl Seen {
    /// The place on the ground.
    #[must_use]
    pub fn ground(&self) -> Vec2 {
        self.position.truncate()
    }

    /// Whether it is something to shoot at.
    #[must_use]
    pub fn is_target(&self) -> bool {
        matches!(self.kind, Kind::Avatar | Kind::Npc) && !self.dead && !self.owned
    }
}

/// What a bot knows of the world: a [`Screen`], as players do, or the newest of a client's [`View`].
pub trait Sight {
    /// The entity of this id, while it is visible.
    fn find(&self, id: NetId) -> Option<Seen>;

    /// Calls `visit` with each visible entity.
    fn look_around(&self, visit: &mut dyn FnMut(Seen));

    /// The bot's own avatar.
    fn avatar(&self) -> Option<Seen>;

    /// Of which moment it is, of others; `None` if nothing is known.
    fn moment(&self) -> Option<Moment>;
}

impl Sight for View {
    fn find(&self, id: NetId) -> Option<Seen> {
        self.entity(id).and_then(|entity| seen(&entity))
    }

    fn look_around(&self, visit: &mut dyn FnMut(Seen)) {
        self.entities().filter_map(|entity| seen(&entity)).for_each(visit);
    }

    fn avatar(&self) -> Option<Seen> {
        let mut own = self.owned().filter_map(|entity| seen(&entity));
        own.find(|seen| seen.kind == Kind::Avatar)
    }

    fn moment(&self) -> Option<Moment> {
        self.whole_tick().map(Moment::at)
    }
}

/// What a player has before its eyes: others as they are shown, and its own as last heard of.
#[derive(Clone, Copy, Debug)]
pub struct Screen<'a> {
    view: &'a View,
    scene: Scene<'a>,
}

impl<'a> Screen<'a> {
    /// Of a client that shows `shown`.
    #[must_use]
    pub const fn new(view: &'a View, shown: Moment) -> Self {
        Self { view, scene: view.at(shown) }
    }
}

impl Sight for Screen<'_> {
    fn find(&self, id: NetId) -> Option<Seen> {
        match self.view.entity(id).filter(EntityView::is_owned) {
            Some(own) => seen(&own),
            None => self.scene.entity(id).and_then(|entity| seen_in_scene(&entity)),
        }
    }

    fn look_around(&self, visit: &mut dyn FnMut(Seen)) {
        let others = self.scene.entities().filter(|entity| !entity.is_owned());
        let own = self.view.owned().filter_map(|entity| seen(&entity));
        own.chain(others.filter_map(|entity| seen_in_scene(&entity))).for_each(visit);
    }

    fn avatar(&self) -> Option<Seen> {
        self.view.avatar()
    }

    fn moment(&self) -> Option<Moment> {
        Some(self.scene.moment())
    }
}

/// `None` for what stands nowhere. Packs look nowhere and never die.
fn seen(entity: &EntityView<'_>) -> Option<Seen> {
    Some(Seen {
        id: entity.id(),
        kind: entity.get::<Kind>()?,
        position: entity.get::<Position>()?.0,
        velocity: entity.get::<Velocity>().unwrap_or_default().0,
        facing: entity.get::<Facing>().unwrap_or_default(),
        dead: entity.get::<Status>().is_some_and(|status| status.dead),
        owned: entity.is_owned(),
    })
}

/// The same for what is shown between snapshots.
fn seen_in_scene(entity: &SceneEntity<'_>) -> Option<Seen> {
    Some(Seen {
        id: entity.id(),
        kind: entity.latest::<Kind>()?,
        position: entity.get::<Position>()?.0,
        velocity: entity.get::<Velocity>().unwrap_or_default().0,
        facing: entity.get::<Facing>().unwrap_or_default(),
        dead: entity.latest::<Status>().is_some_and(|status| status.dead),
        owned: entity.is_owned(),
    })
}
