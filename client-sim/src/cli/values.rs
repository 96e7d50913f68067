//! What flags' values look like.

use std::net::SocketAddr;
use std::time::Duration;

use tidelock_server::io::options::{ByteSize, Number};
use tidelock_sim::link::Stalls;
use tidelock_sim::load::Stage;
use tidelock_sim::swarm::Share;

/// As many as a server takes.
pub(super) const CLIENTS_MAX: u32 = 16_384;

/// What passes in a second: enough for a client to be told that it is connected.
pub(super) fn bandwidth(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text.parse()?;
    if size.0 < 1 << 10 { Err("a link has at least 1KiB a second".to_owned()) } else { Ok(size) }
}

/// What a server may be told to send a client.
pub(super) fn client_bandwidth(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text.parse()?;
    if size.0 < 4 << 10 { Err("a client is sent at least 4KiB a second".to_owned()) } else { Ok(size) }
}

/// A time with its unit, up to a day.
pub(super) fn time(text: &str) -> Result<Duration, String> {
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
pub(super) fn run_time(text: &str) -> Result<Duration, String> {
    time(text).and_then(|time| {
        if time < Duration::from_secs(1) { Err("a run takes 1s at least".to_owned()) } else { Ok(time) }
    })
}

/// A percentage, as a share of 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let (number, has_sign) = match text.trim().strip_suffix('%') {
        Some(number) => (number.trim(), true),
        None => (text.trim(), text.trim() == "0"),
    };
    let percent: f64 = number.parse().map_err(|_| "a share is a percentage, such as 2% or 0.5%".to_owned())?;
    if !has_sign {
        return Err(format!("a share needs a percent sign: {number}%"));
    }
    if (0.0..=100.0).contains(&percent) { Ok(percent / 100.0) } else { Err("a share is from 0% to 100%".to_owned()) }
}

/// A share that leaves somebody.
pub(super) fn share_of_some(text: &str) -> Result<f64, String> {
    share(text).and_then(|share| if share < 1.0 { Ok(share) } else { Err("somebody has to be left: 99%".to_owned()) })
}

/// How many datagrams are lost in a row.
pub(super) fn burst(text: &str) -> Result<f64, String> {
    let number: f64 = text.trim().parse().map_err(|_| "a burst is a number of datagrams, such as 4".to_owned())?;
    if (1.0..=10_000.0).contains(&number) { Ok(number) } else { Err("a burst has 1 to 10000 datagrams".to_owned()) }
}

/// How long nothing passes, and how often.
pub(super) fn stall(text: &str) -> Result<Stalls, String> {
    let wrong = || "a stall is a length and how often it comes: 200ms/10s".to_owned();
    let (length, every) = text.split_once('/').ok_or_else(wrong)?;
    let (length, every) = (time(length)?, time(every)?);
    if length < every {
        Ok(Stalls { length, every })
    } else {
        Err("a stall is shorter than the time between two".to_owned())
    }
}

/// A stage of a load: how long, and how many clients at its end.
pub(super) fn stage(text: &str) -> Result<Stage, String> {
    let wrong = || "a stage is a time and a number of clients, up to 16384: 30s:200".to_owned();
    let (lasts, clients) = text.split_once(':').ok_or_else(wrong)?;
    let clients = clients.trim().parse().ok().filter(|clients| *clients <= CLIENTS_MAX).ok_or_else(wrong)?;
    Ok(Stage { lasts: time(lasts)?, clients })
}

/// Where to listen.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "an address is a number and a port, as in 127.0.0.1:9200".to_owned())
}

/// Also hexadecimal, as servers tell theirs.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map(|Number(seed)| seed)
}

/// So many a second, at most 10,000.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let wrong = || "a rate is a number a second, up to 10000: 10/s".to_owned();
    let number: f64 = text.trim().strip_suffix("/s").and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
    if (0.0..=10_000.0).contains(&number) { Ok(number) } else { Err(wrong()) }
}

/// Which of how many workers.
pub(super) fn worker(text: &str) -> Result<Share, String> {
    let wrong = || "a worker is one of several: 1/4".to_owned();
    let (worker, of) = text.split_once('/').ok_or_else(wrong)?;
    let (worker, of): (u32, u32) = worker.parse().ok().zip(of.parse().ok()).ok_or_else(wrong)?;
    if (1..=of).contains(&worker) && of <= 1024 { Ok(Share { worker, of }) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_stall_is_a_length_and_how_often_it_comes() {
        let wanted = Stalls { length: Duration::from_millis(200), every: Duration::from_secs(10) };
        assert_eq!(stall("200ms/10s"), Ok(wanted));
        for text in ["", "200ms", "10s/200ms", "0/0", "200ms/ten"] {
            assert!(stall(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_worker_is_one_of_several() {
        assert_eq!(worker("2/4"), Ok(Share { worker: 2, of: 4 }));
        for text in ["", "2", "0/4", "5/4", "1/0", "1/2000", "a/b"] {
            assert!(worker(text).is_err(), "{text}");
        }
    }
}
