//! What Prometheus' own tool says, where it is installed.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::process::Command;
use tidelock_deploy_checks::files;

/// Runs promtool, or says on standard error that it could not.
fn promtool(what: &[&str], paths: Vec<OsString>) {
    let output = match Command::new("promtool").args(what).args(paths).output() {
        Ok(output) => output,
        Err(why) if why.kind() == ErrorKind::NotFound => {
            // The test harness keeps what `eprintln!` writes to itself.
            let _ = writeln!(
                std::io::stderr(),
                "skipped: promtool is not installed, so `promtool {}` was not run",
                what.join(" ")
            );
            return;
        }
        Err(why) => panic!("promtool does not start: {why}"),
    };
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "promtool {}: {}", what.join(" "), String::from_utf8_lossy(&said));
}

fn all(folder: &str) -> Vec<OsString> {
    let paths = files::list(&files::deploy(folder), ".yaml").unwrap();
    assert!(!paths.is_empty(), "{folder} is empty");
    paths.into_iter().map(OsString::from).collect()
}

#[test]
fn the_configuration_is_good() {
    promtool(&["check", "config"], vec![files::deploy("prometheus/prometheus.yml").into()]);
}

#[test]
fn the_rules_are_good() {
    promtool(&["check", "rules"], all("prometheus/rules"));
}

#[test]
fn the_rules_do_what_their_tests_say() {
    promtool(&["test", "rules"], all("prometheus/tests"));
}
