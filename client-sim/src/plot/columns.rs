use super::span::Span;
use tidelock::Instant;

/// Values over time, in columns of equal width: of each what was least, most and mean.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    span: Span,
    columns: Vec<Column>,
    /// Of all.
    pub(crate) all: Column,
}

/// What fell into one column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) least: f64,
    pub(crate) most: f64,
    pub(crate) sum: f64,
    pub(crate) count: u64,
}

impl Column {
    const EMPTY: Self = Self { least: f64::INFINITY, most: f64::NEG_INFINITY, sum: 0.0, count: 0 };

    fn add(&mut self, value: f64) {
        self.least = self.least.min(value);
        self.most = self.most.max(value);
        self.sum += value;
        self.count += 1;
    }

    /// `None` if it is empty.
    pub(crate) fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

impl Columns {
    /// So many over all of `span`, at least one.
    pub(crate) fn new(span: Span, count: usize) -> Self {
        Self { span, columns: vec![Column::EMPTY; count.max(1)], all: Column::EMPTY }
    }

    /// Columns of `width_s` at least, and `count` at most: for rates, which need some time to be counted in.
    pub(crate) fn at_least(span: Span, width_s: f64, count: usize) -> Self {
        Self::new(span, count.min((span.lasts_s() / width_s) as usize))
    }

    /// A value at a moment. What is no number is left out.
    pub(crate) fn add(&mut self, at: Instant, value: f64) {
        // More than this is no figure of ours; sums of it would overflow.
        if value.is_finite() && value.abs() < 1e15 {
            let place = self.span.seconds(at) / self.width_s();
            let last = self.columns.len() - 1;
            self.columns[(place as usize).min(last)].add(value);
            self.all.add(value);
        }
    }

    pub(crate) fn width_s(&self) -> f64 {
        self.span.lasts_s() / self.columns.len() as f64
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter()
    }
}
