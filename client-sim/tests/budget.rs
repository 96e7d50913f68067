//! What clients are sent when their links are narrow, lossy, or wide: a whole system on virtual time.

mod crowd;

use crowd::{Crowd, Keys, Noise, Place};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tidelock::state::NetId;
use tidelock_server::engine::ClientStatus;
use tidelock_sim::client::Status;
use tidelock_sim::link::{Bottleneck, LinkConfig};
use tidelock_sim::universe::check::Budget;
use tidelock_sim::universe::churn::Churn;
use tidelock_sim::universe::{Universe, UniverseConfig};

const KIB: u32 = 1024;
/// What a player of these tests is sent at most, as by default.
const CAP: u32 = 64 * KIB;
/// More than fits the cap, in each tick.
const RESTLESS: usize = 800;

fn clear() -> LinkConfig {
    LinkConfig { latency: Duration::from_millis(30), ..LinkConfig::default() }
}

fn narrow(bandwidth: u32) -> LinkConfig {
    let bottleneck = Bottleneck { bandwidth_bytes_s: bandwidth, queue_bytes: 100 * KIB };
    LinkConfig { bottleneck: Some(bottleneck), ..clear() }
}

/// A crowd, and one player for each link from the server.
fn universe(crowd: Crowd, cap: u32, seed: u64, links: &[LinkConfig]) -> Universe<Keys> {
    let config = UniverseConfig { seed, client_bandwidth_bytes_s: cap, ..UniverseConfig::default() };
    let mut universe = Universe::new(config, crowd);
    // Most of these ask about rates alone; two check every tick besides.
    universe.set_checked(false);
    for link in links {
        universe.add_player(*link, clear(), Box::new(|_, _| Keys::default()));
    }
    universe
}

fn restless(seed: u64, links: &[LinkConfig]) -> Universe<Keys> {
    universe(Crowd { size: 0, restless: RESTLESS }, CAP, seed, links)
}

/// The server's view of a player.
fn status(universe: &Universe<Keys>, number: usize) -> Option<ClientStatus> {
    let id = universe.players()[number].client_id;
    universe.engine().clients().into_iter().find(|client| client.client_id == id)
}

/// What was seen of a player's link from the server in some time.
#[derive(Debug)]
struct Seen {
    rate_min: u32,
    rate_max: u32,
    /// On average, of what passed.
    rate_mean: u32,
    queue_max: Duration,
    /// Of the datagrams.
    lost: f64,
}

/// Lets time pass and looks at one player.
fn watch(universe: &mut Universe<Keys>, number: usize, seconds: u64) -> Seen {
    let begin = status(universe, number).expect("connected");
    let sent_datagrams = universe.players()[number].down.counts();
    let mut seen = Seen { rate_min: u32::MAX, rate_max: 0, rate_mean: 0, queue_max: Duration::ZERO, lost: 0.0 };
    for _ in 0..seconds * 200 {
        universe.run(Duration::from_millis(5)).unwrap();
        let rate = status(universe, number).expect("connected").rate_bytes_s;
        (seen.rate_min, seen.rate_max) = (seen.rate_min.min(rate), seen.rate_max.max(rate));
        let wait = universe.players()[number].down.queue_wait(universe.now());
        seen.queue_max = seen.queue_max.max(wait);
    }
    let sent = status(universe, number).expect("connected").sent_bytes - begin.sent_bytes;
    seen.rate_mean = (sent / seconds) as u32;
    let counts = universe.players()[number].down.counts();
    let gone = |counts: tidelock_sim::link::LinkCounts| counts.lost + counts.queue_full;
    seen.lost = (gone(counts) - gone(sent_datagrams)) as f64 / (counts.pushed - sent_datagrams.pushed) as f64;
    seen
}

/// Runs until the first player sees so many. How long that took from its joining, and what it was sent until then.
fn join(universe: &mut Universe<Keys>, size: usize) -> (Duration, u64) {
    while universe.players()[0].client.status() != Status::Playing {
        universe.run(Duration::from_millis(1)).unwrap();
    }
    let (joined_at, sent) = (universe.now(), status(universe, 0).expect("connected").sent_bytes);
    while universe.players()[0].client.view().len() < size {
        universe.run(Duration::from_millis(1)).unwrap();
        assert!(
            universe.now().since(joined_at) < Duration::from_secs(60),
            "{}",
            universe.players()[0].client.view().len()
        );
    }
    (universe.now().since(joined_at), status(universe, 0).expect("connected").sent_bytes - sent)
}

#[test]
fn a_join_over_a_clear_link_takes_little_more_than_the_budget_would() {
    let crowd = Crowd { size: 10_000, restless: 0 };
    for (cap, loss) in [(CAP, 0.0), (CAP, 0.05), (256 * KIB, 0.0), (256 * KIB, 0.05)] {
        let link = LinkConfig { latency: Duration::from_millis(50), ..clear() };
        let (_, bytes) = join(&mut universe(crowd, u32::MAX, 1, &[link]), crowd.size + 1);
        let ideal_s = bytes as f64 / f64::from(cap);
        let mut real = universe(crowd, cap, 1, &[LinkConfig { loss, ..link }]);
        let (took, _) = join(&mut real, crowd.size + 1);
        assert!(took.as_secs_f64() <= 1.3 * ideal_s, "{cap} {loss}: {took:?} of {ideal_s} s");
        assert_eq!(real.engine().stats().back_offs.delay, 0);
    }
}

#[test]
fn a_wide_link_is_used_up_to_the_cap_in_a_second() {
    let mut universe = universe(Crowd { size: 20_000, restless: 0 }, 512 * KIB, 1, &[clear()]);
    join(&mut universe, 100);
    universe.run(Duration::from_millis(900)).unwrap();
    assert_eq!(status(&universe, 0).unwrap().rate_bytes_s, 512 * KIB);
}

#[test]
fn random_loss_is_no_congestion() {
    for seed in 1..=4 {
        let mut universe = restless(seed, &[LinkConfig { loss: 0.05, jitter: Duration::from_millis(4), ..clear() }]);
        universe.run(Duration::from_secs(2)).unwrap();
        let seen = watch(&mut universe, 0, 20);
        assert!(seen.rate_min >= CAP * 8 / 10, "{seen:?}");
        assert!(seen.lost > 0.03, "{seen:?}");
    }
}

#[test]
fn before_a_bottleneck_the_rate_settles_and_the_queue_stays_short() {
    for seed in 1..=2 {
        let mut universe = restless(seed, &[narrow(24 * KIB)]);
        universe.set_checked(true);
        universe.run(Duration::from_secs(5)).unwrap();
        let seen = watch(&mut universe, 0, 20);
        assert!((24 * KIB * 70 / 100..=24 * KIB).contains(&seen.rate_mean), "{seen:?}");
        assert!(seen.rate_min >= 24 * KIB * 70 / 100, "{seen:?}");
        assert!(seen.queue_max < Duration::from_millis(100), "{seen:?}");
        assert!(seen.lost < 0.01, "{seen:?}");
        assert_eq!(universe.players()[0].client.stats().desyncs, 0);
    }
}

#[test]
fn a_bottleneck_that_widens_is_used_within_ten_seconds() {
    let mut universe = restless(1, &[narrow(24 * KIB)]);
    universe.run(Duration::from_secs(15)).unwrap();
    assert!(status(&universe, 0).unwrap().rate_bytes_s < 30 * KIB);
    universe.set_links(narrow(200 * KIB), clear());
    universe.run(Duration::from_secs(10)).unwrap();
    assert_eq!(status(&universe, 0).unwrap().rate_bytes_s, CAP);
}

#[test]
fn a_narrow_link_is_nobody_elses() {
    let mut universe = restless(1, &[narrow(24 * KIB), clear()]);
    universe.run(Duration::from_secs(5)).unwrap();
    let seen = watch(&mut universe, 1, 10);
    assert_eq!((seen.rate_min, seen.rate_max), (CAP, CAP));
    assert!(status(&universe, 0).unwrap().rate_bytes_s < 30 * KIB);
    assert!(universe.engine().stats().back_offs.delay > 0);
}

#[test]
fn in_no_second_more_is_sent_than_the_cap_and_one_burst() {
    // Two datagrams, or what may be sent between two snapshots and two more; and what may be owed.
    let slack = u64::from(2 * CAP / 60).max(2_600) + 1_300;
    let mut universe = universe(Crowd { size: 2_000, restless: RESTLESS }, CAP, 1, &[clear()]);
    let mut sent = VecDeque::from([0]);
    let mut most = 0;
    for _ in 0..6_000 {
        universe.run(Duration::from_millis(2)).unwrap();
        let now = status(&universe, 0).map_or(0, |client| client.sent_bytes);
        sent.push_back(now);
        if sent.len() > 500 {
            most = most.max(now - sent.pop_front().unwrap());
        }
    }
    assert!(most > u64::from(CAP) * 95 / 100, "{most}");
    assert!(most <= u64::from(CAP) + slack, "{most}");
}

#[test]
fn messages_that_wait_for_room_are_no_reason_to_send_what_has_none_for_them() {
    let (tick_hz, snapshot_hz, client_bandwidth_bytes_s) = (240, 240, 4 * KIB);
    let config = UniverseConfig { tick_hz, snapshot_hz, client_bandwidth_bytes_s, ..UniverseConfig::default() };
    let mut game = Churn::full(60, 300);
    game.mail = 0.5;
    let mut universe = Universe::new(config, game.clone());
    universe.add_checker(Box::<Budget>::default());
    for seed in 0..2 {
        game.add_player(&mut universe, clear(), clear(), seed);
    }
    universe.run(Duration::from_secs(6)).unwrap();
    assert!(universe.looked_at("budget") > 500);
}

#[test]
fn what_goes_out_in_a_tick_is_bounded() {
    let mut universe = universe(Crowd { size: 2_000, restless: RESTLESS }, 256 * KIB, 1, &[clear()]);
    let bound = u64::from(2 * 256 * KIB / 60) + 1_300;
    let mut before = 0;
    for _ in 0..5_000 {
        universe.run(Duration::from_millis(1)).unwrap();
        let now = status(&universe, 0).map_or(0, |client| client.sent_bytes);
        assert!(now - before <= bound, "{} bytes at once", now - before);
        before = now;
    }
    assert!(before > 4 * 200 * 1024, "{before}");
}

#[test]
fn on_a_starving_link_ones_own_avatar_comes_first_and_then_what_is_near() {
    let mut universe = restless(1, &[narrow(9 * KIB)]);
    universe.set_checked(true);
    universe.run(Duration::from_secs(8)).unwrap();
    let mut own_ticks = 0;
    let mut newest = None;
    let mut told: BTreeMap<NetId, (u32, u16)> = BTreeMap::new();
    let applied = universe.players()[0].client.stats().snapshots.applied;
    for _ in 0..10_000 {
        universe.run(Duration::from_millis(1)).unwrap();
        let view = universe.players()[0].client.view();
        let me = view.owned().next().expect("one's own avatar is there");
        let Some(Noise(tick)) = me.get() else { panic!("of all components") };
        own_ticks += u32::from(newest.replace(tick) != Some(tick));
        for entity in view.entities().filter(|entity| !entity.is_owned()) {
            let (count, value) = told.entry(entity.id()).or_default();
            let Some(Noise(now)) = entity.get() else { continue };
            *count += u32::from(std::mem::replace(value, now) != now);
        }
    }
    let applied = universe.players()[0].client.stats().snapshots.applied - applied;
    assert!(own_ticks >= 590, "{own_ticks} of 600 ticks");
    assert!(applied >= 590, "{applied}");
    let view = universe.players()[0].client.view();
    let mean = |from: u8, to: u8| {
        let away = |id| view.entity(id).and_then(|entity| entity.get::<Place>()).map(|place| place.x - 100);
        let these = told.iter().filter(|(id, _)| away(**id).is_some_and(|away| (from..to).contains(&away)));
        let counts: Vec<u32> = these.map(|(_, (count, _))| *count).collect();
        f64::from(counts.iter().sum::<u32>()) / counts.len() as f64
    };
    let (near, far) = (mean(0, 25), mean(75, 100));
    assert!(near > 1.4 * far, "{near} and {far}");
}

#[test]
fn what_left_is_told_however_much_a_player_has_of_its_own() {
    for seed in 1..5 {
        let config = UniverseConfig { seed, client_bandwidth_bytes_s: 8 * KIB, ..UniverseConfig::default() };
        let game = Churn::full(150, 300);
        let mut universe = Universe::new(config, game.clone());
        // Its only player, it owns all that anybody does.
        game.add_player(&mut universe, clear(), clear(), seed);
        universe.run(Duration::from_secs(20)).unwrap();
        let (shown, there) = (universe.players()[0].client.view().len(), universe.engine().entity_count());
        assert!(shown <= there + 50, "seed {seed}: {shown} are shown of {there}");
    }
}
