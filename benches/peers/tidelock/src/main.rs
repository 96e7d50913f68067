//! Ours, in the same run and with the same line of JSON as the others. All of it is in `tidelock_benches::cell`.

use tidelock_workload::Cell;
use tidelock_workload::heap::CountingHeap;

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

fn main() {
    tidelock_benches::cell::measure(Cell::of_this_program()).print();
}
