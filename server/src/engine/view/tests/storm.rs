//! Everything at once, by chance.

use super::pair::{PUBLIC, Pair};
use crate::engine::marks::bits;
use proptest::prelude::*;
use tidelock::Tick;

#[derive(Clone, Debug)]
enum Event {
    /// A tick: what changes, what is visible, what is put off, whether in two datagrams.
    Tick {
        changing: u64,
        flips: u64,
        put_off: u64,
        split: bool,
    },
    /// Of the datagrams under way one arrives, from the oldest.
    Arrive(usize),
    /// Acks of some that have arrived are heard.
    Hear(u64),
    /// One that is under way, or has arrived, is taken for lost.
    GiveUp(usize),
    Desync,
    /// For so many ticks nothing changes, and nothing is sent.
    Calm(u32),
}

fn event() -> impl Strategy<Value = Event> {
    let rarely = |of: u64| prop_oneof![4 => Just(0), 1 => 0..of];
    prop_oneof![
        8 => (0u64..64, rarely(64), rarely(64), any::<bool>())
            .prop_map(|(changing, flips, put_off, split)| Event::Tick { changing, flips, put_off, split }),
        6 => (0usize..4).prop_map(Event::Arrive),
        5 => any::<u64>().prop_map(Event::Hear),
        2 => (0usize..6).prop_map(Event::GiveUp),
        1 => Just(Event::Desync),
        1 => (1u32..700).prop_map(Event::Calm),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Whatever is lost, late or put off, each delta builds on what the client finds under the tick that it names, and in
    /// the end the client holds everything.
    #[test]
    fn a_client_always_holds_what_deltas_build_on(events in prop::collection::vec(event(), 1..120)) {
        let mut pair = Pair::new(0b11_1111);
        pair.send(0, false);
        let (mut under_way, mut arrived): (Vec<usize>, Vec<usize>) = (vec![0], Vec::new());
        let mut forgotten = 0;
        let step = |pair: &mut Pair, under_way: &mut Vec<usize>, changing, put_off, split| {
            pair.step(changing);
            let from = pair.sent.len();
            pair.send(put_off, split);
            under_way.extend(from..pair.sent.len());
        };
        for event in events {
            match event {
                Event::Tick { changing, flips, put_off, split } => {
                    pair.visible ^= flips;
                    step(&mut pair, &mut under_way, changing, put_off, split);
                }
                Event::Arrive(n) if n < under_way.len() => {
                    let sequence = under_way.remove(n);
                    if sequence >= forgotten && pair.deliver(sequence) {
                        arrived.push(sequence);
                    }
                }
                Event::Hear(which) => {
                    let heard = |n: &usize| which >> (n % 64) & 1 != 0;
                    let (now, later): (Vec<usize>, _) = arrived.into_iter().partition(heard);
                    arrived = later;
                    pair.ack(&now);
                }
                Event::GiveUp(n) => {
                    let lost: Vec<usize> = under_way.iter().chain(&arrived).copied().nth(n).into_iter().collect();
                    pair.lose(&lost);
                }
                Event::Desync => {
                    // What is under way builds on what the client has forgotten, and is dropped.
                    pair.views.forget_baselines(pair.tick.next());
                    pair.held.clear();
                    pair.left.clear();
                    forgotten = pair.sent.len();
                    arrived.clear();
                }
                Event::Calm(ticks) => pair.tick = Tick(pair.tick.0 + ticks),
                Event::Arrive(_) => {}
            }
        }
        pair.lose(&(0..pair.sent.len()).collect::<Vec<_>>());
        for _ in 0..3 {
            let mut now = Vec::new();
            step(&mut pair, &mut now, 0, 0, false);
            assert!(now.iter().all(|sequence| pair.deliver(*sequence)));
            pair.ack(&now);
        }
        prop_assert_eq!(pair.exceptions(), 0);
        for index in bits(pair.visible & 0b11_1111) {
            let newest = pair.held.get(&index).and_then(|held| held.values().next_back()).copied();
            prop_assert_eq!(newest, Some(pair.history.of(PUBLIC).newest(index).lanes[0]));
        }
        prop_assert_eq!(pair.views.len(), pair.history.viewer_count());
    }
}
