//! Every query against what runs: a server under a load that has loss and attackers in it, another one of another tick
//! rate where nobody plays, a simulator that tells what it measures, and a Prometheus that scrapes all three.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the program tells how far it is")]

mod http;
mod processes;

use crate::metrics::Known;
use crate::panel::{Dashboard, Panel, Query};
use crate::promql::{Variables, selectors};
use crate::rules::{self, Rule};
use crate::{dashboards, files};
use http::{get, parameter};
use processes::{Folder, Process, free_port};
use serde_json::Value;
use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long clients play. Whoever joins does so in the first seconds.
const LOAD_S: u64 = 40;
/// How long to wait for a process to answer.
const START: Duration = Duration::from_secs(20);
/// Rates over a few scrapes, as they are a second apart here.
const VARIABLES: Variables =
    Variables { job: ".+", instance: ".+", simulator: ".+", rate_interval: "5s", range: "30s" };

/// Runs all of it. A success is 0; what the machine lacks is said to be skipped, which is 0 as well; 2 if a path is missing.
pub fn check() -> Result<ExitCode, String> {
    let programs = program("TIDELOCK_SERVER_BIN").and_then(|server| Ok((server, program("TIDELOCK_SIM_BIN")?)));
    let (server, simulator) = match programs {
        Ok(programs) => programs,
        Err(why) => {
            eprintln!("{why}");
            return Ok(ExitCode::from(2));
        }
    };
    if Command::new("prometheus").arg("--version").output().is_err() {
        println!("skipped: prometheus is not installed, so no query was tried");
        return Ok(ExitCode::SUCCESS);
    }
    let stage = Stage::set(&server, &simulator)?;
    let mut faults = Vec::new();
    faults.extend(stage.wait_for_load()?);
    faults.extend(stage.names()?);
    faults.extend(stage.panels()?);
    faults.extend(stage.rules()?);
    faults.extend(stage.promtool_metrics()?);
    for fault in &faults {
        println!("FAULT  {fault}");
    }
    println!("{}", if faults.is_empty() { "all good" } else { "there are faults" });
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn program(variable: &str) -> Result<PathBuf, String> {
    let path = env::var_os(variable)
        .map(PathBuf::from)
        .ok_or_else(|| format!("{variable} is not set: the path of a program"))?;
    if path.is_file() { Ok(path) } else { Err(format!("{variable}: there is no file {}", path.display())) }
}

/// One series of an answer.
struct Series {
    labels: Value,
    values: Vec<f64>,
}

/// What runs. All of it ends when this is dropped.
struct Stage {
    /// Since 1970.
    started_s: f64,
    admin: String,
    quiet: String,
    measured: String,
    prometheus: String,
    _processes: [Process; 4],
    folder: Folder,
}

impl Stage {
    fn set(server: &Path, simulator: &Path) -> Result<Self, String> {
        let folder = Folder::new()?;
        let ports = [free_port()?, free_port()?, free_port()?, free_port()?];
        let [admin, quiet, measured, prometheus] = ports.map(|port| format!("127.0.0.1:{port}"));
        let start = |name: &str, more: &[&str]| {
            let mut command = Command::new(server);
            command.args(["--bind", "127.0.0.1:0"]).args(more);
            Process::start(command, name, &folder)
        };
        let quiet_server = start("quiet-server", &["--admin", &quiet, "--tick-hz", "20"])?;
        let server = start("server", &["--admin", &admin])?;
        http::wait_for(&quiet, "/readyz", START)?;
        http::wait_for(&admin, "/readyz", START)?;
        let mut command = Command::new(simulator);
        command.args(["--admin", &format!("http://{admin}"), "--metrics", &measured, "--tui", "never", "--seed", "1"]);
        command.args(["--clients", "40", "--bots", "wander=9,hostile=1", "--latency", "20ms", "--jitter", "5ms"]);
        command.args(["--loss", "3%", "--ramp", "5s", "--churn", "1/s", "--duration", &format!("{LOAD_S}s")]);
        let simulator = Process::start(command, "simulator", &folder)?;
        http::wait_for(&measured, "/metrics", START)?;
        folder.write("prometheus.yml", &configuration(&[&admin, &quiet], &measured))?;
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", folder.path("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", folder.path("data").display()));
        command.arg(format!("--web.listen-address={prometheus}"));
        let started_s = unix_s()?;
        let prometheus_process = Process::start(command, "prometheus", &folder)?;
        http::wait_for(&prometheus, "/-/ready", START)?;
        println!("servers at {admin} and {quiet}, a simulator at {measured}, a Prometheus at {prometheus}");
        Ok(Self {
            started_s,
            admin,
            quiet,
            measured,
            prometheus,
            _processes: [simulator, prometheus_process, quiet_server, server],
            folder,
        })
    }

    /// Whether the names found in the sources are those that are really told.
    fn names(&self) -> Result<Vec<String>, String> {
        let sources = Known::from_sources()?;
        let told = Known::from_exposition(&(get(&self.admin, "/metrics")? + &get(&self.measured, "/metrics")?));
        let missing = sources.names().filter(|&name| name != "up" && told.names().all(|told| told != name));
        let new = told.names().filter(|&name| sources.names().all(|known| known != name));
        let missing = missing.map(|name| format!("{name} stands in the sources, but nobody tells it"));
        let new = new.map(|name| format!("{name} is told, but not found in the sources"));
        let faults: Vec<String> = missing.chain(new).collect();
        println!("{} names of metrics compared with the sources", told.count());
        Ok(faults)
    }

    /// Waits until nearly all of the load was scraped.
    fn wait_for_load(&self) -> Result<Vec<String>, String> {
        let until = Duration::from_secs(LOAD_S - 8);
        println!("waiting for {} s of load", until.as_secs());
        let passed = Duration::from_secs_f64((unix_s()? - self.started_s).max(0.0));
        processes::sleep(until.saturating_sub(passed));
        let playing = self.query("sum(tidelock_sim_clients{state=\"playing\"})")?;
        let playing = playing.first().copied().unwrap_or_default();
        Ok(if playing >= 30.0 { Vec::new() } else { vec![format!("only {playing} simulated clients play")] })
    }

    fn panels(&self) -> Result<Vec<String>, String> {
        let mut faults = Vec::new();
        for dashboard in dashboards::all() {
            let panels: Vec<&Panel> = dashboard.rows.iter().flat_map(|row| &row.panels).collect();
            let mut queries = 0;
            for (panel, query) in panels.iter().flat_map(|panel| panel.queries.iter().map(move |query| (panel, query)))
            {
                queries += 1;
                faults.extend(self.panel(&dashboard, panel, query)?);
            }
            println!("{}: {} panels, {queries} queries", dashboard.uid, panels.len());
        }
        Ok(faults)
    }

    /// A query has data if it has a number at some time; and what its legend names, all its series have.
    fn panel(&self, dashboard: &Dashboard, panel: &Panel, query: &Query) -> Result<Option<String>, String> {
        let expr = VARIABLES.fill(&query.expr);
        let place = format!("{}, {}, {}", dashboard.uid, panel.title, query.legend);
        let series = self.range(&expr)?;
        let numbers = series.iter().flat_map(|series| &series.values).filter(|value| value.is_finite()).count();
        if numbers == 0 {
            return Ok(Some(format!("{place}: {} series without a number, of {expr}", series.len())));
        }
        let labels = query.legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
        let unknown = labels.filter(|label| series.iter().any(|series| series.labels[*label].is_null()));
        Ok(unknown.map(|label| format!("{place}: series have no {label}, of {expr}")).next())
    }

    /// Whether each selector of each rule finds a series, and whether the server fails on an expression.
    fn rules(&self) -> Result<Vec<String>, String> {
        let mut faults = Vec::new();
        let mut rules: Vec<Rule> = Vec::new();
        for path in files::list(&files::deploy("prometheus/rules"), ".yaml")? {
            rules.extend(rules::read(&path)?);
        }
        for rule in &rules {
            let name = rule.alert.as_deref().unwrap_or(&rule.expr);
            for selector in selectors(&rule.expr)? {
                if self.query(&selector.text)?.is_empty() {
                    faults.push(format!("{name}: nothing is {}", selector.text));
                }
            }
            let firing = self.query(&rule.expr)?;
            if !firing.is_empty() {
                println!("note: {name} is true here, of {firing:?}");
            }
            let quiet = format!("({}) and on (instance) tidelock_clients{{instance=\"{}\"}}", rule.expr, self.quiet);
            if !self.query(&quiet)?.is_empty() {
                faults.push(format!("{name} is true of a server where nobody plays"));
            }
        }
        println!("{} rules", rules.len());
        Ok(faults)
    }

    /// What Prometheus' own tool says of the server's `/metrics`, and of the simulator's.
    fn promtool_metrics(&self) -> Result<Vec<String>, String> {
        let mut faults = Vec::new();
        for (whose, address) in [("server", &self.admin), ("simulator", &self.measured)] {
            let file = self.folder.write(&format!("{whose}.txt"), &get(address, "/metrics")?)?;
            let input = File::open(&file).map_err(|why| format!("{} cannot be read: {why}", file.display()))?;
            let Ok(output) = Command::new("promtool").args(["check", "metrics"]).stdin(input).output() else {
                println!("skipped: promtool is not installed, so `promtool check metrics` was not run");
                break;
            };
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            println!("promtool check metrics, {whose}: {}", output.status);
            let lines = said.lines().map(|line| format!("promtool check metrics, {whose}: {line}"));
            faults.extend(lines);
            if !output.status.success() && said.is_empty() {
                faults.push(format!("promtool check metrics, {whose}: {}", output.status));
            }
        }
        Ok(faults)
    }

    /// The values of an expression now.
    fn query(&self, expr: &str) -> Result<Vec<f64>, String> {
        let series = self.ask(&format!("/api/v1/query?query={}", parameter(expr)))?;
        Ok(series.iter().map(|series| number(&series["value"][1])).collect())
    }

    /// What an expression was over the time of the load.
    fn range(&self, expr: &str) -> Result<Vec<Series>, String> {
        let (start, now) = (self.started_s, unix_s()?);
        let path = format!("/api/v1/query_range?query={}&start={start:.3}&end={now:.3}&step=1", parameter(expr));
        let series = |series: Value| Series {
            values: series["values"].as_array().into_iter().flatten().map(|value| number(&value[1])).collect(),
            labels: series["metric"].clone(),
        };
        Ok(self.ask(&path)?.into_iter().map(series).collect())
    }

    fn ask(&self, path: &str) -> Result<Vec<Value>, String> {
        let text = get(&self.prometheus, path)?;
        let answer: Value =
            serde_json::from_str(&text).map_err(|why| format!("Prometheus answered `{text}`: {why}"))?;
        let result = answer["data"]["result"].as_array().cloned();
        result
            .filter(|_| answer["status"] == "success")
            .ok_or_else(|| format!("Prometheus answered {answer} to {path}"))
    }
}

fn number(value: &Value) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

#[expect(clippy::disallowed_methods, reason = "Prometheus wants to know of which time")]
fn unix_s() -> Result<f64, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map(|since| since.as_secs_f64()).map_err(|why| format!("the clock is before 1970: {why}"))
}

/// As deploy/prometheus/prometheus.yml, but for addresses and a shorter interval, so that rates exist within seconds.
fn configuration(servers: &[&str], measured: &str) -> String {
    format!(
        "global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [\"{rules}\"]
scrape_configs:
  - job_name: tidelock
    static_configs: [{{targets: {servers:?}}}]
  - job_name: tidelock-sim
    static_configs: [{{targets: [\"{measured}\"]}}]
",
        rules = files::deploy("prometheus/rules/*.yaml").display()
    )
}
