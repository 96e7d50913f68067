//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Parser, Subcommand};
use tidelock_server::io::options::{ByteSize, Number, PROTOCOL_ID};
use tidelock_sim::bots::BotMix;
use tidelock_sim::link::{Bottleneck, Bursts, LinkConfig};
use tidelock_sim::swarm::{EmbeddedOptions, RemoteOptions, SwarmOptions, Target, Threshold, random_seed};

/// Loads a Tidelock server with clients over bad links, and measures what players would feel
///
/// Needs a running server, or --embedded. Exits with 0; 2 for bad usage; 3 when no client could connect; 99 when a
/// threshold failed; 1 for all else that goes wrong.
#[derive(Parser, Debug)]
#[command(name = "tidelock-sim", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// Start a server in this process, on a free loopback port
    #[arg(long, conflicts_with_all = ["server", "admin", "key_file", "protocol_id"])]
    embedded: bool,

    /// Where the server takes players [default: what its tokens say; 127.0.0.1:7777 with --key-file]
    #[arg(long, value_name = "HOST:PORT")]
    server: Option<String>,

    /// The server's admin endpoint: metrics, and connect tokens unless there is a key [default: http://127.0.0.1:9100]
    #[arg(long, value_name = "URL")]
    admin: Option<String>,

    /// Make connect tokens with this key instead of asking for them
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// For tokens made with --key-file [default: the server's]
    #[arg(long, value_name = "ID", requires = "key_file")]
    protocol_id: Option<Number>,

    /// How many clients
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    clients: u32,

    /// How long to run, ramp included
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = run_time)]
    duration: Duration,

    /// From the first client's start to the last one's; at most a third of the duration
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time)]
    ramp: Duration,

    /// Who plays: wander, fight, idle, or a mix such as wander=3,fight=1
    #[arg(long, value_name = "MIX", default_value = "wander")]
    bots: BotMix,

    /// Repeats links, bots and the embedded world [default: random, printed]
    #[arg(long)]
    seed: Option<u64>,

    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    summary_json: Option<PathBuf>,

    /// Write what the first client to be started receives and does, for `tidelock-sim show`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Exit with 99 unless this holds, as in snapshot_age_ms_p99<100; repeatable
    #[arg(long = "threshold", value_name = "EXPR")]
    thresholds: Vec<Threshold>,

    /// No progress while it runs
    #[arg(long)]
    quiet: bool,

    #[command(flatten)]
    link: LinkFlags,

    #[command(flatten)]
    world: WorldFlags,
}

/// What to do instead.
#[derive(Subcommand, Debug)]
enum Command {
    /// Draw a recording of --record as a page: tick lead, round trips, snapshot age, corrections, bandwidth, loss
    Show(Show),
    /// Run server, players and a bad network in one thread on virtual time, with everything left to chance, and check it
    ///
    /// A seed chooses rates, players, links, clocks, strangers, and what goes wrong; what must hold is checked after every
    /// tick. Prints a line for each seed. Exits with 0, or 99 when something did not hold.
    Universe(UniverseFlags),
}

/// Which universes.
#[derive(clap::Args, Debug)]
pub(crate) struct UniverseFlags {
    /// The first
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many, from there on
    #[arg(long, value_name = "K", default_value_t = 100)]
    pub(crate) count: u64,
    /// A list instead: NAME SEED [clients=N] [ticks=T], one a line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "count"])]
    pub(crate) list: Option<PathBuf>,
    /// So many players, instead of what the seed says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_024))]
    pub(crate) clients: Option<u64>,
    /// So many ticks until nothing goes wrong any more, instead of what the seed says
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) ticks: Option<u32>,
    /// Universes at once [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_024))]
    pub(crate) jobs: Option<u64>,
    /// Stop at the first in which something does not hold
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Only what did not hold, and the sum
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// What to draw.
#[derive(clap::Args, Debug)]
pub(crate) struct Show {
    /// The recording
    pub(crate) file: PathBuf,
    /// Where the page goes [default: the recording's name with .html]
    #[arg(long, value_name = "FILE.html")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Link, each way")]
#[group(skip)]
#[command(group = ArgGroup::new("lossy").args(["loss", "down_loss", "up_loss"]).multiple(true))]
struct LinkFlags {
    /// Mean delay; a round trip takes twice that
    #[arg(long, value_name = "TIME", value_parser = time)]
    latency: Option<Duration>,
    /// Standard deviation of the delay
    #[arg(long, value_name = "TIME", value_parser = time)]
    jitter: Option<Duration>,
    /// Datagrams that never arrive
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    loss: Option<f64>,
    /// Lose that many datagrams in a row, on average, and as many in all
    #[arg(long, value_name = "N", requires = "lossy", value_parser = burst)]
    burst: Option<f64>,
    /// Datagrams that arrive twice
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    duplicate: Option<f64>,
    /// Datagrams that later ones overtake
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    reorder: Option<f64>,
    /// Most bytes a second that pass; what comes faster waits in a queue
    #[arg(long, value_name = "SIZE", value_parser = bandwidth)]
    bandwidth: Option<ByteSize>,
    /// Bytes that wait before what comes is dropped [default: a second's worth]
    #[arg(long, value_name = "SIZE")]
    queue: Option<ByteSize>,

    /// From the server, instead of --latency
    #[arg(long, value_name = "TIME", value_parser = time)]
    down_latency: Option<Duration>,
    /// From the server, instead of --jitter
    #[arg(long, value_name = "TIME", value_parser = time)]
    down_jitter: Option<Duration>,
    /// From the server, instead of --loss
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    down_loss: Option<f64>,
    /// From the server, instead of --duplicate
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    down_duplicate: Option<f64>,
    /// From the server, instead of --reorder
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    down_reorder: Option<f64>,
    /// From the server, instead of --bandwidth
    #[arg(long, value_name = "SIZE", value_parser = bandwidth)]
    down_bandwidth: Option<ByteSize>,
    /// From the server, instead of --queue
    #[arg(long, value_name = "SIZE")]
    down_queue: Option<ByteSize>,

    /// To the server, instead of --latency
    #[arg(long, value_name = "TIME", value_parser = time)]
    up_latency: Option<Duration>,
    /// To the server, instead of --jitter
    #[arg(long, value_name = "TIME", value_parser = time)]
    up_jitter: Option<Duration>,
    /// To the server, instead of --loss
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    up_loss: Option<f64>,
    /// To the server, instead of --duplicate
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    up_duplicate: Option<f64>,
    /// To the server, instead of --reorder
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    up_reorder: Option<f64>,
    /// To the server, instead of --bandwidth
    #[arg(long, value_name = "SIZE", value_parser = bandwidth)]
    up_bandwidth: Option<ByteSize>,
    /// To the server, instead of --queue
    #[arg(long, value_name = "SIZE")]
    up_queue: Option<ByteSize>,
}

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Embedded server")]
struct WorldFlags {
    /// Ticks a second [default: the server's]
    #[arg(long, value_name = "HZ", requires = "embedded", value_parser = clap::value_parser!(u32).range(1..=240))]
    tick_hz: Option<u32>,
    /// Wanderers of the server's [default: the server's]
    #[arg(long, value_name = "N", requires = "embedded")]
    npcs: Option<u32>,
    /// Most bytes a second that a client is sent [default: the server's]
    #[arg(long, value_name = "SIZE", requires = "embedded")]
    client_bandwidth: Option<ByteSize>,
}

/// What the command line asks for.
pub(crate) enum Task {
    Run(Box<Orders>),
    Show(Show),
    Universe(UniverseFlags),
}

/// What to run.
pub(crate) struct Orders {
    pub(crate) swarm: SwarmOptions,
    pub(crate) thresholds: Vec<Threshold>,
    pub(crate) summary_json: Option<PathBuf>,
    pub(crate) record: Option<PathBuf>,
}

impl Cli {
    pub(crate) fn task(mut self) -> Task {
        match self.command.take() {
            Some(Command::Show(show)) => Task::Show(show),
            Some(Command::Universe(flags)) => Task::Universe(flags),
            None => Task::Run(Box::new(self.orders())),
        }
    }

    fn orders(self) -> Orders {
        let target = if self.embedded {
            Target::Embedded(EmbeddedOptions {
                tick_hz: self.world.tick_hz,
                npcs: self.world.npcs,
                client_bandwidth_bytes_s: self.world.client_bandwidth.map(|size| size.0),
            })
        } else {
            Target::Remote(RemoteOptions {
                admin: self.admin.unwrap_or_else(|| RemoteOptions::ADMIN_DEFAULT.to_owned()),
                server: self.server,
                key_file: self.key_file,
                protocol_id: self.protocol_id.map_or(PROTOCOL_ID, |id| id.0),
            })
        };
        let swarm = SwarmOptions {
            target,
            clients: self.clients,
            ramp: self.ramp,
            duration: self.duration,
            down: self.link.down(),
            up: self.link.up(),
            bots: self.bots,
            seed: self.seed.unwrap_or_else(random_seed),
            quiet: self.quiet,
        };
        Orders { swarm, thresholds: self.thresholds, summary_json: self.summary_json, record: self.record }
    }
}

impl LinkFlags {
    fn down(&self) -> LinkConfig {
        let (loss, bursts) = self.loss(self.down_loss);
        LinkConfig {
            latency: self.down_latency.or(self.latency).unwrap_or_default(),
            jitter: self.down_jitter.or(self.jitter).unwrap_or_default(),
            loss,
            bursts,
            duplicate: self.down_duplicate.or(self.duplicate).unwrap_or_default(),
            reorder: self.down_reorder.or(self.reorder).unwrap_or_default(),
            bottleneck: bottleneck(self.down_bandwidth.or(self.bandwidth), self.down_queue.or(self.queue)),
        }
    }

    fn up(&self) -> LinkConfig {
        let (loss, bursts) = self.loss(self.up_loss);
        LinkConfig {
            latency: self.up_latency.or(self.latency).unwrap_or_default(),
            jitter: self.up_jitter.or(self.jitter).unwrap_or_default(),
            loss,
            bursts,
            duplicate: self.up_duplicate.or(self.duplicate).unwrap_or_default(),
            reorder: self.up_reorder.or(self.reorder).unwrap_or_default(),
            bottleneck: bottleneck(self.up_bandwidth.or(self.bandwidth), self.up_queue.or(self.queue)),
        }
    }
}

impl LinkFlags {
    /// What is lost alone and in bursts of one direction, whose own flag this is.
    fn loss(&self, of_direction: Option<f64>) -> (f64, Option<Bursts>) {
        let share = of_direction.or(self.loss).unwrap_or_default();
        match self.burst.filter(|_| share > 0.0) {
            None => (share, None),
            Some(length) => (0.0, Some(Bursts::of(share, length))),
        }
    }
}

/// Without a bandwidth there is none, and nothing to wait for.
fn bottleneck(bandwidth: Option<ByteSize>, queue: Option<ByteSize>) -> Option<Bottleneck> {
    let bottleneck = Bottleneck::of(bandwidth?.0);
    Some(Bottleneck { queue_bytes: queue.map_or(bottleneck.queue_bytes, |queue| queue.0), ..bottleneck })
}

/// What passes in a second: enough for a client to be told that it is connected.
fn bandwidth(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text.parse()?;
    if size.0 < 1 << 10 { Err("a link has at least 1KiB a second".to_owned()) } else { Ok(size) }
}

/// A time with its unit, up to a day.
fn time(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, f64); 5] = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let wrong = || "a time needs a number and a unit: 50ms, 1.5s, 2m".to_owned();
    let text = text.trim();
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let unit_s = match UNITS.iter().find(|(name, _)| *name == unit) {
        Some((_, unit_s)) => *unit_s,
        None if unit.is_empty() && number == 0.0 => 1.0,
        None => return Err(wrong()),
    };
    let seconds = number * unit_s;
    if !(0.0..=86_400.0).contains(&seconds) {
        return Err("a time is from 0 to 24h".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Long enough to measure something.
fn run_time(text: &str) -> Result<Duration, String> {
    time(text).and_then(|time| {
        if time < Duration::from_secs(1) { Err("a run takes 1s at least".to_owned()) } else { Ok(time) }
    })
}

/// A percentage, as a share of 1.
fn share(text: &str) -> Result<f64, String> {
    let number = match text.trim().strip_suffix('%') {
        Some(number) => number.trim(),
        None if text.trim() == "0" => "0",
        None => return Err(format!("a share needs a percent sign: {}%", text.trim())),
    };
    let percent: f64 = number.parse().map_err(|_| "a share is a percentage, such as 2% or 0.5%".to_owned())?;
    if (0.0..=100.0).contains(&percent) { Ok(percent / 100.0) } else { Err("a share is from 0% to 100%".to_owned()) }
}

/// How many datagrams are lost in a row.
fn burst(text: &str) -> Result<f64, String> {
    let number: f64 = text.trim().parse().map_err(|_| "a burst is a number of datagrams, such as 4".to_owned())?;
    if (1.0..=10_000.0).contains(&number) { Ok(number) } else { Err("a burst has 1 to 10000 datagrams".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(flags: &[&str]) -> Result<Orders, clap::Error> {
        Cli::try_parse_from(["tidelock-sim"].iter().chain(flags)).map(Cli::orders)
    }

    #[test]
    fn a_bottleneck_is_each_way_or_one_way_and_its_queue_is_a_seconds_worth() {
        let flags = ["--embedded", "--bandwidth", "64KiB", "--down-bandwidth", "24KiB", "--up-queue", "8KiB"];
        let swarm = parse(&flags).unwrap().swarm;
        assert_eq!(swarm.down.bottleneck, Some(Bottleneck::of(24 << 10)));
        let up = Bottleneck { bandwidth_bytes_s: 64 << 10, queue_bytes: 8 << 10 };
        assert_eq!(swarm.up.bottleneck, Some(up));
        assert_eq!(parse(&["--embedded"]).unwrap().swarm.down.bottleneck, None);
        assert!(parse(&["--embedded", "--bandwidth", "0"]).is_err());
    }

    #[test]
    fn times_and_shares_are_read_with_their_units() {
        assert_eq!(time("50ms"), Ok(Duration::from_millis(50)));
        assert_eq!(time("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(time("0"), Ok(Duration::ZERO));
        assert_eq!(share("2%"), Ok(0.02));
        assert_eq!(share("0.5 %"), Ok(0.005));
        assert_eq!(share("0"), Ok(0.0));
    }

    #[test]
    fn times_and_shares_without_units_are_refused() {
        for text in ["", "50", "ms", "-1s", "1d", "25h", "1s2", "nans"] {
            assert!(time(text).is_err(), "{text}");
        }
        for text in ["", "2", "101%", "-1%", "%", "nan%"] {
            assert!(share(text).is_err(), "{text}");
        }
    }

    #[test]
    fn each_direction_overrides_both() {
        let flags = ["--embedded", "--latency", "40ms", "--loss", "2%", "--down-loss", "5%", "--up-latency", "10ms"];
        let swarm = parse(&flags).unwrap().swarm;
        assert_eq!((swarm.down.latency, swarm.down.loss), (Duration::from_millis(40), 0.05));
        assert_eq!((swarm.up.latency, swarm.up.loss), (Duration::from_millis(10), 0.02));
    }

    #[test]
    fn bursts_keep_the_share_of_each_direction() {
        let swarm = parse(&["--embedded", "--loss", "2%", "--burst", "4", "--down-loss", "10%"]).unwrap().swarm;
        assert_eq!((swarm.down.loss, swarm.down.bursts), (0.0, Some(Bursts::of(0.1, 4.0))));
        assert_eq!((swarm.up.loss, swarm.up.bursts), (0.0, Some(Bursts::of(0.02, 4.0))));
        let swarm = parse(&["--embedded", "--burst", "1.5", "--up-loss", "3%"]).unwrap().swarm;
        assert_eq!((swarm.down, swarm.up.bursts), (LinkConfig::default(), Some(Bursts::of(0.03, 1.5))));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for flags in [
            &["--embedded", "--burst", "4"][..],
            &["--embedded", "--loss", "5%", "--burst", "0.5"],
            &["--embedded", "--loss", "5%", "--burst", "nan"],
            &["--embedded", "--loss", "5%", "--burst", "4ms"],
            &["--embedded", "--server", "127.0.0.1:7777"],
            &["--embedded", "--key-file", "k"],
            &["--tick-hz", "30"],
            &["--protocol-id", "7"],
            &["--clients", "0"],
            &["--duration", "10ms"],
            &["--threshold", "no_such_figure<1"],
            &["--bots", "swim"],
        ] {
            assert!(parse(flags).is_err(), "{flags:?}");
        }
    }
}
