use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::{Screen, draw};
use crate::measure::{Figure, Mood, Presence, Second};

fn second(number: u32) -> Second {
    let mut second = Second::new(number);
    second.presence = Presence { wanted: 12, playing: 11, lost: 1 };
    second.histograms.record_duration(Figure::Rtt, Duration::from_millis(20 + u64::from(number)));
    second.histograms.record_duration(Figure::Age, Duration::from_millis(40));
    second.counts.bytes_down = 150_000;
    second
}

/// What a terminal of this size shows.
fn shown(screen: &Screen, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(screen, frame)).unwrap();
    terminal.backend().to_string()
}

fn screen() -> Screen {
    let mut screen = Screen::new("12 clients on 127.0.0.1:7777".to_owned(), 30, 7);
    (0..10).for_each(|number| screen.on_second(&second(number)));
    let mut moods = vec![Mood::Well; 12];
    (moods[3], moods[7]) = (Mood::Poor, Mood::Lost);
    screen.on_moods(&moods);
    screen
}

#[test]
fn a_screen_shows_figures_their_history_and_each_client() {
    let text = shown(&screen(), 80, 24);
    for wanted in [
        "12 clients on 127.0.0.1:7777",
        "10 of 30 s",
        "29.1 ms round trip p50",
        "11 of 12 playing",
        "1 lost",
        "146 KiB/s",
    ] {
        assert!(text.contains(wanted), "{wanted}:\n{text}");
    }
    assert!(text.contains("■■■■■■■✕■■■■"), "{text}");
    assert!(text.contains(" ■ well  ■ poor  ✕ lost "), "{text}");
    assert!(text.contains('█') && text.contains('▆'), "bars:\n{text}");
}

#[test]
fn what_is_not_measured_is_a_dash() {
    let text = shown(&screen(), 80, 24);
    assert!(text.contains("- server tick p99") && text.contains("server load level -"), "{text}");
}

#[test]
fn a_narrow_terminal_cuts_names_and_no_figure() {
    let text = shown(&screen(), 40, 12);
    assert!(text.contains("29.1 ms round tr") && text.contains("146 KiB/s band"), "{text}");
}

#[test]
fn more_clients_than_fit_share_marks_and_the_worst_shows() {
    let mut screen = screen();
    let mut moods = vec![Mood::Well; 16_384];
    moods[9_000] = Mood::Lost;
    screen.on_moods(&moods);
    let text = shown(&screen, 80, 24);
    assert_eq!(text.replace("✕ lost", "").matches('✕').count(), 1, "{text}");
}

#[test]
fn any_terminal_however_small_is_drawn_on() {
    for (width, height) in [(1, 1), (2, 40), (300, 3), (10, 10), (400, 120)] {
        shown(&screen(), width, height);
    }
}

#[test]
fn a_note_takes_the_place_of_the_hint() {
    let mut screen = screen();
    assert!(shown(&screen, 80, 24).contains("Ctrl-C"));
    screen.note("interrupted: the figures are of the time until now");
    let text = shown(&screen, 80, 24);
    assert!(text.contains("interrupted") && !text.contains("Ctrl-C"), "{text}");
}
