//! Who holds something else than the server gets all of it anew, once for each time it says so.

use super::game::{Game, Keys, link};
use bevy_ecs::prelude::Component;
use std::time::Duration;
use tidelock::Tick;
use tidelock::state::{Field, LaneReader, LaneWriter, Replicate};
use tidelock::wire::ClientMessage;
use tidelock_server::game::{AlwaysRelevant, Replicated, Replication};
use tidelock_sim::universe::strangers::Attacker;
use tidelock_sim::universe::{Universe, UniverseConfig};

#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
struct Stone(i32);

impl Replicate for Stone {
    const NAME: &'static str = "stone";
    const FIELDS: &'static [Field] = &[Field::integer("weight", 0, 1_000)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.integer(self.0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.integer())
    }
}

const STONES: u64 = 40;

/// A world in which nothing ever changes: whatever is sent again was asked for.
fn universe() -> Universe<Keys> {
    let game = Game::new(
        |app| {
            app.input::<Keys>().replicate::<Stone>();
            app.world_mut().spawn_batch((0..STONES).map(|n| (Stone(n as i32), AlwaysRelevant, Replicated)));
        },
        |_| {},
    );
    let mut universe = Universe::new(UniverseConfig { seed: 71, ..Default::default() }, game);
    universe.add_player(link(20, 0.0), link(20, 0.0), Box::new(|_, _| Keys::default()));
    universe.run(Duration::from_secs(2)).unwrap();
    universe
}

/// Plays along, and acknowledges all that comes.
fn play(attacker: &mut Attacker, universe: &mut Universe<Keys>, ms: u64) {
    for _ in 0..ms / 10 {
        attacker.wait(universe, 10);
        attacker.say_queued(universe);
    }
}

/// Full records so far, and all others.
fn records(universe: &Universe<Keys>) -> (u64, u64) {
    let kinds = universe.engine().stats().snapshot_entities;
    (kinds.full, kinds.delta + kinds.despawn)
}

#[test]
fn whoever_reports_a_desync_gets_everything_in_full_once() {
    let mut universe = universe();
    let hello = universe.engine().schema().hash();
    let mut liar = Attacker::connect(&mut universe, 1, Some(hello));
    play(&mut liar, &mut universe, 1_000);
    assert_eq!(records(&universe), (2 * STONES, 0), "two are told of each stone");

    liar.queue(&ClientMessage::Desync { tick: universe.engine().tick_number() });
    play(&mut liar, &mut universe, 1_000);
    assert_eq!(records(&universe), (3 * STONES, 0));

    (0..3).for_each(|_| liar.queue(&ClientMessage::Desync { tick: Tick(1) }));
    for tick in [2, 3] {
        play(&mut liar, &mut universe, 100);
        liar.queue(&ClientMessage::Desync { tick: Tick(tick) });
    }
    play(&mut liar, &mut universe, 1_000);
    assert_eq!(records(&universe), (5 * STONES, 0), "once at once, once when it may again");
    assert_eq!(universe.engine().stats().desyncs, 6);
    for player in universe.players() {
        assert_eq!((player.client.stats().desyncs, player.client.view().len() as u64), (0, STONES));
    }
}

/// Its client has forgotten all, and would take the nothing that it holds for the whole, or ask anew as an audit says otherwise.
#[test]
fn while_a_desync_waits_for_its_turn_no_snapshot_is_complete_and_none_is_audited() {
    let mut universe = universe();
    let hello = universe.engine().schema().hash();
    let mut liar = Attacker::connect(&mut universe, 1, Some(hello));
    play(&mut liar, &mut universe, 1_000);
    assert!(liar.heard_snapshot.as_ref().is_some_and(|snapshot| snapshot.complete));
    let mut desync = |tick, ms| {
        liar.queue(&ClientMessage::Desync { tick: Tick(tick) });
        let mut heard = Vec::new();
        for _ in 0..ms / 10 {
            play(&mut liar, &mut universe, 10);
            heard.extend(liar.heard_snapshot.take());
        }
        heard
    };
    let first = desync(1, 100);
    assert!(first.iter().any(|snapshot| snapshot.complete), "it had its turn at once");
    let waits = desync(2, 110);
    let last = waits.last().expect("it hears something every 100 ms");
    assert!(!last.complete && last.audit.is_none(), "{last:?}");
    let after = desync(3, 500);
    assert!(after.last().is_some_and(|snapshot| snapshot.complete), "it has had its turn again");
}

#[test]
fn what_an_honest_client_holds_stays_in_step_beside_a_liar() {
    let mut universe = universe();
    let hello = universe.engine().schema().hash();
    let mut liar = Attacker::connect(&mut universe, 1, Some(hello));
    play(&mut liar, &mut universe, 100);
    let audits = universe.players()[0].client.stats().audits_passed;
    for _ in 0..10 {
        liar.queue(&ClientMessage::Desync { tick: Tick(1) });
        play(&mut liar, &mut universe, 300);
    }
    assert!(universe.players()[0].client.stats().audits_passed > audits + 20);
    universe.converged().unwrap();
    assert_eq!(universe.engine().stats().desyncs, 10);
    assert_eq!(universe.players()[0].client.stats().desyncs, 0);
}
