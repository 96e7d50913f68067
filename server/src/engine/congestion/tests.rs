//! The controller before a path of its own: a queue, a way there and back, and chance.

use super::*;
use crate::engine::budget::Budget;
use std::collections::VecDeque;

const KIB: u32 = 1024;
const TICK: Duration = Duration::from_micros(16_667);
const BEGIN_US: u64 = 1_000_000;

/// A server that has a lot to send to one client.
struct Path {
    bandwidth_bytes_s: u32,
    queue_bytes: u32,
    rtt: Duration,
    loss: f64,
    chance: u64,
    /// Bytes a second that there are to be sent.
    wanted_bytes_s: u32,
    congestion: Congestion,
    budget: Budget,
    estimate: RttEstimator,
    now: Instant,
    next_sequence: u64,
    newest_acked: u64,
    queue_empty_at: Instant,
    /// When its ack is here, which it is, and when it was sent; none: it is noticed that there is none.
    acks: VecDeque<(Instant, u64, Option<Instant>)>,
    back_offs: Vec<BackOff>,
    arrived_bytes: u64,
    dropped: u64,
}

/// What was seen in some time.
#[derive(Debug)]
struct Seen {
    queue_max: Duration,
    rate_min: u32,
    rate_max: u32,
    arrived_bytes_s: f64,
}

impl Path {
    /// A client that has just been welcomed, in a few small datagrams.
    fn new(bandwidth_bytes_s: u32, max_bytes_s: u32) -> Self {
        let begin = Instant::from_us(BEGIN_US);
        let mut path = Self {
            bandwidth_bytes_s,
            queue_bytes: 100 * KIB,
            rtt: Duration::from_millis(60),
            loss: 0.0,
            chance: 1,
            wanted_bytes_s: 4 * KIB,
            congestion: Congestion::new(RateBounds::new(max_bytes_s, 60)),
            budget: Budget::default(),
            estimate: RttEstimator::default(),
            now: begin,
            next_sequence: 0,
            newest_acked: 0,
            queue_empty_at: begin,
            acks: VecDeque::new(),
            back_offs: Vec::new(),
            arrived_bytes: 0,
            dropped: 0,
        };
        path.run(0.3);
        path.wanted_bytes_s = u32::MAX;
        path
    }

    fn run(&mut self, seconds: f64) -> Seen {
        let (begin, arrived) = (self.now, self.arrived_bytes);
        let end = begin + Duration::from_secs_f64(seconds);
        let mut seen = Seen { queue_max: Duration::ZERO, rate_min: u32::MAX, rate_max: 0, arrived_bytes_s: 0.0 };
        while self.now < end {
            self.tick();
            seen.queue_max = seen.queue_max.max(self.queue_empty_at.since(self.now));
            seen.rate_min = seen.rate_min.min(self.congestion.rate_bytes_s());
            seen.rate_max = seen.rate_max.max(self.congestion.rate_bytes_s());
        }
        seen.arrived_bytes_s = (self.arrived_bytes - arrived) as f64 / seconds;
        seen
    }

    fn tick(&mut self) {
        self.now += TICK;
        self.take_acks();
        self.back_offs.extend(self.congestion.update(self.now, TICK));
        self.budget.refill(self.congestion.rate_bytes_s(), TICK, self.now);
        let mut wanted = (f64::from(self.wanted_bytes_s) * TICK.as_secs_f64()) as usize;
        while wanted > 0 {
            let bytes = wanted.min(self.budget.available_bytes()).min(1_200);
            if bytes < wanted.min(1_200) {
                self.congestion.on_short(self.now);
            }
            if bytes == 0 {
                break;
            }
            self.budget.spend(bytes);
            self.send(bytes);
            wanted -= bytes;
        }
    }

    fn send(&mut self, bytes: usize) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.congestion.on_sent(sequence, bytes);
        let wait = self.queue_empty_at.since(self.now);
        let waiting = wait.as_secs_f64() * f64::from(self.bandwidth_bytes_s);
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let is_lost = ((self.chance >> 33) as f64 / f64::from(1u32 << 31)) < self.loss;
        if waiting + bytes as f64 > f64::from(self.queue_bytes) {
            self.dropped += 1;
            self.acks.push_back((self.now + wait + self.rtt + TICK * 3, sequence, None));
            return;
        }
        self.queue_empty_at =
            self.now + wait + Duration::from_secs_f64(bytes as f64 / f64::from(self.bandwidth_bytes_s));
        let acked_at = self.queue_empty_at + self.rtt;
        if is_lost {
            self.acks.push_back((acked_at + TICK * 3, sequence, None));
        } else {
            self.arrived_bytes += bytes as u64;
            self.acks.push_back((acked_at, sequence, Some(self.now)));
        }
    }

    fn take_acks(&mut self) {
        self.acks.make_contiguous().sort_unstable();
        while let Some((at, sequence, sent)) = self.acks.pop_front_if(|(at, ..)| *at <= self.now) {
            match sent {
                None => self.congestion.on_fate(sequence, false, at),
                Some(sent) => {
                    self.congestion.on_fate(sequence, true, at);
                    if sequence > self.newest_acked {
                        self.newest_acked = sequence;
                        self.estimate.sample(at.since(sent));
                    }
                    self.congestion.on_acks(&self.estimate, at);
                }
            }
        }
    }

    fn count(&self, cause: BackOff) -> usize {
        self.back_offs.iter().filter(|back_off| **back_off == cause).count()
    }
}

#[test]
fn a_clear_path_is_used_up_to_the_cap_within_a_second() {
    let mut path = Path::new(u32::MAX, 1024 * KIB);
    path.run(1.0);
    assert_eq!(path.congestion.rate_bytes_s(), 1024 * KIB);
    let seen = path.run(10.0);
    assert_eq!((seen.rate_min, path.back_offs.len()), (1024 * KIB, 0));
}

#[test]
fn what_nobody_asked_for_does_not_grow() {
    let mut path = Path::new(u32::MAX, 1024 * KIB);
    path.wanted_bytes_s = 20 * KIB;
    let seen = path.run(10.0);
    assert!(seen.rate_max <= 200 * KIB, "{seen:?}");
    path.wanted_bytes_s = u32::MAX;
    path.run(0.5);
    assert_eq!(path.congestion.rate_bytes_s(), 1024 * KIB);
}

#[test]
fn before_a_bottleneck_it_settles_a_little_below_and_keeps_the_queue_short() {
    for bandwidth in [16, 24, 40, 200] {
        let mut path = Path::new(bandwidth * KIB, 4 * bandwidth * KIB);
        path.run(5.0);
        let dropped = path.dropped;
        let seen = path.run(40.0);
        let share = seen.arrived_bytes_s / f64::from(bandwidth * KIB);
        assert!((0.85..=1.0).contains(&share), "{bandwidth}: {share} {seen:?}");
        assert!(seen.rate_min >= bandwidth * KIB * 7 / 10, "{bandwidth}: {seen:?}");
        assert!(seen.queue_max < Duration::from_millis(100), "{bandwidth}: {seen:?}");
        assert_eq!(path.dropped, dropped);
    }
}

#[test]
fn before_a_bottleneck_without_a_queue_loss_tells() {
    let mut path = Path::new(24 * KIB, 64 * KIB);
    path.queue_bytes = 1_300;
    path.run(5.0);
    let (dropped, sent) = (path.dropped, path.next_sequence);
    let seen = path.run(40.0);
    let lost = (path.dropped - dropped) as f64 / (path.next_sequence - sent) as f64;
    assert!(seen.arrived_bytes_s > 0.7 * f64::from(24 * KIB), "{seen:?}");
    assert!(lost < 0.08, "{lost}");
    assert!(path.count(BackOff::Loss) > 0, "{:?}", path.back_offs);
}

#[test]
fn losses_by_chance_are_no_congestion() {
    for loss in [0.02, 0.05, 0.1] {
        let mut path = Path::new(u32::MAX, 64 * KIB);
        path.loss = loss;
        path.run(10.0);
        let seen = path.run(60.0);
        assert!(seen.rate_min >= 64 * KIB * 8 / 10, "{loss}: {seen:?}");
        assert!(seen.arrived_bytes_s > (1.0 - loss) * 0.93 * f64::from(64 * KIB), "{loss}: {seen:?}");
    }
}

#[test]
fn a_narrow_bottleneck_is_noticed_before_the_acks_tell_of_it() {
    for bandwidth in [9, 24] {
        let mut path = Path::new(bandwidth * KIB, 64 * KIB);
        let seen = path.run(1.0);
        let too_much = seen.queue_max.as_secs_f64() * f64::from(bandwidth * KIB);
        assert!(too_much < 16_000.0, "{too_much} bytes of {seen:?}");
        path.run(7.0);
        assert!(path.run(5.0).queue_max < Duration::from_millis(100), "{bandwidth}");
    }
}

#[test]
fn a_bottleneck_that_widens_is_noticed() {
    let mut path = Path::new(24 * KIB, 64 * KIB);
    path.run(20.0);
    path.bandwidth_bytes_s = 200 * KIB;
    path.run(10.0);
    assert_eq!(path.congestion.rate_bytes_s(), 64 * KIB);
}

#[test]
fn a_bottleneck_that_narrows_is_noticed() {
    let mut path = Path::new(200 * KIB, 128 * KIB);
    path.run(20.0);
    assert_eq!(path.congestion.rate_bytes_s(), 128 * KIB);
    path.bandwidth_bytes_s = 24 * KIB;
    path.run(8.0);
    let seen = path.run(20.0);
    assert!(seen.queue_max < Duration::from_millis(100), "{seen:?}");
    assert!(seen.arrived_bytes_s > 0.85 * f64::from(24 * KIB), "{seen:?}");
}

#[test]
fn a_longer_way_is_no_queue_for_long() {
    let mut path = Path::new(u32::MAX, 64 * KIB);
    path.run(10.0);
    path.rtt = Duration::from_millis(180);
    let seen = path.run(10.0);
    assert!(seen.rate_min >= 64 * KIB / 2, "{seen:?}");
    assert_eq!(path.congestion.rate_bytes_s(), 64 * KIB, "{seen:?} {:?}", path.back_offs);
    assert!(path.back_offs.len() <= 2, "{:?}", path.back_offs);
}

#[test]
fn after_an_outage_it_starts_anew() {
    let mut path = Path::new(u32::MAX, 64 * KIB);
    path.run(5.0);
    path.loss = 1.0;
    let seen = path.run(3.0);
    assert_eq!(seen.rate_min, RateBounds::new(64 * KIB, 60).min_bytes_s);
    path.loss = 0.0;
    path.run(2.0);
    assert_eq!(path.congestion.rate_bytes_s(), 64 * KIB);
}

#[test]
fn the_rate_never_leaves_its_bounds() {
    for (max, hz, min) in
        [(4 * KIB, 60, 4 * KIB), (64 * KIB, 60, 7_680), (64 * KIB, 10, 4 * KIB), (64 * KIB, 240, 30_720)]
    {
        let bounds = RateBounds::new(max, hz);
        assert_eq!((bounds.min_bytes_s, bounds.max_bytes_s), (min, max));
        let mut path = Path::new(KIB, max);
        path.congestion = Congestion::new(bounds);
        let seen = path.run(20.0);
        assert!(seen.rate_min >= min && seen.rate_max <= max, "{seen:?}");
    }
}

#[test]
fn no_bound_is_no_control() {
    let mut path = Path::new(KIB, u32::MAX);
    path.wanted_bytes_s = 100 * KIB;
    let seen = path.run(5.0);
    assert_eq!((seen.rate_min, seen.rate_max), (u32::MAX, u32::MAX));
}

/// Acks of whatever was sent or of nothing, and round trips of any length: half a second of each, so that queues seem to grow, to
/// stand and to go, and now and then nothing arrives at all.
#[test]
fn whatever_a_client_says_of_what_arrived_the_rate_stays_within_its_bounds() {
    for seed in 0..200u64 {
        let bounds = RateBounds::new(64 * KIB, 60);
        let (mut congestion, mut estimate) = (Congestion::new(bounds), RttEstimator::default());
        let (mut now, mut next, mut chance) = (Instant::from_us(BEGIN_US), 0u64, seed * 2 + 1);
        let mut below = |bound: u64| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (chance >> 33) % bound
        };
        let (mut rtt_ms, mut acks) = (50, 0);
        for tick in 0..2_000 {
            if tick % 30 == 0 {
                (rtt_ms, acks) = ([1, 20, 50, 300, 3_000][below(5) as usize], below(4));
            }
            now += TICK;
            congestion.on_short(now);
            congestion.update(now, TICK);
            let rate = congestion.rate_bytes_s();
            assert!((bounds.min_bytes_s..=bounds.max_bytes_s).contains(&rate), "{rate} in tick {tick} of {seed}");
            for _ in 0..below(3) {
                congestion.on_sent(next, 1 + below(1_200) as usize);
                next += 1;
            }
            if acks > 1 {
                for _ in 0..below(6) {
                    congestion.on_fate(next.saturating_sub(below(40)), below(4) > 0, now);
                }
                estimate.sample(Duration::from_millis(rtt_ms + below(10)));
            }
            if acks > 0 {
                congestion.on_acks(&estimate, now);
            }
        }
    }
}
