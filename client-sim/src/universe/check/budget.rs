use super::super::wiretap::{Kind, PerLine, Said};
use super::{Checker, Ears};
use std::time::Duration;
use tidelock::Instant;
use tidelock::netcode::Side;
use tidelock::state::Input;
use tidelock::wire::Load;
use tidelock_server::engine::EngineConfig;

/// On no connection more is sent to a client, in any time, than its rate allows in that time and one burst, and what may be owed.
///
/// The bound is that of `server/src/engine/budget.rs`: a bucket that holds what may be sent in the time of two snapshots, or two
/// datagrams if that is more, and a debt of one datagram at most. What is exempt is what the budget does not count: netcode's own
/// packets, which are no payloads, and the farewell.
#[derive(Debug, Default)]
pub struct Budget {
    lines: PerLine<Line>,
    counted: u64,
}

/// What was sent on one connection and has not drained at the highest rate that is allowed: over any time, what was sent beyond
/// that rate.
#[derive(Debug, Default)]
struct Line {
    level_ub: i64,
    drained_at: Instant,
    /// Whether the server was ever under load: there are half as many snapshots then, and a bucket holds twice as much.
    was_under_load: bool,
}

const UB: i64 = 1_000_000;
/// Room for a datagram, as the server counts it.
const DATAGRAM_BYTES: i64 = 1_300;
const SNAPSHOTS: u32 = 2;

/// What a client may be sent.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    rate_bytes_s: i64,
    snapshot_interval: Duration,
}

impl Allowance {
    fn of(config: &EngineConfig) -> Self {
        let snapshot_interval = config.tick_period() * (config.tick_hz / config.snapshot_hz);
        Self { rate_bytes_s: i64::from(config.client_bandwidth_bytes_s), snapshot_interval }
    }

    /// The most that may be sent at once, with what may be owed then.
    fn at_once_bytes(self, was_under_load: bool) -> i64 {
        let interval = self.snapshot_interval * SNAPSHOTS * if was_under_load { 2 } else { 1 };
        let bucket = self.rate_bytes_s * interval.as_micros() as i64 / UB;
        bucket.max(2 * DATAGRAM_BYTES) + DATAGRAM_BYTES
    }
}

impl Budget {
    fn on_sent(&mut self, said: &Said, allowance: Allowance, load: Load) -> Result<(), String> {
        let line = self.lines.of(said.line);
        line.was_under_load |= load.level > 0;
        let elapsed_us = said.at.since(line.drained_at).as_micros().min(1 << 32) as i64;
        line.drained_at = said.at;
        line.level_ub = (line.level_ub - elapsed_us * allowance.rate_bytes_s).max(0) + said.bytes as i64 * UB;
        let bound = allowance.at_once_bytes(line.was_under_load);
        if line.level_ub > bound * UB {
            let (who, beyond) = (said.client_id, line.level_ub / UB);
            return Err(format!("client {who} was sent {beyond} bytes more than its rate allows, not {bound}"));
        }
        self.counted += 1;
        Ok(())
    }
}

impl<I: Input> Checker<I> for Budget {
    fn name(&self) -> &'static str {
        "budget"
    }

    fn looked(&self) -> u64 {
        self.counted
    }

    fn listens(&self) -> bool {
        true
    }

    fn on_said(&mut self, said: &Said, ears: &Ears<'_>) -> Result<(), String> {
        let config = ears.engine.config();
        let is_counted = said.from == Side::Server && !matches!(said.kind, Kind::Farewell(_));
        // The highest rate means that there is no budget.
        if !is_counted || config.client_bandwidth_bytes_s == u32::MAX {
            return Ok(());
        }
        self.on_sent(said, Allowance::of(config), ears.engine.load())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWANCE: Allowance = Allowance { rate_bytes_s: 60_000, snapshot_interval: Duration::from_millis(100) };
    /// What the bucket holds, and a datagram.
    const AT_ONCE: usize = 12_000 + 1_300;

    fn said(at_ms: u64, bytes: usize) -> Said {
        Said { at: Instant::from_us(1_000_000 + at_ms * 1_000), bytes, ..Said::default() }
    }

    #[test]
    fn what_is_allowed_passes() {
        let mut budget = Budget::default();
        assert_eq!(budget.on_sent(&said(0, AT_ONCE), ALLOWANCE, Load::default()), Ok(()));
        for ms in 1..1_000 {
            assert_eq!(budget.on_sent(&said(ms, 60), ALLOWANCE, Load::default()), Ok(()));
        }
    }

    #[test]
    fn it_finds_a_byte_too_much_at_once_and_over_time() {
        assert!(Budget::default().on_sent(&said(0, AT_ONCE + 1), ALLOWANCE, Load::default()).is_err());
        let mut budget = Budget::default();
        // A little more than the rate, until the bucket is empty.
        let found = (0..60_000).position(|ms| budget.on_sent(&said(ms, 61), ALLOWANCE, Load::default()).is_err());
        assert!((13_200..13_300).contains(&found.unwrap()), "{found:?}");
    }

    #[test]
    fn a_small_bucket_holds_two_datagrams_and_one_under_load_is_twice_as_large() {
        let small = Allowance { rate_bytes_s: 4_096, snapshot_interval: Duration::from_millis(16) };
        assert_eq!((small.at_once_bytes(false), ALLOWANCE.at_once_bytes(true)), (3_900, 24_000 + 1_300));
    }
}
