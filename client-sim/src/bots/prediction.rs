use std::sync::Arc;

use glam::Vec3;
use tidelock::Tick;
use tidelock::state::NetId;
use tidelock_arena::{
    Ammo, ArenaInput, Body, Cooldown, Facing, Health, Kind, Map, Pack, Position, Status, Velocity, Weapon, movement,
};

use crate::client::{Effects, Predict, View};

/// How a client predicts its own avatar: by the steps that the server runs too.
#[derive(Clone, Debug)]
pub struct AvatarPrediction {
    map: Arc<Map>,
    tick_hz: u32,
    /// Packs near the avatar, as of the last snapshot.
    packs: Vec<(NetId, Pack, Vec3)>,
    /// Packs that were picked up, though the news that they are gone may still be under way.
    taken: Vec<NetId>,
}

/// What is predicted of one's own avatar.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Avatar {
    /// Where it is and goes.
    pub body: Body,
    /// What it shoots with.
    pub weapon: Weapon,
    /// What packs restore. Others take from it as they like.
    pub health: Health,
}

/// What an avatar is predicted to do besides moving.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Deed {
    /// A shot goes off, from the eyes along the look.
    Shot(Body),
    /// It picks up a pack.
    PickUp(NetId, Pack),
}

/// Packs farther away cannot be reached within what is predicted, in metres.
const PACKS_NEAR_M: f32 = 20.0;

impl AvatarPrediction {
    /// On this map, at `tick_hz` ticks a second.
    #[must_use]
    pub fn new(map: Arc<Map>, tick_hz: u32) -> Self {
        Self { map, tick_hz: tick_hz.max(1), packs: Vec::new(), taken: Vec::new() }
    }
}

impl Predict for AvatarPrediction {
    type Input = ArenaInput;
    type State = Avatar;
    type Effect = Deed;

    fn observe(&mut self, view: &View) -> Option<(Tick, Avatar)> {
        let avatar = view.owned().find(|entity| entity.get::<Kind>() == Some(Kind::Avatar))?;
        let position = avatar.get::<Position>()?;
        let body = Body { position, velocity: avatar.get::<Velocity>()?, facing: avatar.get::<Facing>()? };
        let weapon = Weapon { ammo: avatar.get::<Ammo>()?, cooldown: avatar.get::<Cooldown>()? };
        let health = avatar.get::<Health>()?;
        if avatar.get::<Status>()?.dead {
            return None;
        }
        self.taken.retain(|id| view.entity(*id).is_some());
        let Self { packs, taken, .. } = self;
        packs.clear();
        packs.extend(view.entities().filter_map(|entity| {
            let pack = Pack::of(entity.get::<Kind>()?)?;
            let place = entity.get::<Position>()?.0;
            let is_there = place.distance(position.0) <= PACKS_NEAR_M && !taken.contains(&entity.id());
            is_there.then_some((entity.id(), pack, place))
        }));
        Some((avatar.tick(), Avatar { body, weapon, health }))
    }

    fn step(&self, avatar: &Avatar, input: &ArenaInput, deeds: &mut Effects<Deed>) -> Avatar {
        let body = movement::step(avatar.body, input, &self.map, 1.0 / self.tick_hz as f32);
        let (mut weapon, fired) = avatar.weapon.step(input.fire, self.tick_hz);
        if fired {
            deeds.push(Deed::Shot(body));
        }
        let mut health = avatar.health;
        for (id, pack, _) in self.packs.iter().filter(|(.., place)| Pack::is_within_reach(*place, body.position.0)) {
            let is_there = !deeds.pending().any(|deed| matches!(deed, Deed::PickUp(taken, _) if taken == id));
            if is_there && pack.restore(&mut health, &mut weapon.ammo) {
                deeds.push(Deed::PickUp(*id, *pack));
            }
        }
        Avatar { body, weapon, health }
    }

    fn place(&self, avatar: &Avatar) -> Vec3 {
        avatar.body.position.0
    }

    fn agrees(&self, predicted: &Avatar, truth: &Avatar) -> bool {
        (predicted.body, predicted.weapon) == (truth.body, truth.weapon)
    }

    fn happened(&mut self, deed: &Deed, predicted: &Avatar, truth: &Avatar) -> bool {
        let Deed::PickUp(id, pack) = deed else { return predicted.weapon == truth.weapon };
        let is_mine = match pack {
            Pack::Ammo => predicted.weapon.ammo == truth.weapon.ammo,
            Pack::Health => predicted.health.0 <= truth.health.0,
        };
        if is_mine {
            self.taken.push(*id);
            self.packs.retain(|(other, ..)| other != id);
        }
        is_mine
    }
}
