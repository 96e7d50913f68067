use crate::bits::{BitReader, BitWriter, Malformed};
use core::time::Duration;

const WORDS: usize = 16;
/// How many sequences, the newest included, a window remembers and an ack can speak of.
const WINDOW: u64 = 64 * WORDS as u64;

/// What the receiver of datagrams knows: which sequences it holds, and from which on its peer may not know that yet.
///
/// Holding means decoded, verified and stored; what was dropped for any reason is not held. Each sequence is reported
/// until a datagram that reported it is known to have arrived.
#[derive(Clone, Debug)]
pub struct AckWindow {
    newest: Option<u64>,
    /// Bit `s % WINDOW` for each sequence `s` of the last [`WINDOW`].
    held: [u64; WORDS],
    /// The oldest sequence still to be reported.
    floor: u64,
    /// Sequences that came after a newer one. A report from before the last of them did not name it.
    late_arrivals: u64,
}

/// A peer's report: the newest sequence it holds, and which of those before it.
#[derive(Clone, Debug)]
pub struct Acks {
    /// The newest sequence held.
    pub newest: u64,
    /// How long before the report was sent the newest had arrived; `None` if longer than the field can say.
    pub delay: Option<Duration>,
    /// How many sequences before the newest the report speaks of.
    span: u32,
    /// Bit `n` is set when `newest - 1 - n` is missing.
    missing: [u64; WORDS],
}

impl Default for AckWindow {
    fn default() -> Self {
        Self { newest: None, held: [0; WORDS], floor: 0, late_arrivals: 0 }
    }
}

impl AckWindow {
    /// The newest sequence held.
    #[must_use]
    pub const fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// Whether `sequence` is held. What is older than the window counts as held: it must not be taken again.
    #[must_use]
    pub fn contains(&self, sequence: u64) -> bool {
        match self.newest {
            None => false,
            Some(newest) if sequence > newest => false,
            Some(newest) if sequence + WINDOW <= newest => true,
            Some(_) => self.bit(sequence),
        }
    }

    /// Whether every sequence from `oldest` to the newest is held.
    #[must_use]
    pub fn contains_all_from(&self, oldest: u64) -> bool {
        let Some(newest) = self.newest else { return false };
        newest.saturating_sub(oldest) < WINDOW && (oldest..=newest).all(|sequence| self.bit(sequence))
    }

    /// Takes note that `sequence` is held.
    pub fn accept(&mut self, sequence: u64) {
        if self.contains(sequence) {
            return;
        }
        match self.newest {
            None => self.floor = sequence,
            Some(newest) if sequence > newest => {
                let forget = (newest + 1..=sequence).take(WINDOW as usize);
                forget.for_each(|s| self.held[word(s)] &= !(1 << (s % 64)));
            }
            // Came late: it has to be reported though newer ones are known to the peer already.
            Some(_) => {
                self.floor = self.floor.min(sequence);
                self.late_arrivals += 1;
            }
        }
        self.held[word(sequence)] |= 1 << (sequence % 64);
        self.newest = self.newest.max(Some(sequence));
    }

    /// What a report written now says, for [`AckWindow::on_report_received`].
    #[must_use]
    pub fn reported(&self) -> Option<Reported> {
        Some(Reported { newest: self.newest?, late_arrivals: self.late_arrivals })
    }

    /// Takes note that the peer has received a report.
    pub fn on_report_received(&mut self, reported: Reported) {
        // A report from before a late arrival did not name it: what is older than that stays to be reported.
        if reported.late_arrivals == self.late_arrivals {
            self.floor = self.floor.max(reported.newest + 1);
        }
    }

    /// Writes the report. `delay` is how long ago the newest arrived.
    ///
    /// ```text
    /// 0  nothing received yet
    /// 1 | newest 16 | delay 10 (128 us) | span golomb 3 | missing golomb 0 | for each: distance to the last golomb 2
    /// ```
    pub fn write(&self, delay: Duration, w: &mut BitWriter) {
        w.write_bool(self.newest.is_some());
        let Some(newest) = self.newest else { return };
        w.write(newest & 0xFFFF, 16);
        w.write(u64::try_from(delay.as_micros() / 128).map_or(DELAY_UNKNOWN, |units| units.min(DELAY_UNKNOWN)), 10);
        let floor = self.floor.max((newest + 1).saturating_sub(WINDOW)).min(newest);
        // One missing more than can be listed, and what is older is left out: the peer will take it for lost.
        let oldest = (floor..newest)
            .rev()
            .filter(|sequence| !self.bit(*sequence))
            .nth(MISSING_MAX)
            .map_or(floor, |one_more| one_more + 1);
        w.write_golomb((newest - oldest) as u32, 3);
        let missing = || (oldest..newest).rev().filter(|sequence| !self.bit(*sequence));
        w.write_golomb(missing().count() as u32, 0);
        let mut last = newest;
        for sequence in missing() {
            w.write_golomb((last - sequence - 1) as u32, 2);
            last = sequence;
        }
    }

    fn bit(&self, sequence: u64) -> bool {
        self.held[word(sequence)] >> (sequence % 64) & 1 != 0
    }
}

const DELAY_UNKNOWN: u64 = 1023;
/// A report lists at most so many as missing: nobody can make it long by leaving sequences out.
const MISSING_MAX: usize = 64;
/// The most bits of a report: its fields, and at 64 distances that add up to at most 1,023 no more than 9 bits each.
pub(super) const REPORT_BITS_MAX: usize = 1 + 16 + 10 + 18 + 13 + 9 * MISSING_MAX;

/// What a report said, in so far as it matters once it has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    newest: u64,
    late_arrivals: u64,
}

const fn word(sequence: u64) -> usize {
    (sequence / 64) as usize % WORDS
}

impl Acks {
    /// Reads a report. `next` is the sequence that the reader's own next datagram will have: acks lie before it.
    pub fn read(r: &mut BitReader<'_>, next: u64) -> Result<Option<Self>, Malformed> {
        if !r.read_bool()? {
            return Ok(None);
        }
        let newest = expand(r.read(16)? as u16, next);
        let units = r.read(10)?;
        let delay = (units < DELAY_UNKNOWN).then(|| Duration::from_micros(units * 128));
        let span = r.read_golomb(3)?;
        let count = r.read_golomb(0)?;
        if newest >= next
            || u64::from(span) > newest
            || u64::from(span) >= WINDOW
            || count > span.min(MISSING_MAX as u32)
        {
            return Err(Malformed);
        }
        let mut missing = [0; WORDS];
        let mut at = 0;
        for _ in 0..count {
            let n = r.read_golomb(2)?.checked_add(at).ok_or(Malformed)?;
            if n >= span {
                return Err(Malformed);
            }
            missing[n as usize / 64] |= 1 << (n % 64);
            at = n + 1;
        }
        Ok(Some(Self { newest, delay, span, missing }))
    }

    /// The sequences it says are held, newest first.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let older = (0..self.span).filter(|n| self.missing[*n as usize / 64] >> (n % 64) & 1 == 0);
        core::iter::once(self.newest).chain(older.map(|n| self.newest - 1 - u64::from(n)))
    }
}

/// The sequence nearest to `near` with these low 16 bits.
pub(super) const fn expand(low: u16, near: u64) -> u64 {
    let distance = low.wrapping_sub(near as u16).cast_signed();
    near.saturating_add_signed(distance as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn report(window: &AckWindow, next: u64) -> Vec<u64> {
        let mut w = BitWriter::new();
        window.write(Duration::from_millis(3), &mut w);
        let bytes = w.finish().to_vec();
        Acks::read(&mut BitReader::new(&bytes), next).unwrap().map_or(Vec::new(), |acks| acks.iter().collect())
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// A datagram so far from the newest.
        Arrive(i64),
        Report,
        /// The datagram with one of the reports so far is known to have arrived.
        Learn(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let window = WINDOW.cast_signed();
        prop_oneof![
            8 => (1..3i64).prop_map(Step::Arrive),
            3 => (-6..0i64).prop_map(Step::Arrive),
            1 => (-window - 2..window + 40).prop_map(Step::Arrive),
            3 => Just(Step::Report),
            2 => any::<usize>().prop_map(Step::Learn),
        ]
    }

    proptest! {
        #[test]
        fn a_report_names_exactly_what_is_held(start in 0u64..200_000, arrivals in prop::collection::vec(0u64..300, 1..120)) {
            let mut window = AckWindow::default();
            let mut held = BTreeSet::new();
            for offset in &arrivals {
                window.accept(start + offset);
                held.insert(start + offset);
            }
            let expected: Vec<u64> = held.into_iter().rev().collect();
            let reported = report(&window, start + 300);
            prop_assert!(expected.starts_with(&reported));
            let span = expected[0] - expected[expected.len() - 1] + 1;
            if span - expected.len() as u64 <= MISSING_MAX as u64 { prop_assert_eq!(reported, expected); }
        }

        #[test]
        fn what_is_held_is_reported_until_the_peer_knows(steps in prop::collection::vec(step(), 1..150)) {
            let mut window = AckWindow::default();
            let mut held = BTreeSet::new();
            // Reports under way, and of what the peer has been told by those that are known to have arrived.
            let mut sent: Vec<(Reported, Vec<u64>)> = Vec::new();
            let mut told = BTreeSet::new();
            let mut newest = None;
            for step in steps {
                match step {
                    Step::Arrive(distance) => {
                        let sequence = newest.map_or(5_000, |newest: u64| newest.saturating_add_signed(distance));
                        let is_new = !held.contains(&sequence) && newest.is_none_or(|newest| sequence + WINDOW > newest);
                        prop_assert_eq!(window.contains(sequence), !is_new);
                        window.accept(sequence);
                        if is_new {
                            held.insert(sequence);
                            newest = newest.max(Some(sequence));
                        }
                    }
                    Step::Report => {
                        let Some(newest) = newest else { continue };
                        let named = report(&window, newest + 1);
                        prop_assert!(named.iter().all(|sequence| held.contains(sequence)));
                        // What lies behind more gaps than can be listed is given up.
                        let gaps = (newest.saturating_sub(WINDOW - 1)..newest).rev().filter(|s| !held.contains(s));
                        let oldest = gaps.map(|gap| gap + 1).nth(MISSING_MAX).unwrap_or(0).max((newest + 1).saturating_sub(WINDOW));
                        let named: Vec<u64> = named.into_iter().chain(told.iter().copied()).collect();
                        prop_assert!(held.range(oldest..).all(|sequence| named.contains(sequence)));
                        let named = named.into_iter().chain(held.range(..oldest).copied()).collect();
                        sent.push((window.reported().unwrap(), named));
                    }
                    Step::Learn(n) => {
                        if sent.is_empty() { continue }
                        let (reported, named) = &sent[n % sent.len()];
                        window.on_report_received(*reported);
                        told.extend(named);
                    }
                }
                prop_assert_eq!(window.newest(), newest);
                let Some(newest) = newest else { continue };
                prop_assert!(!window.contains(newest + 1) && (0..40).all(|age| window.contains(newest - age) == held.contains(&(newest - age))));
                let whole = (0..WINDOW).take_while(|age| held.contains(&(newest - age))).count() as u64;
                prop_assert!(window.contains_all_from(newest + 1 - whole) && !window.contains_all_from(newest - whole));
            }
        }

        #[test]
        fn sixteen_bits_expand_to_the_nearest_sequence(
            near in prop_oneof![0u64..200_000, any::<u64>()], distance in i16::MIN..=i16::MAX,
        ) {
            let Some(sequence) = near.checked_add_signed(i64::from(distance)) else { return Ok(()) };
            prop_assert_eq!(expand(sequence as u16, near), sequence);
        }

        #[test]
        fn a_delay_comes_back_in_steps_or_is_unknown(us in prop_oneof![0u64..140_000, any::<u64>()]) {
            let mut window = AckWindow::default();
            window.accept(3);
            let mut w = BitWriter::new();
            window.write(Duration::from_micros(us), &mut w);
            let acks = Acks::read(&mut BitReader::new(w.finish()), 4).unwrap().unwrap();
            prop_assert_eq!(acks.delay, (us < 1_023 * 128).then(|| Duration::from_micros(us / 128 * 128)));
        }

        #[test]
        fn any_bytes_read_as_a_report_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..40), next in 0u64..100_000) {
            if let Ok(Some(acks)) = Acks::read(&mut BitReader::new(&bytes), next) {
                prop_assert!(acks.iter().all(|sequence| sequence < next));
            }
        }
    }

    #[test]
    fn what_the_peer_knows_is_not_reported_again() {
        let mut window = AckWindow::default();
        (0..7).for_each(|s| window.accept(s));
        let reported = window.reported().unwrap();
        (7..10).for_each(|s| window.accept(s));
        window.on_report_received(reported);
        assert_eq!(report(&window, 10), [9, 8, 7]);
    }

    #[test]
    fn a_late_arrival_is_reported_though_newer_ones_are_known() {
        let mut window = AckWindow::default();
        [0, 1, 3, 4].into_iter().for_each(|s| window.accept(s));
        let early = window.reported().unwrap();
        window.on_report_received(early);
        window.accept(2);
        assert_eq!(report(&window, 5), [4, 3, 2]);
        window.on_report_received(early);
        assert_eq!(report(&window, 5), [4, 3, 2], "that report was from before it came");
    }

    #[test]
    fn sequences_left_out_do_not_make_a_report_long() {
        for step in [2, 7, 15, 16, 500, 1_000] {
            let mut window = AckWindow::default();
            (0..20_000).step_by(step).for_each(|s| window.accept(s));
            let mut w = BitWriter::new();
            window.write(Duration::ZERO, &mut w);
            assert!(w.len_bits() <= REPORT_BITS_MAX, "{} bits at every {step}th", w.len_bits());
        }
    }

    #[test]
    fn a_full_window_reaches_exactly_as_far_as_it_is_long() {
        let mut window = AckWindow::default();
        (0..2_000).for_each(|s| window.accept(s));
        assert!(report(&window, 2_000).into_iter().eq((2_000 - WINDOW..2_000).rev()));
        assert!(window.contains_all_from(2_000 - WINDOW) && !window.contains_all_from(2_000 - WINDOW - 1));
        assert!(!window.contains(2_000), "though what has its place is held");
        window.accept(2_003);
        assert!((2_000..2_003).all(|skipped| !window.contains(skipped)));
        assert!(window.contains(1_999) && window.contains(2_003));
    }

    #[test]
    fn a_jump_beyond_the_window_forgets_what_was_before() {
        let mut window = AckWindow::default();
        window.accept(5);
        window.accept(5_000);
        assert!(window.contains(5), "too old to be taken again");
        assert!(!window.contains(4_999));
        assert!(window.contains_all_from(5_000) && !window.contains_all_from(4_999));
    }

    #[test]
    fn sixteen_bits_expand_across_the_wrap() {
        assert_eq!(expand(3, 65_530), 65_539);
        assert_eq!(expand(65_530, 65_539), 65_530);
        assert_eq!(expand(65_535, 2), 0, "there is nothing before zero");
    }
}
