//! The moments that one looks for in a recording.

use std::time::Duration;

use crate::plot::{Mark, Tone};
use crate::recording::What;

/// What to mark of an entry, if anything.
pub(super) fn mark(at_s: f64, what: &What) -> Option<Mark> {
    tell(what).map(|(tone, text)| Mark { at_s, tone, text })
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
