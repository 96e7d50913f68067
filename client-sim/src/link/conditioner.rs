use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use tidelock::Instant;

use super::bursts::Chain;
use super::queue::Queue;
use super::stalls::Pauses;
use super::{LinkConfig, Rng};

/// One direction of a link. Push datagrams as they are sent, pop them as they are due.
#[derive(Debug)]
pub struct Conditioner {
    config: LinkConfig,
    /// Decides who is lost, doubled and reordered; apart from the delays, so that a longer latency loses the same ones.
    fates: Rng,
    delays: Rng,
    bursts: Chain,
    in_flight: BinaryHeap<Reverse<InFlight>>,
    held: Vec<Held>,
    buffers: Buffers,
    queue: Queue,
    pauses: Pauses,
    pushes: u64,
    /// Datagrams of one burst wait in the same queue and share one delay.
    burst: Option<Burst>,
    /// Jitter keeps order: nothing that is not reordered arrives before this.
    last_due: Instant,
    counts: LinkCounts,
}

/// A datagram that arrives.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// When it arrives: at or before the moment it was popped.
    pub due: Instant,
    /// Its bytes, the receiver's to decrypt in place.
    pub datagram: &'a mut [u8],
}

/// The fates of all datagrams so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounts {
    /// Sent into the link.
    pub pushed: u64,
    /// Delivered, copies included.
    pub delivered: u64,
    /// Dropped by chance, alone or in a burst.
    pub lost: u64,
    /// Sent twice.
    pub duplicated: u64,
    /// Held back to be overtaken.
    pub reordered: u64,
    /// Dropped because [`Conditioner::IN_FLIGHT_MAX`] others were on their way.
    pub overflowed: u64,
    /// Dropped because the queue of the bottleneck was full.
    pub queue_full: u64,
}

/// Ordered by arrival; `order` decides between equals, so that two datagrams never change places by accident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct InFlight {
    due: Instant,
    order: u64,
    buffer: usize,
}

/// Waits to be overtaken.
#[derive(Clone, Copy, Debug)]
struct Held {
    overtakers_left: u64,
    /// When it would have arrived.
    due: Instant,
    /// When it arrives if nobody comes to overtake it.
    due_latest: Instant,
    buffer: usize,
}

#[derive(Clone, Copy, Debug)]
struct Burst {
    began: Instant,
    delay: Duration,
}

impl Conditioner {
    /// Datagrams on their way at once: a full second of 1 MiB/s in full datagrams, twice over.
    pub const IN_FLIGHT_MAX: usize = 2048;
    /// Datagrams sent this close together share one draw of jitter.
    pub const BURST: Duration = Duration::from_millis(1);
    /// The latest that a copy arrives after the first.
    pub const DUPLICATE_DELAY_MAX: Duration = Duration::from_millis(10);
    /// The longest that a reordered datagram is held back.
    pub const HOLD_MAX: Duration = Duration::from_millis(100);

    /// The same seed gives the same sequence of datagrams the same fates.
    #[must_use]
    pub fn new(config: LinkConfig, seed: u64) -> Self {
        Self {
            config,
            fates: Rng::stream(seed, 0),
            delays: Rng::stream(seed, 1),
            bursts: Chain::new(Rng::stream(seed, 2)),
            in_flight: BinaryHeap::new(),
            held: Vec::new(),
            buffers: Buffers::default(),
            queue: Queue::default(),
            pauses: Pauses::new(Rng::stream(seed, 3)),
            pushes: 0,
            burst: None,
            last_due: Instant::default(),
            counts: LinkCounts::default(),
        }
    }

    /// Sends a datagram at `now`, which does not go back from push to push.
    pub fn push(&mut self, datagram: &[u8], now: Instant) {
        self.counts.pushed += 1;
        let lost_alone = self.fates.chance(self.config.loss);
        let lost = self.bursts.step(self.config.bursts, lost_alone);
        let duplicated = self.fates.chance(self.config.duplicate);
        let reordered = self.fates.chance(self.config.reorder);
        let overtakers = 1 + self.fates.below(3);
        let delay = self.delay(now);
        let passed = match self.config.bottleneck {
            Some(bottleneck) => self.queue.push(datagram.len(), bottleneck, now),
            None => Some(now),
        };
        let Some(passed) = passed else {
            self.counts.queue_full += 1;
            return;
        };
        let due = self.pauses.pass(self.config.stalls, passed) + delay;
        if lost {
            self.counts.lost += 1;
            return;
        }
        let Some(buffer) = self.store(datagram) else { return };
        if reordered {
            self.counts.reordered += 1;
            let due_latest = due + Self::HOLD_MAX;
            self.held.push(Held { overtakers_left: overtakers, due, due_latest, buffer });
        } else {
            self.last_due = self.last_due.max(due);
            self.schedule(self.last_due, buffer);
            self.overtake_held(self.last_due);
        }
        if duplicated {
            self.push_copy(datagram, due);
        }
    }

    /// The next datagram that has arrived by `now`, the earliest first.
    pub fn pop_due(&mut self, now: Instant) -> Option<Delivery<'_>> {
        self.release_held(now);
        let Reverse(InFlight { due, buffer, .. }) = *self.in_flight.peek()?;
        if due > now {
            return None;
        }
        self.in_flight.pop();
        self.counts.delivered += 1;
        Some(Delivery { due, datagram: self.buffers.take(buffer) })
    }

    /// When [`Conditioner::pop_due`] gives something next; `None` while nothing is on its way.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let in_flight = self.in_flight.peek().map(|Reverse(next)| next.due);
        let held = self.held.iter().map(|held| held.due_latest).min();
        in_flight.into_iter().chain(held).min()
    }

    /// Changes what happens to datagrams from now on. What is under way arrives as it was to, and a burst of loss goes on
    /// if there still are any.
    pub fn set_config(&mut self, config: LinkConfig) {
        self.config = config;
        self.burst = None;
    }

    /// What became of all datagrams so far.
    #[must_use]
    pub fn counts(&self) -> LinkCounts {
        self.counts
    }

    /// How long a datagram sent at `now` waits before the bottleneck.
    #[must_use]
    pub fn queue_wait(&self, now: Instant) -> Duration {
        self.queue.wait(now)
    }

    /// How many are on their way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len() + self.held.len()
    }

    /// Latency and jitter for a datagram sent at `now`.
    fn delay(&mut self, now: Instant) -> Duration {
        if self.config.jitter.is_zero() {
            return self.config.latency;
        }
        if let Some(burst) = self.burst
            && now.since(burst.began) < Self::BURST
        {
            return burst.delay;
        }
        let wait = self.config.jitter.mul_f64(self.delays.exponential());
        let delay = self.config.delay_min() + wait;
        self.burst = Some(Burst { began: now, delay });
        delay
    }

    fn push_copy(&mut self, datagram: &[u8], due: Instant) {
        let delay = Self::DUPLICATE_DELAY_MAX.mul_f64(self.delays.unit());
        if let Some(buffer) = self.store(datagram) {
            self.counts.duplicated += 1;
            self.schedule(due + delay, buffer);
        }
    }

    /// Counts the datagram as overflowed if there are too many.
    fn store(&mut self, datagram: &[u8]) -> Option<usize> {
        if self.in_flight() >= Self::IN_FLIGHT_MAX {
            self.counts.overflowed += 1;
            return None;
        }
        Some(self.buffers.put(datagram))
    }

    fn schedule(&mut self, due: Instant, buffer: usize) {
        self.in_flight.push(Reverse(InFlight { due, order: self.pushes, buffer }));
        self.pushes += 1;
    }

    /// A datagram arrives at `due`: those held back let it pass, and follow it when they have let enough pass.
    fn overtake_held(&mut self, due: Instant) {
        let mut index = 0;
        while index < self.held.len() {
            self.held[index].overtakers_left -= 1;
            if self.held[index].overtakers_left == 0 {
                let held = self.held.remove(index);
                self.schedule(held.due.max(due), held.buffer);
            } else {
                index += 1;
            }
        }
    }

    /// Nobody came to overtake them.
    fn release_held(&mut self, now: Instant) {
        let mut index = 0;
        while index < self.held.len() {
            if self.held[index].due_latest <= now {
                let held = self.held.remove(index);
                self.schedule(held.due_latest, held.buffer);
            } else {
                index += 1;
            }
        }
    }
}

/// Datagrams' bytes. Memory is kept and used again.
#[derive(Debug, Default)]
struct Buffers {
    buffers: Vec<Vec<u8>>,
    free: Vec<usize>,
}

impl Buffers {
    fn put(&mut self, datagram: &[u8]) -> usize {
        let index = self.free.pop().unwrap_or_else(|| {
            self.buffers.push(Vec::new());
            self.buffers.len() - 1
        });
        self.buffers[index].clear();
        self.buffers[index].extend_from_slice(datagram);
        index
    }

    /// The bytes stay until the next `put`, which the borrow rules out.
    fn take(&mut self, index: usize) -> &mut [u8] {
        self.free.push(index);
        &mut self.buffers[index]
    }
}
