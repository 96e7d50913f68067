use std::time::Duration;

use super::{Bursts, Stalls};

/// What one direction of a link does to datagrams. The default does nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinkConfig {
    /// Mean delay of this direction: a round trip takes both directions'.
    pub latency: Duration,
    /// Standard deviation of the delay. A datagram takes `latency - jitter` (not less than nothing) and an
    /// exponentially distributed wait of mean `jitter` on top, as if it had stood in a queue: never faster than
    /// `latency - jitter`, one in a hundred slower than `latency + 3.6 jitter`. With a jitter above the latency the mean
    /// is the jitter.
    ///
    /// A queue keeps its order, and so does jitter: a datagram never arrives before an earlier one unless that one was
    /// reordered. Where the jitter exceeds the time between datagrams, the mean grows by what they wait for each other.
    pub jitter: Duration,
    /// Share of datagrams that never arrive, each on its own, 0 to 1. With bursts: outside of them.
    pub loss: f64,
    /// Datagrams that never arrive, many in a row; `None` is never.
    pub bursts: Option<Bursts>,
    /// Share of datagrams that arrive twice, the copy up to 10 ms after the first, 0 to 1.
    pub duplicate: f64,
    /// Share of datagrams that are held back until one to three later ones have overtaken them, or for 100 ms if none
    /// do, 0 to 1.
    pub reorder: f64,
    /// The narrowest place of the link, before its delay; `None` is wide enough for everything.
    pub bottleneck: Option<Bottleneck>,
    /// Pauses in which nothing passes, behind the bottleneck; `None` is never.
    pub stalls: Option<Stalls>,
}

/// Where a link is narrow: a queue in front of it that loses its tail. What the link loses by chance, it loses behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bottleneck {
    /// UDP payload that passes in a second, at least one byte. Headers of IP and UDP do not count, as in budgets.
    pub bandwidth_bytes_s: u32,
    /// What may wait, the datagram that is passing included. A datagram that finds less room is dropped, unless nothing
    /// else waits.
    pub queue_bytes: u32,
}

impl Bottleneck {
    /// A queue that holds what passes in a second: more than most players' routers have, so that delay says it first.
    #[must_use]
    pub const fn of(bandwidth_bytes_s: u32) -> Self {
        Self { bandwidth_bytes_s, queue_bytes: bandwidth_bytes_s }
    }
}

impl LinkConfig {
    /// Whether it leaves every datagram as it is.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        *self == Self::default()
    }

    /// Share of datagrams that are lost by chance in the long run, on their own or in bursts, 0 to 1.
    #[must_use]
    pub fn mean_loss(&self) -> f64 {
        match self.bursts {
            None => self.loss,
            Some(bursts) => self.loss + bursts.bad_share() * (bursts.loss - self.loss),
        }
    }

    /// The least delay of a datagram.
    #[must_use]
    pub fn delay_min(&self) -> Duration {
        self.latency.saturating_sub(self.jitter)
    }
}
