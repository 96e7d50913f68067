use super::super::SERVER;
use super::super::hash::number;
use super::{Arriving, Checker, Sent};
use std::collections::{BTreeMap, BTreeSet};
use tidelock::state::Input;
use tidelock_server::engine::Engine;

/// To an address that never connected the server never sends more bytes than came from there.
#[derive(Debug, Default)]
pub struct Amplification {
    /// Addresses from which a client has connected, as numbers.
    connected: BTreeSet<u64>,
    /// By all others.
    exchanged: BTreeMap<u64, Exchanged>,
    /// From where a response to a challenge is being taken, and how many datagrams were refused before.
    response: Option<(u64, u64)>,
    answers: u64,
}

/// In bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Exchanged {
    received: u64,
    sent: u64,
}

/// The kind of packet that makes a connection.
const RESPONSE: u8 = 3;

impl<I: Input> Checker<I> for Amplification {
    fn name(&self) -> &'static str {
        "no amplification"
    }

    fn looked(&self) -> u64 {
        self.answers
    }

    fn on_resumed(&mut self, engine: &Engine) {
        self.connected.extend(engine.clients().iter().map(|client| number(client.address)));
        self.exchanged.clear();
    }

    fn on_arriving(&mut self, arriving: &Arriving<'_>, engine: &Engine) {
        let (from, datagram) = (number(arriving.from), arriving.datagram);
        let is_response = datagram.first().is_some_and(|prefix| prefix & 0xF == RESPONSE);
        self.response = is_response.then(|| (from, refused(engine)));
        if !self.connected.contains(&from) {
            self.exchanged.entry(from).or_default().received += datagram.len() as u64;
        }
    }

    fn on_taken(&mut self, engine: &Engine) -> Result<(), String> {
        // A response that was not refused made a connection.
        if let Some((from, _)) = self.response.take().filter(|(_, before)| *before == refused(engine)) {
            self.connected.insert(from);
            self.exchanged.remove(&from);
        }
        Ok(())
    }

    fn on_sent(&mut self, sent: &Sent<'_>, _: &Engine) -> Result<(), String> {
        let to = number(sent.to);
        if sent.from != SERVER || self.connected.contains(&to) {
            return Ok(());
        }
        let exchanged = self.exchanged.entry(to).or_default();
        exchanged.sent += sent.datagram.len() as u64;
        self.answers += 1;
        let Exchanged { received, sent: bytes } = *exchanged;
        if bytes > received {
            return Err(format!("{} never connected and sent {received} bytes, and was sent {bytes}", sent.to));
        }
        Ok(())
    }
}

fn refused(engine: &Engine) -> u64 {
    engine.netcode_drops().map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::super::Origin;
    use super::*;
    use crate::universe::check::fixture::{Keys, universe};
    use core::net::SocketAddr;
    use tidelock::Instant;

    #[test]
    fn who_is_sent_more_than_it_sent_is_told_of() {
        let (universe, now) = (universe(0), Instant::from_us(0));
        let engine = universe.engine();
        let mut checker = Amplification::default();
        let checker: &mut dyn Checker<Keys> = &mut checker;
        let from = SocketAddr::from(([10, 9, 9, 9], 1));
        checker.on_arriving(&Arriving { from, datagram: &[0; 300], origin: Origin::Outsider, now }, engine);
        checker.on_taken(engine).unwrap();
        let sent = |len| Sent { from: SERVER, to: from, datagram: &[0; 400][..len], now };
        checker.on_sent(&sent(300), engine).unwrap();
        assert!(checker.on_sent(&sent(1), engine).unwrap_err().contains("was sent 301"));
    }
}
