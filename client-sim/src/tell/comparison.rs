use std::fmt::Write;

use super::ink::Ink;
use super::units::plain;
use crate::measure::{Change, Comparison};

/// Changes of less than this are the machine's.
const NOISE: f64 = 0.05;

/// What has changed since another run, at most 80 columns wide.
#[must_use]
pub fn render_comparison(comparison: &Comparison, with: &str, ink: Ink) -> String {
    let mut text = format!("\n{}\n", ink.strong(&format!("compared with {with}")));
    for difference in &comparison.differences {
        let _ = writeln!(text, "{}", ink.faint(&format!("  not the same {difference}")));
    }
    let differs = |change: &&Change| change.now.total_cmp(&change.before).is_ne();
    let changed: Vec<_> = comparison.changes.iter().filter(differs).collect();
    if changed.is_empty() {
        text.push_str("  nothing has changed\n");
        return text;
    }
    let head = format!("  {:<36}{:>13}{:>13}{:>12}", "", "before", "now", "change");
    let _ = writeln!(text, "{}", ink.faint(&head));
    for change in changed {
        let _ = writeln!(text, "{}", line(change, ink));
    }
    text
}

fn line(change: &Change, ink: Ink) -> String {
    let Change { name, before, now } = change;
    let share = change.share();
    let told = share.map_or_else(|| "-".to_owned(), |share| format!("{:+.1} %", share * 100.0));
    let line = format!("  {name:<36}{:>13}{:>13}{told:>12}", plain(*before), plain(*now));
    let matters = share.is_none_or(|share| share.abs() >= NOISE);
    match (matters, change.is_worse()) {
        (false, _) => ink.faint(&line),
        (true, true) => ink.bad(&line),
        (true, false) => ink.good(&line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_changed_is_told() {
        let change = |name, before, now| Change { name, before, now };
        let changes = vec![
            change("rtt_ms_p99", 50.0, 75.0),
            change("desyncs", 0.0, 0.0),
            change("desyncs", 0.0, 3.0),
            change("bandwidth_down_bytes_per_client_s", 123_456.75, 99_999.5),
        ];
        let comparison = Comparison { changes, differences: vec!["bots: wander, now fight".to_owned()] };
        let text = render_comparison(&comparison, "old.json", Ink::Plain);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 7, "{text}");
        assert!(lines[4].contains("+50.0 %") && lines[5].ends_with('-') && lines[6].contains("-19.0 %"), "{text}");
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{text}");
    }
}
