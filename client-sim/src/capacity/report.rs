use serde::Serialize;

use super::Answer;
use crate::measure::Summary;
use crate::measure::summary::ThresholdResult;
use crate::tell::{grouped, ms, plain};

/// One try.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// How many clients.
    pub clients: u32,
    /// What came of it.
    pub verdict: Verdict,
    /// What had to hold.
    pub targets: Vec<ThresholdResult>,
    /// Of one core.
    pub server_cpu_pct: Option<f64>,
    /// Of one core.
    pub sim_cpu_pct: Option<f64>,
    /// Why there are no figures; null if there are.
    pub why: Option<String>,
}

/// Whether so many clients were too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All targets held.
    Holds,
    /// One did not.
    Fails,
    /// One did not, but the simulator was late itself: it is not known what the server would do.
    SimulatorTooSlow,
}

impl Trial {
    /// What a run with so many clients came to, all thresholds in it.
    #[must_use]
    pub fn of(clients: u32, summary: &Summary) -> Self {
        let held = summary.thresholds.iter().all(|result| result.ok);
        let verdict = match (held, summary.sim.saturated) {
            (true, _) => Verdict::Holds,
            (false, false) => Verdict::Fails,
            (false, true) => Verdict::SimulatorTooSlow,
        };
        Self {
            clients,
            verdict,
            targets: summary.thresholds.clone(),
            server_cpu_pct: summary.server.cpu_pct,
            sim_cpu_pct: summary.sim.cpu_pct,
            why: None,
        }
    }

    /// A run with so many clients came to no figures, or to an early end, for this reason.
    #[must_use]
    pub const fn failed(clients: u32, why: String) -> Self {
        Self {
            clients,
            verdict: Verdict::Fails,
            targets: Vec::new(),
            server_cpu_pct: None,
            sim_cpu_pct: None,
            why: Some(why),
        }
    }

    /// What did not hold, with its value.
    fn failures(&self) -> String {
        if let Some(why) = &self.why {
            return why.clone();
        }
        let failed = self.targets.iter().filter(|result| !result.ok);
        let told = failed.map(|ThresholdResult { expr, value, .. }| {
            let value =
                value.map_or_else(|| "was not measured".to_owned(), |value| format!("fails with {}", plain(value)));
            format!("{expr} {value}")
        });
        told.collect::<Vec<_>>().join(", ")
    }
}

/// The names of the columns, one for each of these targets.
#[must_use]
pub fn head(targets: &[String]) -> String {
    format!("{:>8}  {:<10}{:>8}{:>11}  {}", "clients", "", "server", "simulator", targets.join("  "))
}

/// A try in a line, with the values of the first of its targets, those of [`head`].
#[must_use]
pub fn line(trial: &Trial, targets: &[String]) -> String {
    let verdict = match trial.verdict {
        Verdict::Holds => "holds",
        Verdict::Fails => "fails",
        Verdict::SimulatorTooSlow => "unknown",
    };
    let pct = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0} %"));
    let value = |(result, name): (&ThresholdResult, &String)| {
        let value = result.value.map_or_else(|| "-".to_owned(), ms);
        format!("{value:>width$}", width = name.len())
    };
    let values: Vec<_> = trial.targets.iter().zip(targets).map(value).collect();
    format!(
        "{:>8}  {verdict:<10}{:>8}{:>11}  {}",
        grouped(u64::from(trial.clients)),
        pct(trial.server_cpu_pct),
        pct(trial.sim_cpu_pct),
        values.join("  ")
    )
}

/// How many players: the answer in a sentence or two, after `trials` of up to `max` clients.
#[must_use]
pub fn answer(answer: Answer, max: u32, trials: &[Trial]) -> String {
    let players = |clients: u32| match clients {
        1 => "1 player".to_owned(),
        _ => format!("{} players", grouped(u64::from(clients))),
    };
    let failure = |clients: u32| {
        let number = grouped(u64::from(clients));
        match trials.iter().rfind(|trial| trial.clients == clients) {
            Some(trial) if trial.verdict == Verdict::SimulatorTooSlow => format!(
                "With {number} the simulator itself was too slow to tell: run it on another machine, or as several --worker."
            ),
            Some(trial) => {
                format!("{number} {} too many: {}.", if clients == 1 { "is" } else { "are" }, trial.failures())
            }
            None => format!("{number} are too many."),
        }
    };
    match answer {
        Answer::Between { held, failed } => format!("It holds {}. {}", players(held), failure(failed)),
        Answer::AtLeast(held) if held >= max => {
            format!("It holds {}, the most that were to be tried: --max.", players(held))
        }
        Answer::AtLeast(held) => format!("It holds {} at least: more were not tried.", players(held)),
        Answer::LessThan(failed) => format!("It does not even hold {}. {}", players(failed), failure(failed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(clients: u32, value: f64, saturated: bool) -> Trial {
        let ok = value < 100.0;
        let mut summary = Summary {
            thresholds: vec![ThresholdResult { expr: "snapshot_age_ms_p99<100".to_owned(), value: Some(value), ok }],
            ..Summary::default()
        };
        summary.sim.saturated = saturated;
        Trial::of(clients, &summary)
    }

    #[test]
    fn a_failure_is_the_servers_only_if_the_simulator_was_on_time() {
        let verdicts = [(50.0, false), (50.0, true), (150.0, false), (150.0, true)];
        let verdicts = verdicts.map(|(value, saturated)| trial(8, value, saturated).verdict);
        assert_eq!(verdicts, [Verdict::Holds, Verdict::Holds, Verdict::Fails, Verdict::SimulatorTooSlow]);
    }

    #[test]
    fn the_answer_names_the_number_and_what_stands_in_the_way() {
        let trials = [trial(1024, 50.0, false), trial(1100, 150.0, false), trial(2048, 400.0, true)];
        let told = answer(Answer::Between { held: 1024, failed: 1100 }, 1024, &trials);
        assert_eq!(told, "It holds 1,024 players. 1,100 are too many: snapshot_age_ms_p99<100 fails with 150.");
        let told = answer(Answer::Between { held: 1024, failed: 2048 }, 1024, &trials);
        assert!(told.contains("the simulator itself was too slow"), "{told}");
        assert!(answer(Answer::AtLeast(1024), 1024, &trials).contains("--max"));
        assert!(answer(Answer::AtLeast(512), 1024, &trials).contains("more were not tried"), "it was interrupted");
        assert!(answer(Answer::LessThan(1100), 1024, &trials).starts_with("It does not even hold 1,100 players"));
    }

    #[test]
    fn a_try_that_ended_early_says_why() {
        let trials = [trial(8, 50.0, false), Trial::failed(16, "it fell silent".to_owned())];
        let told = answer(Answer::Between { held: 8, failed: 16 }, 1024, &trials);
        assert_eq!(told, "It holds 8 players. 16 are too many: it fell silent.");
        assert!(line(&trials[1], &["snapshot_age_ms_p99<100".to_owned()]).contains("fails"));
    }

    #[test]
    fn a_try_is_told_in_a_line() {
        let targets = ["snapshot_age_ms_p99<100".to_owned()];
        let (head, line) = (head(&targets), line(&trial(2048, 31.25, false), &targets));
        assert!(line.starts_with("   2,048  holds ") && line.ends_with("31.2"), "{line}");
        assert_eq!(head.len(), line.len(), "{head}\n{line}");
    }
}
