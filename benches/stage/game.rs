use bevy_app::{App, Plugin};
use bevy_ecs::component::Mutable;
use bevy_ecs::prelude::{Component, Entity, Query, Res, Resource};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidelock::ClientId;
use tidelock::state::{Field, Input, LaneReader, LaneWriter, Replicate};
use tidelock_server::game::{AlwaysRelevant, Inputs, Owner, Replicated, Replication, Simulate, Viewpoint};
use tidelock_workload::{self as workload, Change, INTEREST_RADIUS_M, SPEED_MAX, State, WORLD_M, World};

/// The workload as a game: each tick it writes what the world's last step changed into its components.
///
/// Quantized as the `quant` variants of other libraries are: 16 bits for each axis of the position, 8 for each of the
/// velocity, for yaw and for health.
#[derive(Clone, Debug)]
pub struct WorkloadGame {
    /// Shared with whoever lets the world step.
    pub script: Script,
    /// Whether clients see only what is near their avatars.
    pub interest: bool,
    /// Whether the world is [`World::wide`].
    pub wide: bool,
}

/// The world that is played, and what players asked for.
#[derive(Clone, Debug, Resource)]
pub struct Script(Arc<Mutex<Play>>);

/// What the game and whoever runs it share.
#[derive(Debug)]
pub struct Play {
    /// Steps between ticks, untimed.
    pub world: World,
    /// How many clients there are.
    pub clients: usize,
    /// For each entity of the world the one that stands for it.
    pub cast: Vec<Entity>,
    /// Of the buttons of all inputs, so that none is for nothing.
    pub inputs_sum: u64,
}

/// In metres.
#[derive(Component, Clone, Copy, Debug, PartialEq)]
pub struct Position(pub [f32; 3]);

/// In metres, in a world of up to 3 km: 20 bits for each axis along the ground, for the same resolution.
#[derive(Component, Clone, Copy, Debug, PartialEq)]
pub struct WidePosition(pub [f32; 3]);

/// Where it is that is a position.
trait Place: Component<Mutability = Mutable> {
    fn place(&mut self) -> &mut [f32; 3];
}

impl Place for Position {
    fn place(&mut self) -> &mut [f32; 3] {
        &mut self.0
    }
}

impl Place for WidePosition {
    fn place(&mut self) -> &mut [f32; 3] {
        &mut self.0
    }
}

fn ground([x, y, _]: [f32; 3]) -> glam::Vec2 {
    glam::Vec2::new(x, y)
}

/// In m/s.
#[derive(Component, Clone, Copy, Debug, PartialEq)]
pub struct Velocity(pub [f32; 3]);

/// In radians.
#[derive(Component, Clone, Copy, Debug, PartialEq)]
pub struct Yaw(pub f32);

/// Hit points.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health(pub u8);

/// What a client asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ask(pub workload::Input);

impl Script {
    /// A world that so many clients watch.
    #[must_use]
    pub fn new(world: World, clients: usize) -> Self {
        Self(Arc::new(Mutex::new(Play { world, clients, cast: Vec::new(), inputs_sum: 0 })))
    }

    /// What is played. Nobody else has it meanwhile.
    pub fn play(&self) -> MutexGuard<'_, Play> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plugin for WorkloadGame {
    fn build(&self, app: &mut App) {
        app.game("workload").view_radius(INTEREST_RADIUS_M);
        if self.wide {
            app.replicate::<WidePosition>().locate::<WidePosition>(|position| ground(position.0));
        } else {
            app.replicate::<Position>().locate::<Position>(|position| ground(position.0));
        }
        app.replicate::<Velocity>().replicate::<Yaw>().replicate::<Health>().input::<Ask>();
        {
            let mut play = self.script.play();
            let spawn = |(index, state): (usize, &State)| {
                let body = (Velocity(state.velocity), Yaw(state.yaw), Health(state.health), Replicated);
                let mut entity = app.world_mut().spawn(body);
                if self.wide {
                    entity.insert(WidePosition(state.position));
                } else {
                    entity.insert(Position(state.position));
                }
                if index < play.clients {
                    entity.insert((Owner(ClientId(index as u64 + 1)), Viewpoint));
                }
                if !self.interest {
                    entity.insert(AlwaysRelevant);
                }
                entity.id()
            };
            play.cast = play.world.entities.iter().enumerate().map(spawn).collect();
        }
        app.insert_resource(self.script.clone());
        if self.wide {
            app.add_systems(Simulate, act::<WidePosition>);
        } else {
            app.add_systems(Simulate, act::<Position>);
        }
    }
}

type Bodies<'w, 's, P> = Query<'w, 's, (&'static mut P, &'static mut Velocity, &'static mut Yaw, &'static mut Health)>;

#[expect(clippy::needless_pass_by_value, reason = "systems take their parameters by value")]
fn act<P: Place>(script: Res<Script>, inputs: Res<Inputs<Ask>>, mut bodies: Bodies<'_, '_, P>) {
    let mut play = script.play();
    for (_, ask) in inputs.iter() {
        play.inputs_sum += u64::from(ask.0.buttons);
    }
    for (index, change) in &play.world.changes {
        let index = *index as usize;
        let (mut position, mut velocity, mut yaw, mut health) =
            bodies.get_mut(play.cast[index]).expect("nobody despawns");
        let state = &play.world.entities[index];
        if change.has(Change::POSITION) {
            *position.place() = state.position;
        }
        if change.has(Change::VELOCITY) {
            velocity.0 = state.velocity;
        }
        if change.has(Change::YAW) {
            yaw.0 = state.yaw;
        }
        if change.has(Change::HEALTH) {
            health.0 = state.health;
        }
    }
}

const POSITION_STEPS: f32 = 65_535.0;
const WIDE_STEP_M: f32 = WORLD_M[0] / POSITION_STEPS;
const WIDE_M: f32 = WIDE_STEP_M * 1_048_575.0;
const VELOCITY_STEP: f32 = SPEED_MAX / 127.0;

impl Replicate for Position {
    const NAME: &'static str = "position";
    const FIELDS: &'static [Field] = &[
        Field::range("x", 0.0, WORLD_M[0], WORLD_M[0] / POSITION_STEPS).with_order(6).with_velocity("velocity", "x"),
        Field::range("y", 0.0, WORLD_M[1], WORLD_M[1] / POSITION_STEPS).with_order(6).with_velocity("velocity", "y"),
        Field::range("z", 0.0, WORLD_M[2], WORLD_M[2] / POSITION_STEPS).with_order(7).with_velocity("velocity", "z"),
    ];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.ranges(self.0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.ranges())
    }
}

impl Replicate for WidePosition {
    const NAME: &'static str = "wide position";
    const FIELDS: &'static [Field] = &[
        Field::range("x", 0.0, WIDE_M, WIDE_STEP_M).with_order(6).with_velocity("velocity", "x"),
        Field::range("y", 0.0, WIDE_M, WIDE_STEP_M).with_order(6).with_velocity("velocity", "y"),
        Field::range("z", 0.0, WORLD_M[2], WORLD_M[2] / POSITION_STEPS).with_order(7).with_velocity("velocity", "z"),
    ];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.ranges(self.0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.ranges())
    }
}

impl Replicate for Velocity {
    const NAME: &'static str = "velocity";
    const FIELDS: &'static [Field] = &[
        Field::range("x", -SPEED_MAX, SPEED_MAX, VELOCITY_STEP).with_order(3).held(),
        Field::range("y", -SPEED_MAX, SPEED_MAX, VELOCITY_STEP).with_order(3).held(),
        Field::range("z", -SPEED_MAX, SPEED_MAX, VELOCITY_STEP).with_order(3).held(),
    ];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.ranges(self.0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.ranges())
    }
}

impl Replicate for Yaw {
    const NAME: &'static str = "yaw";
    const FIELDS: &'static [Field] = &[Field::angle("yaw", 8).with_order(3)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.angle(self.0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.angle())
    }
}

impl Replicate for Health {
    const NAME: &'static str = "health";
    const FIELDS: &'static [Field] = &[Field::integer("points", 0, 255)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.integer(i32::from(self.0));
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.integer() as u8)
    }
}

impl Replicate for Ask {
    const NAME: &'static str = "ask";
    const FIELDS: &'static [Field] = &[
        Field::range("x", -1.0, 1.0, 1.0 / 127.0),
        Field::range("y", -1.0, 1.0, 1.0 / 127.0),
        Field::angle("yaw", 12),
        Field::range("pitch", -1.5, 1.5, 1.0 / 512.0),
        Field::flags("buttons", 16),
    ];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.ranges(self.0.towards);
        lanes.angle(self.0.look[0]);
        lanes.range(self.0.look[1]);
        lanes.flags(u32::from(self.0.buttons));
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(workload::Input {
            towards: lanes.ranges(),
            look: [lanes.angle(), lanes.range()],
            buttons: lanes.flags() as u16,
        })
    }
}

impl Input for Ask {
    fn clear_one_shots(&mut self) {}
}
