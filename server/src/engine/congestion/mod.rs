//! How fast a client may be sent to: what the link to it takes, up to what it is allowed.

mod delay;
mod delivery;
mod loss;

use delay::Delay;
use delivery::{Delivery, Rates};
use loss::{Loss, OUTAGE};
use std::time::Duration;
use tidelock::wire::RttEstimator;
use tidelock::{Buffer, Instant};

/// The rate of one client's budget.
///
/// In the way of draft-ietf-rmcat-gcc-02 (Google congestion control), which was made for what cannot wait either: a queue
/// that grows says that more is sent than passes, and what arrives meanwhile says how much passes. So the rate falls to a
/// little less than *that*, however high it was, and the queue drains. It comes back in the way of RFC 9438 (CUBIC), section
/// 4.2: fast at first, slowly about the rate where it was too high, and fast again if that is no limit any more. Before the
/// first back-off it doubles with each round trip, from the initial window of RFC 6928. It grows only while something waits
/// for it.
#[derive(Debug)]
pub(crate) struct Congestion {
    bounds: RateBounds,
    rate_bytes_s: f64,
    /// What it was while that was sent of which is known now what became of it.
    mean_bytes_s: f64,
    phase: Phase,
    delay: Delay,
    loss: Loss,
    delivery: Delivery,
    /// Smoothed, and of how many samples.
    rtt: Option<Duration>,
    rtt_samples: u64,
    /// When something had to wait for the budget.
    short_at: Option<Instant>,
    updated_at: Instant,
}

/// Between which a rate moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateBounds {
    /// What a client gets however bad its link is: heartbeats, reports on its inputs, its own avatar.
    pub(crate) min_bytes_s: u32,
    /// `u32::MAX` is no bound, and nothing is adapted.
    pub(crate) max_bytes_s: u32,
}

impl RateBounds {
    /// For a client that may be sent `max_bytes_s`, in so many snapshots.
    pub(crate) fn new(max_bytes_s: u32, snapshot_hz: u32) -> Self {
        let min_bytes_s = (SNAPSHOT_BYTES_MIN * snapshot_hz).clamp(RATE_MIN_BYTES_S, max_bytes_s.max(RATE_MIN_BYTES_S));
        Self { min_bytes_s: min_bytes_s.min(max_bytes_s), max_bytes_s }
    }
}

/// What a rate does.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// It doubles with each round trip, and has been used as far as it may for so long.
    Start { used: Duration },
    /// It stands still until the queue is gone, which is looked at `until`, and was as long as `queue` before.
    Drain { until: Instant, queue: Duration, limit_bytes_s: f64 },
    /// It has grown from `from` for so long, towards the limit and beyond.
    Recover { from_bytes_s: f64, limit_bytes_s: f64, grown: Duration },
}

/// What has become of a queue.
enum Verdict {
    /// It will be gone.
    Shrinks,
    /// More arrives than is sent: so much passes. A long queue is not seen to shrink before what came last has passed it.
    Passes(f64),
    /// Still more is sent than passes.
    Stands,
    /// All that is sent passes, and it does not shrink: others fill it, or it is none, and the way has become longer. To
    /// starve for it would help nobody.
    NotOurs,
}

/// Why a rate fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BackOff {
    /// A queue stands on the way.
    Delay,
    /// More is lost than the link loses anyway.
    Loss,
}

/// A snapshot with headers and what is the client's own.
const SNAPSHOT_BYTES_MIN: u32 = 128;
/// The least rate, also the least that can be configured.
const RATE_MIN_BYTES_S: u32 = 4 << 10;
/// Ten datagrams in the first round trip: source RFC 6928, section 2.
const INITIAL_WINDOW_BYTES: f64 = 12_000.0;
/// A round trip before one was measured.
const RTT_FIRST: Duration = Duration::from_millis(250);
/// The natural logarithm of 2: growth by this share of itself in a round trip doubles.
const DOUBLING: f64 = 0.7;
/// After a back-off the rate is this share of what passes; of a long queue, less. Source: GCC, section 5.5.
const DRAIN_SHARE_MAX: f64 = 0.85;
/// The first back-off never more than halves.
const DRAIN_SHARE_MIN: f64 = 0.5;
/// Clients acknowledge at least this often.
const ACKS_WAIT: Duration = Duration::from_millis(50);
/// However low the rate, two datagrams may go out at once, and one more be owed.
const BURST_BYTES: f64 = 3_900.0;
/// So much is all, as far as can be measured.
const ALL_SHARE: f64 = 0.9;
/// After so long the rate is at its limit again, and as long after that by `PROBE_SHARE` above it: `K` of RFC 9438.
const RECOVERY: Duration = Duration::from_millis(2_500);
const PROBE_SHARE: f64 = 0.15;
/// After a loss, so much less is sent than would have passed.
const LOSS_SHARE: f64 = 0.9;
/// Losses are seen about so much later.
const MEAN_S: f64 = 0.5;
/// Who may be sent as much as is allowed, and was for so long, has a link that takes it.
const START_PROVEN: Duration = Duration::from_secs(1);
const START: Phase = Phase::Start { used: Duration::ZERO };
/// What waits counts for at least so long.
const SHORT: Duration = Duration::from_millis(100);
/// A queue that shrinks is seen to after a round trip, and this, by so much at least.
const DRAIN_SEEN: Duration = Duration::from_millis(200);
const SHRUNK: Duration = Duration::from_millis(10);

impl Congestion {
    /// How many datagrams are under way, as far as is known.
    pub(crate) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        self.delivery.buffers(see);
    }

    pub(crate) fn new(bounds: RateBounds) -> Self {
        let mut congestion = Self {
            bounds,
            rate_bytes_s: 0.0,
            mean_bytes_s: 0.0,
            phase: START,
            delay: Delay::default(),
            loss: Loss::default(),
            delivery: Delivery::default(),
            rtt: None,
            rtt_samples: 0,
            short_at: None,
            updated_at: Instant::default(),
        };
        congestion.set_rate(INITIAL_WINDOW_BYTES / RTT_FIRST.as_secs_f64());
        congestion
    }

    /// What the client may be sent.
    pub(crate) fn rate_bytes_s(&self) -> u32 {
        self.rate_bytes_s as u32
    }

    /// A datagram goes out.
    pub(crate) fn on_sent(&mut self, sequence: u64, bytes: usize) {
        if !self.is_off() {
            self.delivery.on_sent(sequence, bytes);
        }
    }

    /// A datagram arrived, maybe after it was taken for lost; or it seems lost.
    pub(crate) fn on_fate(&mut self, sequence: u64, arrived: bool, now: Instant) {
        if self.is_off() {
            return;
        }
        if !arrived {
            self.delivery.on_lost(sequence);
            self.loss.on_lost(now);
        } else if self.delivery.on_acked(sequence) {
            self.loss.on_found(now);
        } else {
            self.loss.on_acked(now);
        }
    }

    /// All acks of a datagram of the client's have been told.
    pub(crate) fn on_acks(&mut self, rtt: &RttEstimator, now: Instant) {
        self.delivery.mark(now);
        let (Some(latest), Some(smoothed)) = (rtt.latest(), rtt.smoothed()) else { return };
        if rtt.samples() == self.rtt_samples {
            return;
        }
        self.rtt_samples = rtt.samples();
        if self.rtt.is_none() {
            self.set_rate(INITIAL_WINDOW_BYTES / smoothed.as_secs_f64().max(1e-3));
        }
        self.rtt = Some(smoothed);
        self.delay.sample(latest, smoothed, matches!(self.phase, Phase::Drain { .. }), now);
    }

    /// Something has to wait for the budget.
    pub(crate) fn on_short(&mut self, now: Instant) {
        self.short_at = Some(now);
    }

    /// A tick begins: decides on the rate. Says why if it falls.
    pub(crate) fn update(&mut self, now: Instant, tick_period: Duration) -> Option<BackOff> {
        let elapsed = now.since(self.updated_at);
        self.updated_at = now;
        self.mean_bytes_s += (self.rate_bytes_s - self.mean_bytes_s) * (elapsed.as_secs_f64() / MEAN_S).min(1.0);
        let rtt = self.rtt.filter(|_| !self.is_off())?;
        if let Some(excess) = self.loss.poll_excess(rtt, now) {
            self.on_excess(excess, rtt, now);
            return Some(BackOff::Loss);
        }
        let (queue, bound) = (self.delay.queue(), self.delay.bound(tick_period));
        match self.phase {
            Phase::Drain { until, .. } if now < until => {}
            Phase::Drain { limit_bytes_s, .. } if queue <= bound / 2 => self.recover(limit_bytes_s),
            Phase::Drain { queue: before, limit_bytes_s, .. } => match self.judge(before, queue, limit_bytes_s) {
                Verdict::Shrinks => self.drain(queue, limit_bytes_s, rtt, now),
                Verdict::Passes(limit_bytes_s) => {
                    self.set_rate(limit_bytes_s * drain_share(queue));
                    self.drain(queue, limit_bytes_s, rtt, now);
                }
                Verdict::NotOurs => {
                    self.delay.rebase(now);
                    self.recover(limit_bytes_s);
                }
                Verdict::Stands => return Some(self.on_queue(queue, rtt, now)),
            },
            Phase::Start { .. } if self.is_overdue(bound, now) => return Some(self.on_queue(queue, rtt, now)),
            Phase::Start { .. } | Phase::Recover { .. } if queue > bound => {
                return Some(self.on_queue(queue, rtt, now));
            }
            Phase::Start { .. } | Phase::Recover { .. } => self.grow(elapsed, rtt, now),
        }
        None
    }

    fn is_off(&self) -> bool {
        self.bounds.max_bytes_s == u32::MAX
    }

    fn set_rate(&mut self, rate_bytes_s: f64) {
        let RateBounds { min_bytes_s, max_bytes_s } = self.bounds;
        let rate_bytes_s = if self.is_off() { f64::INFINITY } else { rate_bytes_s };
        self.rate_bytes_s = rate_bytes_s.clamp(f64::from(min_bytes_s), f64::from(max_bytes_s));
    }

    /// More is lost than by chance.
    fn on_excess(&mut self, excess: f64, rtt: Duration, now: Instant) {
        let passes_bytes_s = self.rate_bytes_s.min(self.mean_bytes_s) * (1.0 - excess);
        self.set_rate(passes_bytes_s * LOSS_SHARE);
        if excess > OUTAGE || self.rate_bytes_s <= f64::from(self.bounds.min_bytes_s) {
            self.phase = START;
        } else {
            self.recover(passes_bytes_s);
        }
        self.loss.open(now + rtt);
    }

    /// A queue stands on the way, and does not shrink.
    fn on_queue(&mut self, queue: Duration, rtt: Duration, now: Instant) -> BackOff {
        let before = self.rate_bytes_s;
        let passes_bytes_s = self.delivery.rates().map_or(before, |rates| rates.arrived_bytes_s);
        let limit_bytes_s = match self.phase {
            // Nothing is known of the link yet, and too much may be under way already: the queue has to go first.
            Phase::Start { .. } => {
                self.set_rate((passes_bytes_s * DRAIN_SHARE_MIN).min(before));
                passes_bytes_s.max(before * DRAIN_SHARE_MIN)
            }
            // What had only just begun to be sent may not have arrived for that reason alone.
            Phase::Recover { .. } => {
                self.set_rate((passes_bytes_s * drain_share(queue)).clamp(before * DRAIN_SHARE_MIN, before));
                passes_bytes_s.max(self.rate_bytes_s)
            }
            Phase::Drain { .. } => {
                self.set_rate((passes_bytes_s * drain_share(queue)).min(before));
                passes_bytes_s
            }
        };
        self.drain(queue, limit_bytes_s, rtt, now);
        self.loss.open(now + rtt);
        BackOff::Delay
    }

    fn drain(&mut self, queue: Duration, limit_bytes_s: f64, rtt: Duration, now: Instant) {
        self.phase = Phase::Drain { until: now + rtt + DRAIN_SEEN, queue, limit_bytes_s };
    }

    /// Whatever passed lately, which may be nothing at all, the least rate does, or nothing will.
    fn recover(&mut self, limit_bytes_s: f64) {
        let limit_bytes_s = limit_bytes_s.max(f64::from(self.bounds.min_bytes_s.max(1)));
        self.phase = Phase::Recover { from_bytes_s: self.rate_bytes_s, limit_bytes_s, grown: Duration::ZERO };
    }

    /// Whether more is under way than a round trip and waiting for acks explain: that is known before the acks come that tell of
    /// the queue.
    fn is_overdue(&self, bound: Duration, now: Instant) -> bool {
        let Some(base) = self.delay.base().filter(|_| self.is_short(now)) else { return false };
        let explained_bytes = self.rate_bytes_s * (base + bound + ACKS_WAIT).as_secs_f64();
        self.delivery.in_flight_bytes() as f64 > explained_bytes + BURST_BYTES
    }

    /// What has become of a queue since less is sent than what passed.
    fn judge(&self, before: Duration, queue: Duration, limit_bytes_s: f64) -> Verdict {
        let Some(Rates { sent_bytes_s, arrived_bytes_s }) = self.delivery.rates() else { return Verdict::Shrinks };
        let share = arrived_bytes_s / sent_bytes_s.max(1.0);
        if share * ALL_SHARE > 1.0 {
            Verdict::Passes(arrived_bytes_s)
        } else if queue + SHRUNK < before {
            Verdict::Shrinks
        } else if share < ALL_SHARE || self.rate_bytes_s > ALL_SHARE * limit_bytes_s {
            Verdict::Stands
        } else {
            Verdict::NotOurs
        }
    }

    /// Whether there is more to be sent than may be, or was a round trip ago.
    fn is_short(&self, now: Instant) -> bool {
        let memory = self.rtt.map_or(SHORT, |rtt| rtt.max(SHORT));
        self.short_at.is_some_and(|at| now.since(at) <= memory)
    }

    /// What nobody asked for says nothing about the link, so a rate that is not used does not grow. Source: RFC 9002,
    /// section 7.8.
    fn grow(&mut self, elapsed: Duration, rtt: Duration, now: Instant) {
        if !self.is_short(now) {
            return;
        }
        let is_at_max = self.rate_bytes_s >= f64::from(self.bounds.max_bytes_s);
        match &mut self.phase {
            Phase::Start { used } if is_at_max => {
                *used += elapsed;
                if *used > START_PROVEN {
                    self.recover(self.rate_bytes_s);
                }
            }
            Phase::Recover { .. } if is_at_max => {}
            Phase::Start { .. } => {
                let round_trips = elapsed.as_secs_f64() / rtt.as_secs_f64().max(1e-3);
                self.set_rate(self.rate_bytes_s * (1.0 + DOUBLING * round_trips.min(1.0)));
            }
            Phase::Recover { from_bytes_s, limit_bytes_s, grown } => {
                *grown += elapsed;
                let (from, limit) = (*from_bytes_s, *limit_bytes_s);
                let x = grown.as_secs_f64() / RECOVERY.as_secs_f64() - 1.0;
                let share = if x < 0.0 { (limit - from) / limit } else { PROBE_SHARE };
                self.set_rate(limit * (1.0 + share * x * x * x));
            }
            Phase::Drain { .. } => {}
        }
    }
}

/// Which share of what passes lets a queue drain in about a second.
fn drain_share(queue: Duration) -> f64 {
    (DRAIN_SHARE_MAX + 0.1 - queue.as_secs_f64()).clamp(DRAIN_SHARE_MIN, DRAIN_SHARE_MAX)
}

#[cfg(test)]
mod tests;
