use std::time::Duration;

use super::SwarmError;
use crate::measure::Run;

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// All that was measured.
    pub run: Run,
    /// Why it ended.
    pub end: End,
    /// Whether what was recorded lacks something.
    pub recorded: Result<(), SwarmError>,
    /// Whether a server that was started for the run ended well.
    pub closed: Result<(), SwarmError>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was time.
    Planned,
    /// Somebody wanted it.
    Interrupted,
    /// Nothing came from the server any more.
    ServerGone {
        /// How long it had been there.
        after: Duration,
    },
    /// The server has sent everybody away, or lets nobody in.
    NobodyLeft {
        /// How long it took.
        after: Duration,
    },
}

impl End {
    /// Why it was before its time, if it was.
    #[must_use]
    pub fn cut_short(self) -> Option<String> {
        match self {
            Self::Planned => None,
            Self::Interrupted => Some("it was interrupted".to_owned()),
            Self::ServerGone { after } => {
                Some(format!("nothing came from the server any more after {} s", after.as_secs()))
            }
            Self::NobodyLeft { after } => {
                Some(format!("all clients had lost their connection after {} s", after.as_secs()))
            }
        }
    }
}
