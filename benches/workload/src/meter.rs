use crate::heap;
use crate::report::Quantiles;
use nix::time::ClockId;
use std::time::{Duration, Instant};

/// Times what a server does in each tick, and counts what it allocates and sends meanwhile.
///
/// All in processor time of the process, whatever else the machine does. Asking for that takes a third of a microsecond, so
/// that phases are timed in every fourth tick only, and the tick as a whole in the others. Nothing is kept unless it is on:
/// the first ticks are for warming up.
#[derive(Debug, Default)]
pub struct Meter {
    is_on: bool,
    cpu: Vec<Duration>,
    wall: Vec<Duration>,
    phases: Vec<(&'static str, Vec<Duration>)>,
    ticks: usize,
    allocations: u64,
    pub(crate) sent: Traffic,
    pub(crate) received: Traffic,
    pub(crate) longest_bytes: usize,
}

/// Messages and their bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

/// The phases of one tick.
#[derive(Debug)]
pub struct Laps<'a> {
    phases: Option<&'a mut Vec<(&'static str, Vec<Duration>)>>,
    began: Duration,
}

/// One tick of so many is timed by phase.
const PHASES_EVERY: usize = 4;

impl Meter {
    /// Whether what follows counts.
    pub const fn set_on(&mut self, is_on: bool) {
        self.is_on = is_on;
    }

    /// Runs what a server does in one tick. Of this function's name instruction counts are made, too.
    #[inline(never)]
    pub fn tick<T>(&mut self, work: impl FnOnce(&mut Laps<'_>) -> T) -> T {
        let by_phase = self.is_on && self.ticks.is_multiple_of(PHASES_EVERY);
        let (allocations, wall_began, began) = (heap::allocations(), wall(), cpu());
        let mut laps = Laps { phases: by_phase.then_some(&mut self.phases), began };
        let said = work(&mut laps);
        let (took, allocations) = (cpu() - began, heap::allocations() - allocations);
        if self.is_on {
            self.ticks += 1;
            self.allocations += allocations;
            if !by_phase {
                self.cpu.push(took);
                self.wall.push(wall().duration_since(wall_began));
            }
        }
        said
    }

    /// The server sends a message.
    pub fn on_sent(&mut self, bytes: usize) {
        if self.is_on {
            self.sent.count(bytes);
            self.longest_bytes = self.longest_bytes.max(bytes);
        }
    }

    /// The server gets a message.
    pub fn on_received(&mut self, bytes: usize) {
        if self.is_on {
            self.received.count(bytes);
        }
    }

    /// How many ticks counted.
    #[must_use]
    pub const fn ticks(&self) -> usize {
        self.ticks
    }

    /// Processor time of a tick.
    #[must_use]
    pub fn cpu(&self) -> Quantiles {
        Quantiles::of(&mut self.cpu.clone())
    }

    /// The same by the clock on the wall.
    #[must_use]
    pub fn wall(&self) -> Quantiles {
        Quantiles::of(&mut self.wall.clone())
    }

    /// The same of each phase, in the order in which they first ended.
    #[must_use]
    pub fn phases(&self) -> Vec<(&'static str, Quantiles)> {
        self.phases.iter().map(|(name, laps)| (*name, Quantiles::of(&mut laps.clone()))).collect()
    }

    /// Payload that the server sent in a tick.
    #[must_use]
    pub fn sent_bytes_per_tick(&self) -> f64 {
        self.sent.bytes as f64 / self.ticks.max(1) as f64
    }

    /// Allocations in a tick.
    #[must_use]
    pub fn allocations_per_tick(&self) -> f64 {
        self.allocations as f64 / self.ticks.max(1) as f64
    }
}

impl Laps<'_> {
    /// The phase that began with the tick, or when the last one ended, is over.
    pub fn end(&mut self, phase: &'static str) {
        let Some(phases) = &mut self.phases else { return };
        let now = cpu();
        let took = now - std::mem::replace(&mut self.began, now);
        match phases.iter_mut().find(|(name, _)| *name == phase) {
            Some((_, laps)) => laps.push(took),
            None => phases.push((phase, vec![took])),
        }
    }
}

impl Traffic {
    const fn count(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }
}

fn wall() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    Instant::now()
}

fn cpu() -> Duration {
    Duration::from(ClockId::CLOCK_PROCESS_CPUTIME_ID.now().expect("processes have clocks"))
}
