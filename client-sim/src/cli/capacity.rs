//! What `tidelock-sim capacity` is to find.

use std::path::PathBuf;
use std::time::Duration;

use tidelock_sim::bots::BotMix;
use tidelock_sim::load::Load;
use tidelock_sim::measure::Threshold;
use tidelock_sim::swarm::{Share, SwarmOptions, ThinShare, random_seed};

use super::check_profiles;
use super::link::LinkFlags;
use super::target::TargetFlags;
use super::values::{CLIENTS_MAX, run_time, seed, share_of_some};

#[derive(clap::Args, Debug)]
pub(crate) struct CapacityFlags {
    /// What has to hold, besides that nobody is lost and nothing desyncs; repeatable [default: server_tick_ms_p99<16, and
    /// snapshot_age_ms_p99<100, or rtt_ms_p99<200 of a server on another machine]
    #[arg(long = "target", value_name = "EXPR")]
    targets: Vec<Threshold>,
    /// Try no more clients
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=i64::from(CLIENTS_MAX)))]
    max: u32,
    /// Begin with so many
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=i64::from(CLIENTS_MAX)))]
    first: u32,
    /// How long each try takes
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = run_time, allow_hyphen_values = true)]
    duration: Duration,
    /// Who plays: see tidelock-sim --help
    #[arg(long, value_name = "MIX", default_value = "wander")]
    bots: BotMix,
    /// So many of the clients are thin, which is all the same to the server: see tidelock-sim --help
    #[arg(long, value_name = "SHARE", value_parser = share_of_some, allow_hyphen_values = true, default_value = "95%")]
    thin: f64,
    /// Repeats links, bots and the embedded world [default: random]
    #[arg(long, value_parser = seed)]
    seed: Option<u64>,
    /// Write the answer and all tries as JSON
    #[arg(long, value_name = "FILE")]
    summary_json: Option<PathBuf>,
    #[command(flatten)]
    target: TargetFlags,
    #[command(flatten)]
    link: LinkFlags,
}

/// What to find.
pub(crate) struct CapacityOrders {
    /// Of each try, but for how many clients there are.
    pub(crate) swarm: SwarmOptions,
    pub(crate) duration: Duration,
    /// What was asked for; empty is the usual.
    targets: Vec<Threshold>,
    pub(crate) first: u32,
    pub(crate) max: u32,
    pub(crate) summary_json: Option<PathBuf>,
}

/// What has to hold.
pub(crate) struct Targets {
    pub(crate) all: Vec<Threshold>,
    /// Those that were asked for, which come first.
    pub(crate) shown: Vec<String>,
}

/// Without these, nobody would call it held.
const ALWAYS: [&str; 3] = ["clients_failed==0", "clients_disconnected==0", "desyncs==0"];

impl CapacityFlags {
    pub(super) fn orders(self) -> Result<CapacityOrders, String> {
        let links = self.link.links();
        check_profiles("--target", &self.targets, links.kinds().map(|(name, _)| name))?;
        let swarm = SwarmOptions {
            target: if self.target.is_remote() { self.target.target() } else { self.target.own_server() }?,
            load: CapacityOrders::load(self.first, self.duration),
            links,
            bots: self.bots.into(),
            thin: ThinShare(self.thin),
            seed: self.seed.unwrap_or_else(random_seed),
            share: Share::ALL,
            command: super::command_line(),
        };
        Ok(CapacityOrders {
            swarm,
            duration: self.duration,
            targets: self.targets,
            first: self.first,
            max: self.max,
            summary_json: self.summary_json,
        })
    }
}

impl CapacityOrders {
    /// A try with so many clients.
    pub(crate) fn with_clients(&self, clients: u32) -> SwarmOptions {
        SwarmOptions { load: Self::load(clients, self.duration), ..self.swarm.clone() }
    }

    /// What has to hold of a server whose clock is ours, or not.
    pub(crate) fn targets(&self, is_clock_shared: bool) -> Targets {
        let right = |expr: &str| expr.parse().expect("the thresholds are right");
        let asked = if self.targets.is_empty() {
            let feel = if is_clock_shared { "snapshot_age_ms_p99<100" } else { "rtt_ms_p99<200" };
            vec![right(feel), right("server_tick_ms_p99<16")]
        } else {
            self.targets.clone()
        };
        let shown = asked.iter().map(ToString::to_string).collect();
        Targets { all: asked.into_iter().chain(ALWAYS.map(right)).collect(), shown }
    }

    /// So long, and longer if so many need it to come in.
    fn load(clients: u32, duration: Duration) -> Load {
        let ramp = Self::ramp(clients);
        Load::steady(clients, ramp, duration.max(ramp * 3))
    }

    /// A few hundred clients a second: how a crowd comes in is not what is asked.
    fn ramp(clients: u32) -> Duration {
        Duration::from_millis(500) + Duration::from_millis(4) * clients
    }
}
