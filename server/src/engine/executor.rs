/// Where the engine's work goes that can be shared out among cores. What comes of it is the same, to the byte, on any.
pub trait Executor: Send + Sync {
    /// Into how many parts work is split at most; at least 1.
    fn width(&self) -> usize;

    /// Runs both, side by side if there is a core for either, and returns when both are done.
    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send));
}

/// One thing after the other, on the thread that runs the tick.
#[derive(Clone, Copy, Debug, Default)]
pub struct Serial;

impl Executor for Serial {
    fn width(&self) -> usize {
        1
    }

    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        a();
        b();
    }
}
