//! One cell of the shared workload on the engine.

use crate::stage::Stage;
use tidelock_server::engine::Stats;
use tidelock_workload::{Cell, Meter, Report};

/// Runs a cell and says what it cost.
///
/// # Panics
/// If the cell has no world, or a client does not come in.
#[must_use]
pub fn measure(mut cell: Cell) -> Report {
    let world = cell.world().unwrap_or_else(|error| panic!("{error}"));
    cell.real = cell.real.min(cell.clients);
    let mut stage = Stage::of_cell(&cell, world);
    stage.settle();
    let mut meter = Meter::default();
    stage.run(cell.warmup_ticks, 0, &mut meter);
    let before = stage.engine().stats().clone();
    stage.run(0, cell.ticks, &mut meter);
    let after = stage.engine().stats().clone();
    let engine_bytes = stage.engine_bytes();
    stage.rest(cell.quiet_ticks);
    let (clients_checked, copies) = stage.copies(cell.interest);
    let mut report =
        Report::new(concat!("tidelock-", env!("CARGO_PKG_VERSION")), &cell, &meter, clients_checked, copies);
    report.own = own(&before, &after, cell.ticks as f64);
    report.own.insert("engine_mb", engine_bytes as f64 / f64::from(1 << 20));
    report.own.insert("desyncs", stage.engine().stats().desyncs as f64);
    report.own.insert("inputs_sum", stage.script().play().inputs_sum as f64);
    report
}

/// What only this library tells, of the ticks that were measured.
fn own(before: &Stats, after: &Stats, ticks: f64) -> std::collections::BTreeMap<&'static str, f64> {
    let per_tick = |count: fn(&Stats) -> u64| (count(after) - count(before)) as f64 / ticks;
    let hits = per_tick(|stats| stats.delta_cache_hits);
    let misses = per_tick(|stats| stats.delta_cache_misses);
    [
        ("cache_hit_pct", 100.0 * hits / (hits + misses).max(1e-9)),
        ("deltas_per_tick", per_tick(|stats| stats.snapshot_entities.delta)),
        ("fulls_per_tick", per_tick(|stats| stats.snapshot_entities.full)),
        ("leaves_per_tick", per_tick(|stats| stats.snapshot_entities.despawn)),
        ("inputs_missing_per_tick", per_tick(|stats| stats.inputs.missing)),
    ]
    .into()
}
