use glam::Vec3;
use tidelock::state::NetId;
use tidelock::{Moment, Tick, ViewAge};
use tidelock_arena::map::MapParameters;
use tidelock_arena::{ArenaInput, Body, Facing, Kind, Map, Position, movement};

use super::{BotKind, Gatherer, Player, Seen, Sight};

const TICK_HZ: u32 = 60;

/// A world of its own: what the bot sees, and its body stepped as the server would.
struct Playground {
    map: std::sync::Arc<Map>,
    body: Body,
    others: Vec<Seen>,
    player: Player,
    tick: Tick,
}

impl Playground {
    fn new(kind: BotKind, seed: u64) -> Self {
        let map = std::sync::Arc::new(Map::generate(MapParameters::new(3)));
        let mut player = Player::new(kind, seed);
        player.learn_map(map.clone());
        let body = Body { position: Position(map.freed(Vec3::ZERO)), ..Body::default() };
        Self { map, body, others: Vec::new(), player, tick: Tick(u32::MAX - 100) }
    }

    fn step(&mut self) -> ArenaInput {
        let scene = Scene { avatar: self.avatar(), others: &self.others, moment: Moment::at(self.tick).add(-5.5) };
        let input = self.player.input(&scene, self.tick);
        self.body = movement::step(self.body, &input, &self.map, 1.0 / TICK_HZ as f32);
        self.tick = self.tick.next();
        input
    }

    fn avatar(&self) -> Seen {
        let id = NetId { index: 1, generation: 0 };
        let Body { position, velocity, facing } = self.body;
        let (position, velocity) = (position.0, velocity.0);
        Seen { id, kind: Kind::Avatar, position, velocity, facing, dead: false, owned: true }
    }

    /// Puts something to see somewhere.
    fn place(&mut self, kind: Kind, position: Vec3) {
        let id = NetId { index: 2 + self.others.len() as u32, generation: 0 };
        let (velocity, facing) = (Vec3::ZERO, Facing::default());
        self.others.push(Seen { id, kind, position, velocity, facing, dead: false, owned: false });
    }
}

struct Scene<'a> {
    avatar: Seen,
    others: &'a [Seen],
    moment: Moment,
}

impl Sight for Scene<'_> {
    fn find(&self, id: NetId) -> Option<Seen> {
        std::iter::once(&self.avatar).chain(self.others).find(|seen| seen.id == id).copied()
    }

    fn look_around(&self, visit: &mut dyn FnMut(Seen)) {
        std::iter::once(&self.avatar).chain(self.others).copied().for_each(visit);
    }

    fn avatar(&self) -> Option<Seen> {
        Some(self.avatar)
    }

    fn moment(&self) -> Option<Moment> {
        Some(self.moment)
    }
}

#[test]
fn the_same_seed_plays_the_same_way() {
    let play = |seed| {
        let mut playground = Playground::new(BotKind::Wander, seed);
        (0..600).map(|_| playground.step()).collect::<Vec<_>>()
    };
    assert_eq!(play(1), play(1));
    assert_ne!(play(1), play(2));
}

#[test]
fn a_wanderer_gets_about_and_is_rarely_stuck() {
    for seed in 0..8 {
        let mut playground = Playground::new(BotKind::Wander, seed);
        let (mut walked_m, mut stuck) = (0.0, 0);
        for _ in 0..60 * TICK_HZ {
            let before = playground.body.position.ground();
            let input = playground.step();
            let step_m = playground.body.position.ground().distance(before);
            walked_m += step_m;
            stuck += u32::from(input.forward > 0.5 && step_m < 0.01);
        }
        assert!(walked_m > 150.0, "seed {seed} walked {walked_m} m in a minute");
        assert!(stuck < 60 * TICK_HZ / 20, "seed {seed} pushed against something for {stuck} ticks");
    }
}

#[test]
fn a_fighter_goes_for_the_nearest_and_fires_when_it_aims() {
    let mut playground = Playground::new(BotKind::Fight, 1);
    playground.map = std::sync::Arc::new(Map::generate(MapParameters { seed: 3, obstacles: 0 }));
    playground.player.learn_map(playground.map.clone());
    let (near, far) = (Vec3::new(-20.0, 5.0, 0.0), Vec3::new(45.0, 0.0, 0.0));
    playground.place(Kind::Npc, far);
    playground.place(Kind::HealthPack, Vec3::new(3.0, 3.0, 0.0));
    playground.place(Kind::Npc, near);
    let shots = (0..4 * TICK_HZ).filter(|_| playground.step().fire).count();
    assert!(shots > 100, "{shots}");
    let distance_m = playground.body.position.0.distance(near);
    assert!(distance_m < 10.0, "{distance_m}");
    let off_aim = Facing::towards(near - playground.body.position.0).yaw - playground.body.facing.yaw;
    assert!(off_aim.abs() < 0.1, "{off_aim}");
}

#[test]
fn a_shot_tells_how_old_its_shooters_view_is_and_other_inputs_repeat_it() {
    let mut playground = Playground::new(BotKind::Fight, 1);
    let idle: Vec<_> = (0..30).map(|_| playground.step()).collect();
    assert!(idle.iter().all(|input| !input.fire && input.shown == ViewAge::default()));
    playground.place(Kind::Npc, playground.body.position.0 + Vec3::X * 8.0);
    let inputs: Vec<_> = (0..60).map(|_| playground.step()).collect();
    let first = inputs.iter().position(|input| input.fire).unwrap();
    assert!(inputs[first..].iter().all(|input| input.shown.ticks() == 5.5));
}

#[test]
fn a_fighter_leads_what_walks() {
    let mut playground = Playground::new(BotKind::Fight, 1);
    playground.map = std::sync::Arc::new(Map::generate(MapParameters { seed: 3, obstacles: 0 }));
    playground.player.learn_map(playground.map.clone());
    playground.place(Kind::Npc, Vec3::new(20.0, 0.0, 0.0));
    playground.others[0].velocity = Vec3::Y * 4.0;
    let fired = (0..TICK_HZ).map(|_| playground.step()).find(|input| input.fire).unwrap();
    // Half a second of flight.
    let towards = Vec3::new(20.0, 2.0, 0.0) - playground.body.position.0;
    assert!((fired.look.yaw - Facing::towards(towards).yaw).abs() < 0.1, "{}", fired.look.yaw);
}

#[test]
fn a_fighter_without_a_target_wanders() {
    let mut playground = Playground::new(BotKind::Fight, 2);
    let inputs: Vec<_> = (0..10 * TICK_HZ).map(|_| playground.step()).collect();
    assert!(inputs.iter().any(|input| input.forward > 0.0));
    assert!(!inputs.iter().any(|input| input.fire));
}

#[test]
fn an_idler_asks_for_nothing_and_says_nothing() {
    let mut playground = Playground::new(BotKind::Idle, 1);
    assert!((0..TICK_HZ).all(|_| playground.step() == ArenaInput::default()));
    assert!((0..600 * TICK_HZ).all(|tick| playground.player.say(Tick(tick), TICK_HZ).is_none()));
}

#[test]
fn a_player_talks_now_and_then() {
    let mut player = Player::new(BotKind::Wander, 4);
    let lines = (0..600 * TICK_HZ).filter_map(|tick| player.say(Tick(tick), TICK_HZ)).count();
    assert!((6..=20).contains(&lines), "{lines} lines in ten minutes");
}

#[test]
fn gatherers_come_to_the_middle_from_anywhere_and_stay_there() {
    for (seed, start) in
        [(1, Vec3::new(90.0, 80.0, 0.0)), (2, Vec3::new(-95.0, 3.0, 0.0)), (3, Vec3::new(10.0, -90.0, 0.0))]
    {
        let mut playground = Playground::new(BotKind::Gather, seed);
        playground.body.position = Position(playground.map.freed(start));
        for _ in 0..60 * TICK_HZ {
            playground.step();
        }
        for _ in 0..60 * TICK_HZ {
            playground.step();
            let off_m = playground.body.position.ground().length();
            assert!(off_m < 3.0 * Gatherer::RADIUS_M, "seed {seed} is {off_m} m off");
        }
    }
}
