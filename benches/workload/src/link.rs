use crate::chance::unit;

/// How far apart clients' links are: client 0 has the least round trip, the last the most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The round trips, in microseconds.
    pub rtt_us: (u64, u64),
    /// Mean of the exponential wait on top of half a round trip, in microseconds.
    pub jitter_us: u64,
    /// Share of what is sent that never arrives, each way.
    pub loss: f32,
}

/// One direction of one client's link, for transports that hand messages over in memory.
///
/// As of a queue: nothing overtakes anything, and what is lost is lost on its own.
#[derive(Clone, Debug)]
pub struct Link {
    latency_us: u64,
    jitter_us: u64,
    loss: f32,
    /// Tells links apart in what chance does to them.
    stream: u64,
    sent: u64,
    last_due_us: u64,
}

const LOSS_STREAM: u64 = 40;
const JITTER_STREAM: u64 = 41;

impl Spread {
    /// Of section "spread" of the tables: round trips of 20 to 200 ms, 5 ms of jitter and 2 % of loss each way.
    pub const WIDE: Self = Self { rtt_us: (20_000, 200_000), jitter_us: 5_000, loss: 0.02 };

    /// The round trip of one of `clients`, without jitter.
    #[must_use]
    pub const fn rtt_us_of(&self, client: usize, clients: usize) -> u64 {
        let steps = if clients > 1 { clients as u64 - 1 } else { 1 };
        self.rtt_us.0 + (self.rtt_us.1 - self.rtt_us.0) * client as u64 / steps
    }
}

impl Link {
    /// A link that delivers at once.
    #[must_use]
    pub const fn clear() -> Self {
        Self { latency_us: 0, jitter_us: 0, loss: 0.0, stream: 0, sent: 0, last_due_us: 0 }
    }

    /// The link of one of `clients`, to it or from it.
    #[must_use]
    pub const fn spread(spread: &Spread, client: usize, clients: usize, is_up: bool) -> Self {
        let latency_us = spread.rtt_us_of(client, clients) / 2;
        let stream = 2 * client as u64 + is_up as u64;
        Self { latency_us, jitter_us: spread.jitter_us, loss: spread.loss, stream, sent: 0, last_due_us: 0 }
    }

    /// Something is sent at `now_us`: when it arrives, if it does.
    pub fn send(&mut self, now_us: u64) -> Option<u64> {
        self.sent += 1;
        if self.loss > 0.0 && unit(LOSS_STREAM, self.stream, self.sent) < self.loss {
            return None;
        }
        let wait = -(1.0 - unit(JITTER_STREAM, self.stream, self.sent)).ln();
        let due_us = now_us + self.latency_us + (self.jitter_us as f32 * wait) as u64;
        self.last_due_us = self.last_due_us.max(due_us);
        Some(self.last_due_us)
    }

    /// Something that is sent again until it arrives is sent at `now_us`: when it arrives. What is sent after it waits for it.
    pub fn send_reliably(&mut self, now_us: u64) -> u64 {
        let mut sent_us = now_us;
        loop {
            match self.send(sent_us) {
                Some(due_us) => return due_us,
                // What the sender needs to find out: a round trip, and half of one more for what it waits in addition.
                None => sent_us += 3 * self.latency_us,
            }
        }
    }

    /// From now on nothing is lost.
    pub const fn heal(&mut self) {
        self.loss = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_keeps_its_delay_its_order_and_its_share_of_losses() {
        let mut link = Link::spread(&Spread::WIDE, 9, 10, false);
        let arrivals: Vec<u64> = (0..10_000).filter_map(|n| Some(link.send(n * 33_333)? - n * 33_333)).collect();
        let mean_us = arrivals.iter().sum::<u64>() / arrivals.len() as u64;
        assert!((104_000..107_000).contains(&mean_us), "{mean_us}");
        assert!((9_750..9_850).contains(&arrivals.len()), "{}", arrivals.len());
        let late = (0..1_000)
            .filter(|n| link.send_reliably(350_000_000 + n * 1_000_000) > 350_000_000 + n * 1_000_000 + 200_000);
        assert!((10..40).contains(&late.count()));
        link.heal();
        assert!((0..1_000).all(|n| link.send(4_000_000_000 + n).is_some()));
    }

    #[test]
    fn round_trips_reach_from_the_least_to_the_most() {
        assert_eq!(Spread::WIDE.rtt_us_of(0, 10), 20_000);
        assert_eq!(Spread::WIDE.rtt_us_of(9, 10), 200_000);
        assert_eq!(Spread::WIDE.rtt_us_of(0, 1), 20_000);
    }
}
