//! How much memory is in use, and how often it was asked for. Each thread counts for itself, which costs next to nothing: a
//! library that allocates thousands of times a tick is not to pay for being counted.

#![expect(unsafe_code, reason = "to count what is allocated one has to be the allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, which counts what it has given out. Each program that measures memory makes it its own.
#[derive(Debug)]
pub struct CountingHeap;

thread_local! {
    static LIVE_BYTES: Cell<isize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Bytes that this thread took and has not given back.
#[must_use]
pub fn live_bytes() -> isize {
    LIVE_BYTES.get()
}

/// How often this thread allocated or grew something.
#[must_use]
pub fn allocations() -> u64 {
    ALLOCATIONS.get()
}

fn count(bytes: isize, allocations: u64) {
    LIVE_BYTES.set(LIVE_BYTES.get() + bytes);
    ALLOCATIONS.set(ALLOCATIONS.get() + allocations);
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for CountingHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed(), 1);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed(), 0);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.cast_signed() - layout.size().cast_signed(), 1);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
