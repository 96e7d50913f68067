use std::collections::VecDeque;
use std::time::Duration;
use tidelock::wire::Audit;
use tidelock::{Buffer, Instant};

/// Which part of what a client should hold is compared next. A client can compare an audit only if it holds all that was sent
/// before: when something of that is lost, the audit was for nothing, and its bucket is owed.
#[derive(Debug)]
pub(crate) struct Audits {
    bucket: u8,
    last_at: Option<Instant>,
    /// A bit for each bucket that is due again before its turn.
    owed: u64,
    /// Oldest first.
    in_flight: VecDeque<AuditInFlight>,
}

#[derive(Clone, Copy, Debug)]
struct AuditInFlight {
    bucket: u8,
    /// The datagram that carries it, and the oldest without which it cannot be compared.
    sequence: u64,
    oldest: u64,
}

/// A bucket has its turn this often.
const INTERVAL: Duration = Duration::from_millis(60);
/// Audits in flight of which it is known what they need; of older ones it is not.
const IN_FLIGHT_MAX: usize = 64;
/// Room for those of half a second, and for repeats.
const IN_FLIGHT_USUAL: usize = 16;
const _: () = assert!(Audit::BUCKETS as u32 == u64::BITS);

impl Audits {
    /// Begins behind `bucket`, so that clients are not audited all alike.
    pub(crate) fn new(bucket: u8) -> Self {
        Self { bucket: bucket % Audit::BUCKETS, last_at: None, owed: 0, in_flight: VecDeque::new() }
    }

    /// How long it takes at most until each bucket had a turn, at a snapshot every `interval`, or every `heartbeat` if that is
    /// longer.
    pub(crate) fn rotation(interval: Duration, heartbeat: Duration) -> Duration {
        let snapshots = INTERVAL.as_micros().div_ceil(interval.as_micros().max(1)) as u32;
        (interval * snapshots).max(heartbeat) * u32::from(Audit::BUCKETS)
    }

    /// The bucket that the snapshot of `now` audits, if it does: the next one if it is time, else one that is owed.
    pub(crate) fn take_turn(&mut self, now: Instant) -> Option<u8> {
        if self.last_at.is_none_or(|last| now.since(last) >= INTERVAL) {
            self.last_at = Some(now);
            self.bucket = (self.bucket + 1) % Audit::BUCKETS;
            self.owed &= !(1 << self.bucket);
            return Some(self.bucket);
        }
        // Those whose turn is farthest off are the ones that just had it.
        let behind = self.owed.rotate_right(u32::from(self.bucket) + 1);
        let distance = behind.checked_ilog2()?;
        let bucket = (u32::from(self.bucket) + 1 + distance) % u64::BITS;
        self.owed &= !(1 << bucket);
        Some(bucket as u8)
    }

    /// A bucket cannot be audited in its turn, as something of it waits.
    pub(crate) fn put_off(&mut self, bucket: u8) {
        self.owed |= 1 << bucket;
    }

    /// The audit of a bucket goes out with datagram `sequence`; of what it needs `oldest` is the first whose fate is open.
    pub(crate) fn on_sent(&mut self, bucket: u8, sequence: u64, oldest: u64) {
        while self.in_flight.front().is_some_and(|first| first.sequence < oldest)
            || self.in_flight.len() >= IN_FLIGHT_MAX
        {
            self.in_flight.pop_front();
        }
        self.in_flight.reserve(if self.in_flight.capacity() == 0 { IN_FLIGHT_USUAL } else { 0 });
        self.in_flight.push_back(AuditInFlight { bucket, sequence, oldest });
    }

    /// How many audits are under way.
    pub(crate) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "audits in flight", len: self.in_flight.len(), max: IN_FLIGHT_MAX });
    }

    /// A datagram of ours is lost.
    pub(crate) fn on_lost(&mut self, sequence: u64) {
        let Self { in_flight, owed, .. } = self;
        in_flight.retain(|audit| {
            let is_void = (audit.oldest..=audit.sequence).contains(&sequence);
            *owed |= u64::from(is_void) << audit.bucket;
            !is_void
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_us(ms * 1_000)
    }

    #[test]
    fn each_bucket_has_its_turn() {
        let mut audits = Audits::new(70);
        let turns: Vec<u8> = (0..64 * 4).filter_map(|n| audits.take_turn(at(n * 17))).collect();
        assert_eq!(turns, (7..64).chain(0..7).collect::<Vec<u8>>());
    }

    #[test]
    fn what_loss_made_void_is_owed_and_comes_between_the_turns() {
        let mut audits = Audits::new(9);
        assert_eq!(audits.take_turn(at(0)), Some(10));
        audits.on_sent(10, 100, 95);
        assert_eq!(audits.take_turn(at(60)), Some(11));
        audits.on_sent(11, 104, 99);
        audits.on_lost(94);
        assert_eq!(audits.take_turn(at(70)), None);
        audits.on_lost(98);
        assert_eq!((audits.take_turn(at(70)), audits.take_turn(at(80))), (Some(10), None));
        assert_eq!(audits.take_turn(at(120)), Some(12));
        audits.on_lost(104);
        audits.put_off(63);
        assert_eq!((audits.take_turn(at(130)), audits.take_turn(at(140))), (Some(11), Some(63)));
        audits.on_lost(104);
        assert_eq!(audits.take_turn(at(150)), None, "once");
    }

    #[test]
    fn what_is_owed_and_has_its_turn_is_owed_no_more() {
        let mut audits = Audits::new(0);
        audits.put_off(1);
        assert_eq!((audits.take_turn(at(0)), audits.take_turn(at(1))), (Some(1), None));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let mut audits = Audits::new(0);
        (0..1_000).for_each(|n| audits.on_sent(n as u8 % 64, n, 0));
        assert_eq!(audits.in_flight.len(), IN_FLIGHT_MAX);
        audits.on_sent(0, 1_000, 990);
        assert_eq!(audits.in_flight.len(), 11);
    }

    #[test]
    fn a_rotation_takes_whole_snapshots() {
        let ms = Duration::from_millis;
        assert_eq!(Audits::rotation(ms(20), ms(0)), ms(60) * 64);
        assert_eq!(Audits::rotation(ms(25), ms(0)), ms(75) * 64);
        assert_eq!(Audits::rotation(ms(200), ms(99)), ms(200) * 64);
        assert_eq!(Audits::rotation(ms(20), ms(99)), ms(99) * 64);
    }
}
