//! On a terminal the program draws, and then leaves it as it was.
#![expect(clippy::disallowed_methods, reason = "the program runs in real time, and somebody has to read what it draws")]

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};
use nix::unistd::Pid;

/// What was written to a terminal during a run, and how it takes keys before, meanwhile and after.
struct Session {
    written: String,
    keys: [Termios; 3],
}

fn run(flags: &[&str], interrupt: bool) -> Session {
    let size = Winsize { ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    let OpenptyResult { master, slave } = openpty(&size, None).unwrap();
    let before = tcgetattr(&slave).unwrap();
    let end = || Stdio::from(slave.try_clone().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidelock-sim"));
    command.args(flags).stdin(end()).stdout(end()).stderr(end());
    let mut child = command.spawn().unwrap();
    drop(command);
    let reader = std::thread::spawn(move || read_all(master));
    // It draws from the start of the run on, or never.
    let mut meanwhile = tcgetattr(&slave).unwrap();
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(50));
        meanwhile = tcgetattr(&slave).unwrap();
        if !meanwhile.local_flags.contains(LocalFlags::ECHO) {
            break;
        }
    }
    // Long enough for everybody to be in.
    std::thread::sleep(Duration::from_millis(1_500));
    if interrupt {
        kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    }
    assert!(child.wait().unwrap().success());
    let after = tcgetattr(&slave).unwrap();
    drop(slave);
    Session { written: reader.join().unwrap(), keys: [before, meanwhile, after] }
}

/// Until nobody has the other end any more, which a terminal tells as an error.
fn read_all(master: OwnedFd) -> String {
    let (mut master, mut written, mut buffer) = (File::from(master), Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = master.read(&mut buffer) {
        written.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8_lossy(&written).into_owned()
}

fn assert_given_back(session: &Session) {
    let Session { written, keys: [before, meanwhile, after] } = session;
    let (begin, end) = (written.find("\u{1b}[?1049h"), written.rfind("\u{1b}[?1049l"));
    assert!(begin.is_some() && begin < end, "it draws on a screen of its own, and leaves that: {written:?}");
    assert!(written.rfind("\u{1b}[?25h") > written.rfind("\u{1b}[?25l"), "the cursor is back: {written:?}");
    let rest = &written[end.unwrap()..];
    assert!(rest.contains("2 of 2 connected") && rest.contains("input to effect"), "figures are there to stay: {rest}");
    assert!(!meanwhile.local_flags.contains(LocalFlags::ECHO) && before.local_flags.contains(LocalFlags::ECHO));
    assert_eq!(before.local_flags, after.local_flags, "keys do what they did");
}

const FLAGS: [&str; 6] = ["--embedded", "--clients", "2", "--ramp", "0", "--duration"];

#[test]
fn a_terminal_is_drawn_on_and_given_back() {
    assert_given_back(&run(&[&FLAGS[..], &["4s"]].concat(), false));
}

#[test]
fn a_terminal_is_given_back_when_a_run_is_interrupted() {
    assert_given_back(&run(&[&FLAGS[..], &["60s"]].concat(), true));
}

#[test]
fn who_wants_no_drawing_has_lines() {
    let Session { written, .. } = run(&[&FLAGS[..], &["2s", "--tui", "never"]].concat(), false);
    assert!(!written.contains("\u{1b}[?1049h") && written.contains("2/2 playing"), "{written:?}");
}
