use crate::engine::marks::bits;
use crate::engine::record_tables::{Named, RecordTable};
use crate::engine::view::{Extra, ExtraKind, Part, Views};
use std::ops::Range;
use tidelock::wire::{GhostId, RunWriter};

/// What is due of one audience, by ascending ghost.
#[derive(Debug, Default)]
pub(super) struct List {
    /// What goes into runs.
    pub(super) stretches: Vec<Stretch>,
    /// The order of the code of the gaps between runs.
    pub(super) gap_order: u32,
    /// No more bits than this do all runs take, with their bodies.
    bits_max: usize,
    pub(super) others: Vec<Other>,
}

/// Streams whose ghosts lie side by side, and so do the records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) ghost: GhostId,
    /// The number of the first record.
    begin: u32,
    pub(super) len: u32,
}

/// A record that is in no run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Other {
    pub(super) ghost: GhostId,
    pub(super) index: u32,
    /// The table of its record; `None`: it leaves.
    pub(super) named: Option<Named>,
    pub(super) despawned: bool,
}

/// How far a list has been written: so many stretches, and so many streams of the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    stretch: usize,
    within: u32,
}

impl List {
    /// Lists what is due against the datagrams' own baselines. `marked` is empty, before and after.
    pub(super) fn fill_regular(
        &mut self,
        part: &Part,
        table: &RecordTable,
        named: Named,
        marked: &mut [u64],
        views: &Views,
    ) {
        let is_sorted = part.is_sorted();
        for due in &part.due {
            let (odd, ghosts) = (due.bits & table.odd(due.at), part.ghosts_in(*due));
            for bit in bits(odd) {
                let (ghost, index) = (ghosts.of(bit), due.at * 64 + bit);
                self.others.push(Other { ghost, index, named: Some(named), despawned: false });
            }
            let regular = due.bits & !odd;
            if !is_sorted {
                ghosts.each_of(regular, |ghost| marked[ghost as usize / 64] |= 1 << (ghost % 64));
                continue;
            }
            match ghosts.in_a_row().filter(|_| regular != 0 && table.are_side_by_side(due.at, regular)) {
                Some(row) => self.push_row(row, regular, table.number(due.at * 64 + regular.trailing_zeros())),
                None => bits(regular).for_each(|bit| self.push(ghosts.of(bit), table.number(due.at * 64 + bit), 1)),
            }
        }
        if !is_sorted {
            self.push_marked(table, marked, views);
        }
        self.choose_order(table);
    }

    /// Adds streams of a word, whose ghosts go up with their bits, and whose records have numbers from `begin` on.
    fn push_row(&mut self, ghost_of_bit_0: GhostId, mut streams: u64, mut begin: u32) {
        while streams != 0 {
            let first = streams.trailing_zeros();
            let len = (streams >> first).trailing_ones();
            self.push(ghost_of_bit_0.wrapping_add(first), begin, len);
            begin += len;
            // All of them up to these are done; a shift by 64 has no meaning.
            streams &= u64::MAX << (first + len - 1) << 1;
        }
    }

    /// Adds some more, to the last stretch if they go on there.
    #[inline]
    fn push(&mut self, ghost: GhostId, begin: u32, len: u32) {
        if let Some(last) = self.stretches.last_mut()
            && last.ghost + last.len == ghost
            && last.begin + last.len == begin
        {
            last.len += len;
        } else {
            self.stretches.push(Stretch { ghost, begin, len });
        }
    }

    /// Adds the streams whose ghosts are marked: faster than to sort them, as there are few more ghosts than are due.
    fn push_marked(&mut self, table: &RecordTable, marked: &mut [u64], views: &Views) {
        for (word, marked) in marked.iter_mut().enumerate() {
            for ghost in bits(std::mem::take(marked)).map(|bit| word as u32 * 64 + bit) {
                self.push(ghost, table.number(views.ghosts().index_of(ghost)), 1);
            }
        }
    }

    fn choose_order(&mut self, table: &RecordTable) {
        let (mut runs, mut records, mut end, mut body_bits) = (0u32, 0, 0, 0);
        for stretch in &self.stretches {
            runs += u32::from(runs == 0 || stretch.ghost != end);
            records += stretch.len;
            end = stretch.ghost + stretch.len;
            body_bits += table.bits(stretch.numbers());
        }
        let Some(gap) = (end - records).checked_div(runs) else { return };
        self.gap_order = gap.checked_ilog2().unwrap_or(0).min(3);
        // The code's length is concave: runs and gaps that are all alike would take the most.
        let log_max = |value: u32| value.ilog2() as usize + 1;
        let gap_bits = self.gap_order as usize + 1 + 2 * log_max((gap >> self.gap_order) + 2);
        let len_bits = 1 + 2 * log_max(records / runs + 1);
        self.bits_max = runs as usize * (gap_bits + len_bits) + body_bits;
    }

    /// Lists what is due besides.
    pub(super) fn fill_others(&mut self, part: &Part) {
        for Extra { index, kind, .. } in &part.extras {
            let Some(ghost) = part.known_ghost_of(*index) else { continue };
            let (named, despawned) = match kind {
                ExtraKind::Record(baseline) => (Some((*baseline, None)), false),
                ExtraKind::Leave { despawned } => (None, *despawned),
            };
            self.others.push(Other { ghost, index: *index, named, despawned });
        }
        self.others.sort_unstable_by_key(|other| other.ghost);
    }

    /// Where a part of the list ends that begins at `from` and takes so many bits.
    pub(super) fn fitting(&self, from: Place, room_bits: usize, table: &RecordTable) -> Place {
        if from == Place::default() && self.bits_max <= room_bits {
            return self.end();
        }
        let runs = RunWriter::new(self.gap_order);
        let (mut bits, mut run_len, mut end) = (0, 0, None);
        for (n, stretch) in self.stretches.iter().enumerate().skip(from.stretch) {
            let within = if n == from.stretch { from.within } else { 0 };
            let stretch = stretch.from(within);
            if end != Some(stretch.ghost) {
                bits += runs.gap_bits(stretch.ghost, end) + if run_len > 0 { RunWriter::len_bits(run_len) } else { 0 };
                run_len = 0;
            }
            run_len += stretch.len;
            let head_bits = bits + RunWriter::len_bits(run_len);
            let body_bits = table.bits(stretch.numbers());
            if head_bits + body_bits > room_bits {
                let fitting = table.fitting(stretch.begin, stretch.len, room_bits.saturating_sub(head_bits));
                return Place { stretch: n, within: within + fitting };
            }
            bits += body_bits;
            end = Some(stretch.ghost + stretch.len);
        }
        self.end()
    }

    /// The place after everything.
    pub(super) const fn end(&self) -> Place {
        Place { stretch: self.stretches.len(), within: 0 }
    }

    /// The stretches between two places, of which the first and the last are cut off there.
    pub(super) fn between(&self, from: Place, to: Place) -> impl Iterator<Item = Stretch> {
        let stop = to.stretch + usize::from(to.within > 0);
        (from.stretch..stop).map(move |n| {
            let stretch = self.stretches[n];
            let stretch = if n == to.stretch { Stretch { len: to.within, ..stretch } } else { stretch };
            if n == from.stretch { stretch.from(from.within) } else { stretch }
        })
    }
}

impl Stretch {
    /// The numbers of its records.
    pub(super) const fn numbers(self) -> Range<u32> {
        self.begin..self.begin + self.len
    }

    /// All but the first.
    const fn from(self, skip: u32) -> Self {
        Self { ghost: self.ghost + skip, begin: self.begin + skip, len: self.len - skip }
    }
}
