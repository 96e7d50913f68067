//! How much memory is in use.

#![expect(unsafe_code, reason = "to count what is allocated one has to be the allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};

/// The system's allocator, and how many bytes it has given out.
pub(crate) struct CountingHeap;

static LIVE_BYTES: AtomicIsize = AtomicIsize::new(0);

/// Bytes in use, of the whole program.
pub(crate) fn live_bytes() -> isize {
    LIVE_BYTES.load(Relaxed)
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for CountingHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE_BYTES.fetch_add(layout.size().cast_signed(), Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size().cast_signed(), Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}
