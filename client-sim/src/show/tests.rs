use super::{Page, ShowError, page};
use crate::client::Correction;
use crate::recording::{Entry, Header, ReadError, Recording, What};
use proptest::prelude::*;
use std::time::Duration;
use tidelock::{Instant, Tick};

fn shown(file: &[u8]) -> Result<Page, ShowError> {
    page("<run>", || Ok(file))
}

fn start() -> Instant {
    Instant::from_us(5_000_000)
}

fn header(same_clock: bool) -> Header {
    let facts = vec![("link <down>".to_owned(), "40ms & more".to_owned())];
    Header { start: start(), same_clock, facts, ..Header::default() }
}

/// A client at 60 Hz for so long, with a correction each second, and somewhat random figures.
fn recording(seconds: u64, is_complete: bool) -> Vec<u8> {
    let mut entries = vec![What::Connected, What::Joined { tick_hz: 60, resumed: false, payload: vec![0; 9] }];
    entries.push(What::Series { number: 140, name: "frame time".to_owned(), unit: "ms".to_owned() });
    let mut chance = 1_u32;
    for n in 0..seconds * 60 {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = chance >> 16;
        let tick = Tick(n as u32);
        entries.push(What::Received { bytes: u64::from(noise % 900), payload: None });
        entries.push(What::Snapshot { tick, age_us: i64::from(noise) });
        entries.push(What::Rtt(Duration::from_micros(u64::from(noise) + 60_000)));
        entries.push(What::Sent { bytes: 40 });
        let figure = noise as f32 / 1e4;
        let values = [
            (0, figure),
            (1, figure + 1.0),
            (2, figure),
            (5, 1.0),
            (6, figure % 1.0),
            (7, 1.0),
            (9, figure),
            (140, figure),
        ];
        entries.push(What::Sample(values.to_vec()));
    }
    let mut recording = Recording::begin(Vec::new(), header(true));
    let mut at = start();
    for (n, what) in entries.iter().enumerate() {
        at = start() + Duration::from_micros(16_667) * (n as u32 / 5);
        recording.write(at, what);
        if n % 300 == 299 {
            recording.on_correction(Correction { tick: Tick(1), error_m: 0.25 }, at);
            recording.on_undone(Tick(1), at);
        }
    }
    if is_complete { recording.end(at).unwrap() } else { recording.out }
}

#[test]
fn a_page_has_a_chart_for_each_figure_and_says_whose_it_is() {
    let Page { html, is_complete } = shown(&recording(10, true)).unwrap();
    assert!(is_complete && !html.contains("cut off"));
    for title in [
        "Tick lead",
        "Round trip",
        "Snapshot age",
        "Between snapshots",
        "Corrections",
        "Undone effects",
        "Bandwidth",
        "Lost datagrams",
        "Interpolation delay",
        "Frame time",
    ] {
        assert!(html.contains(&format!("<h2>{title} <small>")), "{title}");
    }
    assert!(html.contains("target ± 1") && html.contains("joined at 60 Hz"));
    assert!(
        html.contains("<dt>link &lt;down&gt;</dt><dd>40ms &amp; more</dd>") && html.contains("<h1>&lt;run&gt;</h1>")
    );
    assert!(html.contains("10, at most 0.25 m"), "ten corrections are told");
}

#[test]
fn a_page_needs_no_other_file_and_no_script() {
    let Page { html, .. } = shown(&recording(3, true)).unwrap();
    for outside in ["<script", "http:", "https:", "src=", "@import", "url(", "NaN", "inf\""] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[test]
fn ten_minutes_take_less_than_a_megabyte() {
    let Page { html, .. } = shown(&recording(600, true)).unwrap();
    assert!(html.len() < 1_000_000, "{} bytes", html.len());
}

#[test]
fn what_was_cut_off_is_shown_as_far_as_it_goes() {
    let whole = recording(5, true);
    let Page { html, is_complete } = shown(&whole[..whole.len() * 2 / 3]).unwrap();
    assert!(!is_complete && html.contains("cut off"));
}

#[test]
fn without_a_common_clock_only_differences_of_ages_are_shown() {
    let mut recording = Recording::begin(Vec::new(), header(false));
    for (n, age_us) in (1..).zip([7_000_000, 7_020_000]) {
        recording.write(start() + Duration::from_secs(n), &What::Snapshot { tick: Tick(n as u32), age_us });
    }
    let html = shown(&recording.out).unwrap().html;
    let hints: Vec<&str> = html.lines().filter(|line| line.starts_with("age: ")).collect();
    assert!(html.contains("Snapshot age above the least"));
    assert_eq!(hints.len(), 2, "{hints:?}");
    assert!(hints[0].starts_with("age: 0<") && hints[1].starts_with("age: 20.0<"), "{hints:?}");
}

#[test]
fn what_has_nothing_to_show_is_refused() {
    assert!(matches!(shown(b"GIF89a"), Err(ShowError::Read(ReadError::Foreign))));
    let empty = Recording::begin(Vec::new(), header(true)).out;
    assert!(matches!(shown(&empty), Err(ShowError::Empty)));
    assert!(matches!(shown(&empty[..12]), Err(ShowError::Read(ReadError::NoHeader))));
}

/// Entries as a program may have written them that means no good.
fn any_entry() -> impl Strategy<Value = Entry> {
    let number = prop_oneof![Just(0.0_f32), Just(f32::NAN), Just(f32::INFINITY), Just(f32::MIN), any::<f32>()];
    let samples = prop::collection::vec((0..60_u32, number.clone()), 0..20);
    let what = prop_oneof![
        samples.prop_map(What::Sample),
        (any::<u32>(), any::<i64>()).prop_map(|(tick, age_us)| What::Snapshot { tick: Tick(tick), age_us }),
        any::<u64>().prop_map(|us| What::Rtt(Duration::from_micros(us))),
        any::<u64>().prop_map(|bytes| What::Received { bytes, payload: None }),
        (number, any::<u32>()).prop_map(|(error_m, tick)| What::Correction { tick: Tick(tick), error_m }),
        (0..60_u32, ".{0,9}", ".{0,9}").prop_map(|(number, name, unit)| What::Series { number, name, unit }),
        ".{0,300}".prop_map(|reason| What::Disconnected { reason }),
    ];
    (any::<u64>(), what).prop_map(|(us, what)| Entry { at: Instant::from_us(us % (1 << 39)), what })
}

proptest! {
    #[test]
    fn no_entries_do_any_harm(entries in prop::collection::vec(any_entry(), 1..60)) {
        let mut recording = Recording::begin(Vec::new(), Header { start: Instant::from_us(1 << 38), ..header(false) });
        entries.iter().for_each(|entry| recording.write(entry.at, &entry.what));
        if let Ok(page) = shown(&recording.out) {
            prop_assert!(page.html.len() < 4_000_000);
            prop_assert!(!page.html.contains("NaN"));
        }
    }

    #[test]
    fn no_damage_does_any_harm(changes in prop::collection::vec((any::<u16>(), any::<u8>()), 1..8)) {
        let mut damaged = recording(1, true);
        for (place, value) in changes {
            let place = usize::from(place) % damaged.len();
            damaged[place] = value;
        }
        if let Ok(page) = shown(&damaged) {
            prop_assert!(page.html.len() < 4_000_000);
        }
    }
}
