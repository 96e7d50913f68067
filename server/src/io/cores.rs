use crate::engine::Executor;
use rayon_core::{ThreadPool, ThreadPoolBuilder};
use std::io;
use std::num::NonZero;
use std::thread::available_parallelism;

/// The threads that share the work of a tick: the one that made it, and some of its own.
#[derive(Debug)]
pub struct Cores(ThreadPool);

impl Cores {
    /// More are not of use.
    pub const MAX: usize = 64;

    /// So many threads, the calling one included, which is to be the one that runs the ticks.
    ///
    /// # Errors
    /// If the system gives no more threads, or the calling one is in such a pool already.
    pub fn new(threads: usize) -> io::Result<Self> {
        let name = |n| format!("tidelock-tick-{n}");
        let builder = ThreadPoolBuilder::new().num_threads(threads).thread_name(name).use_current_thread();
        builder.build().map(Self).map_err(io::Error::other)
    }

    /// As many as this program may use cores.
    pub(super) fn available() -> usize {
        available_parallelism().map_or(1, NonZero::get).min(Self::MAX)
    }
}

impl Executor for Cores {
    fn width(&self) -> usize {
        self.0.current_num_threads()
    }

    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        self.0.install(|| rayon_core::join(a, b));
    }
}
