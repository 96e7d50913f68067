//! The conditioner does to datagrams what it was told to.

use std::time::Duration;

use tidelock::Instant;
use tidelock_sim::link::{Bottleneck, Bursts, Conditioner, LinkConfig, LinkCounts, Stalls};

const SENT: u64 = 50_000;
const SPACING: Duration = Duration::from_millis(50);

/// One delivery: which datagram, when it was sent, when it came.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Arrival {
    number: u64,
    sent: Instant,
    due: Instant,
}

impl Arrival {
    fn delay_s(&self) -> f64 {
        self.due.since(self.sent).as_secs_f64()
    }
}

/// Sends numbered datagrams at a fixed spacing and pops whenever something is due.
fn run(config: LinkConfig, seed: u64, spacing: Duration) -> (Vec<Arrival>, LinkCounts) {
    let mut link = Conditioner::new(config, seed);
    let sent_at = |number: u64| Instant::from_us(1_000_000 + number * spacing.as_micros() as u64);
    let mut arrivals = Vec::new();
    let mut pop_until = |link: &mut Conditioner, end: Instant| {
        while let Some(now) = link.next_due().filter(|due| *due <= end) {
            let delivery = link.pop_due(now).expect("due means poppable");
            assert_eq!(delivery.due, now);
            let number = u64::from_le_bytes((&*delivery.datagram).try_into().unwrap());
            arrivals.push(Arrival { number, sent: sent_at(number), due: delivery.due });
        }
    };
    for number in 0..SENT {
        pop_until(&mut link, sent_at(number));
        link.push(&number.to_le_bytes(), sent_at(number));
    }
    pop_until(&mut link, Instant::from_us(u64::MAX));
    assert_eq!(link.in_flight(), 0);
    (arrivals, link.counts())
}

fn mean_and_deviation(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

#[test]
fn a_clear_link_delivers_everything_at_once_and_in_order() {
    let (arrivals, counts) = run(LinkConfig::default(), 1, SPACING);
    assert!(arrivals.iter().all(|arrival| arrival.due == arrival.sent));
    assert!(arrivals.iter().map(|arrival| arrival.number).eq(0..SENT));
    assert_eq!(counts, LinkCounts { pushed: SENT, delivered: SENT, ..LinkCounts::default() });
}

#[test]
fn latency_without_jitter_is_exact() {
    let latency = Duration::from_millis(50);
    let (arrivals, _) = run(LinkConfig { latency, ..LinkConfig::default() }, 1, Duration::from_millis(7));
    assert!(arrivals.iter().all(|arrival| arrival.due == arrival.sent + latency));
}

#[test]
fn jitter_is_the_standard_deviation_around_the_latency() {
    let (latency, jitter) = (Duration::from_millis(40), Duration::from_millis(8));
    let (arrivals, _) = run(LinkConfig { latency, jitter, ..LinkConfig::default() }, 2, SPACING);
    let (mean, deviation) = mean_and_deviation(arrivals.iter().map(Arrival::delay_s));
    assert!((mean - 0.040).abs() < 0.0005, "{mean}");
    assert!((deviation - 0.008).abs() < 0.0005, "{deviation}");
    let fastest = arrivals.iter().map(|arrival| arrival.due.since(arrival.sent)).min().unwrap();
    assert!(fastest >= latency - jitter, "{fastest:?}");
    let slow = arrivals.iter().filter(|arrival| arrival.delay_s() > 0.040 + 3.6 * 0.008).count() as f64;
    assert!((slow / SENT as f64 - 0.01).abs() < 0.003, "{slow}");
}

#[test]
fn jitter_keeps_order_even_when_it_exceeds_the_spacing() {
    let jitter = Duration::from_millis(20);
    let config = LinkConfig { latency: jitter, jitter, ..LinkConfig::default() };
    let (arrivals, _) = run(config, 3, Duration::from_micros(500));
    assert!(arrivals.is_sorted_by(|a, b| a.number < b.number && a.due <= b.due));
}

#[test]
fn loss_is_as_set_and_independent() {
    let (arrivals, counts) = run(LinkConfig { loss: 0.05, ..LinkConfig::default() }, 4, SPACING);
    assert_eq!(counts.lost + counts.delivered, SENT);
    assert!((counts.lost as f64 / SENT as f64 - 0.05).abs() < 0.004, "{counts:?}");
    let after_loss = arrivals.windows(2).filter(|pair| pair[1].number - pair[0].number > 1).count() as f64;
    let twice = arrivals.windows(2).filter(|pair| pair[1].number - pair[0].number > 2).count() as f64;
    assert!((twice / after_loss - 0.05).abs() < 0.02, "one loss in twenty is followed by another");
}

/// How many were lost in a row, each time that any were.
fn losses_in_a_row(arrivals: &[Arrival]) -> Vec<u64> {
    let gaps = arrivals.windows(2).map(|pair| pair[1].number - pair[0].number - 1);
    gaps.filter(|lost| *lost > 0).collect()
}

#[test]
fn bursts_lose_the_share_they_were_given_so_many_in_a_row() {
    for (share, length) in [(0.05, 4.0), (0.3, 2.0), (0.1, 8.0), (0.4, 1.0)] {
        let config = LinkConfig { bursts: Some(Bursts::of(share, length)), ..LinkConfig::default() };
        let (arrivals, counts) = run(config, 14, SPACING);
        assert_eq!(counts.lost + counts.delivered, SENT);
        let lost = counts.lost as f64 / SENT as f64;
        assert!((lost / share - 1.0).abs() < 0.1, "{lost} of {share}");
        let rows = losses_in_a_row(&arrivals);
        let mean = rows.iter().sum::<u64>() as f64 / rows.len() as f64;
        assert!((mean / length - 1.0).abs() < 0.1, "{mean} of {length}");
        // The chain has no memory, so lengths are spread geometrically: one in `length` bursts is of one datagram.
        let ones = rows.iter().filter(|row| **row == 1).count() as f64 / rows.len() as f64;
        assert!((ones * length - 1.0).abs() < 0.15, "{ones} of {}", 1.0 / length);
    }
}

#[test]
fn each_state_of_a_bursty_link_loses_its_own_share() {
    let bursts = Bursts { enter: 0.05, leave: 0.2, loss: 0.6 };
    let config = LinkConfig { loss: 0.1, bursts: Some(bursts), ..LinkConfig::default() };
    assert!((config.mean_loss() - (0.8 * 0.1 + 0.2 * 0.6)).abs() < 1e-12);
    let lost = run(config, 15, SPACING).1.lost as f64 / SENT as f64;
    assert!((lost - config.mean_loss()).abs() < 0.01, "{lost}");
}

#[test]
fn bursts_change_nothing_but_what_is_lost() {
    let plain = LinkConfig { jitter: Duration::from_millis(10), duplicate: 0.1, reorder: 0.1, ..LinkConfig::default() };
    let kept = run(LinkConfig { bursts: Some(Bursts { enter: 0.0, leave: 1.0, loss: 1.0 }), ..plain }, 16, SPACING);
    assert_eq!(kept, run(plain, 16, SPACING), "a link that never enters the bad state");
    // Others arrive when they would have, as long as nobody waits for one that is lost: apart from each other, in order.
    let plain = LinkConfig { jitter: Duration::from_millis(1), ..LinkConfig::default() };
    let sparse = run(LinkConfig { bursts: Some(Bursts::of(0.2, 3.0)), ..plain }, 16, SPACING).0;
    let all = run(plain, 16, SPACING).0;
    assert!(sparse.len() < all.len());
    let mut all = all.into_iter();
    assert!(sparse.iter().all(|arrival| all.any(|other| other == *arrival)));
}

/// A fingerprint (FNV-1a) of all arrivals.
fn fingerprint(arrivals: &[Arrival]) -> u64 {
    let words = arrivals.iter().flat_map(|arrival| [arrival.number, arrival.due.as_us()]);
    words.fold(0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn fates_of_a_seed_stay_what_they_were_recorded_with() {
    let config = LinkConfig {
        latency: Duration::from_millis(30),
        jitter: Duration::from_millis(10),
        loss: 0.1,
        duplicate: 0.1,
        reorder: 0.1,
        ..LinkConfig::default()
    };
    assert_eq!(fingerprint(&run(config, 8, SPACING).0), 4_125_624_691_505_557_315);
}

#[test]
fn a_burst_ends_when_bursts_are_switched_off() {
    let all = LinkConfig { bursts: Some(Bursts::of(1.0, 1.0)), ..LinkConfig::default() };
    let mut link = Conditioner::new(all, 17);
    (0..10).for_each(|n| link.push(&[n], Instant::from_us(0)));
    assert_eq!(link.counts().lost, 10);
    link.set_config(LinkConfig::default());
    link.push(b"x", Instant::from_us(0));
    link.set_config(LinkConfig { bursts: Some(Bursts::of(0.0, 1.0)), ..LinkConfig::default() });
    link.push(b"y", Instant::from_us(0));
    assert_eq!(link.counts().lost, 10);
}

#[test]
fn duplicates_are_as_many_as_set_and_come_soon_after() {
    let (arrivals, counts) = run(LinkConfig { duplicate: 0.03, ..LinkConfig::default() }, 5, SPACING);
    assert!((counts.duplicated as f64 / SENT as f64 - 0.03).abs() < 0.003, "{counts:?}");
    assert_eq!(arrivals.len() as u64, SENT + counts.duplicated);
    assert!(arrivals.iter().all(|arrival| arrival.due.since(arrival.sent) <= Conditioner::DUPLICATE_DELAY_MAX));
}

#[test]
fn reordered_datagrams_are_overtaken_by_one_to_three() {
    let (arrivals, counts) = run(LinkConfig { reorder: 0.02, ..LinkConfig::default() }, 6, Duration::from_millis(16));
    assert!((counts.reordered as f64 / SENT as f64 - 0.02).abs() < 0.003, "{counts:?}");
    let mut newest = 0;
    let mut overtaken = 0;
    for arrival in &arrivals {
        if arrival.number < newest {
            overtaken += 1;
            assert!(newest - arrival.number <= 6, "{arrival:?} after {newest}");
        }
        newest = newest.max(arrival.number);
    }
    assert!(overtaken >= counts.reordered * 95 / 100, "{overtaken} of {}", counts.reordered);
    assert_eq!(arrivals.len() as u64, SENT);
}

#[test]
fn a_datagram_that_nobody_overtakes_is_released() {
    let mut link = Conditioner::new(LinkConfig { reorder: 1.0, ..LinkConfig::default() }, 7);
    let sent = Instant::from_us(5);
    link.push(b"alone", sent);
    let due = sent + Conditioner::HOLD_MAX;
    assert_eq!(link.next_due(), Some(due));
    assert!(link.pop_due(due - Duration::from_micros(1)).is_none());
    assert_eq!(link.pop_due(due).unwrap().datagram, b"alone");
}

#[test]
fn the_same_seed_gives_the_same_fates() {
    let config = LinkConfig {
        latency: Duration::from_millis(30),
        jitter: Duration::from_millis(10),
        loss: 0.1,
        bursts: Some(Bursts { enter: 0.02, leave: 0.3, loss: 0.8 }),
        duplicate: 0.1,
        reorder: 0.1,
        bottleneck: None,
        stalls: Some(Stalls { length: Duration::from_millis(150), every: Duration::from_secs(3) }),
    };
    assert_eq!(run(config, 8, SPACING), run(config, 8, SPACING));
    assert_ne!(run(config, 8, SPACING).0, run(config, 9, SPACING).0);
}

#[test]
fn a_longer_latency_loses_the_same_datagrams() {
    let numbers = |latency, jitter| {
        let config = LinkConfig { latency, jitter, loss: 0.1, ..LinkConfig::default() };
        run(config, 10, SPACING).0.iter().map(|arrival| arrival.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(Duration::ZERO, Duration::ZERO), numbers(Duration::from_millis(90), Duration::from_millis(5)));
}

#[test]
fn what_is_in_flight_is_bounded_and_the_rest_counted() {
    let mut link = Conditioner::new(LinkConfig { latency: Duration::from_secs(1), ..LinkConfig::default() }, 11);
    for _ in 0..Conditioner::IN_FLIGHT_MAX + 5 {
        link.push(b"x", Instant::from_us(0));
    }
    assert_eq!(link.in_flight(), Conditioner::IN_FLIGHT_MAX);
    assert_eq!(link.counts().overflowed, 5);
}

/// Sends `count` datagrams of 1,000 bytes `spacing` apart, and returns when each arrived that did.
fn squeeze(bottleneck: Bottleneck, count: u64, spacing: Duration) -> (Vec<Duration>, LinkCounts) {
    let latency = Duration::from_millis(20);
    let mut link = Conditioner::new(LinkConfig { latency, bottleneck: Some(bottleneck), ..Default::default() }, 12);
    let begin = Instant::from_us(7_000_000);
    (0..count).for_each(|n| link.push(&[n as u8; 1000], begin + spacing * n as u32));
    let mut arrivals = Vec::new();
    while let Some(due) = link.next_due() {
        arrivals.push(link.pop_due(due).unwrap().due.since(begin));
    }
    (arrivals, link.counts())
}

#[test]
fn a_bottleneck_spaces_datagrams_out_in_their_order_and_then_delays_them() {
    let (arrivals, counts) = squeeze(Bottleneck::of(100_000), 5, Duration::ZERO);
    assert_eq!(arrivals, [30, 40, 50, 60, 70].map(Duration::from_millis));
    assert_eq!(counts.queue_full, 0);
}

#[test]
fn a_bottleneck_that_keeps_up_only_takes_the_time_of_passing() {
    let (arrivals, _) = squeeze(Bottleneck::of(100_000), 3, Duration::from_millis(15));
    assert_eq!(arrivals, [30, 45, 60].map(Duration::from_millis));
}

#[test]
fn a_full_queue_drops_what_comes_last_and_counts_it() {
    let bottleneck = Bottleneck { bandwidth_bytes_s: 100_000, queue_bytes: 3_500 };
    let (arrivals, counts) = squeeze(bottleneck, 8, Duration::from_millis(1));
    // Of what comes a thousandth of a second apart, three fit; a fourth does not before the first has half passed.
    assert_eq!(arrivals[..4], [30, 40, 50, 60].map(Duration::from_millis));
    assert_eq!((arrivals.len() as u64, counts.queue_full), (4, 4));
}

#[test]
fn a_datagram_larger_than_the_queue_passes_if_nothing_waits() {
    let bottleneck = Bottleneck { bandwidth_bytes_s: 100_000, queue_bytes: 10 };
    let (arrivals, counts) = squeeze(bottleneck, 3, Duration::from_millis(10));
    assert_eq!((arrivals.len(), counts.queue_full), (3, 0));
}

#[test]
fn what_is_lost_by_chance_has_taken_its_time_in_the_bottleneck() {
    let bottleneck = Some(Bottleneck::of(100_000));
    let mut link = Conditioner::new(LinkConfig { loss: 1.0, bottleneck, ..Default::default() }, 13);
    let now = Instant::from_us(1);
    link.push(&[0; 1000], now);
    assert_eq!(link.queue_wait(now), Duration::from_millis(10));
    assert_eq!(link.counts().lost, 1);
}

#[test]
fn a_link_that_stalls_lets_everything_through_later_and_in_order() {
    let stalls = Stalls { length: Duration::from_millis(400), every: Duration::from_secs(4) };
    let latency = Duration::from_millis(20);
    let config = LinkConfig { latency, stalls: Some(stalls), ..LinkConfig::default() };
    let (arrivals, counts) = run(config, 3, SPACING);
    assert!(arrivals.iter().map(|arrival| arrival.number).eq(0..SENT));
    assert_eq!(counts.lost + counts.reordered, 0);
    let late = arrivals.iter().filter(|arrival| arrival.due > arrival.sent + latency).count() as f64 / SENT as f64;
    assert!((late - stalls.share()).abs() < 0.01, "{late}");
    assert!(arrivals.iter().all(|arrival| arrival.due <= arrival.sent + latency + stalls.length));
}
