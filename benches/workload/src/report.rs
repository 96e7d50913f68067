use crate::cell::Cell;
use crate::meter::Meter;
use crate::process::memory_peak_bytes;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Durations, in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Quantiles {
    /// The median.
    pub p50_us: f64,
    /// One in a hundred is longer.
    pub p99_us: f64,
    /// The longest.
    pub max_us: f64,
    /// The arithmetic mean.
    pub mean_us: f64,
}

impl Quantiles {
    /// Of `durations`, which are sorted on the way. All zero for none.
    pub fn of(durations: &mut [Duration]) -> Self {
        durations.sort_unstable();
        let us = |duration: Option<&Duration>| duration.map_or(0.0, |duration| duration.as_secs_f64() * 1e6);
        let at = |share: f64| us(durations.get((durations.len() as f64 * share) as usize).or(durations.last()));
        let sum: Duration = durations.iter().sum();
        Self {
            p50_us: at(0.5),
            p99_us: at(0.99),
            max_us: us(durations.last()),
            mean_us: sum.as_secs_f64() * 1e6 / durations.len().max(1) as f64,
        }
    }
}

/// What clients hold at the end, after quiet time: copies of entities, one for each client that is meant to see each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Copies {
    /// Equal to the server's.
    pub right: u64,
    /// Of an older state.
    pub stale: u64,
    /// Not there.
    pub missing: u64,
    /// There, though the client is not meant to see the entity any more.
    pub ghost: u64,
}

impl Copies {
    /// Whether every copy is as it should be.
    #[must_use]
    pub const fn are_all_right(&self) -> bool {
        self.stale + self.missing + self.ghost == 0
    }

    /// Counts one copy: whether the client is `meant` to have it, and if it has it, whether that `is_right`.
    pub const fn count(&mut self, meant: bool, is_right: Option<bool>) {
        match (meant, is_right) {
            (true, Some(true)) => self.right += 1,
            (true, Some(false)) => self.stale += 1,
            (true, None) => self.missing += 1,
            (false, Some(_)) => self.ghost += 1,
            (false, None) => {}
        }
    }
}

/// What one program measured of one cell. Printed as one line of JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Which library, with its version.
    pub peer: &'static str,
    /// What was run.
    #[serde(flatten)]
    pub cell: Cell,
    /// How many ticks were measured.
    pub measured_ticks: usize,
    /// What the server's part of a tick costs.
    pub cpu: Quantiles,
    /// The same by the clock on the wall.
    pub wall: Quantiles,
    /// By phase.
    pub phases: BTreeMap<&'static str, Quantiles>,
    /// Payload from the server.
    pub bytes_per_client_tick: f64,
    /// Messages from the server.
    pub messages_per_client_tick: f64,
    /// The longest of them.
    pub message_bytes_max: usize,
    /// Payload to the server.
    pub up_bytes_per_client_tick: f64,
    /// By the server.
    pub allocations_per_tick: f64,
    /// Resident memory of the whole program, clients included.
    pub memory_peak_mb: f64,
    /// How many clients were real ones, whose copies are counted. The others only acknowledge.
    pub clients_checked: usize,
    /// What those hold at the end.
    pub copies: Copies,
    /// What the library alone can tell.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub own: BTreeMap<&'static str, f64>,
}

impl Report {
    /// Of a run that has ended.
    #[must_use]
    pub fn new(peer: &'static str, cell: &Cell, meter: &Meter, clients_checked: usize, copies: Copies) -> Self {
        let per_client_tick = |count: u64| count as f64 / (meter.ticks().max(1) * cell.clients.max(1)) as f64;
        Self {
            peer,
            cell: cell.clone(),
            measured_ticks: meter.ticks(),
            cpu: meter.cpu(),
            wall: meter.wall(),
            phases: meter.phases().into_iter().collect(),
            bytes_per_client_tick: per_client_tick(meter.sent.bytes),
            messages_per_client_tick: per_client_tick(meter.sent.messages),
            message_bytes_max: meter.longest_bytes,
            up_bytes_per_client_tick: per_client_tick(meter.received.bytes),
            allocations_per_tick: meter.allocations_per_tick(),
            memory_peak_mb: memory_peak_bytes() as f64 / f64::from(1 << 20),
            clients_checked,
            copies,
            own: BTreeMap::new(),
        }
    }

    /// Prints it.
    ///
    /// # Panics
    /// Never: it has no key that is not a text.
    #[expect(clippy::print_stdout, reason = "this line is what the programs are for")]
    pub fn print(&self) {
        println!("{}", serde_json::to_string(self).expect("all keys are texts"));
    }
}
