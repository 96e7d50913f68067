//! What the links of clients are like: a profile, and what is set on top of it.

use std::time::Duration;

use clap::ArgGroup;
use tidelock_server::io::options::ByteSize;
use tidelock_sim::link::{Bottleneck, Bursts, Link, LinkConfig, LinkMix, Profile, Stalls};
use tidelock_sim::mix::Mix;
use tidelock_sim::swarm::Links;

use super::values::{bandwidth, burst, share, stall, time};

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Link, each way")]
#[group(skip)]
#[command(group = ArgGroup::new("lossy").args(["loss", "down_loss", "up_loss", "profile"]).multiple(true))]
#[command(group = ArgGroup::new("narrow").args(["bandwidth", "down_bandwidth", "up_bandwidth", "profile"]).multiple(true))]
pub(super) struct LinkFlags {
    /// What links players have: lan, fiber, wifi, lte, bad-wifi, transatlantic, satellite, or a mix such as
    /// lte=0.3,wifi=0.7; what follows is set on top [default: none]
    #[arg(long, value_name = "MIX")]
    profile: Option<LinkMix>,
    /// Mean delay; a round trip takes twice that
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    latency: Option<Duration>,
    /// Standard deviation of the delay
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    jitter: Option<Duration>,
    /// Datagrams that never arrive
    #[arg(long, value_name = "PERCENT", value_parser = share, allow_hyphen_values = true)]
    loss: Option<f64>,
    /// Lose that many datagrams in a row, on average, and as many in all
    #[arg(long, value_name = "N", requires = "lossy", value_parser = burst, allow_hyphen_values = true)]
    burst: Option<f64>,
    /// Datagrams that arrive twice
    #[arg(long, value_name = "PERCENT", value_parser = share, allow_hyphen_values = true)]
    duplicate: Option<f64>,
    /// Datagrams that later ones overtake
    #[arg(long, value_name = "PERCENT", value_parser = share, allow_hyphen_values = true)]
    reorder: Option<f64>,
    /// Most bytes a second that pass; what comes faster waits in a queue
    #[arg(long, value_name = "SIZE", value_parser = bandwidth, allow_hyphen_values = true)]
    bandwidth: Option<ByteSize>,
    /// Bytes that wait before what comes is dropped [default: a second's worth]
    #[arg(long, value_name = "SIZE", requires = "narrow")]
    queue: Option<ByteSize>,
    /// How long nothing passes, and once in how long, as in 200ms/10s
    #[arg(long, value_name = "TIME/TIME", value_parser = stall, allow_hyphen_values = true)]
    stall: Option<Stalls>,

    /// From the server, instead of --latency
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    down_latency: Option<Duration>,
    /// From the server, instead of --jitter
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    down_jitter: Option<Duration>,
    /// From the server, instead of --loss
    #[arg(long, value_name = "PERCENT", value_parser = share, allow_hyphen_values = true)]
    down_loss: Option<f64>,
    /// From the server, instead of --burst
    #[arg(long, value_name = "N", requires = "lossy", value_parser = burst, allow_hyphen_values = true)]
    down_burst: Option<f64>,
    /// From the server, instead of --duplicate
    #[arg(long, value_name = "PERCENT", value_parser = share, allow_hyphen_values = true)]
    down_duplicate: Option<f64>,
    /// From the server, instead of --reorder
    #[arg(long, value_name = "PERCENT", value_parser = share, allow_hyphen_values = true)]
    down_reorder: Option<f64>,
    /// From the server, instead of --bandwidth
    #[arg(long, value_name = "SIZE", value_parser = bandwidth, allow_hyphen_values = true)]
    down_bandwidth: Option<ByteSize>,
    /// From the server, instead of --queue
    #[arg(long, value_name = "SIZE", requires = "narrow")]
    down_queue: Option<ByteSize>,
    /// From the server, instead of --stall
    #[arg(long, value_name = "TIME/TIME", value_parser = stall, allow_hyphen_values = true)]
    down_stall: Option<Stalls>,

    /// To the server, instead of --latency
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    up_latency: Option<Duration>,
    /// To the server, instead of --jitter
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    up_jitter: Option<Duration>,
    /// To the server, instead of --loss
    #[arg(long, value_name = "PERCENT", value_parser = share, allow_hyphen_values = true)]
    up_loss: Option<f64>,
    /// To the server, instead of --burst
    #[arg(long, value_name = "N", requires = "lossy", value_parser = burst, allow_hyphen_values = true)]
    up_burst: Option<f64>,
    /// To the server, instead of --duplicate
    #[arg(long, value_name = "PERCENT", value_parser = share, allow_hyphen_values = true)]
    up_duplicate: Option<f64>,
    /// To the server, instead of --reorder
    #[arg(long, value_name = "PERCENT", value_parser = share, allow_hyphen_values = true)]
    up_reorder: Option<f64>,
    /// To the server, instead of --bandwidth
    #[arg(long, value_name = "SIZE", value_parser = bandwidth, allow_hyphen_values = true)]
    up_bandwidth: Option<ByteSize>,
    /// To the server, instead of --queue
    #[arg(long, value_name = "SIZE", requires = "narrow")]
    up_queue: Option<ByteSize>,
    /// To the server, instead of --stall
    #[arg(long, value_name = "TIME/TIME", value_parser = stall, allow_hyphen_values = true)]
    up_stall: Option<Stalls>,
}

/// What is set of one direction.
struct Changes {
    latency: Option<Duration>,
    jitter: Option<Duration>,
    loss: Option<f64>,
    burst: Option<f64>,
    duplicate: Option<f64>,
    reorder: Option<f64>,
    bandwidth: Option<ByteSize>,
    queue: Option<ByteSize>,
    stall: Option<Stalls>,
}

impl LinkFlags {
    /// What clients get.
    pub(super) fn links(self) -> Links {
        let (down, up) = (self.down(), self.up());
        let mix = self.profile.unwrap_or_else(|| Mix::only(Profile::None));
        Links::new(mix, |profile| {
            let link = profile.link();
            Link { down: down.on(link.down), up: up.on(link.up) }
        })
    }

    fn down(&self) -> Changes {
        Changes {
            latency: self.down_latency.or(self.latency),
            jitter: self.down_jitter.or(self.jitter),
            loss: self.down_loss.or(self.loss),
            burst: self.down_burst.or(self.burst),
            duplicate: self.down_duplicate.or(self.duplicate),
            reorder: self.down_reorder.or(self.reorder),
            bandwidth: self.down_bandwidth.or(self.bandwidth),
            queue: self.down_queue.or(self.queue),
            stall: self.down_stall.or(self.stall),
        }
    }

    fn up(&self) -> Changes {
        Changes {
            latency: self.up_latency.or(self.latency),
            jitter: self.up_jitter.or(self.jitter),
            loss: self.up_loss.or(self.loss),
            burst: self.up_burst.or(self.burst),
            duplicate: self.up_duplicate.or(self.duplicate),
            reorder: self.up_reorder.or(self.reorder),
            bandwidth: self.up_bandwidth.or(self.bandwidth),
            queue: self.up_queue.or(self.queue),
            stall: self.up_stall.or(self.stall),
        }
    }
}

impl Changes {
    /// With what is set, and all else as it is.
    fn on(&self, link: LinkConfig) -> LinkConfig {
        let (loss, bursts) = self.loss(link);
        LinkConfig {
            latency: self.latency.unwrap_or(link.latency),
            jitter: self.jitter.unwrap_or(link.jitter),
            loss,
            bursts,
            duplicate: self.duplicate.unwrap_or(link.duplicate),
            reorder: self.reorder.unwrap_or(link.reorder),
            bottleneck: self.bottleneck(link.bottleneck),
            stalls: self.stall.or(link.stalls),
        }
    }

    /// What is lost alone, and in bursts.
    fn loss(&self, link: LinkConfig) -> (f64, Option<Bursts>) {
        let share = self.loss.unwrap_or_else(|| link.mean_loss());
        let length = self.burst.or_else(|| link.bursts.map(|bursts| bursts.mean_length()));
        match length.filter(|_| share > 0.0) {
            None => (share, None),
            Some(length) => (0.0, Some(Bursts::of(share, length))),
        }
    }

    /// Without a bandwidth there is none, and nothing to wait for.
    fn bottleneck(&self, before: Option<Bottleneck>) -> Option<Bottleneck> {
        let bottleneck = self.bandwidth.map(|bandwidth| Bottleneck::of(bandwidth.0)).or(before)?;
        Some(Bottleneck { queue_bytes: self.queue.map_or(bottleneck.queue_bytes, |queue| queue.0), ..bottleneck })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::parse;
    use super::*;

    /// The link of the first client.
    fn link(flags: &[&str]) -> Link {
        parse(&[&["--embedded"], flags].concat()).unwrap().swarm.links.of(0).1
    }

    #[test]
    fn a_bottleneck_is_each_way_or_one_way_and_its_queue_is_a_seconds_worth() {
        let both = link(&["--bandwidth", "64KiB", "--down-bandwidth", "24KiB", "--up-queue", "8KiB"]);
        assert_eq!(both.down.bottleneck, Some(Bottleneck::of(24 << 10)));
        let up = Bottleneck { bandwidth_bytes_s: 64 << 10, queue_bytes: 8 << 10 };
        assert_eq!(both.up.bottleneck, Some(up));
        assert_eq!(link(&[]).down.bottleneck, None);
        assert!(parse(&["--embedded", "--bandwidth", "0"]).is_err());
    }

    #[test]
    fn each_direction_overrides_both() {
        let link = link(&["--latency", "40ms", "--loss", "2%", "--down-loss", "5%", "--up-latency", "10ms"]);
        assert_eq!((link.down.latency, link.down.loss), (Duration::from_millis(40), 0.05));
        assert_eq!((link.up.latency, link.up.loss), (Duration::from_millis(10), 0.02));
    }

    #[test]
    fn bursts_keep_the_share_of_each_direction() {
        let both = link(&["--loss", "2%", "--burst", "4", "--down-loss", "10%"]);
        assert_eq!((both.down.loss, both.down.bursts), (0.0, Some(Bursts::of(0.1, 4.0))));
        assert_eq!((both.up.loss, both.up.bursts), (0.0, Some(Bursts::of(0.02, 4.0))));
        let up = link(&["--burst", "1.5", "--up-loss", "3%"]);
        assert_eq!((up.down, up.up.bursts), (LinkConfig::default(), Some(Bursts::of(0.03, 1.5))));
    }

    #[test]
    fn flags_change_a_profile_and_leave_the_rest_of_it() {
        let wifi = Profile::Wifi.link();
        assert_eq!(link(&["--profile", "wifi"]), wifi);
        let changed = link(&["--profile", "wifi", "--up-latency", "50ms", "--down-loss", "5%", "--stall", "1s/20s"]);
        assert_eq!((changed.up.latency, changed.down.latency), (Duration::from_millis(50), wifi.down.latency));
        assert_eq!(changed.down.bursts, Some(Bursts::of(0.05, wifi.down.bursts.unwrap().mean_length())));
        assert_eq!(changed.up.bursts, wifi.up.bursts);
        assert_eq!(changed.up.stalls.map(|stalls| stalls.length), Some(Duration::from_secs(1)));
        assert_eq!(changed.up.bottleneck, wifi.up.bottleneck);
    }

    #[test]
    fn clients_get_the_profiles_of_a_mix() {
        let swarm = parse(&["--embedded", "--profile", "lte=0.3,wifi=0.7"]).unwrap().swarm;
        let lte = (0..100).filter(|index| swarm.links.of(*index) == (0, Profile::Lte.link())).count();
        assert!((29..=31).contains(&lte), "{lte}");
        let told = parse(&["--embedded", "--profile", "wlan"]).unwrap_err();
        assert!(told.contains("there is no profile called `wlan`") && told.contains("bad-wifi"), "{told}");
    }
}
