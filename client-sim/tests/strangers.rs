//! Strangers of every kind among honest players, who notice nothing of them; and whatever is refused is counted. What strangers
//! send, and what the server makes of it, the universe's checkers judge one by one.

use std::time::Duration;
use tidelock::wire::CloseReason;
use tidelock_sim::client::{ClientEvent, DisconnectReason, Status};
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::check::Acks;
use tidelock_sim::universe::churn::{Applied, Churn, Echo, Stamp};
use tidelock_sim::universe::strangers::{FloodKind, Ploy};
use tidelock_sim::universe::{Universe, UniverseConfig};

const PLAYERS: usize = 3;
const SEEDS: core::ops::Range<u64> = 1..4;
/// For so long strangers do what they do.
const PLAYED: Duration = Duration::from_secs(8);
/// Connections of one insider.
const CONNECTIONS: usize = 20;

/// Players, on links that lose nothing, so that every loss they see is somebody's doing; and strangers.
struct Scene {
    universe: Universe<Stamp>,
    game: Churn,
}

impl Scene {
    fn new(seed: u64) -> Self {
        let config = UniverseConfig { seed, client_bandwidth_bytes_s: 256 * 1024, ..Default::default() };
        let game = Churn::new(30, 200);
        let mut universe = Universe::new(config, game.clone());
        // Forgeries must not confuse who listens, either.
        universe.add_checker(Box::<Acks>::default());
        let link = LinkConfig { latency: Duration::from_millis(15), ..Default::default() };
        (0..PLAYERS).for_each(|_| {
            universe.add_player(link, link, Box::new(|_, tick| Stamp::of(tick)));
        });
        Self { universe, game }
    }

    fn add_insider(&mut self, ploy: Ploy) {
        // What the game echoes, and so sends back.
        let bodies = [0, 20, 3_000].map(|bytes| bitcode::encode(&Echo((0..bytes).map(|n| n as u8).collect())));
        self.universe.add_insider(ploy, CONNECTIONS, bodies.into_iter().map(|body| (0, body)).collect());
    }

    /// Datagrams that the server refused, and the payloads and events of clients that it did.
    fn refused(&self) -> (u64, u64) {
        let stats = self.universe.engine().stats();
        let inside = stats.payloads_malformed + stats.events_malformed + stats.events_over_rate + stats.events_flooded;
        (self.universe.engine().netcode_drops().map(|(_, count)| count).sum(), inside)
    }

    /// Lets everybody play on, and finds that no player noticed anything.
    fn nobody_notices(&mut self) {
        let Self { universe, game } = self;
        universe.run(Duration::from_secs(2)).unwrap();
        let audits: Vec<u64> = universe.players().iter().map(|player| player.client.stats().audits_passed).collect();
        let began = universe.engine().tick_number();
        taken_inputs(game);
        universe.run(PLAYED).unwrap();
        let ticks = universe.engine().tick_number().since(began) as usize;
        assert_eq!(taken_inputs(game), [ticks; PLAYERS], "every input acted in its tick");
        for (player, audits) in universe.players().iter().zip(audits) {
            let stats = player.client.stats();
            assert_eq!(player.client.status(), Status::Playing);
            assert_eq!((stats.desyncs, stats.snapshots.undecodable, stats.payloads_malformed), (0, 0, 0), "{stats:?}");
            assert_eq!((stats.down.expected - stats.down.received, stats.up.lost), (0, 0), "{stats:?}");
            assert!(stats.audits_passed - audits > 5 * PLAYED.as_secs(), "{stats:?}");
            let whole = player.client.view().whole_tick();
            assert!(whole.is_some_and(|whole| universe.engine().tick_number().since(whole) < 10), "{whole:?}");
            let bad = |event: &&ClientEvent| matches!(event, ClientEvent::Silent { .. } | ClientEvent::Disconnected(_));
            assert_eq!(player.events.iter().find(bad), None);
        }
        for (checker, looked) in universe.looked() {
            assert!(looked > 0, "{checker} looked at nothing");
        }
    }
}

/// How many of each player's inputs acted in the tick that they were for, since this was last asked.
fn taken_inputs(game: &Churn) -> [usize; PLAYERS] {
    let applied = std::mem::take(&mut *game.applied.lock().unwrap());
    let of = |player: usize| {
        let is_its =
            |(client_id, tick, stamp): &&Applied| client_id.0 == player as u64 + 1 && *stamp == Stamp::of(*tick).0;
        applied.iter().filter(is_its).count()
    };
    std::array::from_fn(of)
}

/// Plays with one kind of stranger, and gives what was refused for it.
fn played(seed: u64, add: impl FnOnce(&mut Scene)) -> ((u64, u64), Scene) {
    let mut scene = Scene::new(seed);
    add(&mut scene);
    scene.nobody_notices();
    (scene.refused(), scene)
}

#[test]
fn floods_of_every_kind_are_refused_and_nobody_notices() {
    for (seed, kind) in (1..).zip(FloodKind::ALL) {
        let ((outside, inside), scene) = played(seed, |scene| scene.universe.add_flooder(kind, 2_000));
        // Who has a good token is answered, with less than it sent.
        let answers = scene.universe.looked_at("no amplification");
        let refused = if kind == FloodKind::HalfOpen { answers } else { outside };
        assert!(refused > 1_900 * PLAYED.as_secs(), "{}: {outside} refused, {answers} answered", kind.name());
        assert_eq!(inside, 0, "{}", kind.name());
    }
}

#[test]
fn forgeries_to_the_server_are_refused_and_nobody_notices() {
    for seed in SEEDS {
        let ((outside, inside), _) = played(seed, |scene| scene.universe.add_forger(900));
        assert!(outside >= 850 * PLAYED.as_secs(), "{outside}");
        assert_eq!(inside, 0);
    }
}

#[test]
fn forgeries_to_players_are_refused_and_nobody_notices() {
    for seed in SEEDS {
        let ((outside, inside), scene) = played(seed, |scene| scene.universe.add_spoofer(900));
        assert!(outside < 10 && inside == 0, "the server hears nothing of it: {outside}, {inside}");
        let heard: u64 = scene.universe.players().iter().map(|player| player.client.stats().datagrams_received).sum();
        let sent = scene.universe.engine().stats().sent.packets;
        assert!(heard > sent + 850 * PLAYED.as_secs(), "{heard} of {sent}");
    }
}

/// What must have come of each ploy, so that it is known to have been tried.
fn was_tried(ploy: Ploy, scene: &Scene) -> bool {
    let stats = scene.universe.engine().stats();
    match ploy {
        Ploy::FalseAcks | Ploy::Payloads => stats.payloads_malformed > 100,
        Ploy::NoAcks => stats.lost_down > 100,
        Ploy::Inputs => stats.inputs.flood > 1_000 && stats.inputs.late > 10,
        Ploy::Events => stats.events_malformed > 20 && stats.events_over_rate + stats.events_flooded > 20,
        Ploy::Fragments => stats.disconnects.protocol_error > 1,
        Ploy::Desyncs => stats.desyncs > 1_000,
        Ploy::Claims => stats.resumes.state_lost > 3,
        Ploy::Hellos => stats.rejected.schema_mismatch > 0 && stats.events_malformed > 3,
        Ploy::Comings => stats.disconnects.left > 1 && stats.connections > PLAYERS as u64 + 4,
    }
}

#[test]
fn insiders_of_every_ploy_hurt_only_themselves() {
    for (seed, ploy) in (11..).zip(Ploy::ALL) {
        let (_, scene) = played(seed, |scene| scene.add_insider(ploy));
        assert!(was_tried(ploy, &scene), "{}: {:?}", ploy.name(), scene.universe.engine().stats());
    }
}

#[test]
fn all_of_them_at_once_are_no_worse() {
    for seed in SEEDS {
        let (refused, scene) = played(seed, |scene| {
            FloodKind::ALL.into_iter().for_each(|kind| scene.universe.add_flooder(kind, 500));
            scene.universe.add_forger(300);
            scene.universe.add_spoofer(300);
            Ploy::ALL.into_iter().for_each(|ploy| scene.add_insider(ploy));
        });
        assert!(refused.0 > 3_000 * PLAYED.as_secs() && refused.1 > 100, "{refused:?}");
        let tried = Ploy::ALL.into_iter().filter(|ploy| was_tried(*ploy, &scene)).count();
        assert_eq!(tried, Ploy::ALL.len());
    }
}

#[test]
fn who_logs_in_as_a_player_is_counted_as_that_and_the_others_notice_nothing() {
    let mut scene = Scene::new(31);
    scene.universe.run(Duration::from_secs(1)).unwrap();
    let victim = scene.universe.players()[0].client_id;
    scene.universe.add_insider_as(victim, Ploy::Comings, CONNECTIONS, Vec::new());
    scene.universe.run(PLAYED).unwrap();
    assert!(scene.universe.engine().stats().disconnects.duplicate_login >= 1);
    let status = scene.universe.players().iter().map(|player| player.client.status());
    let duplicate = Status::Disconnected(DisconnectReason::Closed(CloseReason::DuplicateLogin));
    assert_eq!(status.collect::<Vec<_>>(), [duplicate, Status::Playing, Status::Playing]);
}

#[test]
fn the_same_seed_gives_the_same_strangers() {
    let digest = |seed| {
        let mut scene = Scene::new(seed);
        FloodKind::ALL.into_iter().for_each(|kind| scene.universe.add_flooder(kind, 300));
        scene.universe.add_forger(300);
        scene.universe.add_spoofer(300);
        Ploy::ALL.into_iter().for_each(|ploy| scene.add_insider(ploy));
        scene.universe.run(Duration::from_secs(2)).unwrap();
        scene.universe.digest()
    };
    assert_eq!(digest(5), digest(5));
    assert_ne!(digest(5), digest(6));
}
