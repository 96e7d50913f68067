//! What a client's recording holds is enough to have another client live through the same.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tidelock::state::{FNV1A_OFFSET, fnv1a};
use tidelock_arena::{ArenaInput, Say};
use tidelock_server::arena::Arena;
use tidelock_sim::client::{Playback, Status, View};
use tidelock_sim::link::LinkConfig;
use tidelock_sim::recording::{Entry, Header, Reader, Recording, Replay, What};
use tidelock_sim::universe::{Universe, UniverseConfig};

fn link() -> LinkConfig {
    LinkConfig {
        latency: Duration::from_millis(40),
        jitter: Duration::from_millis(8),
        loss: 0.1,
        duplicate: 0.02,
        reorder: 0.05,
        ..LinkConfig::default()
    }
}

/// Three players who walk in circles on a bad link; the first comes back when its server falls silent.
fn universe() -> Universe<ArenaInput> {
    let mut universe = Universe::new(UniverseConfig::default(), Arena { npcs: 60 });
    for n in 0..3_u32 {
        let circle = move |tick: tidelock::Tick| {
            let mut input = ArenaInput { forward: 1.0, ..ArenaInput::default() };
            input.look.yaw = (tick.0 + n * 50) as f32 / 40.0 % 3.0;
            input.fire = tick.0.is_multiple_of(40);
            input
        };
        universe.add_player(link(), link(), Box::new(move |_, tick| circle(tick)));
    }
    universe.players_mut()[0].resumes = true;
    universe.players_mut()[0].client.open_tap();
    universe
}

/// Lets the first player play, and be recorded.
fn play(universe: &mut Universe<ArenaInput>, recording: &mut Recording<Vec<u8>>, duration: Duration) {
    let end = universe.now() + duration;
    while universe.now() < end {
        universe.run(Duration::from_millis(1)).unwrap();
        let now = universe.now();
        recording.follow(&mut universe.players_mut()[0].client, now);
    }
}

/// Over all that is shown, and of when.
fn digest(view: &View) -> u64 {
    let mut digest = FNV1A_OFFSET;
    for (id, audience, tick, version) in view.streams() {
        digest =
            fnv1a(digest, format!("{id:?} {audience:?} {tick:?} {:?} {:?};", version.mask, version.lanes).as_bytes());
    }
    digest
}

fn entries(recording: &[u8]) -> Vec<Entry> {
    let mut reader = Reader::new(recording).unwrap();
    let mut entries = Vec::new();
    while let Some(entry) = reader.read().unwrap() {
        entries.push(entry);
    }
    assert!(reader.is_complete());
    entries
}

/// Lives through entries, and holds each sample against how the client fares then. Returns how many did hold.
fn live_through(entries: &[Entry]) -> (Replay<ArenaInput>, usize) {
    let mut replay = Replay::new(tidelock_arena::schema().into());
    let mut samples = 0;
    for entry in entries {
        if let (What::Sample(values), Some(client)) = (&entry.what, replay.client()) {
            let (lead, target) = client.input_lead_ticks().unwrap_or_default();
            let rtt_ms = client.rtt().unwrap_or_default().as_secs_f32() * 1e3;
            let figures = [lead, target, rtt_ms, client.jitter().as_secs_f32() * 1e3, client.view().len() as f32];
            for (number, value) in values.iter().filter(|(number, _)| *number < 5) {
                assert_eq!(*value, figures[*number as usize], "figure {number} at {}", entry.at);
            }
            let delay_ms = values.iter().find(|(number, _)| *number == 9).map(|(_, value)| *value);
            assert_eq!(delay_ms, client.playback().map(Playback::delay_ms), "at {}", entry.at);
            samples += 1;
        }
        replay.take(entry);
    }
    (replay, samples)
}

#[test]
fn another_client_that_is_told_the_same_sees_the_same() {
    let mut universe = universe();
    let mut recording = Recording::begin(Vec::new(), Header { start: universe.now(), ..Header::default() });
    play(&mut universe, &mut recording, Duration::from_secs(4));
    let said = universe.players_mut()[0].client.send_event(&Say { text: "hello".to_owned() });
    assert_eq!(said, Ok(()));
    play(&mut universe, &mut recording, Duration::from_secs(1));
    universe.rebind(0);
    play(&mut universe, &mut recording, Duration::from_secs(5));
    let file = recording.end(universe.now()).unwrap();

    let entries = entries(&file);
    let resumes = entries.iter().filter(|entry| entry.what == What::Resumed).count();
    assert_eq!(resumes, 1, "it came back once");
    let (replay, samples) = live_through(&entries);
    assert!(samples > 150, "{samples} samples");
    let (original, copy) = (&universe.players()[0].client, replay.client().unwrap());
    assert_eq!((original.status(), copy.status()), (Status::Playing, Status::Playing));
    assert!(original.view().len() > 5);
    assert_eq!(digest(copy.view()), digest(original.view()));
    let (stats, of_copy) = (original.stats(), copy.stats());
    assert_eq!(of_copy.snapshots, stats.snapshots);
    assert_eq!((of_copy.up, of_copy.inputs_sent), (stats.up, stats.inputs_sent));
    assert_eq!((of_copy.audits_passed, of_copy.desyncs), (stats.audits_passed, 0));
}

/// Half a second of play, from connecting to a resume.
fn short_recording() -> Vec<u8> {
    let mut universe = universe();
    let mut recording = Recording::begin(Vec::new(), Header { start: universe.now(), ..Header::default() });
    play(&mut universe, &mut recording, Duration::from_millis(900));
    universe.resume(0);
    play(&mut universe, &mut recording, Duration::from_millis(500));
    recording.end(universe.now()).unwrap()
}

#[test]
fn no_damage_of_a_recording_harms_who_lives_through_it() {
    let whole = short_recording();
    let mut runner = TestRunner::new(Config { cases: 128, failure_persistence: None, ..Config::default() });
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12);
    let swaps = prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..12);
    runner
        .run(&(changes, swaps), |(changes, swaps)| {
            let mut damaged = whole.clone();
            for (place, value) in changes {
                damaged[place.index(whole.len())] = value;
            }
            let Ok(mut reader) = Reader::new(&damaged[..]) else { return Ok(()) };
            let mut entries: Vec<Entry> = std::iter::from_fn(|| reader.read().ok().flatten()).collect();
            let swaps = if entries.is_empty() { Vec::new() } else { swaps };
            for (a, b) in swaps {
                let (a, b) = (a.index(entries.len()), b.index(entries.len()));
                entries.swap(a, b);
            }
            let mut replay = Replay::<ArenaInput>::new(tidelock_arena::schema().into());
            entries.iter().for_each(|entry| replay.take(entry));
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_was_said_of_it_is_in_the_recording() {
    let mut universe = universe();
    let facts = vec![("seed".to_owned(), "1".to_owned())];
    let header = Header { start: universe.now(), started_unix_ms: 5, schema_hash: 7, same_clock: true, facts };
    let mut recording = Recording::begin(Vec::new(), header.clone());
    play(&mut universe, &mut recording, Duration::from_secs(3));
    universe.players_mut()[0].client.disconnect();
    play(&mut universe, &mut recording, Duration::from_millis(100));
    let file = recording.end(universe.now()).unwrap();
    assert_eq!(Reader::new(&file[..]).unwrap().header(), &header);
    let entries = entries(&file);
    let count = |is: fn(&What) -> bool| entries.iter().filter(|entry| is(&entry.what)).count();
    assert_eq!(
        count(|what| matches!(what, What::Joined { tick_hz: 60, resumed: false, payload } if !payload.is_empty())),
        1
    );
    assert_eq!(count(|what| matches!(what, What::FirstFullView)), 1);
    assert!(count(|what| matches!(what, What::Ticked { lanes, .. } if !lanes.is_empty())) > 100);
    assert!(count(|what| matches!(what, What::Snapshot { .. })) > 100);
    assert!(count(|what| matches!(what, What::Rtt(_))) > 50);
    assert_eq!(count(|what| matches!(what, What::Left)), 1);
    assert_eq!(count(|what| matches!(what, What::Disconnected { reason } if reason == "left")), 1);
    assert_eq!(count(|what| matches!(what, What::Missed(_))), 0);
    let received: u64 = entries
        .iter()
        .filter_map(|entry| match entry.what {
            What::Received { bytes, .. } => Some(bytes),
            _ => None,
        })
        .sum();
    assert_eq!(received, universe.players()[0].client.stats().bytes_received);
}
