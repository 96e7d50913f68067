//! The workload is no good if what it measures is wrong: every copy is held against the world itself.

use tidelock_benches::cell;
use tidelock_workload::Cell;

fn small(interest: bool, spread: bool) -> Cell {
    Cell {
        entities: 120,
        clients: 6,
        moving: 0.5,
        interest,
        spread,
        warmup_ticks: 20,
        ticks: 60,
        quiet_ticks: 90,
        real: 6,
        ..Cell::default()
    }
}

#[test]
fn every_copy_is_right_however_bad_the_links() {
    for interest in [false, true] {
        for spread in [false, true] {
            let report = cell::measure(small(interest, spread));
            assert!(report.copies.are_all_right() && report.copies.right > 0, "{:?}", report.copies);
            assert_eq!((report.clients_checked, report.own["desyncs"]), (6, 0.0));
            assert!(report.own["inputs_sum"] > 0.0);
            assert_eq!(report.measured_ticks, 60);
        }
    }
}

#[test]
fn clients_that_only_acknowledge_cost_the_server_what_real_ones_do() {
    for spread in [false, true] {
        let real = cell::measure(small(false, spread));
        let light = cell::measure(Cell { real: 1, ..small(false, spread) });
        for what in ["deltas_per_tick", "fulls_per_tick"] {
            let (real, light) = (real.own[what], light.own[what]);
            assert!((real - light).abs() <= 0.05 * real + 1.0, "{what}: {real} of real clients, {light} of light ones");
        }
        let (real, light) = (real.bytes_per_client_tick, light.bytes_per_client_tick);
        assert!((real - light).abs() <= 0.1 * real, "{real} bytes for real clients, {light} for light ones");
    }
}
