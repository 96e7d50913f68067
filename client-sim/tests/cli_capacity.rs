//! `tidelock-sim capacity`: the answer to how many players.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

fn capacity(flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidelock-sim")).arg("capacity").args(flags).output().unwrap()
}

#[test]
fn the_most_clients_that_hold_a_target_are_found_and_told() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("capacity.json");
    // Whatever the machine: 12 or fewer clients are 12 or fewer.
    let flags = ["--target", "clients_connected<=12", "--first", "4", "--max", "20", "--duration", "1500ms"];
    let output =
        capacity(&[&flags[..], &["--npcs", "0", "--embedded", "--summary-json", path.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("It holds 12 players. 13 are too many: clients_connected<=12 fails with 13."), "{said}");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!((&written["held"], &written["failed"]), (&Value::from(12), &Value::from(13)));
}

#[test]
fn what_is_not_even_held_by_one_gives_99() {
    let flags = ["--target", "clients_connected<1", "--first", "1", "--max", "2", "--duration", "1s"];
    let output = capacity(&flags);
    assert_eq!(output.status.code(), Some(99));
    assert!(
        String::from_utf8_lossy(&output.stdout)
            .contains("It does not even hold 1 player. 1 is too many: clients_connected<1"),
        "{output:?}"
    );
}

#[test]
fn a_target_on_a_link_that_nobody_has_is_bad_usage() {
    let output = capacity(&["--target", "profiles_lte_rtt_ms_p99<100", "--profile", "wifi"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--target profiles_lte_rtt_ms_p99<100: no client has the link lte, only wifi"), "{said}");
}

#[test]
fn a_target_that_does_not_exist_is_bad_usage() {
    let output = capacity(&["--target", "snapshot_age<100"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("snapshot_age_ms_p99"), "{output:?}");
}
