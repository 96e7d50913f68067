use glam::Vec3;
use tidelock::Tick;
use tidelock::state::NetId;
use tidelock_arena::movement::SHOT_SPEED;
use tidelock_arena::{ArenaInput, Body, Facing, Map};

use super::steering::{clear_yaw, turned};
use super::{Bot, Seen, Sight, Wanderer};
use crate::link::Rng;

/// Goes for the nearest avatar or NPC and shoots at it; wanders while there is none.
#[derive(Debug)]
pub struct Fighter {
    rng: Rng,
    wanderer: Wanderer,
    target: Option<NetId>,
    look_out_at: Option<Tick>,
    look: Facing,
    strafe: f32,
}

impl Fighter {
    /// Ticks between two looks around: a fighter does not change its mind more often, and looking costs.
    const LOOK_OUT_TICKS: u32 = 15;
    /// Turns by this much in a tick, at most, in radians.
    const TURN_MAX: f32 = 0.2;
    /// Fires when it aims this well, in radians.
    const AIM_MAX: f32 = 0.08;
    /// Fires from this far, in metres.
    const RANGE_M: f32 = 30.0;
    /// Of the ticks of one that sees nothing.
    const FIRE_SHARE: f64 = 0.05;
    /// Comes this close, and then circles, in metres.
    const CLOSE_M: f32 = 6.0;

    /// The same seed fights the same way in the same place.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let rng = Rng::stream(seed, 2);
        let wanderer = Wanderer::new(seed);
        Self { rng, wanderer, target: None, look_out_at: None, look: Facing::default(), strafe: 1.0 }
    }

    /// The target, chosen anew now and then, and at once when it is gone.
    fn target(&mut self, avatar: &Seen, sight: &dyn Sight, tick: Tick) -> Option<Seen> {
        let known = self.target.and_then(|id| sight.find(id)).filter(Seen::is_target);
        let waits = self.look_out_at.is_some_and(|at| at.is_newer_than(tick));
        if waits && (known.is_some() || self.target.is_none()) {
            return known;
        }
        self.look_out_at = Some(tick.add(Self::LOOK_OUT_TICKS));
        self.strafe = if self.rng.chance(0.5) { 1.0 } else { -1.0 };
        let target = nearest(avatar, sight);
        self.target = target.map(|seen| seen.id);
        target
    }

    /// Turns towards the target, and tells how far off the aim still is.
    fn aim(&mut self, towards: Vec3) -> f32 {
        let wanted = Facing::towards(towards);
        self.look.yaw = turned(self.look.yaw, wanted.yaw, Self::TURN_MAX);
        self.look.pitch = wanted.pitch.clamp(-Facing::PITCH_MAX, Facing::PITCH_MAX);
        super::steering::wrapped(wanted.yaw - self.look.yaw).abs()
    }
}

impl Bot for Fighter {
    fn input(&mut self, avatar: &Seen, sight: &dyn Sight, map: Option<&Map>, tick: Tick) -> ArenaInput {
        let Some(target) = self.target(avatar, sight, tick) else {
            let input = self.wanderer.input(avatar, sight, map, tick);
            self.look = input.look;
            return input;
        };
        let eye = Vec3::new(0.0, 0.0, Body::EYE_M);
        let chest = Vec3::new(0.0, 0.0, Body::HEIGHT_M * 0.6);
        let to_target = target.position + chest - (avatar.position + eye);
        let distance_m = to_target.length();
        // Where it will be by then, if it goes on as it does.
        let towards = to_target + target.velocity.with_z(0.0) * (distance_m / SHOT_SPEED);
        let off_aim = self.aim(towards);
        let in_sight = map.is_none_or(|map| map.first_hit(avatar.position + eye, target.position + chest).is_none());
        let (forward, right) = if distance_m < Self::CLOSE_M && in_sight {
            (0.0, self.strafe)
        } else {
            // It walks around what is in the way, and goes on looking at its target.
            let walk = clear_yaw(avatar.position, Facing::towards(towards).yaw, map) - self.look.yaw;
            let way = Facing { yaw: super::steering::wrapped(walk), pitch: 0.0 }.forward();
            (way.x, -way.y)
        };
        let fire = in_sight && distance_m < Self::RANGE_M && off_aim < Self::AIM_MAX;
        ArenaInput {
            forward,
            right,
            look: self.look,
            fire,
            sprint: distance_m > Self::RANGE_M,
            ..ArenaInput::default()
        }
    }

    /// Walks about, and fires into the air now and then.
    fn input_unseeing(&mut self, tick: Tick) -> ArenaInput {
        let fire = self.rng.chance(Self::FIRE_SHARE);
        ArenaInput { fire, ..self.wanderer.input_unseeing(tick) }
    }
}

fn nearest(avatar: &Seen, sight: &dyn Sight) -> Option<Seen> {
    let mut nearest: Option<(f32, Seen)> = None;
    sight.look_around(&mut |seen| {
        let distance = seen.ground().distance_squared(avatar.ground());
        if seen.is_target() && nearest.is_none_or(|(least, _)| distance < least) {
            nearest = Some((distance, seen));
        }
    });
    nearest.map(|(_, seen)| seen)
}
