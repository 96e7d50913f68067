use super::super::clock;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;
use tidelock::Instant;

/// Finds the address behind a name, in a thread of its own: name servers take their time, and health is told every second.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    /// Of whom it is asked, and what was found.
    name: Option<(String, u16)>,
    found: Option<SocketAddr>,
    /// Where the answer will be.
    under_way: Option<Receiver<Option<SocketAddr>>>,
    /// When to ask again.
    due: Instant,
}

impl Resolver {
    /// Between two attempts.
    const PAUSE: Duration = Duration::from_secs(5);

    /// The address of a host, given as one or by its name; `None` while it is not known. Once it is, it stays until the name changes.
    pub(super) fn resolve(&mut self, host: &str, port: u16) -> Option<SocketAddr> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return (!ip.is_unspecified()).then(|| SocketAddr::new(ip, port));
        }
        if self.name.as_ref().is_none_or(|(name, of)| name != host || *of != port) {
            *self = Self { name: Some((host.to_owned(), port)), ..Self::default() };
        }
        match self.under_way.as_ref().map(Receiver::try_recv) {
            Some(Err(TryRecvError::Empty)) => {}
            Some(answer) => {
                self.found = answer.ok().flatten();
                self.under_way = None;
                self.due = clock::now() + Self::PAUSE;
            }
            None if self.found.is_none() && self.due <= clock::now() => self.ask(),
            None => {}
        }
        self.found
    }

    /// Without a thread there is no answer, and the next attempt may have one.
    fn ask(&mut self) {
        let Some(name) = self.name.clone() else { return };
        let (answer, under_way) = channel();
        let look_up = move || {
            let found = (name.0.as_str(), name.1).to_socket_addrs();
            // Nobody waits for what was asked of a name that has changed since.
            let _ = answer.send(found.ok().and_then(|mut found| found.find(|found| !found.ip().is_unspecified())));
        };
        let builder = std::thread::Builder::new().name("tidelock-agones-name".to_owned());
        self.under_way = builder.spawn(look_up).is_ok().then_some(under_way);
        self.due = clock::now() + Self::PAUSE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_at_once_and_a_name_a_little_later() {
        let mut resolver = Resolver::default();
        assert_eq!(resolver.resolve("2001:db8::9", 7), Some("[2001:db8::9]:7".parse().unwrap()));
        assert_eq!(resolver.resolve("0.0.0.0", 7), None);
        assert_eq!(resolver.resolve("localhost", 7), None);
        let give_up_at = clock::now() + Duration::from_secs(5);
        while resolver.resolve("localhost", 7).is_none() && clock::now() < give_up_at {
            clock::sleep_until(clock::now() + Duration::from_millis(5));
        }
        assert!(resolver.resolve("localhost", 7).is_some_and(|found| found.ip().is_loopback() && found.port() == 7));
        assert_eq!(resolver.resolve("localhost", 8), None, "another name is another question");
    }
}
