use crate::engine::marks::bits;
use crate::engine::points::points_schema;
use crate::engine::view::*;
use bevy_ecs::entity::Entity;
use std::collections::BTreeMap;
use std::time::Duration;
use tidelock::wire::RecordsHead;

/// A world and one client's view of it.
pub(super) struct Pair {
    pub(super) history: History,
    pub(super) views: Views,
    pub(super) marks: Marks,
    pub(super) tables: RecordTables,
    pub(super) tick: Tick,
    pub(super) visible: u64,
    pub(super) sent: Vec<Datagram>,
    /// What the client holds: by index the tick of the snapshot that brought it, and what it was. It forgets all that it may.
    pub(super) held: BTreeMap<u32, BTreeMap<u32, u32>>,
    /// Of what has left: when.
    pub(super) left: BTreeMap<u32, u32>,
    /// The newest tick that reached the client.
    pub(super) newest: u32,
}

/// Its sequence is its place.
#[derive(Clone, Debug)]
pub(super) struct Datagram {
    pub(super) tick: Tick,
    /// Index, named baselines, new state.
    pub(super) records: Vec<(u32, [Option<Tick>; 2], u32)>,
    pub(super) leaves: Vec<u32>,
}

const ENTITIES: u32 = 6;
pub(super) const PUBLIC: Audience = Audience::Public;

impl Pair {
    /// A client that sees `visible` since tick 1.
    pub(super) fn new(visible: u64) -> Self {
        let schema = points_schema();
        let mut history = History::new(&schema, 60, Duration::ZERO);
        for n in 0..ENTITIES {
            history.insert(Entity::from_raw_u32(n).unwrap(), Tick(1)).unwrap();
            history.set(n, (PUBLIC, 0), &[1]);
        }
        history.commit(Tick(1));
        let mut marks = Marks::default();
        marks.reach(ENTITIES as usize);
        let (views, tables) = (Views::default(), RecordTables::default());
        let (sent, held, left) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let mut pair = Self { history, views, marks, tables, tick: Tick(1), visible, sent, held, left, newest: 0 };
        pair.collect();
        pair
    }

    /// The world changes in a new tick, and what is due is collected.
    pub(super) fn step(&mut self, changing: u64) {
        self.tick = self.tick.next();
        for index in bits(changing).filter(|index| *index < ENTITIES) {
            self.history.set(index, (PUBLIC, 0), &[self.tick.0]);
        }
        self.history.commit(self.tick);
        self.collect();
    }

    pub(super) fn collect(&mut self) {
        bits(self.visible & ((1 << ENTITIES) - 1)).for_each(|index| self.marks.add(index, true));
        self.views.update(PUBLIC, &mut self.marks, &mut self.history, &mut Renewed::default(), self.tick);
        self.views.update(Audience::Owner, &mut self.marks, &mut self.history, &mut Renewed::default(), self.tick);
        self.tables.begin(self.tick);
        self.history.merge_changes(self.tick, 1);
        self.views.collect(&self.history, self.tick, &mut self.tables);
    }

    /// What is due: index and named baseline.
    pub(super) fn due(&self) -> Vec<(u32, Option<Tick>)> {
        let part = self.views.of(PUBLIC);
        let plain = part.due.iter().flat_map(|word| bits(word.bits).map(move |bit| word.at * 64 + bit));
        let mut due: Vec<_> = plain.map(|index| (index, self.views.named().0)).collect();
        due.extend(part.extras.iter().filter_map(|extra| match extra.kind {
            ExtraKind::Record(baseline) => Some((extra.index, baseline)),
            ExtraKind::Leave { .. } => None,
        }));
        due.sort_unstable_by_key(|(index, _)| *index);
        due
    }

    /// The second baseline of what is due of a stream.
    pub(super) fn second_of(&self, index: u32) -> Option<Tick> {
        let is_regular = self.views.of(PUBLIC).due.iter().any(|word| word.bits >> (index % 64) & 1 != 0);
        self.views.named().1.filter(|_| is_regular)
    }

    pub(super) fn indices_due(&self) -> Vec<u32> {
        self.due().iter().map(|(index, _)| *index).collect()
    }

    /// Sends what is due but for `put_off`; if `split`, what comes first in a datagram of its own.
    pub(super) fn send(&mut self, put_off: u64, split: bool) {
        let put_off = self.indices_due().into_iter().filter(|index| put_off >> index & 1 != 0);
        self.views.put_off(PUBLIC, put_off.collect::<Vec<_>>().into_iter(), self.tick);
        self.views.on_collected(self.tick);
        let due = self.due();
        let extras = self.views.of(PUBLIC).extras.iter();
        let leaves = extras.filter(|extra| matches!(extra.kind, ExtraKind::Leave { .. })).map(|extra| extra.index);
        let mut leaves: Vec<u32> = leaves.collect();
        let (first, second) = due.split_at(if split { due.len().min(1) } else { due.len() });
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

    /// A datagram reaches the client, which looks baselines up as the protocol says. Whether it is accepted: it must be unless it
    /// is late, and builds on what is forgotten.
    pub(super) fn deliver(&mut self, sequence: usize) -> bool {
        let Datagram { tick, records, leaves } = self.sent[sequence].clone();
        for (index, named, _) in &records {
            for baseline in named.iter().flatten() {
                assert!(tick.since(*baseline) <= RecordsHead::BASELINE_TICKS_MAX as i32, "{tick} names {baseline}");
                let found = self.held.get(index).and_then(|held| held.range(..=baseline.0).next_back());
                let found = found.map(|(_, state)| *state);
                if found.is_none() && tick.0 < self.newest {
                    return false;
                }
                let meant = self.history.at(*index, PUBLIC, *baseline).map(|version| version.lanes[0]);
                // What the history has forgotten by now it knew then.
                assert!(meant.is_none() || found == meant, "{index} of {baseline}: {found:?}, meant {meant:?}");
            }
        }
        self.newest = self.newest.max(tick.0);
        for (index, _, state) in records {
            if self.left.get(&index).is_none_or(|left| *left < tick.0) {
                self.left.remove(&index);
                self.held.entry(index).or_default().insert(tick.0, state);
            }
        }
        for index in leaves {
            let came_again = self.held.get(&index).and_then(|held| held.keys().next_back());
            if came_again.is_none_or(|newest| *newest < tick.0) {
                self.held.remove(&index);
                let left = self.left.entry(index).or_default();
                *left = tick.0.max(*left);
            }
        }
        self.forget();
        true
    }

    /// The client forgets what was not the state any more when it need not know that.
    fn forget(&mut self) {
        let needed = self.newest.saturating_sub(RecordsHead::BASELINE_TICKS_MAX);
        for held in self.held.values_mut() {
            let first = held.range(..=needed).next_back().map_or(0, |(tick, _)| *tick);
            *held = held.split_off(&first);
        }
    }

    pub(super) fn ack(&mut self, sequences: &[usize]) {
        self.settle(sequences, true);
    }

    pub(super) fn lose(&mut self, sequences: &[usize]) {
        self.settle(sequences, false);
    }

    pub(super) fn settle(&mut self, sequences: &[usize], acked: bool) {
        sequences.iter().for_each(|sequence| self.views.on_fate(*sequence as u64, acked));
        self.views.settle(0, &mut self.history, self.tick);
    }

    pub(super) fn exceptions(&self) -> usize {
        self.views.of(PUBLIC).exceptions.len()
    }

    /// A client that holds three of tick 1 and has acknowledged them.
    pub(super) fn settled() -> Self {
        let mut pair = Self::new(0b111);
        pair.send(0, false);
        pair.deliver(0);
        pair.ack(&[0]);
        assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(1)), 0));
        pair
    }

    /// Steps, and sends all that is due in one datagram. Returns its sequence.
    pub(super) fn sends(&mut self, changing: u64) -> usize {
        self.step(changing);
        self.send(0, false);
        self.sent.len() - 1
    }
}
