use std::time::Duration;
use tidelock::Instant;
use tidelock::wire::Farewell;

/// The end of a session: what waited still goes out, then the farewell, again and again. No ack is waited for, as the
/// client may understand nothing else; a client that understood says goodbye itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closing {
    farewell: Farewell,
    /// Messages that wait may go first until then.
    patience_until: Instant,
    next_at: Instant,
    left: u8,
}

/// The farewell is said so often: at 50 % loss, all but one in a thousand clients hear it.
const TIMES: u8 = 10;
/// The time between two: a burst of loss is not to take them all.
const INTERVAL: Duration = Duration::from_millis(50);
/// How long messages may hold up the farewell.
const PATIENCE: Duration = Duration::from_millis(250);

impl Closing {
    /// Closes now. If `messages_first`, those that wait go out before.
    pub(crate) fn new(farewell: Farewell, messages_first: bool, now: Instant) -> Self {
        let patience_until = if messages_first { now + PATIENCE } else { now };
        Self { farewell, patience_until, next_at: now, left: TIMES }
    }

    /// The farewell, if it is to be said now; `messages_wait` tells whether some are not acknowledged.
    pub(crate) fn poll(&mut self, messages_wait: bool, now: Instant) -> Option<[u8; Farewell::BYTES]> {
        let holds = messages_wait && now < self.patience_until;
        if holds || now < self.next_at || self.left == 0 {
            return None;
        }
        self.left -= 1;
        // Ticks come a little early and late: what counts is the schedule.
        self.next_at = (self.next_at + INTERVAL).max(now + INTERVAL / 2);
        Some(self.farewell.write())
    }

    /// Whether messages that wait may still go out.
    pub(crate) fn lets_messages_out(&self, now: Instant) -> bool {
        now < self.patience_until
    }

    /// Whether all is said.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.left == 0 && now >= self.next_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidelock::wire::CloseReason;

    const KICKED: Farewell = Farewell::Closed(CloseReason::Kicked);

    fn at(ms: u64) -> Instant {
        Instant::from_us(ms * 1000)
    }

    /// When the farewell is said, and when all is over, in milliseconds.
    fn course(mut closing: Closing, messages_wait_until_ms: u64, tick_ms: usize) -> (Vec<u64>, u64) {
        let mut said = Vec::new();
        for ms in (0..100_000).step_by(tick_ms) {
            if closing.is_over(at(ms)) {
                return (said, ms);
            }
            said.extend(closing.poll(ms < messages_wait_until_ms, at(ms)).map(|_| ms));
        }
        panic!("it never ends");
    }

    #[test]
    fn a_farewell_is_said_ten_times_in_half_a_second() {
        let (said, over) = course(Closing::new(KICKED, true, at(0)), 0, 10);
        assert_eq!(said, (0..10).map(|i| i * 50).collect::<Vec<u64>>());
        assert_eq!(over, 500);
    }

    #[test]
    fn messages_that_wait_go_first_but_not_forever() {
        assert_eq!(course(Closing::new(KICKED, true, at(0)), 120, 10).0[0], 120);
        assert_eq!(course(Closing::new(KICKED, true, at(0)), 10_000, 10).0[0], 250);
        assert_eq!(course(Closing::new(KICKED, false, at(0)), 10_000, 10).0[0], 0);
    }

    #[test]
    fn ticks_that_come_early_and_late_say_it_in_as_much_time() {
        let mut closing = Closing::new(KICKED, false, at(0));
        let said = (0..20).filter(|tick| closing.poll(false, at(tick * 50 + tick % 3)).is_some());
        assert_eq!(said.collect::<Vec<_>>(), (0..10).collect::<Vec<u64>>());
    }

    #[test]
    fn slow_ticks_say_it_as_often() {
        assert_eq!(course(Closing::new(KICKED, false, at(0)), 0, 1000).0.len(), 10);
    }
}
