//! Writes Tidelock's dashboards, and tries every query against a real server, simulator and Prometheus.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program tells on its standard output and error")]

use std::fs;
use std::process::ExitCode;
use tidelock_deploy_checks::{dashboards, files, grafana, live};

const USAGE: &str = "Usage: tidelock-deploy-checks <COMMAND>

Commands:
  dashboards  Write deploy/grafana/dashboards anew
  live        Run a server under load and a Prometheus, and try every query: needs the environment variables
              TIDELOCK_SERVER_BIN and TIDELOCK_SIM_BIN, paths of the programs";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["dashboards"] => write_dashboards().map(|()| ExitCode::SUCCESS),
        ["live"] => live::check(),
        ["-h" | "--help"] => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        [] => {
            eprintln!("a command is missing\n\n{USAGE}");
            Ok(ExitCode::from(2))
        }
        [unknown, ..] => {
            eprintln!("`{unknown}` is not understood here\n\n{USAGE}");
            Ok(ExitCode::from(2))
        }
    };
    result.unwrap_or_else(|why| {
        eprintln!("{why}");
        ExitCode::FAILURE
    })
}

fn write_dashboards() -> Result<(), String> {
    for dashboard in dashboards::all() {
        let path = files::deploy("grafana/dashboards").join(format!("{}.json", dashboard.uid));
        fs::write(&path, grafana::text(&dashboard))
            .map_err(|why| format!("{} cannot be written: {why}", path.display()))?;
        println!("deploy/grafana/dashboards/{}.json", dashboard.uid);
    }
    Ok(())
}
