//! The report of a run, in a browser.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Names that Chromium goes by.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// What a PNG file begins with.
const PNG: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// A Chromium, if the machine has one.
fn browser() -> Option<&'static str> {
    let runs = |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    let found = BROWSERS.into_iter().find(runs);
    if found.is_none() {
        let _ = writeln!(std::io::stderr(), "skipped: this machine has none of {}", BROWSERS.join(", "));
    }
    found
}

/// A folder of one test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Opens a page, takes a picture of it, and gives what its console said.
fn open(browser: &str, page: &Path, width: u32) -> Vec<String> {
    let folder = page.parent().unwrap();
    let picture = folder.join(format!("{width}.png"));
    let output: Output = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", folder.join("browser").display()))
        .arg(format!("--window-size={width},2000"))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let bytes = std::fs::read(&picture).unwrap_or_else(|error| panic!("{}: {error}\n{said}", picture.display()));
    assert!(bytes.starts_with(&PNG) && bytes.len() > 5_000, "a picture of {} bytes", bytes.len());
    said.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect()
}

#[test]
fn a_report_opens_without_a_complaint_on_a_desk_and_on_a_phone() {
    let Some(browser) = browser() else { return };
    let folder = folder("report");
    let page = folder.join("report.html");
    let flags = ["--embedded", "--clients", "6", "--duration", "4s", "--profile", "wifi=1,lte=1", "--quiet"];
    let mut run = Command::new(env!("CARGO_BIN_EXE_tidelock-sim"));
    let output = run.args(flags).args(["--threshold", "desyncs<1", "--report"]).arg(&page).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(!html.contains("http://") && !html.contains("https://"), "it is one file, and asks for no other");
    for width in [1280, 390] {
        assert_eq!(open(browser, &page, width), Vec::<String>::new());
    }
}

#[test]
fn a_page_that_complains_is_noticed() {
    let Some(browser) = browser() else { return };
    let page = folder("complaint").join("page.html");
    std::fs::write(
        &page,
        "<!DOCTYPE html><style>p{color:red}</style><p>x</p><script>console.error('no')</script>".repeat(40),
    )
    .unwrap();
    assert!(!open(browser, &page, 1280).is_empty());
}
