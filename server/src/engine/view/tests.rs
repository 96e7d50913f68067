//! A client in a few lines: what it was sent it may hold or not, and its acks come in any order.

use super::*;
use crate::engine::marks::bits;
use bevy_ecs::entity::Entity;
use proptest::prelude::*;
use std::collections::BTreeMap;
use tidelock::state::{Field, Input, LaneReader, LaneWriter, Replicate, Schema};
use tidelock::wire::{HeldStream, ResumeClaim};

#[derive(Clone, Default)]
struct Points(i32);

impl Replicate for Points {
    const NAME: &'static str = "points";
    const FIELDS: &'static [Field] = &[Field::integer("points", 0, 1_000_000)];
    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.integer(self.0);
    }
    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.integer())
    }
}

impl Input for Points {
    fn clear_one_shots(&mut self) {}
}

/// A world and one client's view of it.
struct Pair {
    history: History,
    views: Views,
    marks: Marks,
    tables: RecordTables,
    tick: Tick,
    visible: u64,
    sent: Vec<Datagram>,
    /// What the client holds: by index the tick of the snapshot that brought it, and what it was. It forgets nothing.
    held: BTreeMap<u32, BTreeMap<u32, u32>>,
}

/// Its sequence is its place.
#[derive(Clone, Debug)]
struct Datagram {
    tick: Tick,
    /// Index, named baselines, new state.
    records: Vec<(u32, [Option<Tick>; 2], u32)>,
    leaves: Vec<u32>,
}

const ENTITIES: u32 = 6;
const PUBLIC: Audience = Audience::Public;

impl Pair {
    /// A client that sees `visible` since tick 1.
    fn new(visible: u64) -> Self {
        let schema = Schema::builder("test").component::<Points>(PUBLIC).input::<Points>().build().unwrap();
        let mut history = History::new(&schema, 60);
        for n in 0..ENTITIES {
            history.insert(Entity::from_raw_u32(n).unwrap(), Tick(1)).unwrap();
            history.set(n, (PUBLIC, 0), &[1]);
        }
        history.commit(Tick(1));
        let mut marks = Marks::default();
        marks.reach(ENTITIES as usize);
        let (views, tables) = (Views::default(), RecordTables::default());
        let mut pair =
            Self { history, views, marks, tables, tick: Tick(1), visible, sent: Vec::new(), held: BTreeMap::new() };
        pair.collect();
        pair
    }

    /// The world changes in a new tick, and what is due is collected.
    fn step(&mut self, changing: u64) {
        self.tick = self.tick.next();
        for index in bits(changing).filter(|index| *index < ENTITIES) {
            self.history.set(index, (PUBLIC, 0), &[self.tick.0]);
        }
        self.history.commit(self.tick);
        self.collect();
    }

    fn collect(&mut self) {
        bits(self.visible & ((1 << ENTITIES) - 1)).for_each(|index| self.marks.add(index, true));
        self.views.update(PUBLIC, &mut self.marks, &mut self.history, self.tick);
        self.views.update(Audience::Owner, &mut self.marks, &mut self.history, self.tick);
        self.tables.begin(self.tick);
        self.history.merge_changes(self.tick, 1);
        self.views.collect(&self.history, self.tick, &mut self.tables);
    }

    /// What is due: index and named baseline.
    fn due(&self) -> Vec<(u32, Option<Tick>)> {
        let part = self.views.of(PUBLIC);
        let plain = part.due.iter().flat_map(|word| bits(word.bits).map(move |bit| word.at * 64 + bit));
        let mut due: Vec<_> = plain.map(|index| (index, self.views.base())).collect();
        due.extend(part.extras.iter().filter_map(|extra| match extra.kind {
            ExtraKind::Record(baseline) => Some((extra.index, baseline)),
            ExtraKind::Leave { .. } => None,
        }));
        due.sort_unstable_by_key(|(index, _)| *index);
        due
    }

    /// The second baseline of what is due of a stream.
    fn second_of(&self, index: u32) -> Option<Tick> {
        let is_regular = self.views.of(PUBLIC).due.iter().any(|word| word.bits >> (index % 64) & 1 != 0);
        self.views.second().filter(|_| is_regular)
    }

    fn indices_due(&self) -> Vec<u32> {
        self.due().iter().map(|(index, _)| *index).collect()
    }

    /// Sends what is due but for `put_off`, split over two datagrams if `split`.
    fn send(&mut self, put_off: u64, split: bool) {
        let put_off = self.indices_due().into_iter().filter(|index| put_off >> index & 1 != 0);
        self.views.put_off(PUBLIC, put_off.collect::<Vec<_>>().into_iter(), self.tick);
        self.views.on_collected(self.tick);
        let due = self.due();
        let extras = self.views.of(PUBLIC).extras.iter();
        let leaves = extras.filter(|extra| matches!(extra.kind, ExtraKind::Leave { .. })).map(|extra| extra.index);
        let mut leaves: Vec<u32> = leaves.collect();
        let (first, second) = due.split_at(if split { due.len() / 2 } else { due.len() });
        for records in [first, second].into_iter().take(1 + usize::from(split)) {
            self.views.open_datagram(self.sent.len() as u64, self.tick);
            let leaves = std::mem::take(&mut leaves);
            let (_, flight) = self.views.part_and_flight(PUBLIC);
            records.iter().for_each(|(index, _)| flight.note(PUBLIC, *index, false));
            leaves.iter().for_each(|index| flight.note(PUBLIC, *index, true));
            let state = |index| self.history.of(PUBLIC).newest(index).lanes[0];
            let second = |index: u32| self.second_of(index);
            let named = |(index, first): &(u32, Option<Tick>)| (*index, [*first, second(*index)], state(*index));
            let records = records.iter().map(named).collect();
            self.sent.push(Datagram { tick: self.tick, records, leaves });
        }
        self.views.on_sent(self.tick);
    }

    /// A datagram reaches the client, which looks baselines up as the protocol says.
    fn deliver(&mut self, sequence: usize) {
        // What leaves is kept, as late deltas may build on it.
        let Datagram { tick, records, .. } = self.sent[sequence].clone();
        for (index, named, state) in records {
            let held = self.held.entry(index).or_default();
            for baseline in named.into_iter().flatten() {
                let found = held.range(..=baseline.0).next_back().map(|(_, state)| *state);
                let meant = self.history.at(index, PUBLIC, baseline).map(|version| version.lanes[0]);
                // What the history has forgotten goes out in full.
                assert!(meant.is_none() || found == meant, "{index} of {baseline}: {found:?}, meant {meant:?}");
            }
            held.insert(tick.0, state);
        }
    }

    fn ack(&mut self, sequences: &[usize]) {
        self.settle(sequences, true);
    }

    fn lose(&mut self, sequences: &[usize]) {
        self.settle(sequences, false);
    }

    fn settle(&mut self, sequences: &[usize], acked: bool) {
        sequences.iter().for_each(|sequence| self.views.on_fate(*sequence as u64, acked));
        self.views.settle(0, &mut self.history, self.tick);
    }

    fn exceptions(&self) -> usize {
        self.views.of(PUBLIC).exceptions.len()
    }

    /// A client that holds three of tick 1 and has acknowledged them.
    fn settled() -> Self {
        let mut pair = Self::new(0b111);
        pair.send(0, false);
        pair.deliver(0);
        pair.ack(&[0]);
        assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(1)), 0));
        pair
    }

    /// Steps, and sends all that is due in one datagram. Returns its sequence.
    fn sends(&mut self, changing: u64) -> usize {
        self.step(changing);
        self.send(0, false);
        self.sent.len() - 1
    }
}

#[test]
fn acks_move_the_base_and_leave_no_exceptions() {
    let mut pair = Pair::settled();
    for _ in 0..5 {
        let sequence = pair.sends(0b011);
        assert_eq!(pair.sent[sequence].records.iter().map(|record| record.0).collect::<Vec<_>>(), [0, 1]);
        pair.deliver(sequence);
        pair.ack(&[sequence]);
        assert_eq!((pair.views.base(), pair.exceptions()), (Some(pair.tick), 0));
    }
}

#[test]
fn the_base_never_moves_back() {
    let mut pair = Pair::settled();
    let sequences: Vec<usize> = (0..3).map(|_| pair.sends(0b111)).collect();
    pair.ack(&[sequences[2]]);
    pair.ack(&[sequences[0], sequences[1]]);
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(4)), 0));
}

#[test]
fn nothing_is_sent_again_while_it_is_under_way() {
    let mut pair = Pair::settled();
    pair.sends(0b001);
    pair.step(0);
    assert_eq!(pair.due(), []);
}

#[test]
fn what_is_lost_is_due_again_if_nothing_newer_of_it_is_under_way() {
    let mut pair = Pair::settled();
    let lost = pair.sends(0b011);
    let later = pair.sends(0b010);
    pair.lose(&[lost]);
    pair.step(0);
    assert_eq!(pair.due(), [(0, Some(Tick(1)))]);
    pair.send(0, false);
    pair.ack(&[later]);
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(3)), 1), "stream 0 is still of tick 1");
    pair.step(0b001);
    assert_eq!(pair.due(), [(0, Some(Tick(1)))]);
}

#[test]
fn an_ack_after_all_takes_a_loss_back() {
    let mut pair = Pair::settled();
    let late = pair.sends(0b001);
    pair.lose(&[late]);
    pair.ack(&[late]);
    pair.step(0);
    assert_eq!((pair.due(), pair.views.base(), pair.exceptions()), (vec![], Some(Tick(2)), 0));
}

#[test]
fn a_snapshot_whose_end_may_still_arrive_is_no_base_yet() {
    let mut pair = Pair::settled();
    pair.step(0b111);
    pair.send(0, true);
    pair.ack(&[1]);
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(1)), 0));
    pair.ack(&[2]);
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(2)), 0));
}

#[test]
fn a_snapshot_with_a_hole_is_a_base_but_for_what_is_in_the_hole() {
    let mut pair = Pair::settled();
    pair.step(0b111);
    pair.send(0, true);
    pair.ack(&[2]);
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(2)), 1));
    pair.step(0b111);
    assert_eq!(pair.due(), [(0, Some(Tick(1))), (1, Some(Tick(2))), (2, Some(Tick(2)))]);
}

#[test]
fn what_was_put_off_is_no_part_of_any_base_from_then() {
    let mut pair = Pair::settled();
    pair.step(0b011);
    pair.send(0b001, false);
    let later = pair.sends(0b001);
    pair.ack(&[later]);
    pair.step(0b001);
    assert_eq!((pair.views.base(), pair.due()), (Some(Tick(3)), vec![(0, Some(Tick(3)))]));
    // Acks of the snapshot that went without it may come in between.
    let mut pair = Pair::settled();
    let first = pair.sends(0b001);
    pair.step(0b011);
    pair.send(0b001, false);
    let (without, _) = (pair.sent.len() - 1, pair.sends(0b001));
    pair.ack(&[first]);
    pair.ack(&[without]);
    pair.step(0b001);
    assert_eq!((pair.views.base(), pair.due()), (Some(Tick(3)), vec![(0, Some(Tick(2)))]));
}

#[test]
fn what_was_sent_before_a_visibility_says_nothing_of_it() {
    let mut pair = Pair::settled();
    let before = pair.sends(0b001);
    pair.visible = 0b110;
    let leave = pair.sends(0);
    assert_eq!(pair.sent[leave].leaves, [0]);
    pair.visible = 0b111;
    pair.step(0);
    assert_eq!(pair.due(), [(0, None)]);
    pair.ack(&[before, leave]);
    assert_eq!((pair.views.len(), pair.exceptions()), (3, 1));
    pair.step(0);
    assert_eq!(pair.due(), [(0, None)]);
}

#[test]
fn who_acknowledges_a_leave_has_forgotten() {
    let mut pair = Pair::settled();
    pair.visible = 0b110;
    let leave = pair.sends(0);
    assert_eq!((pair.views.len(), pair.history.viewer_count()), (3, 3));
    pair.ack(&[leave]);
    assert_eq!((pair.views.len(), pair.history.viewer_count()), (2, 2));
}

#[test]
fn a_leave_that_is_not_acknowledged_grows_old_and_is_said_again_when_lost() {
    let mut pair = Pair::settled();
    pair.visible = 0b110;
    let leave = pair.sends(0);
    (0..5).for_each(|_| pair.step(0));
    assert_eq!((pair.views.leaving_ticks(), pair.views.is_due()), (5, false));
    pair.lose(&[leave]);
    let again = pair.sends(0);
    assert_eq!(pair.sent[again].leaves, [0]);
}

#[test]
fn after_a_desync_only_what_is_sent_from_then_on_counts() {
    let mut pair = Pair::settled();
    let before = pair.sends(0b111);
    pair.views.forget_baselines(pair.tick.next());
    pair.ack(&[before]);
    pair.step(0);
    assert_eq!((pair.views.base(), pair.due()), (None, vec![(0, None), (1, None), (2, None)]));
    pair.send(0, false);
    pair.ack(&[pair.sent.len() - 1]);
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(3)), 0));
}

#[test]
fn the_second_baseline_lies_as_far_before_the_first_as_that_lies_back() {
    let mut pair = Pair::settled();
    let sequences: Vec<usize> = (0..8).map(|_| pair.sends(0b001)).collect();
    assert_eq!(pair.second_of(0), None, "nothing but tick 1 was a base");
    for sequence in sequences {
        pair.ack(&[sequence]);
    }
    // The bases were 1 to 9; three ticks later the second is of three ticks before the newest.
    for _ in 0..2 {
        pair.sends(0b001);
    }
    pair.step(0b011);
    assert_eq!(
        (pair.views.base(), pair.second_of(0), pair.second_of(1)),
        (Some(Tick(9)), Some(Tick(6)), Some(Tick(6)))
    );
}

#[test]
fn who_entered_since_the_second_baseline_does_without_it() {
    let mut pair = Pair::settled();
    (0..3).for_each(|_| {
        let sequence = pair.sends(0b001);
        pair.ack(&[sequence]);
    });
    pair.visible = 0b1111;
    let sequence = pair.sends(0b001);
    pair.ack(&[sequence]);
    for _ in 0..2 {
        pair.sends(0b001);
    }
    pair.step(0b1001);
    assert_eq!(pair.due(), [(0, Some(Tick(5))), (3, Some(Tick(5)))]);
    assert_eq!((pair.second_of(0), pair.second_of(3)), (Some(Tick(2)), None));
}

#[test]
fn ghosts_are_the_lowest_that_are_free_and_stay_till_the_leave_is_acknowledged() {
    let mut pair = Pair::settled();
    let ghosts = |pair: &Pair| [0, 1, 2, 3, 4].map(|index| pair.views.of(PUBLIC).ghost_of(index));
    assert_eq!(ghosts(&pair), [Some(0), Some(1), Some(2), None, None]);
    pair.visible = 0b1101;
    let leave = pair.sends(0);
    assert_eq!(ghosts(&pair), [Some(0), None, Some(2), Some(3), None]);
    pair.ack(&[leave]);
    pair.visible = 0b1_1101;
    pair.step(0);
    assert_eq!(ghosts(&pair), [Some(0), None, Some(2), Some(3), Some(1)]);
}

#[test]
fn slow_snapshots_carry_what_changed_since_the_last() {
    let mut pair = Pair::settled();
    for changing in [0b001, 0b010, 0] {
        pair.tick = pair.tick.next();
        bits(changing).for_each(|index| pair.history.set(index, (PUBLIC, 0), &[pair.tick.0]));
        pair.history.commit(pair.tick);
    }
    pair.collect();
    assert_eq!(pair.indices_due(), [0, 1]);
}

/// What a client says it holds of streams 0 to 2, as of `ticks`.
fn claim(pair: &Pair, ticks: [u32; 3]) -> ResumeClaim {
    let held = |(index, tick): (usize, u32)| {
        let hash = pair.history.of(PUBLIC).head_at(index as u32, Tick(tick)).map_or(0, |head| head.hash);
        HeldStream { audience: PUBLIC, index: index as u32, tick: Tick(tick), proof: HeldStream::proof_of(hash) }
    };
    ResumeClaim { payload_hash: 0, streams: ticks.into_iter().enumerate().map(held).collect() }
}

#[test]
fn what_proves_to_be_held_after_an_absence_is_not_sent_again() {
    let mut pair = Pair::settled();
    pair.sends(0b001);
    let claim = claim(&pair, [1, 1, 1]);
    assert!(pair.views.resume(&claim, &pair.history, pair.tick));
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(1)), 1));
    pair.step(0);
    assert_eq!(pair.due(), [(0, Some(Tick(1)))], "only that changed meanwhile");
}

#[test]
fn what_does_not_prove_to_be_held_goes_out_in_full() {
    let pair = || {
        let mut pair = Pair::settled();
        pair.sends(0b001);
        pair
    };
    let right = claim(&pair(), [1, 1, 1]).streams[0];
    let wrong = [
        HeldStream { proof: right.proof ^ 1, ..right },
        HeldStream { tick: Tick(2), ..right },
        HeldStream { tick: Tick(3), ..right },
        HeldStream { tick: Tick(0), ..right },
    ];
    for held in wrong {
        let mut pair = pair();
        let claim = ResumeClaim { payload_hash: 0, streams: vec![held] };
        assert!(pair.views.resume(&claim, &pair.history, pair.tick));
        pair.step(0);
        assert_eq!(pair.due(), [(0, None), (1, None), (2, None)], "{held:?}");
    }
}

#[test]
fn a_claim_of_what_is_not_in_view_is_refused() {
    let mut pair = Pair::settled();
    let right = claim(&pair, [1, 1, 1]);
    for stranger in [(PUBLIC, 3), (Audience::Owner, 0)] {
        let mut claim = right.clone();
        claim.streams.push(HeldStream { audience: stranger.0, index: stranger.1, ..right.streams[0] });
        assert!(!pair.views.resume(&claim, &pair.history, pair.tick));
    }
}

#[test]
fn a_leave_that_was_under_way_is_said_again_and_is_no_older_for_the_absence() {
    let mut pair = Pair::settled();
    pair.visible = 0b110;
    pair.sends(0);
    (0..20).for_each(|_| pair.step(0));
    assert_eq!(pair.views.leaving_ticks(), 20);
    let claim = claim(&pair, [1, 1, 1]);
    assert!(pair.views.resume(&claim, &pair.history, pair.tick));
    assert_eq!(pair.views.leaving_ticks(), 0);
    let again = pair.sends(0);
    assert_eq!((&*pair.sent[again].leaves, pair.views.leaving_ticks()), (&[0][..], 1));
}

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
                    if sequence >= forgotten {
                        pair.deliver(sequence);
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
                    forgotten = pair.sent.len();
                    arrived.clear();
                }
                Event::Arrive(_) => {}
            }
        }
        pair.lose(&(0..pair.sent.len()).collect::<Vec<_>>());
        for _ in 0..3 {
            let mut now = Vec::new();
            step(&mut pair, &mut now, 0, 0, false);
            now.iter().for_each(|sequence| pair.deliver(*sequence));
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
