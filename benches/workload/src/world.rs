use crate::chance::unit;
use crate::recording::Recording;
use crate::state::{Change, State};
use crate::{INTEREST_RADIUS_M, TICK_HZ, WORLD_M};
use std::f32::consts::{PI, TAU};

/// All entities, what the last step changed of them, and who sees whom.
#[derive(Debug)]
pub struct World {
    motion: Motion,
    /// It reaches from zero to this, in metres.
    extent_m: [f32; 3],
    tick: u64,
    /// By index. Client `n` has entity `n` for its avatar.
    pub entities: Vec<State>,
    /// What the last step changed, by ascending index.
    pub changes: Vec<(u32, Change)>,
    /// For each client what came into its sight at the last [`World::look`].
    pub entered: Vec<Vec<u32>>,
    /// And what left it.
    pub left: Vec<Vec<u32>>,
    visible: Vec<Vec<bool>>,
}

#[derive(Debug)]
enum Motion {
    /// A share of the entities walks at random, another share in each [`DRAW_TICKS`].
    Walk {
        share: f32,
    },
    Replay(Recording),
}

/// So long the same ones walk.
const DRAW_TICKS: u64 = 30;
const TICK_S: f32 = 1.0 / TICK_HZ as f32;

impl World {
    /// So many entities at random places, `share` of which walk, seen by so many clients.
    ///
    /// # Panics
    /// If there are more clients than entities, which are their avatars.
    #[must_use]
    pub fn new(entities: usize, clients: usize, share: f32) -> Self {
        Self::walking(entities, clients, share, WORLD_M)
    }

    /// The same in a world so wide that there are as many entities on a square metre as when 1,000 of them are in the usual
    /// one: everybody sees about as many, however many there are.
    ///
    /// # Panics
    /// As [`World::new`].
    #[must_use]
    pub fn wide(entities: usize, clients: usize, share: f32) -> Self {
        let scale = (entities as f32 / 1000.0).sqrt();
        Self::walking(entities, clients, share, [WORLD_M[0] * scale, WORLD_M[1] * scale, WORLD_M[2]])
    }

    fn walking(entities: usize, clients: usize, share: f32, extent_m: [f32; 3]) -> Self {
        let standing = |index| State {
            position: [0, 1, 2].map(|axis| unit(axis, index, 0) * extent_m[axis as usize]),
            velocity: [0.0; 3],
            yaw: unit(3, index, 0) * TAU - PI,
            health: 100,
        };
        Self::with(Motion::Walk { share }, (0..entities as u64).map(standing).collect(), clients, extent_m)
    }

    /// Everything happens as it was recorded, and stands still after that.
    ///
    /// # Panics
    /// As [`World::new`].
    #[must_use]
    pub fn replay(recording: Recording, clients: usize) -> Self {
        let entities = recording.first.clone();
        Self::with(Motion::Replay(recording), entities, clients, WORLD_M)
    }

    fn with(motion: Motion, entities: Vec<State>, clients: usize, extent_m: [f32; 3]) -> Self {
        assert!(clients <= entities.len(), "{clients} clients need as many avatars");
        Self {
            motion,
            extent_m,
            tick: 0,
            entities,
            changes: Vec::new(),
            entered: vec![Vec::new(); clients],
            left: vec![Vec::new(); clients],
            visible: vec![Vec::new(); clients],
        }
    }

    /// Runs one tick, and says what it changed.
    pub fn step(&mut self) {
        self.rest();
        match &self.motion {
            Motion::Walk { share } => {
                for (index, state) in (0..).zip(&mut self.entities) {
                    let change = walk(state, index, self.tick, *share, &self.extent_m);
                    if change != Change::default() {
                        self.changes.push((index, change));
                    }
                }
            }
            Motion::Replay(recording) => {
                for (index, state) in recording.steps.get(self.tick as usize).into_iter().flatten() {
                    let entity = &mut self.entities[*index as usize];
                    self.changes.push((*index, Change::between(entity, state)));
                    *entity = *state;
                }
            }
        }
        self.tick += 1;
    }

    /// Nothing changes in this tick.
    pub fn rest(&mut self) {
        self.changes.clear();
        self.entered.iter_mut().for_each(Vec::clear);
        self.left.iter_mut().for_each(Vec::clear);
    }

    /// Finds out who sees whom now, within [`INTEREST_RADIUS_M`] along the ground, and what is new of that.
    pub fn look(&mut self) {
        for (client, visible) in self.visible.iter_mut().enumerate() {
            let from = self.entities[client].position;
            self.entered[client].clear();
            self.left[client].clear();
            visible.resize(self.entities.len(), false);
            for (index, (state, seen)) in (0..).zip(self.entities.iter().zip(visible)) {
                let now = ground_distance_squared(from, state.position) <= INTEREST_RADIUS_M * INTEREST_RADIUS_M;
                if now != *seen {
                    *seen = now;
                    let news = if now { &mut self.entered } else { &mut self.left };
                    news[client].push(index);
                }
            }
        }
    }

    /// For each entity whether a client sees it, as of the last [`World::look`]. Empty before the first.
    #[must_use]
    pub fn visible_to(&self, client: usize) -> &[bool] {
        &self.visible[client]
    }

    /// How far an entity is from a client's avatar along the ground, in metres.
    #[must_use]
    pub fn distance_m(&self, client: usize, index: usize) -> f32 {
        ground_distance_squared(self.entities[client].position, self.entities[index].position).sqrt()
    }
}

fn ground_distance_squared(a: [f32; 3], b: [f32; 3]) -> f32 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    dx * dx + dy * dy
}

/// One entity's tick: it walks on, turns a little, and is reflected by the walls; or it stops, or stands.
fn walk(state: &mut State, index: u32, tick: u64, share: f32, extent_m: &[f32; 3]) -> Change {
    let (entity, draw) = (u64::from(index), tick / DRAW_TICKS);
    let mut change = Change::default();
    if unit(10, entity, draw) >= share {
        change.set(Change::VELOCITY, state.velocity != [0.0; 3]);
        state.velocity = [0.0; 3];
        return change;
    }
    let speed = 2.0 + 5.9 * unit(11, entity, draw);
    let mut yaw = state.yaw + (unit(12, entity, tick) - 0.5) * 0.6;
    let (sin, cos) = yaw.sin_cos();
    let mut velocity = [cos * speed, sin * speed, (unit(13, entity, tick) - 0.5) * 2.0];
    for axis in 0..3 {
        let mut place = state.position[axis] + velocity[axis] * TICK_S;
        if place < 0.0 || place > extent_m[axis] {
            place = if place < 0.0 { -place } else { 2.0 * extent_m[axis] - place };
            velocity[axis] = -velocity[axis];
            match axis {
                0 => yaw = PI - yaw,
                1 => yaw = -yaw,
                _ => {}
            }
        }
        state.position[axis] = place;
    }
    if yaw >= PI {
        yaw -= TAU;
    } else if yaw < -PI {
        yaw += TAU;
    }
    (state.velocity, state.yaw) = (velocity, yaw);
    change = Change(Change::POSITION.0 | Change::VELOCITY.0 | Change::YAW.0);
    if unit(14, entity, tick) < 0.01 {
        state.health = if state.health == 0 { 100 } else { state.health - 1 };
        change.set(Change::HEALTH, true);
    }
    change
}
