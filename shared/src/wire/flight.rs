use super::acks::Acks;
use super::rtt::RttEstimator;
use crate::Instant;
use alloc::collections::VecDeque;
use core::time::Duration;

/// What the sender of datagrams remembers of those whose fate matters still. `T` is what each one carried.
///
/// A datagram is lost when three later ones are acknowledged, or after a time-out. An ack that comes after that is
/// honoured all the same, and counted as a loss that was none.
#[derive(Debug)]
pub struct Flight<T> {
    /// Consecutive sequences, oldest first; `first` is that of the front.
    sent: VecDeque<Sent<T>>,
    first: u64,
    newest_acked: Option<u64>,
    counts: SendCounts,
}

#[derive(Debug)]
struct Sent<T> {
    at: Instant,
    state: State,
    content: Option<T>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    InFlight,
    Acked,
    Lost,
}

/// What became of datagrams sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendCounts {
    /// All sent.
    pub sent: u64,
    /// Acknowledged.
    pub acked: u64,
    /// Taken for lost, less those acknowledged later.
    pub lost: u64,
}

/// What became of one datagram.
#[derive(Debug)]
pub enum Fate<'a, T> {
    /// The peer holds it. The content is given back. This can follow `Lost`.
    Acked(T),
    /// It seems lost. The content is kept, in case an ack comes late.
    Lost(&'a T),
}

/// Newer datagrams acknowledged before an older one is taken for lost. Source: RFC 9002, section 6.1.1.
const REORDER_MAX: u32 = 3;

/// A late ack is honoured for no longer than this, and for as long as that while nothing later was acknowledged.
const FORGET_AFTER_MAX: Duration = Duration::from_secs(10);

impl<T> Default for Flight<T> {
    fn default() -> Self {
        Self { sent: VecDeque::new(), first: 0, newest_acked: None, counts: SendCounts::default() }
    }
}

impl<T> Flight<T> {
    /// At most this many datagrams are remembered: far below half of the 16-bit sequence space.
    pub const LEN_MAX: usize = 4096;

    /// How many datagrams are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sent.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// The sequence of the next datagram.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.first + self.sent.len() as u64
    }

    /// The oldest datagram that is remembered: of those before nothing will be heard any more.
    #[must_use]
    pub const fn oldest_remembered(&self) -> u64 {
        self.first
    }

    /// Takes note of a datagram that is being sent, and returns its sequence.
    pub fn send(&mut self, now: Instant, content: T, on_fate: &mut impl FnMut(u64, Fate<'_, T>)) -> u64 {
        if self.sent.len() == Self::LEN_MAX {
            self.lose(0, on_fate);
            self.sent.pop_front();
            self.first += 1;
        }
        self.counts.sent += 1;
        self.sent.push_back(Sent { at: now, state: State::InFlight, content: Some(content) });
        self.next_sequence() - 1
    }

    /// The oldest datagram in flight for which `matters` holds.
    pub fn oldest_in_flight(&self, matters: impl Fn(&T) -> bool) -> Option<u64> {
        let in_flight = |sent: &Sent<T>| sent.state == State::InFlight && sent.content.as_ref().is_some_and(&matters);
        self.sent.iter().position(in_flight).map(|index| self.first + index as u64)
    }

    /// Takes a peer's report. `rtt` gets a sample if the newest is news.
    pub fn on_acks(
        &mut self,
        acks: &Acks,
        now: Instant,
        rtt: &mut RttEstimator,
        on_fate: &mut impl FnMut(u64, Fate<'_, T>),
    ) {
        let before = self.counts.acked;
        for sequence in acks.iter() {
            let Some(index) = sequence.checked_sub(self.first).map(|index| index as usize) else { break };
            let Some(sent) = self.sent.get_mut(index) else { continue };
            let Some(content) = sent.content.take().filter(|_| sent.state != State::Acked) else { continue };
            if sent.state == State::Lost {
                self.counts.lost -= 1;
            }
            sent.state = State::Acked;
            self.newest_acked = self.newest_acked.max(Some(sequence));
            self.counts.acked += 1;
            if let (true, Some(delay)) = (sequence == acks.newest, acks.delay) {
                rtt.sample(now.since(sent.at).saturating_sub(delay));
            }
            on_fate(sequence, Fate::Acked(content));
        }
        if self.counts.acked != before {
            self.detect_losses(on_fate);
        }
    }

    /// Gives up on datagrams sent more than `timeout` ago, and forgets what can matter no more.
    ///
    /// A way that has become much longer looks like one on which everything is lost: the acks come after the time-out, for ever,
    /// and only they can tell how long the way is. So what nothing later was acknowledged of is remembered much longer.
    pub fn expire(&mut self, now: Instant, timeout: Duration, on_fate: &mut impl FnMut(u64, Fate<'_, T>)) {
        for index in 0..self.sent.len() {
            if now.since(self.sent[index].at) <= timeout {
                break;
            }
            if self.sent[index].state == State::InFlight {
                self.lose(index, on_fate);
            }
        }
        // Late acks are honoured for a while; then the place is freed.
        let forget_late_after = FORGET_AFTER_MAX.max(timeout);
        let forget_after = (timeout * 4).min(forget_late_after);
        while let Some(sent) = self.sent.front() {
            let is_passed = self.newest_acked.is_some_and(|newest| newest > self.first);
            let forget_after = if is_passed { forget_after } else { forget_late_after };
            if sent.state != State::Acked && now.since(sent.at) <= forget_after {
                break;
            }
            self.sent.pop_front();
            self.first += 1;
        }
    }

    /// What became of all datagrams so far.
    #[must_use]
    pub const fn counts(&self) -> SendCounts {
        self.counts
    }

    fn detect_losses(&mut self, on_fate: &mut impl FnMut(u64, Fate<'_, T>)) {
        let SendCounts { sent, acked, lost } = self.counts;
        let (mut in_flight, mut acked_later) = (sent - acked - lost, 0);
        for index in (0..self.sent.len()).rev() {
            if in_flight == 0 {
                break;
            }
            match self.sent[index].state {
                State::Acked => acked_later += 1,
                State::InFlight => {
                    in_flight -= 1;
                    if acked_later >= REORDER_MAX {
                        self.lose(index, on_fate);
                    }
                }
                State::Lost => {}
            }
        }
    }

    fn lose(&mut self, index: usize, on_fate: &mut impl FnMut(u64, Fate<'_, T>)) {
        let sequence = self.first + index as u64;
        let sent = &mut self.sent[index];
        if sent.state == State::InFlight {
            sent.state = State::Lost;
            self.counts.lost += 1;
            if let Some(content) = &sent.content {
                on_fate(sequence, Fate::Lost(content));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::acks::AckWindow;
    use super::*;
    use crate::bits::{BitReader, BitWriter};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn acks(held: &[u64], next: u64) -> Acks {
        let mut window = AckWindow::default();
        held.iter().for_each(|s| window.accept(*s));
        let mut w = BitWriter::new();
        window.write(Duration::ZERO, &mut w);
        Acks::read(&mut BitReader::new(w.finish()), next).unwrap().unwrap()
    }

    fn flight_of(count: u64) -> Flight<u64> {
        let mut flight = Flight::default();
        (0..count).for_each(|n| assert_eq!(flight.send(Instant::from_us(n * 1000), n, &mut |_, _| {}), n));
        flight
    }

    fn fates(flight: &mut Flight<u64>, held: &[u64]) -> (Vec<u64>, Vec<u64>) {
        let (mut acked, mut lost) = (Vec::new(), Vec::new());
        let report = acks(held, flight.next_sequence());
        flight.on_acks(&report, Instant::from_us(50_000), &mut RttEstimator::default(), &mut |_, fate| match fate {
            Fate::Acked(content) => acked.push(content),
            Fate::Lost(content) => lost.push(*content),
        });
        (acked, lost)
    }

    #[derive(Clone, Debug)]
    enum Step {
        Send(u64),
        /// Of the last datagrams those with a bit set arrive; the peer reports if the flag is set.
        Arrive(u32, bool),
        Expire(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1u64..4).prop_map(Step::Send),
            3 => (any::<u32>(), any::<bool>()).prop_map(|(bits, reports)| Step::Arrive(bits, reports)),
            2 => prop::sample::select(&[10u64, 20, 50, 200, 3_000, 11_000]).prop_map(Step::Expire),
        ]
    }

    /// What is true of one datagram.
    struct Truth {
        at_ms: u64,
        state: State,
    }

    proptest! {
        #[test]
        fn fates_are_those_of_the_rules(
            steps in prop::collection::vec((step(), prop::sample::select(&[0u64, 10, 10, 20, 50, 2_000, 10_000])), 1..60),
        ) {
            let (mut flight, mut rtt, mut window) = (Flight::default(), RttEstimator::default(), AckWindow::default());
            let mut truth: Vec<Truth> = Vec::new();
            let (mut first, mut now_ms, mut samples) = (0, 0, 0);
            for (step, gap_ms) in steps {
                now_ms += gap_ms;
                let now = Instant::from_us(now_ms * 1_000);
                let (mut fates, mut expected) = (Vec::new(), Vec::new());
                let mut note = |sequence, fate: Fate<'_, u64>| match fate {
                    Fate::Acked(content) => fates.push((sequence, content, true)),
                    Fate::Lost(content) => fates.push((sequence, *content, false)),
                };
                match step {
                    Step::Send(count) => {
                        for _ in 0..count {
                            let sequence = truth.len() as u64;
                            prop_assert_eq!(flight.send(now, sequence * 7, &mut note), sequence);
                            truth.push(Truth { at_ms: now_ms, state: State::InFlight });
                        }
                    }
                    Step::Arrive(bits, reports) => {
                        let next = truth.len() as u64;
                        (0..32).filter(|n| bits >> n & 1 != 0 && *n < next).for_each(|n| window.accept(next - 1 - n));
                        let mut w = BitWriter::new();
                        window.write(Duration::ZERO, &mut w);
                        let Some(acks) = Acks::read(&mut BitReader::new(w.finish()), next).unwrap().filter(|_| reports) else { continue };
                        flight.on_acks(&acks, now, &mut rtt, &mut note);
                        for sequence in acks.iter().filter(|sequence| *sequence >= first) {
                            if truth[sequence as usize].state != State::Acked {
                                samples += u64::from(sequence == acks.newest);
                                truth[sequence as usize].state = State::Acked;
                                expected.push((sequence, sequence * 7, true));
                            }
                        }
                        if !expected.is_empty() {
                            for sequence in (first..next).rev() {
                                let later = truth[sequence as usize + 1..].iter().filter(|sent| sent.state == State::Acked);
                                if later.count() >= 3 && truth[sequence as usize].state == State::InFlight {
                                    truth[sequence as usize].state = State::Lost;
                                    expected.push((sequence, sequence * 7, false));
                                }
                            }
                        }
                    }
                    Step::Expire(timeout_ms) => {
                        flight.expire(now, Duration::from_millis(timeout_ms), &mut note);
                        for sequence in first..truth.len() as u64 {
                            let sent = &mut truth[sequence as usize];
                            if sent.state == State::InFlight && now_ms - sent.at_ms > timeout_ms {
                                sent.state = State::Lost;
                                expected.push((sequence, sequence * 7, false));
                            }
                        }
                        let forget_ms = (timeout_ms * 4).min(timeout_ms.max(10_000));
                        // What nothing later was acknowledged of may be late, all of it.
                        let newest_acked = truth.iter().rposition(|sent| sent.state == State::Acked).unwrap_or(0);
                        let is_over = |(n, sent): &(usize, &Truth)| {
                            let forget_ms = if *n < newest_acked { forget_ms } else { timeout_ms.max(10_000) };
                            sent.state == State::Acked || now_ms - sent.at_ms > forget_ms
                        };
                        let forgotten = truth.iter().enumerate().skip(first as usize).take_while(is_over).count();
                        first += forgotten as u64;
                    }
                }
                prop_assert_eq!(fates, expected);
                let count = |state| truth.iter().filter(|sent| sent.state == state).count() as u64;
                let counts = SendCounts { sent: truth.len() as u64, acked: count(State::Acked), lost: count(State::Lost) };
                prop_assert_eq!(flight.counts(), counts);
                prop_assert_eq!((flight.oldest_remembered(), flight.next_sequence()), (first, truth.len() as u64));
                prop_assert_eq!(rtt.samples(), samples);
                let in_flight = |n: &usize| truth[*n].state == State::InFlight;
                let oldest = (first as usize..truth.len()).find(|n| in_flight(n) && n % 3 == 1);
                prop_assert_eq!(flight.oldest_in_flight(|content| content / 7 % 3 == 1), oldest.map(|n| n as u64));
            }
        }
    }

    #[test]
    fn two_later_acks_are_no_loss_and_three_are() {
        let mut flight = flight_of(6);
        assert_eq!(fates(&mut flight, &[1, 2]), ([2, 1].to_vec(), [].to_vec()));
        assert_eq!(fates(&mut flight, &[1, 2, 4]), ([4].to_vec(), [0].to_vec()));
    }

    #[test]
    fn a_late_ack_takes_the_loss_back() {
        let mut flight = flight_of(5);
        assert_eq!(fates(&mut flight, &[1, 2, 3]).1, [0]);
        assert_eq!(flight.counts().lost, 1);
        assert_eq!(fates(&mut flight, &[0, 1, 2, 3]).0, [0]);
        assert_eq!(flight.counts(), SendCounts { sent: 5, acked: 4, lost: 0 });
    }

    #[test]
    fn an_ack_counts_once() {
        let mut flight = flight_of(3);
        assert_eq!(fates(&mut flight, &[0, 1]).0.len(), 2);
        assert_eq!(fates(&mut flight, &[0, 1]).0.len(), 0);
    }

    #[test]
    fn silence_is_loss_after_the_time_out() {
        let mut flight = flight_of(3);
        let mut lost = Vec::new();
        flight.expire(Instant::from_us(101_500), Duration::from_millis(100), &mut |sequence, _| lost.push(sequence));
        assert_eq!(lost, [0, 1]);
    }

    #[test]
    fn a_way_that_has_become_much_longer_is_measured_though_all_seems_lost() {
        let (mut flight, mut rtt) = (Flight::default(), RttEstimator::default());
        let timeout = Duration::from_millis(30);
        for n in 0..200u64 {
            let now = Instant::from_us(n * 10_000);
            flight.send(now, n, &mut |_, _| {});
            flight.expire(now, timeout, &mut |_, _| {});
            // Acks come half a second after what they are for.
            if let Some(arrived) = n.checked_sub(50) {
                let report = acks(&[arrived], flight.next_sequence());
                flight.on_acks(&report, now, &mut rtt, &mut |_, _| {});
            }
        }
        assert_eq!(rtt.smoothed(), Some(Duration::from_millis(500)));
        assert_eq!(flight.counts().acked, 150);
    }

    #[test]
    fn memory_is_bounded_without_any_ack() {
        let mut flight = Flight::default();
        for n in 0..10_000u64 {
            flight.send(Instant::from_us(n), n, &mut |_, _| {});
        }
        assert_eq!(flight.sent.len(), Flight::<u64>::LEN_MAX);
        assert_eq!(flight.counts().lost, 10_000 - Flight::<u64>::LEN_MAX as u64);
    }

    #[test]
    fn round_trip_time_leaves_out_what_the_peer_waited() {
        let mut flight = flight_of(1);
        let mut rtt = RttEstimator::default();
        let mut report = acks(&[0], 1);
        report.delay = Some(Duration::from_millis(10));
        flight.on_acks(&report, Instant::from_us(50_000), &mut rtt, &mut |_, _| {});
        assert_eq!(rtt.smoothed(), Some(Duration::from_millis(40)));
    }
}
