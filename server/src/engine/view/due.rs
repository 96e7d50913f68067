//! What is due in a snapshot.

use super::exception::Exception;
use super::may_be_named;
use super::part::{Leaving, Part};
use super::past::Hole;
use super::word::DueWord;
use crate::engine::marks::bits;
use crate::engine::record_tables::{Named, RecordTables};
use crate::engine::stream_table::StreamTable;
use tidelock::Tick;

/// A record that is due besides those against the base.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extra {
    pub(crate) index: u32,
    pub(crate) kind: ExtraKind,
    /// Snapshots for which it waited.
    pub(crate) waited: u16,
    /// It waits for another.
    is_put_off: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExtraKind {
    /// Against a tick, or in full.
    Record(Option<Tick>),
    Leave {
        despawned: bool,
    },
}

/// A tick under which the client finds what it holds as of `baseline`: the last one of which that is the state, if it lies
/// too far back itself. `None` if that does as well, or nobody knows any more.
fn nameable(streams: &StreamTable, index: u32, baseline: Tick, now: Tick) -> Option<Tick> {
    if may_be_named(baseline, now) {
        return Some(baseline);
    }
    let last = streams.head_at(index, baseline)?.end.sub(1);
    (last.is_newer_than(baseline) && may_be_named(last, now)).then_some(last)
}

/// Streams of one word of which the client may not hold the state as of the second baseline.
#[derive(Clone, Copy, Debug)]
pub(super) struct YoungWord {
    at: u32,
    bits: u64,
}

impl Part {
    /// The base lies too far back to be named: what has changed since it was last asked becomes exceptions, each of which may
    /// be named by a later tick.
    pub(super) fn except_changed(&mut self, streams: &StreamTable, base: Tick, considered: Tick, now: Tick) {
        let Self { words, exceptions, .. } = self;
        let (excepted, ticks) = (exceptions.len(), now.since(considered).cast_unsigned());
        for word in words {
            let changed = streams.changed(word.at, word.visible & !word.excepted, now, ticks);
            word.excepted |= changed;
            exceptions.extend(bits(changed).map(|bit| Exception {
                index: word.at * 64 + bit,
                since: base,
                baseline: Some(base),
                sent: Some(considered),
                gap: now,
                waited: 0,
            }));
        }
        if exceptions.len() > excepted {
            exceptions.sort_unstable_by_key(|exception| exception.index);
        }
    }

    /// Lists what is due in the snapshot of `now`, `ticks` after the one before, and tells what records that takes: the
    /// baselines, word, streams of the word.
    pub(super) fn collect(
        &mut self,
        streams: &StreamTable,
        (base, named): (Option<Tick>, Named),
        holes: impl Iterator<Item = Hole>,
        (now, ticks): (Tick, u32),
        tables: &mut RecordTables,
    ) {
        let audience = streams.audience();
        self.due.clear();
        self.extras.clear();
        self.forget_settled(base);
        self.note_young(named.1, holes);
        let (mut table, mut any_young) = (None, false);
        let mut young = self.young.iter_mut().peekable();
        for (n, word) in self.words.iter().enumerate() {
            let mut changed = streams.changed(word.at, word.visible & !word.excepted, now, ticks);
            while let Some(young) = young.next_if(|young| young.at <= word.at) {
                young.bits &= if young.at == word.at { changed } else { 0 };
                any_young |= young.bits != 0;
                changed &= if young.at == word.at { !young.bits } else { u64::MAX };
            }
            if changed != 0 {
                self.due.push(DueWord { at: word.at, n: n as u32, bits: changed });
                let table = *table.get_or_insert_with(|| tables.table_at(audience, named));
                tables.need(table, word.at, changed);
            }
        }
        young.for_each(|young| young.bits = 0);
        let need = |tables: &mut RecordTables, baseline, index: u32| {
            let table = tables.table_at(audience, (baseline, None));
            tables.need(table, index / 64, 1 << (index % 64));
        };
        let mut leaving = self.leaving.iter().filter(|leaving| leaving.sent.is_none()).peekable();
        let leave = |leaving: &Leaving| Extra {
            index: leaving.index,
            kind: ExtraKind::Leave { despawned: leaving.despawned },
            waited: 0,
            is_put_off: false,
        };
        for exception in &mut self.exceptions {
            let index = exception.index;
            if exception.sent.is_some_and(|sent| !streams.newest_tick(index).is_newer_than(sent)) {
                continue;
            }
            while let Some(leaving) = leaving.next_if(|leaving| leaving.index < index) {
                self.extras.push(leave(leaving));
            }
            // Where the base does as well, the record is everybody's.
            if exception.holds(base, streams) {
                exception.baseline = base;
            }
            let baseline = exception.baseline.and_then(|baseline| nameable(streams, index, baseline, now));
            tables.counts.expired += u64::from(baseline.is_none() && exception.baseline.is_some());
            let kind = ExtraKind::Record(baseline);
            self.extras.push(Extra { index, kind, waited: exception.waited, is_put_off: false });
            need(tables, baseline, index);
        }
        self.extras.extend(leaving.map(leave));
        if any_young {
            for index in self.young.iter().flat_map(|young| bits(young.bits).map(|bit| young.at * 64 + bit)) {
                need(tables, named.0, index);
                self.extras.push(Extra { index, kind: ExtraKind::Record(named.0), waited: 0, is_put_off: false });
            }
            self.extras.sort_unstable_by_key(|extra| extra.index);
        }
    }

    /// Notes what the client may not hold as of the second baseline.
    fn note_young(&mut self, second: Option<Tick>, holes: impl Iterator<Item = Hole>) {
        let Self { young, settled, .. } = self;
        young.clear();
        let Some(second) = second else { return };
        young.extend(holes.map(|hole| YoungWord { at: hole.at, bits: hole.bits }));
        for settled in settled.iter().filter(|settled| settled.since.is_newer_than(second)) {
            let (at, bit) = (settled.index / 64, 1 << (settled.index % 64));
            match young.last_mut().filter(|young| young.at == at) {
                Some(young) => young.bits |= bit,
                None => young.push(YoungWord { at, bits: bit }),
            }
        }
        young.sort_unstable_by_key(|young| young.at);
    }

    pub(super) fn put_off(
        &mut self,
        indices: impl Iterator<Item = u32>,
        base: Option<Tick>,
        (considered, now): (Tick, Tick),
    ) {
        let Self { words, exceptions, due, extras, .. } = self;
        let (mut due_at, mut extra_at, mut exception_at) = (0, 0, 0);
        let excepted = exceptions.len();
        for index in indices {
            extra_at += extras[extra_at..].partition_point(|extra| extra.index < index);
            if let Some(extra) = extras.get_mut(extra_at).filter(|extra| extra.index == index) {
                extra.is_put_off = true;
                if matches!(extra.kind, ExtraKind::Leave { .. }) {
                    continue;
                }
                exception_at += exceptions[exception_at..excepted].partition_point(|other| other.index < index);
                if let Some(exception) = exceptions[..excepted].get_mut(exception_at).filter(|e| e.index == index) {
                    (exception.waited, exception.gap) = (exception.waited.saturating_add(1), now);
                    continue;
                }
            } else {
                due_at += due[due_at..].partition_point(|word| word.at < index / 64);
                due[due_at].bits &= !(1 << (index % 64));
            }
            if let Ok(at) = words.binary_search_by_key(&(index / 64), |word| word.at) {
                words[at].excepted |= 1 << (index % 64);
            }
            let since = base.unwrap_or(considered);
            exceptions.push(Exception { index, since, baseline: base, sent: Some(considered), gap: now, waited: 1 });
        }
        if exceptions.len() > excepted {
            exceptions.sort_unstable_by_key(|exception| exception.index);
        }
        due.retain(|word| word.bits != 0);
        extras.retain(|extra| !extra.is_put_off);
    }

    pub(super) fn on_sent(&mut self, now: Tick) {
        for extra in &self.extras {
            match extra.kind {
                ExtraKind::Record(_) => {
                    if let Ok(at) = self.exceptions.binary_search_by_key(&extra.index, |exception| exception.index) {
                        (self.exceptions[at].sent, self.exceptions[at].waited) = (Some(now), 0);
                    }
                }
                ExtraKind::Leave { .. } => {
                    if let Ok(at) = self.leaving.binary_search_by_key(&extra.index, |leaving| leaving.index) {
                        self.leaving[at].sent = Some(now);
                    }
                }
            }
        }
    }
}
