use super::records::{GHOST_MAX, GhostId, RecordList};
use crate::bits::{BitReader, BitWriter, Malformed, golomb};

/// Writes the runs of a list, by ascending ghost. The bodies follow the last run.
///
/// ```text
/// gap golomb of the list's order: ghosts left out since the last run, less one, which is the least; or since 0
///   | length less one golomb 0
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RunWriter {
    gap_order: u32,
    /// The least that the next run may begin with.
    next: GhostId,
}

impl RunWriter {
    /// The most bits of a run's own: a gap of 41, a length of 41.
    pub const BITS_MAX: usize = 82;

    /// A writer for a list of this order.
    #[must_use]
    pub const fn new(gap_order: u32) -> Self {
        Self { gap_order, next: 0 }
    }

    /// The bits of a run's gap, after one that ended before `end`, if there was any.
    #[must_use]
    pub const fn gap_bits(&self, begin: GhostId, end: Option<GhostId>) -> usize {
        let next = match end {
            Some(end) => end + 1,
            None => 0,
        };
        golomb(begin - next, self.gap_order).1 as usize
    }

    /// The bits of a run's length, which is at least 1.
    #[must_use]
    pub const fn len_bits(len: u32) -> usize {
        golomb(len - 1, 0).1 as usize
    }

    /// Writes where a run begins and how long it is.
    pub fn write(&mut self, begin: GhostId, len: u32, w: &mut BitWriter) {
        let ((gap, gap_bits), (len_code, len_bits)) = (golomb(begin - self.next, self.gap_order), golomb(len - 1, 0));
        if gap_bits + len_bits <= 64 {
            w.push(gap | len_code << gap_bits, gap_bits + len_bits);
        } else {
            w.write_golomb(begin - self.next, self.gap_order);
            w.write_golomb(len - 1, 0);
        }
        // Were the ghost after a run in the next one, they would be one.
        self.next = begin + len + 1;
    }
}

/// Reads what [`RunWriter`] wrote.
#[derive(Clone, Copy, Debug)]
pub struct RunReader {
    writer: RunWriter,
    left: u32,
}

impl RunReader {
    /// A reader for one list.
    #[must_use]
    pub const fn new(list: RecordList) -> Self {
        Self { writer: RunWriter::new(list.gap_order), left: list.runs }
    }

    /// The first ghost of the next run, and how many there are; `None` at the end. The bodies of all follow.
    pub fn next(&mut self, r: &mut BitReader<'_>) -> Result<Option<(GhostId, u32)>, Malformed> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let begin = self.writer.next.checked_add(r.read_golomb(self.writer.gap_order)?).ok_or(Malformed)?;
        let len = r.read_golomb(0)?.checked_add(1).ok_or(Malformed)?;
        let end = begin.checked_add(len).filter(|end| *end <= GHOST_MAX + 1).ok_or(Malformed)?;
        self.writer.next = end + 1;
        Ok(Some((begin, len)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn runs_come_back_as_they_were() {
        let runs = [(0, 3), (4, 1), (100, 900), (GHOST_MAX, 1)];
        for gap_order in 0..4 {
            let mut w = BitWriter::new();
            let mut writer = RunWriter::new(gap_order);
            for (begin, len) in runs {
                let before = w.len_bits();
                writer.write(begin, len, &mut w);
                assert!(w.len_bits() - before <= RunWriter::BITS_MAX);
            }
            let mut reader = RunReader::new(RecordList { runs: runs.len() as u32, gap_order, others: 0 });
            let mut r = BitReader::new(w.finish());
            let read: Result<Vec<_>, _> = core::iter::from_fn(|| reader.next(&mut r).transpose()).collect();
            assert_eq!(read, Ok(runs.to_vec()));
        }
    }

    proptest! {
        #[test]
        fn any_runs_come_back_as_they_were_in_the_bits_that_were_foretold(
            gap_order in 0u32..4, far in (0u32..500_000, 1u32..300_000),
            runs in prop::collection::vec((0u32..2_000, prop_oneof![1u32..5, 1..5_000u32]), 0..20),
        ) {
            let mut end: Option<GhostId> = None;
            let (mut w, mut writer, mut written) = (BitWriter::new(), RunWriter::new(gap_order), Vec::new());
            for (gap, len) in [(3, 2), far].into_iter().chain(runs) {
                let begin = end.map_or(gap, |end| end + 1 + gap);
                let foretold = w.len_bits() + writer.gap_bits(begin, end) + RunWriter::len_bits(len);
                writer.write(begin, len, &mut w);
                prop_assert_eq!(w.len_bits(), foretold);
                written.push((begin, len));
                end = Some(begin + len);
            }
            let list = RecordList { runs: written.len() as u32, gap_order, others: 0 };
            let (mut r, mut reader) = (BitReader::new(w.finish()), RunReader::new(list));
            for run in written {
                prop_assert_eq!(reader.next(&mut r), Ok(Some(run)));
            }
            prop_assert_eq!(reader.next(&mut r), Ok(None));
        }
    }
}
