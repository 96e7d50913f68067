use crate::recording::What;
use std::time::Duration;

/// A moment that one looks for in a recording.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    /// Since the start.
    pub(super) at_s: f64,
    pub(super) tone: Tone,
    pub(super) text: String,
}

/// What to think of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Calm,
    Good,
    Bad,
}

impl Tone {
    /// Of the style sheet.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }
}

/// The marks of a recording, as many as one can look at.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    pub(super) all: Vec<Mark>,
    /// More than that.
    pub(super) left_out: u64,
}

const MARKS_MAX: usize = 200;

impl Marks {
    pub(super) fn take(&mut self, at_s: f64, what: &What) {
        let Some((tone, text)) = tell(what) else { return };
        if self.all.len() < MARKS_MAX {
            self.all.push(Mark { at_s, tone, text });
        } else {
            self.left_out += 1;
        }
    }
}

fn tell(what: &What) -> Option<(Tone, String)> {
    let ms = |duration: &Duration| duration.as_millis();
    Some(match what {
        What::Connected => (Tone::Calm, "connected".to_owned()),
        What::Joined { tick_hz, resumed, payload } => {
            let again = if *resumed { ", back in its place" } else { "" };
            (Tone::Good, format!("joined at {tick_hz} Hz, {} bytes of join payload{again}", payload.len()))
        }
        What::FirstFullView => (Tone::Good, "first full view".to_owned()),
        What::Silent { lasted } => (Tone::Bad, format!("silence: nothing came for {} ms", ms(lasted))),
        What::Reconnecting => (Tone::Calm, "connects anew".to_owned()),
        What::Resumed => (Tone::Good, "resumed".to_owned()),
        What::Desync { tick } => (Tone::Bad, format!("desync at tick {}", tick.0)),
        What::Left => (Tone::Calm, "says goodbye".to_owned()),
        // It wanted that itself.
        What::Disconnected { reason } if reason == "left" => return None,
        What::Disconnected { reason } => (Tone::Bad, format!("disconnected: {reason}")),
        What::Missed(entries) => (Tone::Bad, format!("{entries} entries are missing in the recording")),
        _ => return None,
    })
}
