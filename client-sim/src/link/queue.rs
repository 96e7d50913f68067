use super::Bottleneck;
use std::time::Duration;
use tidelock::Instant;

/// What waits before a bottleneck: first in, first out. It keeps no datagrams, only when the last of them has passed.
#[derive(Debug, Default)]
pub(super) struct Queue {
    empty_at: Instant,
}

impl Queue {
    /// When a datagram that comes now has passed; `None` if there is no room for it.
    pub(super) fn push(&mut self, bytes: usize, bottleneck: Bottleneck, now: Instant) -> Option<Instant> {
        let wait = self.wait(now);
        let waiting_bytes = wait.as_micros() * u128::from(bottleneck.bandwidth_bytes_s) / 1_000_000;
        if !wait.is_zero() && waiting_bytes + bytes as u128 > u128::from(bottleneck.queue_bytes) {
            return None;
        }
        let passing_us = (bytes as u64 * 1_000_000).div_ceil(u64::from(bottleneck.bandwidth_bytes_s.max(1)));
        self.empty_at = self.empty_at.max(now) + Duration::from_micros(passing_us);
        Some(self.empty_at)
    }

    /// How long what comes now has to wait.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.empty_at.since(now)
    }
}
