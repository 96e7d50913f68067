//! Players whose connection is lost come back to their place.

use std::time::Duration;
use tidelock::ClientId;
use tidelock::state::{Audience, NetId};
use tidelock::wire::{ClientMessage, CloseReason, Farewell, HeldStream, ResumeClaim, ServerMessage};
use tidelock_arena::ArenaInput;
use tidelock_server::arena::Arena;
use tidelock_server::engine::Stats;
use tidelock_sim::client::{ClientEvent, Status};
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::strangers::Attacker;
use tidelock_sim::universe::{Universe, UniverseConfig};

fn link(loss: f64) -> LinkConfig {
    LinkConfig { latency: Duration::from_millis(30), jitter: Duration::from_millis(5), loss, ..LinkConfig::default() }
}

/// A world of standing players, some of whom walk in circles, that has been played for three seconds.
fn universe(config: UniverseConfig, players: u64, loss: f64) -> Universe<ArenaInput> {
    let mut universe = Universe::new(config, Arena { npcs: 40 });
    for n in 0..players {
        let walks = n % 2 == 0;
        let input = move |tick: tidelock::Tick| {
            let mut input = ArenaInput { forward: if walks { 1.0 } else { 0.0 }, ..ArenaInput::default() };
            input.look.yaw = tick.0 as f32 / 40.0 % 3.0;
            input
        };
        let number = universe.add_player(link(loss), link(loss), Box::new(move |_, tick| input(tick)));
        universe.players_mut()[number].resumes = true;
    }
    universe.run(Duration::from_secs(3)).unwrap();
    universe
}

fn avatar(universe: &Universe<ArenaInput>, number: usize) -> Option<NetId> {
    universe.players()[number].client.view().owned().next().map(|entity| entity.id())
}

fn stats(universe: &Universe<ArenaInput>) -> &Stats {
    universe.engine().stats()
}

fn status(universe: &Universe<ArenaInput>, number: usize) -> Status {
    universe.players()[number].client.status()
}

fn heard(universe: &Universe<ArenaInput>, number: usize, is: impl Fn(&ClientEvent) -> bool) -> usize {
    universe.players()[number].events.iter().filter(|event| is(event)).count()
}

/// Nobody desynced, and in the end everybody holds what it should.
fn all_is_well(universe: &mut Universe<ArenaInput>) {
    assert_eq!(stats(universe).desyncs, 0);
    assert!(universe.players().iter().all(|player| player.client.stats().desyncs == 0));
    universe.set_links(LinkConfig::default(), LinkConfig::default());
    for player in universe.players_mut() {
        player.mind = Box::new(|_, _| ArenaInput::default());
    }
    let converged = (0..400).any(|_| {
        universe.run(Duration::from_millis(5)).unwrap();
        universe.converged().is_ok()
    });
    assert!(converged, "{:?}", universe.converged());
}

#[test]
fn who_loses_its_address_has_its_avatar_and_what_it_saw_again_within_two_seconds() {
    for (seed, loss) in [(1, 0.0), (2, 0.05), (3, 0.2)] {
        let mut universe = universe(UniverseConfig { seed, ..Default::default() }, 4, loss);
        let before = avatar(&universe, 0).unwrap();
        universe.rebind(0);
        universe.run(Duration::from_secs(2)).unwrap();
        assert_eq!(status(&universe, 0), Status::Playing, "at a loss of {loss}");
        assert_eq!(avatar(&universe, 0), Some(before));
        assert_eq!(heard(&universe, 0, |event| *event == ClientEvent::Resumed), 1);
        assert_eq!(heard(&universe, 0, |event| matches!(event, ClientEvent::Disconnected(_))), 0);
        assert_eq!((stats(&universe).resumes.state_kept, stats(&universe).resumes.state_lost), (1, 0));
        assert_eq!(stats(&universe).disconnects.duplicate_login, 1);
        all_is_well(&mut universe);
    }
}

#[test]
fn what_stood_still_meanwhile_is_not_sent_again() {
    let mut universe = Universe::new(UniverseConfig::default(), Arena { npcs: 0 });
    for _ in 0..16 {
        let number = universe.add_player(link(0.0), link(0.0), Box::new(|_, _| ArenaInput::default()));
        universe.players_mut()[number].resumes = true;
    }
    universe.run(Duration::from_secs(1)).unwrap();
    let shown = universe.players()[0].client.view().len();
    assert!(shown > 5, "{shown}");
    let before = stats(&universe).snapshot_entities;
    universe.rebind(0);
    universe.run(Duration::from_secs(2)).unwrap();
    assert_eq!(stats(&universe).resumes.state_kept, 1);
    assert_eq!(stats(&universe).snapshot_entities, before, "not one record");
    all_is_well(&mut universe);
}

#[test]
fn who_was_cut_off_for_a_while_comes_back_from_the_same_address() {
    let mut universe = universe(UniverseConfig::default(), 4, 0.05);
    let before = avatar(&universe, 0).unwrap();
    universe.set_links(link(1.0), link(1.0));
    universe.run(Duration::from_millis(1_500)).unwrap();
    assert_eq!(heard(&universe, 0, |event| matches!(event, ClientEvent::Silent { .. })), 1);
    universe.set_links(link(0.05), link(0.05));
    universe.run(Duration::from_secs(1)).unwrap();
    assert_eq!((status(&universe, 0), avatar(&universe, 0)), (Status::Playing, Some(before)));
    assert_eq!((stats(&universe).disconnects.duplicate_login, stats(&universe).resumes.state_kept), (4, 4));
    all_is_well(&mut universe);
}

#[test]
fn who_is_very_far_away_has_the_patience_to_join() {
    for latency_ms in [350, 500, 700] {
        let far = LinkConfig { latency: Duration::from_millis(latency_ms), ..LinkConfig::default() };
        let mut universe = Universe::new(UniverseConfig::default(), Arena { npcs: 0 });
        let number = universe.add_player(far, far, Box::new(|_, _| ArenaInput::default()));
        universe.players_mut()[number].resumes = true;
        universe.run(Duration::from_secs(10)).unwrap();
        assert_eq!(heard(&universe, number, |event| matches!(event, ClientEvent::Silent { .. })), 0, "{latency_ms} ms");
        assert_eq!((status(&universe, number), avatar(&universe, number).is_some()), (Status::Playing, true));
    }
}

#[test]
fn the_view_stands_still_while_its_player_is_away() {
    let mut universe = universe(UniverseConfig::default(), 2, 0.0);
    let shown = universe.players()[0].client.view().len();
    universe.rebind(0);
    for _ in 0..3_000 {
        universe.run(Duration::from_millis(1)).unwrap();
        assert!(universe.players()[0].client.view().len() + 8 > shown, "what was shown is shown on");
    }
    assert_eq!(status(&universe, 0), Status::Playing);
}

#[test]
fn who_crashed_does_nothing_and_comes_back_to_its_avatar() {
    let mut universe = universe(UniverseConfig::default(), 3, 0.05);
    let before = avatar(&universe, 1).unwrap();
    universe.crash(1);
    let told = universe.players()[1].events.len();
    universe.run(Duration::from_secs(3)).unwrap();
    assert_eq!((status(&universe, 1), universe.players()[1].events.len()), (Status::Playing, told));
    universe.restart(1);
    universe.run(Duration::from_secs(2)).unwrap();
    assert_eq!(avatar(&universe, 1), Some(before));
    assert_eq!(heard(&universe, 1, |event| matches!(event, ClientEvent::Joined { resumed: true, .. })), 1);
    assert_eq!((stats(&universe).resumes.state_kept, stats(&universe).resumes.state_lost), (0, 1));
    all_is_well(&mut universe);
}

#[test]
fn players_come_and_go_for_long_as_tokens_that_expired_are_forgotten() {
    let config = UniverseConfig { tick_hz: 5, snapshot_hz: 5, max_clients: 1, ..UniverseConfig::default() };
    let mut universe = universe(config, 1, 0.0);
    for _ in 0..1_100 {
        universe.restart(0);
        universe.run(Duration::from_secs(1)).unwrap();
        assert_eq!(status(&universe, 0), Status::Playing);
    }
}

#[test]
fn who_is_silent_for_the_time_out_is_away_and_comes_back() {
    let mut universe = universe(UniverseConfig::default(), 3, 0.0);
    let before = avatar(&universe, 0).unwrap();
    universe.players_mut()[0].resumes = false;
    universe.rebind(0);
    universe.run(Duration::from_secs(7)).unwrap();
    assert_eq!((universe.engine().absent_count(), universe.engine().player_count()), (1, 2));
    assert_eq!(stats(&universe).disconnects.timeout, 1);
    universe.resume(0);
    universe.run(Duration::from_secs(1)).unwrap();
    assert_eq!((universe.engine().absent_count(), universe.engine().player_count()), (0, 3));
    assert_eq!(avatar(&universe, 0), Some(before));
    all_is_well(&mut universe);
}

#[test]
fn a_place_waits_for_the_resume_time_and_no_longer() {
    let config = UniverseConfig { resume_time: Duration::from_secs(4), ..Default::default() };
    let mut universe = universe(config, 3, 0.0);
    let before = avatar(&universe, 0).unwrap();
    universe.players_mut()[0].resumes = false;
    universe.rebind(0);
    universe.run(Duration::from_millis(8_500)).unwrap();
    assert_eq!(universe.engine().absent_count(), 1);
    universe.run(Duration::from_secs(1)).unwrap();
    assert_eq!(universe.engine().absent_count(), 0);
    let now = universe.now();
    universe.players_mut()[0].client.frame(now);
    let frames = universe.players()[0].client.frame_counts().frames;
    universe.resume(0);
    universe.run(Duration::from_secs(2)).unwrap();
    let frames_after = universe.players()[0].client.frame_counts().frames;
    assert!(frames > 0 && frames_after >= frames, "what was shown before still counts: {frames} {frames_after}");
    assert_eq!(heard(&universe, 0, |event| matches!(event, ClientEvent::Joined { resumed: false, .. })), 2);
    assert!(avatar(&universe, 0).is_some_and(|after| after != before), "a new one");
    assert_eq!(stats(&universe).resumes.state_kept + stats(&universe).resumes.state_lost, 0);
    all_is_well(&mut universe);
}

#[test]
fn without_a_resume_time_a_lost_player_is_gone_at_once() {
    let config = UniverseConfig { resume_time: Duration::ZERO, ..Default::default() };
    let mut universe = universe(config, 2, 0.0);
    let before = avatar(&universe, 0).unwrap();
    universe.rebind(0);
    universe.run(Duration::from_secs(3)).unwrap();
    assert!(avatar(&universe, 0).is_some_and(|after| after != before), "{:?}", status(&universe, 0));
    all_is_well(&mut universe);
}

#[test]
fn the_newest_of_two_logins_wins_and_the_older_hears_why() {
    let mut universe = universe(UniverseConfig::default(), 2, 0.05);
    let before = avatar(&universe, 0).unwrap();
    let hash = universe.engine().schema().hash();
    let token = universe.issue_token(ClientId(1));
    let mut newer = Attacker::connect_with(&mut universe, 1, token, Some(hash));
    newer.say_queued(&mut universe);
    newer.wait(&mut universe, 100);
    assert!(matches!(newer.messages.first(), Some(ServerMessage::Welcome(welcome)) if welcome.resumed));
    let Status::Disconnected(reason) = status(&universe, 0) else { panic!("still there") };
    assert_eq!(
        (reason.name(), &*reason.to_string()),
        ("duplicate_login", "the same player has connected from elsewhere")
    );
    assert_eq!(universe.engine().player_count(), 2);
    let mut visible = universe.engine().visible_to(ClientId(1));
    assert!(visible.any(|(id, audience, _)| (id, audience) == (before, Audience::Owner)));
}

#[test]
fn a_claim_of_what_was_never_shown_is_worth_nothing() {
    let mut universe = universe(UniverseConfig::default(), 2, 0.0);
    let hash = universe.engine().schema().hash();
    for number in 0..4 {
        let token = universe.issue_token(ClientId(1));
        let mut liar = Attacker::connect_with(&mut universe, 1 + number, token, None);
        let held = |audience, index| HeldStream { audience, index, tick: universe.engine().tick_number(), proof: 7 };
        let streams = vec![held(Audience::Public, u32::from(number)), held(Audience::Owner, NetId::INDEX_MAX)];
        let claim = Some(ResumeClaim { payload_hash: 0, streams });
        liar.queue(&ClientMessage::Hello { schema_hash: hash, claim });
        liar.say_queued(&mut universe);
        liar.wait(&mut universe, 50);
        let Some(ServerMessage::Welcome(welcome)) = liar.messages.first() else { panic!("{:?}", liar.messages) };
        assert!(welcome.resumed && !welcome.state_kept && welcome.payload.is_some());
    }
    assert_eq!(stats(&universe).resumes.state_lost, 4);
    all_is_well(&mut universe);
}

#[test]
fn what_a_player_who_is_away_may_mean_belongs_to_nobody_else() {
    let mut universe = universe(UniverseConfig::default(), 16, 0.0);
    let is_seen = |universe: &Universe<ArenaInput>, other: usize| {
        avatar(universe, other).is_some_and(|id| universe.players()[0].client.view().entity(id).is_some())
    };
    let other = (1..16).find(|other| is_seen(&universe, *other)).expect("somebody is near");
    let gone = avatar(&universe, other).unwrap();
    universe.players_mut()[0].resumes = false;
    universe.rebind(0);
    universe.run(Duration::from_millis(500)).unwrap();
    universe.players_mut()[other].client.disconnect();
    universe.run(Duration::from_secs(6)).unwrap();
    // Entities come and go all the time: whoever is not known to anybody any more has its index reused within this time.
    for _ in 0..8 {
        let number = universe.add_player(link(0.0), link(0.0), Box::new(|_, _| ArenaInput::default()));
        universe.run(Duration::from_secs(2)).unwrap();
        assert_ne!(avatar(&universe, number).map(|id| id.index), Some(gone.index));
        universe.players_mut()[number].client.disconnect();
    }
    universe.resume(0);
    universe.run(Duration::from_secs(3)).unwrap();
    assert!(universe.players()[0].client.view().entity(gone).is_none());
    all_is_well(&mut universe);
}

#[test]
fn a_full_server_that_drains_has_a_place_for_who_comes_back() {
    let mut universe = universe(UniverseConfig { max_clients: 3, ..Default::default() }, 3, 0.0);
    let before = avatar(&universe, 0);
    universe.engine_mut().drain();
    universe.players_mut()[0].resumes = false;
    universe.rebind(0);
    universe.run(Duration::from_secs(6)).unwrap();
    assert_eq!(universe.engine().absent_count(), 1);
    universe.resume(0);
    universe.run(Duration::from_secs(1)).unwrap();
    assert_eq!((status(&universe, 0), avatar(&universe, 0)), (Status::Playing, before));
}

#[test]
fn who_is_kicked_while_away_has_no_place_any_more() {
    let mut universe = universe(UniverseConfig::default(), 3, 0.0);
    universe.players_mut()[0].resumes = false;
    universe.rebind(0);
    universe.run(Duration::from_secs(6)).unwrap();
    let now = universe.now();
    assert!(universe.engine_mut().kick(ClientId(1), now));
    assert_eq!(universe.engine().absent_count(), 0);
    assert!(!universe.engine_mut().kick(ClientId(1), now), "nobody is left to be kicked");
    universe.resume(0);
    universe.run(Duration::from_secs(1)).unwrap();
    assert_eq!(heard(&universe, 0, |event| matches!(event, ClientEvent::Joined { resumed: false, .. })), 2);
    assert_eq!(heard(&universe, 0, |event| *event == ClientEvent::FirstFullView), 2, "it is a new game to it");
}

#[test]
fn who_comes_back_and_never_takes_the_welcome_is_away_again() {
    let mut universe = universe(UniverseConfig::default(), 2, 0.0);
    let (hash, token) = (universe.engine().schema().hash(), universe.issue_token(ClientId(1)));
    let mut mute = Attacker::connect_with(&mut universe, 1, token, None);
    mute.is_acknowledging = false;
    mute.queue(&ClientMessage::Hello { schema_hash: hash, claim: None });
    mute.say_queued(&mut universe);
    mute.wait(&mut universe, 59_000);
    assert_eq!((universe.engine().player_count(), universe.engine().absent_count()), (2, 0));
    mute.wait(&mut universe, 2_000);
    assert_eq!((universe.engine().player_count(), universe.engine().absent_count()), (1, 1));
    assert_eq!(mute.farewell, Some(Farewell::Closed(CloseReason::Timeout)));
}

#[test]
fn one_player_with_many_tokens_takes_nobody_elses_slot() {
    let mut universe = universe(UniverseConfig { max_clients: 8, ..Default::default() }, 2, 0.0);
    let hash = universe.engine().schema().hash();
    for number in 0..40 {
        let token = universe.issue_token(ClientId(77));
        Attacker::connect_with(&mut universe, number, token, (number % 2 == 0).then_some(hash));
        assert!(universe.engine().client_count() <= 2 + 3, "{}", universe.engine().client_count());
    }
    let number = universe.add_player(link(0.0), link(0.0), Box::new(|_, _| ArenaInput::default()));
    universe.run(Duration::from_secs(1)).unwrap();
    assert_eq!(status(&universe, number), Status::Playing);
}

#[test]
fn players_whose_addresses_change_all_the_time_stay_in_the_game() {
    let mut universe = universe(UniverseConfig::default(), 8, 0.05);
    let avatars: Vec<_> = (0..8).map(|n| avatar(&universe, n)).collect();
    for round in 0..24 {
        universe.rebind(round % 8);
        universe.run(Duration::from_millis(700)).unwrap();
    }
    universe.run(Duration::from_secs(3)).unwrap();
    assert_eq!((0..8).map(|n| avatar(&universe, n)).collect::<Vec<_>>(), avatars);
    assert_eq!(stats(&universe).disconnects.left, 0);
    all_is_well(&mut universe);
}
