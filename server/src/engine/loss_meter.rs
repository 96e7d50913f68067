use tidelock::wire::{ReceiveCounts, SendCounts};

/// Measures which share of a client's datagrams the network loses, from one look to the next.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LossMeter {
    sent: SendCounts,
    received: ReceiveCounts,
}

impl LossMeter {
    /// The shares since the last look, from 0 to 1: of what was sent and decided about, and of what was expected. `None` of nothing.
    pub(crate) fn look(&mut self, sent: SendCounts, received: ReceiveCounts) -> (Option<f32>, Option<f32>) {
        let before = std::mem::replace(self, Self { sent, received });
        // What seemed lost may be acknowledged later, and what seemed missing may arrive.
        let lost = sent.lost.saturating_sub(before.sent.lost);
        let acked = sent.acked.saturating_sub(before.sent.acked);
        let expected = received.expected.saturating_sub(before.received.expected);
        let missing = expected.saturating_sub(received.received.saturating_sub(before.received.received));
        (share(lost, lost + acked), share(missing, expected))
    }
}

fn share(part: u64, whole: u64) -> Option<f32> {
    (whole > 0).then(|| part as f32 / whole as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(acked: u64, lost: u64) -> SendCounts {
        SendCounts { sent: acked + lost, acked, lost }
    }

    fn received(expected: u64, received: u64) -> ReceiveCounts {
        ReceiveCounts { expected, received, ..ReceiveCounts::default() }
    }

    #[test]
    fn shares_are_of_what_happened_since_the_last_look() {
        let mut meter = LossMeter::default();
        assert_eq!(meter.look(sent(90, 10), received(100, 100)), (Some(0.1), Some(0.0)));
        assert_eq!(meter.look(sent(150, 10), received(160, 145)), (Some(0.0), Some(0.25)));
    }

    #[test]
    fn of_nothing_there_is_no_share() {
        let mut meter = LossMeter::default();
        assert_eq!(meter.look(sent(0, 0), received(0, 0)), (None, None));
        meter.look(sent(5, 5), received(10, 10));
        assert_eq!(meter.look(sent(5, 5), received(10, 10)), (None, None));
    }

    #[test]
    fn what_arrives_late_was_no_loss() {
        let mut meter = LossMeter::default();
        meter.look(sent(50, 10), received(60, 50));
        assert_eq!(meter.look(sent(70, 5), received(80, 80)), (Some(0.0), Some(0.0)));
    }
}
