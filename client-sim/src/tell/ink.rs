/// How emphasis looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Not at all: for files and pipes.
    Plain,
    /// By a terminal's escape sequences.
    Terminal,
}

impl Ink {
    pub(super) fn strong(self, text: &str) -> String {
        self.inked("1", text)
    }

    pub(super) fn faint(self, text: &str) -> String {
        self.inked("2", text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.inked("32", text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.inked("1;31", text)
    }

    fn inked(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Terminal => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}
