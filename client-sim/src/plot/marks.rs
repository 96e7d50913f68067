/// A moment that one looks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    /// Since the start.
    pub(crate) at_s: f64,
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

/// What to think of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Calm,
    Good,
    Bad,
}

impl Tone {
    /// Of the style sheet.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }
}

/// As many marks as one can look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    pub(crate) all: Vec<Mark>,
    /// More than that.
    pub(crate) left_out: u64,
}

const MARKS_MAX: usize = 200;

impl Marks {
    pub(crate) fn add(&mut self, mark: Mark) {
        if self.all.len() < MARKS_MAX {
            self.all.push(mark);
        } else {
            self.left_out += 1;
        }
    }
}
