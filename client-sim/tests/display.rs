//! What players are shown between snapshots, held against the server's truth of the moment that it stands for.

use std::time::Duration;
use tidelock::Moment;
use tidelock::state::NetId;
use tidelock_arena::{ArenaInput, Position};
use tidelock_server::arena::Arena;
use tidelock_sim::client::PlaybackCounts;
use tidelock_sim::link::{LinkConfig, Rng};
use tidelock_sim::universe::{Mind, Universe, UniverseConfig, Verdict, Witness};

/// Walks, stands still and shoots, by turns.
fn wanderer(seed: u64) -> Mind<ArenaInput> {
    let mut rng = Rng::stream(seed, 99);
    let mut input = ArenaInput::default();
    let mut next_change = 0;
    Box::new(move |_, tick| {
        if tick.0 >= next_change {
            next_change = tick.0 + 10 + rng.below(50) as u32;
            let walks = rng.chance(0.7);
            input.forward = if walks { 1.0 } else { 0.0 };
            input.look.yaw = if walks { rng.between(-3.1, 3.1) as f32 } else { input.look.yaw };
        }
        input.fire = tick.0.is_multiple_of(40);
        input
    })
}

/// How far off what is shown was, in millimetres, and what was shown that was not there, or was not and should have been.
#[derive(Debug, Default)]
struct Errors {
    known_mm: Vec<f32>,
    guessed_mm: Vec<f32>,
    missing: Vec<NetId>,
    ghosts: Vec<NetId>,
}

impl Errors {
    fn take(&mut self, verdict: &Verdict<Position>) {
        match verdict {
            Verdict::Seen { shown, truth, is_extrapolated, .. } => {
                let errors_mm = if *is_extrapolated { &mut self.guessed_mm } else { &mut self.known_mm };
                errors_mm.push(shown.0.distance(truth.0) * 1e3);
            }
            Verdict::Missing(id) => self.missing.push(*id),
            Verdict::Ghost(id) => self.ghosts.push(*id),
        }
    }
}

/// The value that this share of them does not exceed.
fn quantile(values: &mut [f32], share: f32) -> f32 {
    values.sort_unstable_by(f32::total_cmp);
    values[((values.len() - 1) as f32 * share) as usize]
}

/// Plays until it is settled, then watches the first of four players for so many seconds. What its frames came to, with
/// its delay in milliseconds.
fn watch(config: UniverseConfig, link: LinkConfig, seconds: u64) -> (Errors, PlaybackCounts, f32) {
    let mut universe = Universe::new(config, Arena { npcs: 60 });
    (0..4).for_each(|n| {
        universe.add_player(link, link, wanderer(n));
    });
    universe.run(Duration::from_secs(6)).unwrap();
    let mut witness = Witness::new(0, Duration::from_millis(7), universe.now());
    let mut errors = Errors::default();
    let counts = |universe: &Universe<ArenaInput>| *universe.players()[0].client.playback().unwrap().counts();
    let before = counts(&universe);
    for _ in 0..seconds * 1000 {
        universe.run_timed(&mut |_| {}).unwrap();
        witness.look(&mut universe, &mut |verdict| errors.take(&verdict));
    }
    let after = counts(&universe);
    let frames = after.since(&before);
    (errors, frames, universe.players()[0].client.playback().unwrap().delay_ms())
}

fn link(latency_ms: u64, jitter_ms: u64, loss: f64) -> LinkConfig {
    let [latency, jitter] = [latency_ms, jitter_ms].map(Duration::from_millis);
    LinkConfig { latency, jitter, loss, ..LinkConfig::default() }
}

/// Walkers go straight on between two ticks, so what lies between them is not a guess either.
#[test]
fn on_a_clean_link_the_truth_is_shown() {
    for (tick_hz, latency_ms) in [(60, 0), (60, 60), (30, 25), (240, 100)] {
        let config = UniverseConfig { tick_hz, snapshot_hz: tick_hz, ..UniverseConfig::default() };
        let (mut errors, frames, delay_ms) = watch(config, link(latency_ms, 0, 0.0), 10);
        let error_mm = quantile(&mut errors.known_mm, 1.0);
        assert!(errors.known_mm.len() > 10_000 && error_mm < 0.1, "{error_mm} mm at {tick_hz} Hz, {latency_ms} ms");
        assert_eq!((errors.missing.len(), errors.ghosts.len()), (0, 0), "at {tick_hz} Hz, {latency_ms} ms");
        assert_eq!(
            (frames.underruns, frames.jumps, errors.guessed_mm.len()),
            (0, 0, 0),
            "{tick_hz} Hz, {latency_ms} ms"
        );
        // An interval, the universe's own grain of 1 ms on both sides, and the margin.
        let interval_ms = 1e3 / tick_hz as f32;
        assert!((interval_ms..interval_ms + 4.0).contains(&delay_ms), "{delay_ms} ms at {tick_hz} Hz");
    }
}

#[test]
fn between_rare_snapshots_walkers_are_millimetres_off() {
    let config = UniverseConfig { snapshot_hz: 20, ..UniverseConfig::default() };
    let (mut errors, frames, delay_ms) = watch(config, link(40, 0, 0.0), 20);
    let [p50_mm, p99_mm] = [0.5, 0.99].map(|share| quantile(&mut errors.known_mm, share));
    assert!(p50_mm < 1.0 && p99_mm < 20.0, "{p50_mm} mm, {p99_mm} mm");
    assert!(frames.underruns == 0 && (50.0..54.0).contains(&delay_ms), "{frames:?}, {delay_ms} ms");
}

#[test]
fn jitter_and_loss_are_waited_for_and_no_longer() {
    for (jitter_ms, loss, delay_ms_max) in [(0, 0.02, 45.0), (0, 0.05, 60.0), (10, 0.05, 110.0), (20, 0.1, 220.0)] {
        let (mut errors, frames, delay_ms) = watch(UniverseConfig::default(), link(50, jitter_ms, loss), 40);
        let what = format!("{jitter_ms} ms, {loss}: {frames:?}, {delay_ms} ms");
        assert!((frames.underruns as f64) < 0.01 * frames.frames as f64, "{what}");
        assert!(frames.stalled < 10 && frames.jumps <= 2 && delay_ms < delay_ms_max, "{what}");
        let p99_mm = quantile(&mut errors.known_mm, 0.99);
        assert!(p99_mm < 5.0 && errors.guessed_mm.len() * 100 < errors.known_mm.len(), "{p99_mm} mm; {what}");
        let absent = errors.missing.len() + errors.ghosts.len();
        assert!(absent * 200 < errors.known_mm.len(), "{absent} of {}; {what}", errors.known_mm.len());
    }
}

/// Nothing comes for 400 ms every 3 s, so all is shown that much later, though the server builds on what it sent a moment ago.
#[test]
fn at_240_ticks_a_second_versions_are_kept_for_long_delays() {
    let config = UniverseConfig { tick_hz: 240, snapshot_hz: 240, ..UniverseConfig::default() };
    let mut universe = Universe::new(config, Arena { npcs: 60 });
    let clear = LinkConfig::default();
    universe.add_player(clear, clear, wanderer(1));
    universe.run(Duration::from_secs(2)).unwrap();
    let mut errors = Errors::default();
    for _ in 0..6 {
        universe.set_links(LinkConfig { loss: 1.0, ..clear }, clear);
        show(&mut universe, Duration::from_millis(400));
        universe.set_links(clear, clear);
        show(&mut universe, Duration::from_millis(1_600));
        errors = Errors::default();
        let mut witness = Witness::new(0, Duration::from_millis(7), universe.now());
        for _ in 0..1_000 {
            universe.run_timed(&mut |_| {}).unwrap();
            witness.look(&mut universe, &mut |verdict| errors.take(&verdict));
        }
    }
    let delay_ms = universe.players()[0].client.playback().unwrap().delay_ms();
    assert!(delay_ms > 350.0 && errors.missing.is_empty(), "{} missing at {delay_ms} ms", errors.missing.len());
    assert!(quantile(&mut errors.known_mm, 1.0) < 0.1 && errors.known_mm.len() > 500);
}

/// A universe in which one player has settled in front of its screen.
fn settled(link: LinkConfig) -> Universe<ArenaInput> {
    let mut universe = Universe::new(UniverseConfig::default(), Arena { npcs: 60 });
    universe.add_player(link, link, wanderer(3));
    universe.run(Duration::from_secs(15)).unwrap();
    universe
}

/// Shows frames for so long, which never go back, and gives their counts, and in how many ticks time passed.
fn show(universe: &mut Universe<ArenaInput>, duration: Duration) -> (PlaybackCounts, f32) {
    let end = universe.now() + duration;
    let counts = |universe: &Universe<ArenaInput>| *universe.players()[0].client.playback().unwrap().counts();
    let before = counts(universe);
    let (mut first, mut last) = (None::<Moment>, None::<Moment>);
    while universe.now() < end {
        universe.run(Duration::from_millis(7)).unwrap();
        let now = universe.now();
        let moment = universe.players_mut()[0].client.frame(now).unwrap();
        assert!(last.is_none_or(|last| moment.since(last) >= 0.0), "{last:?}, then {moment:?}");
        last = Some(moment);
        first.get_or_insert(moment);
    }
    (counts(universe).since(&before), last.unwrap().since(first.unwrap()))
}

#[test]
fn after_a_server_stood_still_time_goes_on_where_it_stopped() {
    let mut universe = settled(link(40, 5, 0.0));
    universe.stall(Duration::from_secs(1));
    let (frames, ticks) = show(&mut universe, Duration::from_secs(4));
    // What was guessed at first is waited for at the end.
    assert!((178.0..183.0).contains(&ticks) && frames.jumps == 1, "{ticks} ticks in 3 of 4 s; {frames:?}");
    let (frames, ticks) = show(&mut universe, Duration::from_secs(4));
    assert!((238.0..242.0).contains(&ticks) && frames.underruns < 10, "{ticks} ticks in 4 s; {frames:?}");
}

#[test]
fn one_who_comes_back_goes_on_where_it_was() {
    let mut universe = settled(link(40, 5, 0.02));
    let before = universe.players()[0].client.shown(universe.now()).unwrap();
    universe.rebind(0);
    universe.resume(0);
    let (_, ticks) = show(&mut universe, Duration::from_secs(3));
    let after = universe.players()[0].client.shown(universe.now()).unwrap();
    let passed = after.since(before);
    assert!((178.0..182.0).contains(&passed) && ticks <= passed, "{passed} ticks in 3 s");
    let (frames, _) = show(&mut universe, Duration::from_secs(5));
    assert!(frames.jumps == 0 && frames.underruns * 100 < frames.frames, "{frames:?}");
}

#[test]
fn a_slow_server_is_shown_slowly() {
    let mut universe = settled(link(40, 5, 0.02));
    let tick_cost = Duration::from_millis(24);
    universe.set_tick_cost(tick_cost);
    show(&mut universe, Duration::from_secs(5));
    let (frames, ticks) = show(&mut universe, Duration::from_secs(10));
    let expected = 10.0 / tick_cost.as_secs_f32();
    assert!((ticks - expected).abs() < 4.0, "{ticks} ticks, and the server ran {expected}");
    assert!(frames.underruns * 100 < frames.frames * 2 && frames.jumps == 0, "{frames:?}");
}

#[test]
fn clients_find_that_both_ends_have_one_clock() {
    for (link, off_us_max, drift_ppm_max) in
        [(link(0, 0, 0.0), 1_000, 1.0), (link(40, 10, 0.05), 2_000, 20.0), (link(100, 30, 0.0), 10_000, 100.0)]
    {
        let mut universe = settled(link);
        universe.run(Duration::from_secs(30)).unwrap();
        let clock = universe.players()[0].client.clock().unwrap();
        let (off_us, drift_ppm) = (clock.offset_us().unwrap(), clock.drift_ppm().unwrap());
        assert!(off_us.abs() < off_us_max && drift_ppm.abs() < drift_ppm_max, "{off_us} us, {drift_ppm} ppm");
    }
}
