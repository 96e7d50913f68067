use glam::{Vec2, Vec3};
use tidelock::state::NetId;
use tidelock_arena::{Facing, Kind, Position, Status};

use crate::client::{EntityView, View};

/// One entity as a bot sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// Names it.
    pub id: NetId,
    /// What it is.
    pub kind: Kind,
    /// Where it stands, in metres.
    pub position: Vec3,
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

/// What a bot knows of the world. A client's [`View`] is one.
pub trait Sight {
    /// The entity of this id, while it is visible.
    fn find(&self, id: NetId) -> Option<Seen>;

    /// Calls `visit` with each visible entity.
    fn look_around(&self, visit: &mut dyn FnMut(Seen));

    /// The bot's own avatar.
    fn avatar(&self) -> Option<Seen>;
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
}

/// `None` for what stands nowhere. Packs look nowhere and never die.
fn seen(entity: &EntityView<'_>) -> Option<Seen> {
    Some(Seen {
        id: entity.id(),
        kind: entity.get::<Kind>()?,
        position: entity.get::<Position>()?.0,
        facing: entity.get::<Facing>().unwrap_or_default(),
        dead: entity.get::<Status>().is_some_and(|status| status.dead),
        owned: entity.is_owned(),
    })
}
