//! How many clients play, and when.

use std::time::Duration;

use tidelock_sim::load::{Load, Stage};

use super::values::{CLIENTS_MAX, rate, run_time, stage, time};

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Load")]
pub(super) struct LoadFlags {
    /// How many clients
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=i64::from(CLIENTS_MAX)))]
    clients: u32,
    /// How long to run, ramp included
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = run_time, allow_hyphen_values = true)]
    duration: Duration,
    /// From the first client's start to the last one's; at most a third of the duration. 0 is a herd: all at once
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time, allow_hyphen_values = true)]
    ramp: Duration,
    /// Instead of clients, duration and ramp: for so long, clients come or go evenly until there are so many, as in 30s:200;
    /// repeatable, from no clients at all
    #[arg(long = "stage", value_name = "TIME:N", value_parser = stage, conflicts_with_all = ["clients", "duration", "ramp"])]
    stages: Vec<Stage>,
    /// How many clients leave and come back, as in 10/s
    #[arg(long, value_name = "N/s", value_parser = rate, default_value = "0/s", hide_default_value = true, allow_hyphen_values = true)]
    churn: f64,
}

impl LoadFlags {
    pub(super) fn load(self) -> Result<Load, String> {
        let load = if self.stages.is_empty() {
            Load::steady(self.clients, self.ramp, self.duration)
        } else {
            Load::stages(self.stages)
        };
        if load.clients_max() == 0 {
            return Err("--stage: no stage has any clients".to_owned());
        }
        if load.duration() < Duration::from_secs(1) {
            return Err("--stage: a run takes 1s at least".to_owned());
        }
        Ok(load.with_churn(self.churn))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::parse;
    use super::*;

    fn load(flags: &[&str]) -> Option<Load> {
        parse(&[&["--embedded"], flags].concat()).ok().map(|orders| orders.swarm.load)
    }

    #[test]
    fn clients_ramp_and_duration_make_a_steady_load() {
        let wanted = Load::steady(100, Duration::from_secs(2), Duration::from_secs(20));
        assert_eq!(load(&["--clients", "100", "--ramp", "2s", "--duration", "20s"]), Some(wanted));
        assert_eq!(load(&[]).map(|load| (load.clients_max(), load.duration().as_secs())), Some((64, 30)));
    }

    #[test]
    fn stages_follow_each_other_and_churn_goes_with_any_load() {
        let load = load(&["--stage", "10s:50", "--stage", "1m:50", "--stage", "5s:0", "--churn", "2.5/s"]).unwrap();
        let wanted = [(10, 50), (60, 50), (5, 0)].map(|(s, clients)| Stage { lasts: Duration::from_secs(s), clients });
        assert_eq!((load.all_stages(), load.churn_hz()), (&wanted[..], 2.5));
    }

    #[test]
    fn what_makes_no_load_is_refused() {
        for flags in [
            &["--clients", "0"][..],
            &["--duration", "10ms"],
            &["--stage", "10s:0"],
            &["--stage", "10ms:5"],
            &["--stage", "10s:20000"],
            &["--stage", "10s"],
            &["--stage", "10s:5", "--clients", "7"],
            &["--churn", "10"],
            &["--churn", "-1/s"],
            &["--churn", "1e9/s"],
        ] {
            assert_eq!(load(flags), None, "{flags:?}");
        }
    }
}
