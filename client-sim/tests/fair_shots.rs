//! What a shooter's screen shows as a hit is a hit, whatever the round trip; and it is not without lag compensation.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tidelock::state::NetId;
use tidelock_arena::map::MapParameters;
use tidelock_arena::{ArenaInput, Body, Facing, Hit, Map, Position};
use tidelock_server::arena::Arena;
use tidelock_sim::bots::{BotKind, Player, Screen, Sight, Tracers};
use tidelock_sim::client::ClientEvent;
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::{Pilot, Universe, UniverseConfig};

/// Whom shots met on a screen, by the tick in which they were fired.
type ScreenHits = Rc<RefCell<BTreeMap<u32, NetId>>>;

/// Ticks between two shots: of 30, none is lost for want of ammunition.
const PACE_TICKS: u32 = 40;

/// Stands where it is, so that it knows that for sure, and shoots at who comes by.
fn sentry(seed: u64, map: Arc<Map>, screen_hits: ScreenHits) -> Pilot<ArenaInput> {
    let mut bot = Player::new(BotKind::Fight, seed);
    bot.learn_map(Arc::clone(&map));
    let mut tracers = Tracers::new(map, 60);
    Box::new(move |client, tick, now| {
        let Some(shown) = client.frame(now) else { return ArenaInput::default() };
        let screen = Screen::new(client.view(), shown);
        let wanted = bot.input(&screen, tick);
        let fire = wanted.fire && tick.0.is_multiple_of(PACE_TICKS);
        let input = ArenaInput { fire, shown: wanted.shown, ..ArenaInput::idle(wanted.look) };
        if let Some(own) = screen.avatar().filter(|_| fire) {
            let (position, facing) = (Position(own.position), input.look);
            tracers.fire(tick, &Body { position, facing: snapped(facing), ..Body::default() });
        }
        let hits = tracers.step(&client.view().at(shown));
        screen_hits.borrow_mut().extend(hits.into_iter().map(|hit| (hit.fired.0, hit.target)));
        input
    })
}

/// As the server gets it.
fn snapped(facing: Facing) -> Facing {
    use tidelock::state::Replicate;
    facing.snapped()
}

/// How many shots hit somebody on the screens of six sentries in 20 s, and how many of those the server awards.
fn shoot(rtt_ms: u64, rewind_max: Option<Duration>) -> (usize, usize) {
    let config = UniverseConfig { seed: 5, rewind_max, ..Default::default() };
    let mut universe: Universe<ArenaInput> = Universe::new(config, Arena { npcs: 300 });
    universe.set_checked(false);
    let map = Arc::new(Map::generate(MapParameters::new(config.seed)));
    let link = LinkConfig { latency: Duration::from_millis(rtt_ms) / 2, ..LinkConfig::default() };
    let logs: Vec<ScreenHits> = (0..6).map(|_| ScreenHits::default()).collect();
    for (number, log) in logs.iter().enumerate() {
        universe.add_player(link, link, Box::new(|_, _| ArenaInput::default()));
        universe.players_mut()[number].pilot = Some(sentry(number as u64, Arc::clone(&map), Rc::clone(log)));
    }
    universe.run(Duration::from_secs(20)).unwrap();
    for player in universe.players_mut() {
        player.pilot = None;
    }
    universe.run(Duration::from_secs(2)).unwrap();
    let schema = tidelock_arena::schema();
    let (mut on_screens, mut awarded) = (0, 0);
    for (player, log) in universe.players().iter().zip(&logs) {
        let told = player.events.iter().filter_map(|event| match event {
            ClientEvent::Event { id, body } if Some(*id) == schema.event::<Hit>() => bitcode::decode::<Hit>(body).ok(),
            _ => None,
        });
        let told: BTreeMap<u32, Option<NetId>> = told.map(|hit| (hit.fired.0, hit.target)).collect();
        let log = log.borrow();
        on_screens += log.len();
        awarded += log.iter().filter(|(fired, target)| told.get(fired) == Some(&Some(**target))).count();
    }
    (on_screens, awarded)
}

#[test]
fn what_hits_on_the_screen_hits_at_any_round_trip() {
    for rtt_ms in [0, 100, 200] {
        let (on_screens, awarded) = shoot(rtt_ms, None);
        assert!(on_screens > 30, "{rtt_ms} ms: {on_screens}");
        assert!(awarded * 100 >= on_screens * 95, "{rtt_ms} ms: {awarded} of {on_screens}");
    }
}

#[test]
fn without_compensation_much_of_it_misses() {
    let (on_screens, awarded) = shoot(200, Some(Duration::ZERO));
    assert!(on_screens > 30, "{on_screens}");
    assert!(awarded * 100 <= on_screens * 80, "{awarded} of {on_screens}");
}
