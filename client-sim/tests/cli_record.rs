//! The program records a client, and draws what it recorded.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tidelock_sim::recording::{Reader, What};

/// A file of this test's own.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn sim(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidelock-sim"));
    command.args(flags);
    command
}

fn run(duration: &str, record: &Path) -> Command {
    let mut command =
        sim(&["--embedded", "--npcs", "20", "--clients", "2", "--ramp", "0", "--duration", duration, "--seed", "9"]);
    command.args(["--latency", "20 ms", "--quiet", "--record"]).arg(record);
    command
}

/// What a recording has, and whether it has its end.
fn read(file: &Path) -> (Vec<What>, bool) {
    let bytes = std::fs::read(file).unwrap();
    let mut reader = Reader::new(&bytes[..]).unwrap();
    let fact = |name: &str| reader.header().facts.iter().find(|(fact, _)| fact == name).map(|(_, value)| value.clone());
    assert_eq!(fact("seed").as_deref(), Some("9"));
    assert_eq!(fact("link up").as_deref(), Some("20 ms"));
    let mut all = Vec::new();
    while let Some(entry) = reader.read().unwrap() {
        all.push(entry.what);
    }
    (all, reader.is_complete())
}

#[test]
fn a_run_is_recorded_to_its_goodbye_and_drawn() {
    let (recording, page) = (file("run.rec"), file("run.rec.html"));
    assert_eq!(run("3s", &recording).output().unwrap().status.code(), Some(0));
    let (entries, is_complete) = read(&recording);
    let count = |is: fn(&What) -> bool| entries.iter().filter(|what| is(what)).count();
    assert!(is_complete);
    assert!(count(|what| matches!(what, What::Snapshot { .. })) > 60);
    assert_eq!(count(|what| matches!(what, What::Joined { .. } | What::Left)), 2);
    assert!(count(|what| matches!(what, What::Sample(_))) > 20);

    let output = sim(&["show"]).arg(&recording).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("Tick lead") && html.contains("the first of 2") && html.ends_with("</html>\n"));
}

#[test]
fn a_run_that_is_killed_leaves_what_there_was() {
    let recording = file("killed.rec");
    let mut child = run("60s", &recording).stdout(Stdio::null()).spawn().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the program runs in real time")]
    std::thread::sleep(Duration::from_millis(3500));
    child.kill().unwrap();
    child.wait().unwrap();
    let (entries, is_complete) = read(&recording);
    assert!(!is_complete);
    assert!(entries.iter().filter(|what| matches!(what, What::Snapshot { .. })).count() > 30);

    let page = file("elsewhere.html");
    let output = sim(&["show", "--out"]).arg(&page).arg(&recording).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("warning: ") && said.contains("cut off") && said.lines().count() == 1, "{said}");
    assert!(std::fs::read_to_string(&page).unwrap().contains("cut off"));
}

#[test]
fn what_cannot_be_shown_is_said_in_a_sentence_and_exits_with_2() {
    let (foreign, short, missing) = (file("foreign.rec"), file("short.rec"), file("missing.rec"));
    std::fs::write(&foreign, "{}").unwrap();
    std::fs::write(&short, "TLRECORD\x01\x00").unwrap();
    for (file, why) in [(foreign, "no recording"), (short, "cut off"), (missing, "No such file")] {
        let output = sim(&["show"]).arg(&file).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(file.to_str().unwrap()) && said.contains(why), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!file.with_added_extension("html").exists());
    }
}

#[test]
fn nowhere_to_record_is_bad_usage_and_a_full_disk_a_warning_at_the_end() {
    let nowhere = run("2s", &file("no/such/folder/run.rec")).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(nowhere.stdout.is_empty(), "it did not run");
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("cannot create"));
    let full = run("2s", Path::new("/dev/full")).output().unwrap();
    assert_eq!(full.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&full.stdout).contains("2 of 2 connected"), "the figures are there all the same");
    let said = String::from_utf8_lossy(&full.stderr);
    assert!(said.contains("/dev/full") && said.lines().count() == 1, "{said}");
}

#[test]
fn showing_and_running_do_not_go_together() {
    assert_eq!(sim(&["--embedded", "show", "x"]).output().unwrap().status.code(), Some(2));
}
