//! The whole system on virtual time: what must hold whatever the network does.

use std::time::Duration;
use tidelock::ClientId;
use tidelock_arena::ArenaInput;
use tidelock_server::arena::Arena;
use tidelock_server::io::Cores;
use tidelock_sim::client::{ClientEvent, Status};
use tidelock_sim::link::{LinkConfig, Rng};
use tidelock_sim::universe::{Mind, Universe, UniverseConfig};

/// Walks about, turns, shoots, jumps: from its seed alone.
fn wanderer(seed: u64) -> Mind<ArenaInput> {
    let mut rng = Rng::stream(seed, 99);
    let mut input = ArenaInput::default();
    let mut next_change = 0;
    Box::new(move |_, tick| {
        if tick.0 >= next_change {
            next_change = tick.0 + 10 + rng.below(50) as u32;
            let mut unit = || rng.below(2001) as f32 / 1000.0 - 1.0;
            input.forward = unit();
            input.right = unit();
            input.look.yaw = unit() * 3.1;
            input.sprint = unit() > 0.0;
        }
        input.fire = tick.0.is_multiple_of(40);
        input.jump = tick.0.is_multiple_of(170);
        input
    })
}

fn link(loss: f64) -> LinkConfig {
    LinkConfig {
        latency: Duration::from_millis(40),
        jitter: Duration::from_millis(8),
        loss,
        duplicate: 0.02,
        reorder: if loss > 0.0 { 0.05 } else { 0.0 },
        ..LinkConfig::default()
    }
}

fn universe(seed: u64, players: u64, link: LinkConfig) -> Universe<ArenaInput> {
    let config = UniverseConfig { seed, ..Default::default() };
    let mut universe = Universe::new(config, Arena { npcs: 100 });
    (0..players).for_each(|n| {
        universe.add_player(link, link, wanderer(seed * 1000 + n));
    });
    universe
}

/// Plays at a loss, lets the network recover and the world stand still, and checks everything.
fn plays_and_converges(loss: f64) {
    let link = LinkConfig { reorder: 0.05, ..link(loss) };
    let mut universe = universe(7, 8, link);
    universe.run(Duration::from_secs(20)).unwrap();
    for player in universe.players() {
        assert_eq!(player.client.status(), Status::Playing);
        assert_eq!(player.client.stats().desyncs, 0);
        assert_eq!(player.client.stats().snapshots.undecodable, 0);
        assert!(player.client.stats().audits_passed > 20, "{:?}", player.client.stats());
    }
    assert!(universe.looked_at("equal versions") > 100_000);
    assert!(universe.looked_at("whole views") > 500, "{}", universe.looked_at("whole views"));
    universe.set_links(LinkConfig::default(), LinkConfig::default());
    for player in universe.players_mut() {
        player.mind = Box::new(|_, _| ArenaInput::default());
    }
    // The world never stands still, but each moment it must be a moment away from being whole.
    let whole = (0..200).any(|_| {
        universe.run(Duration::from_millis(5)).unwrap();
        universe.converged().is_ok()
    });
    assert!(whole, "{:?}", universe.converged());
    assert_eq!(universe.engine().stats().desyncs, 0);
}

#[test]
fn reorder_and_duplicates_keep_every_client_equal_to_the_server() {
    plays_and_converges(0.0);
}

#[test]
fn five_percent_loss_keeps_every_client_equal_to_the_server() {
    plays_and_converges(0.05);
}

#[test]
fn twenty_percent_loss_keeps_every_client_equal_to_the_server() {
    plays_and_converges(0.2);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let digest = |seed| {
        let mut universe = universe(seed, 4, link(0.05));
        universe.run(Duration::from_secs(5)).unwrap();
        universe.digest()
    };
    assert_eq!(digest(3), digest(3));
    assert_ne!(digest(3), digest(4));
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let digest = |executor: Option<Cores>| {
        let mut universe = universe(3, 9, link(0.05));
        if let Some(executor) = executor {
            universe.set_executor(Box::new(executor));
        }
        universe.run(Duration::from_secs(5)).unwrap();
        universe.digest()
    };
    let alone = digest(None);
    for threads in [2, 3, 8] {
        // A thread can be in one pool only.
        let shared = std::thread::scope(|scope| {
            let thread = scope.spawn(|| digest(Some(Cores::new(threads).unwrap())));
            thread.join().unwrap()
        });
        assert_eq!(shared, alone, "{threads} threads");
    }
}

#[test]
fn inputs_arrive_in_time_despite_latency_jitter_and_loss() {
    let mut universe = universe(11, 4, link(0.05));
    universe.run(Duration::from_secs(10)).unwrap();
    let before = universe.engine().stats().inputs;
    universe.run(Duration::from_secs(30)).unwrap();
    let after = universe.engine().stats().inputs;
    let (on_time, missing) = (after.on_time - before.on_time, after.missing - before.missing);
    assert!(missing * 200 < on_time, "{missing} of {on_time} were missing");
    assert!(after.recovered > before.recovered, "redundancy recovers some");
}

#[test]
fn a_standing_world_costs_almost_nothing() {
    let mut universe: Universe<ArenaInput> = Universe::new(UniverseConfig::default(), Arena { npcs: 0 });
    (0..4).for_each(|_| {
        universe.add_player(LinkConfig::default(), LinkConfig::default(), Box::new(|_, _| ArenaInput::default()));
    });
    universe.run(Duration::from_secs(5)).unwrap();
    let before = universe.engine().stats().sent;
    universe.run(Duration::from_secs(10)).unwrap();
    let bytes = universe.engine().stats().sent.bytes - before.bytes;
    assert!(bytes / 4 / 10 < 600, "{} bytes per client and second", bytes / 40);
}

#[test]
fn the_round_trip_is_that_of_the_link() {
    let clean = LinkConfig { latency: Duration::from_millis(50), ..Default::default() };
    let mut universe = universe(5, 2, clean);
    universe.run(Duration::from_secs(5)).unwrap();
    for player in universe.players() {
        let rtt_ms = player.client.rtt().unwrap().as_millis();
        assert!((98..=106).contains(&rtt_ms), "{rtt_ms} ms");
    }
}

#[test]
fn a_way_that_becomes_much_longer_is_not_taken_for_one_that_loses_everything() {
    let mut universe = universe(15, 2, LinkConfig { latency: Duration::from_millis(1), ..Default::default() });
    universe.run(Duration::from_secs(3)).unwrap();
    let longer = LinkConfig { latency: Duration::from_millis(400), ..Default::default() };
    universe.set_links(longer, longer);
    universe.run(Duration::from_secs(5)).unwrap();
    let lost_before: Vec<u64> = universe.players().iter().map(|player| player.client.stats().up.lost).collect();
    universe.run(Duration::from_secs(5)).unwrap();
    for ((client, player), lost_before) in universe.engine().clients().iter().zip(universe.players()).zip(lost_before) {
        let rtts_ms = [client.rtt, player.client.rtt()].map(|rtt| rtt.unwrap().as_millis());
        assert!(rtts_ms.iter().all(|rtt_ms| (798..=830).contains(rtt_ms)), "{rtts_ms:?}");
        assert_eq!(player.client.stats().up.lost, lost_before);
    }
}

#[test]
fn a_small_budget_holds_and_still_converges() {
    let config = UniverseConfig { client_bandwidth_bytes_s: 4 * 1024, ..Default::default() };
    let mut universe = Universe::new(config, Arena { npcs: 400 });
    (0..4).for_each(|n| {
        universe.add_player(link(0.0), link(0.0), wanderer(n));
    });
    universe.run(Duration::from_secs(10)).unwrap();
    let before: Vec<u64> = universe.engine().clients().iter().map(|client| client.sent_bytes).collect();
    universe.run(Duration::from_secs(10)).unwrap();
    for (client, before) in universe.engine().clients().iter().zip(before) {
        let sent = client.sent_bytes - before;
        assert!(sent <= 11 * 4 * 1024, "{sent} bytes in 10 s");
    }
    assert!(universe.engine().stats().budget_deferred > 0);
    assert_eq!(universe.engine().stats().desyncs, 0);
}

#[test]
fn kicked_players_hear_why_and_the_others_see_them_go() {
    let mut universe = universe(2, 3, link(0.0));
    universe.run(Duration::from_secs(3)).unwrap();
    let now = universe.now();
    assert!(universe.engine_mut().kick(ClientId(2), now));
    universe.run(Duration::from_secs(2)).unwrap();
    let reason = |n: usize| match universe.players()[n].client.status() {
        Status::Disconnected(reason) => Some(reason.name()),
        _ => None,
    };
    assert_eq!((reason(0), reason(1), reason(2)), (None, Some("kicked"), None));
    assert_eq!(universe.engine().client_count(), 2);
    assert_eq!(universe.engine().stats().disconnects.kicked, 1);
}

#[test]
fn events_reach_the_others_once_and_in_order_under_loss() {
    let mut universe = universe(6, 2, link(0.2));
    universe.run(Duration::from_secs(3)).unwrap();
    for n in 0..3 {
        let text = format!("line {n}");
        universe.players_mut()[0].client.send_event(&tidelock_arena::Say { text }).unwrap();
        universe.run(Duration::from_secs(2)).unwrap();
    }
    let schema = tidelock_arena::schema();
    let chat = schema.event::<tidelock_arena::Chat>().unwrap();
    let heard = |n: usize| -> Vec<String> {
        let events = universe.players()[n].events.iter().filter_map(|event| match event {
            ClientEvent::Event { id, body } if *id == chat => bitcode::decode::<tidelock_arena::Chat>(body).ok(),
            _ => None,
        });
        events.filter(|chat| chat.sender == Some(1)).map(|chat| chat.text).collect()
    };
    assert_eq!(heard(0), ["line 0", "line 1", "line 2"]);
    assert_eq!(heard(1), ["line 0", "line 1", "line 2"]);
}

#[test]
fn what_a_player_says_at_once_is_heard() {
    let mut universe = universe(8, 2, link(0.0));
    while universe.players()[0].client.status() != Status::Playing {
        universe.run(Duration::from_millis(1)).unwrap();
    }
    universe.players_mut()[0].client.send_event(&tidelock_arena::Say { text: "here I am".to_owned() }).unwrap();
    universe.run(Duration::from_secs(2)).unwrap();
    let chat = tidelock_arena::schema().event::<tidelock_arena::Chat>().unwrap();
    let heard = universe.players()[1].events.iter().any(|event| match event {
        ClientEvent::Event { id, body } if *id == chat => {
            bitcode::decode::<tidelock_arena::Chat>(body).is_ok_and(|chat| chat.text == "here I am")
        }
        _ => false,
    });
    assert!(heard);
    assert_eq!(universe.engine().stats().events_malformed, 0);
}

#[test]
fn garbage_and_mutilated_packets_are_counted_and_players_notice_nothing() {
    let mut universe = universe(9, 4, link(0.0));
    universe.run(Duration::from_secs(2)).unwrap();
    let mut rng = Rng::stream(1, 1);
    let address = universe.players()[0].address;
    for round in 0..2_000 {
        let len = rng.below(1300) as usize;
        let mut garbage: Vec<u8> = (0..len).map(|_| rng.next_u64() as u8).collect();
        if let Some(first) = garbage.first_mut().filter(|_| round % 2 == 0) {
            *first = (*first & 0xF0) | (rng.below(8) as u8);
        }
        let from = if round % 3 == 0 { address } else { ([10, 9, 9, 9], 4_000).into() };
        universe.inject(from, &garbage);
        if round % 20 == 0 {
            universe.run(Duration::from_millis(10)).unwrap();
        }
    }
    assert!(universe.engine().netcode_drops().map(|(_, count)| count).sum::<u64>() >= 1_900);
    for player in universe.players() {
        assert_eq!(player.client.status(), Status::Playing);
        assert_eq!(player.client.stats().desyncs, 0);
        assert_eq!(player.client.stats().down.expected - player.client.stats().down.received, 0);
    }
}
