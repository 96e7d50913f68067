use tidelock::bits::{BitReader, Malformed};

/// What a datagram says of those that its sender has accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The newest that it accepted.
    pub newest: u64,
    /// The oldest that the report speaks of.
    pub oldest: u64,
    /// Those between that it did not accept, newest first.
    pub missing: Vec<u64>,
}

impl Report {
    /// Reads it as `PROTOCOL.md`, section 3, has it. `next` is the sequence of the next datagram that will be sent to who reports.
    pub(super) fn read(r: &mut BitReader<'_>, next: u64) -> Result<Option<Self>, Malformed> {
        if !r.read_bool()? {
            return Ok(None);
        }
        let newest = nearest(r.read(16)? as u16, next);
        let _delay = r.read(10)?;
        let span = u64::from(r.read_golomb(3)?);
        let oldest = newest.checked_sub(span).ok_or(Malformed)?;
        let (mut missing, mut last) = (Vec::new(), newest);
        for _ in 0..r.read_golomb(0)? {
            last =
                last.checked_sub(u64::from(r.read_golomb(2)?) + 1).filter(|last| *last >= oldest).ok_or(Malformed)?;
            missing.push(last);
        }
        Ok(Some(Self { newest, oldest, missing }))
    }

    /// All that it says are accepted, newest first.
    pub fn accepted(&self) -> impl Iterator<Item = u64> + '_ {
        let mut missing = self.missing.iter().peekable();
        (self.oldest..=self.newest).rev().filter(move |sequence| missing.next_if_eq(&sequence).is_none())
    }
}

/// The sequence nearest to `near` with these low 16 bits.
pub(super) fn nearest(low: u16, near: u64) -> u64 {
    near.saturating_add_signed(i64::from(low.wrapping_sub(near as u16).cast_signed()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tidelock::bits::BitWriter;
    use tidelock::wire::AckWindow;

    #[test]
    fn a_report_reads_as_it_was_written() {
        let mut window = AckWindow::default();
        let accepted = [70_000, 70_001, 70_003, 70_009, 70_010];
        accepted.iter().for_each(|sequence| window.accept(*sequence));
        let mut w = BitWriter::new();
        window.write(Duration::from_millis(7), &mut w);
        let report = Report::read(&mut BitReader::new(w.finish()), 70_020).unwrap().unwrap();
        assert_eq!((report.newest, report.oldest), (70_010, 70_000));
        assert!(report.accepted().eq(accepted.iter().rev().copied()), "{report:?}");
    }

    #[test]
    fn nothing_accepted_is_no_report() {
        assert_eq!(Report::read(&mut BitReader::new(&[0]), 5), Ok(None));
        assert_eq!(Report::read(&mut BitReader::new(&[1]), 5), Err(Malformed));
    }
}
