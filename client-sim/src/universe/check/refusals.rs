use super::super::SERVER;
use super::super::hash::{hash, number};
use super::super::strangers::stranger_number;
use super::{Arriving, Checker, Origin, Sent};
use core::net::SocketAddr;
use std::collections::{BTreeSet, VecDeque};
use tidelock::state::Input;
use tidelock_server::engine::{DisconnectCounts, Engine, InputCounts, RejectedCounts, ResumeCounts};

/// Every datagram that is refused adds one to one counter, and changes nothing else; what players send is no worse than late,
/// repeated, or of a connection that is gone; and nothing that an outsider makes is taken for anything.
#[derive(Debug, Default)]
pub struct Refusals {
    arriving: Option<Before>,
    /// Refusals by reason, when one was last looked at.
    reasons: Vec<(&'static str, u64)>,
    genuine: Genuine,
    judged: u64,
}

/// What players sent to the server, as hashes with where it came from: an outsider may repeat it before it arrives.
#[derive(Debug, Default)]
struct Genuine {
    /// The newest, in the order in which they were sent.
    in_order: VecDeque<u64>,
    /// The oldest of them, sorted, and how many those are: whoever looks for one puts the others there, too.
    sorted: BTreeSet<u64>,
    sorted_count: usize,
}

/// A datagram that is being taken, and how things were before.
#[derive(Debug)]
struct Before {
    from: SocketAddr,
    origin: Origin,
    is_request: bool,
    prefix: Option<u8>,
    bytes: usize,
    hash: u64,
    counts: Counts,
}

/// All that a datagram can count as, and all that it can change at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counts {
    received: u64,
    refused: u64,
    payloads_malformed: u64,
    events_malformed: u64,
    events_refused: u64,
    others: Others,
}

/// What is no refusal of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Others {
    clients: usize,
    players: usize,
    absent: usize,
    inputs: InputCounts,
    rejected: RejectedCounts,
    disconnects: DisconnectCounts,
    resumes: ResumeCounts,
    connections: u64,
    desyncs: u64,
}

/// Datagrams of players that are remembered: those of seconds.
const GENUINE_MAX: usize = 1 << 14;

/// Why a datagram of an honest player may be refused: the network repeated it, it is late, of a handshake that was answered or
/// of a connection that is over, or there is no room.
const HONEST: [&str; 13] = [
    "replayed",
    "undecryptable",
    "address_unknown",
    "type_unexpected",
    "address_connected",
    "token_used",
    "token_history_full",
    "server_full",
    "handshakes_full",
    "over_budget",
    "address_failing",
    "replies_full",
    "token_expired",
];

impl Counts {
    fn of(engine: &Engine) -> Self {
        let stats = engine.stats();
        Self {
            received: stats.received.packets,
            refused: engine.netcode_drops().map(|(_, count)| count).sum(),
            payloads_malformed: stats.payloads_malformed,
            events_malformed: stats.events_malformed,
            events_refused: stats.events_flooded + stats.events_over_rate,
            others: Others {
                clients: engine.client_count(),
                players: engine.player_count(),
                absent: engine.absent_count(),
                inputs: stats.inputs,
                rejected: stats.rejected,
                disconnects: stats.disconnects,
                resumes: stats.resumes,
                connections: stats.connections,
                desyncs: stats.desyncs,
            },
        }
    }

    /// As it is when one more datagram is refused by netcode, and nothing else.
    const fn with_one_refused(self) -> Self {
        Self { received: self.received + 1, refused: self.refused + 1, ..self }
    }
}

impl Genuine {
    fn remember(&mut self, hash: u64) {
        self.in_order.push_back(hash);
        if self.in_order.len() > GENUINE_MAX
            && let Some(oldest) = self.in_order.pop_front()
            && self.sorted_count > 0
        {
            self.sorted_count -= 1;
            self.sorted.remove(&oldest);
        }
    }

    fn contains(&mut self, hash: u64) -> bool {
        self.sorted.extend(self.in_order.range(self.sorted_count..));
        self.sorted_count = self.in_order.len();
        self.sorted.contains(&hash)
    }
}

impl Refusals {
    fn judge(&mut self, before: &Before, engine: &Engine) -> Result<(), String> {
        let (from, was, is) = (before.from, before.counts, Counts::of(engine));
        let Before { prefix, bytes, .. } = *before;
        let what = |what: &str| {
            format!("{what}, from {from}, of {bytes} bytes that begin with {prefix:02x?}: {was:?} became {is:?}")
        };
        let (refused, malformed) = (is.refused - was.refused, is.payloads_malformed - was.payloads_malformed);
        if is.received != was.received + 1 || refused + malformed > 1 {
            return Err(what("a datagram did not count once"));
        }
        if refused == 1 && is != was.with_one_refused() {
            return Err(what("a datagram was refused, and changed something"));
        }
        let origin = match before.origin {
            // It is the player's then, whoever brought it.
            Origin::Outsider if self.genuine.contains(before.hash) => Origin::Player,
            origin => origin,
        };
        match origin {
            Origin::Player if malformed > 0 || is.events_malformed > was.events_malformed => {
                Err(what("a player sent what is malformed"))
            }
            Origin::Player if refused == 1 => self.judge_reason(from, engine),
            // Who has a good token may ask, from its own address.
            Origin::Outsider if refused == 0 && before.is_request && stranger_number(from).is_some() => {
                let unchanged = Counts { received: was.received + 1, ..was };
                if is == unchanged { Ok(()) } else { Err(what("a request changed something")) }
            }
            Origin::Outsider if refused == 0 => Err(what("what an outsider made was taken")),
            _ => Ok(()),
        }
    }

    /// Whether what was refused of a player was so for an honest reason.
    fn judge_reason(&mut self, from: SocketAddr, engine: &Engine) -> Result<(), String> {
        let increased = |name: &str, count: u64| {
            self.reasons.iter().find(|(known, _)| *known == name).map_or(0, |(_, before)| *before) < count
        };
        let reason = engine.netcode_drops().find(|(name, count)| increased(name, *count)).map(|(name, _)| name);
        if reason.is_some_and(|reason| !HONEST.contains(&reason)) {
            return Err(format!("a player at {from} sent what was refused as {reason:?}"));
        }
        Ok(())
    }
}

impl<I: Input> Checker<I> for Refusals {
    fn name(&self) -> &'static str {
        "refusals"
    }

    fn looked(&self) -> u64 {
        self.judged
    }

    fn on_resumed(&mut self, _: &Engine) {
        self.arriving = None;
    }

    fn on_sent(&mut self, sent: &Sent<'_>, _: &Engine) -> Result<(), String> {
        if sent.to == SERVER {
            self.genuine.remember(hash(number(sent.from), sent.datagram));
        }
        Ok(())
    }

    fn on_arriving(&mut self, arriving: &Arriving<'_>, engine: &Engine) {
        let Arriving { from, datagram, origin, .. } = *arriving;
        let is_request = datagram.first() == Some(&0);
        let hash = if origin == Origin::Outsider { hash(number(from), datagram) } else { 0 };
        let counts = Counts::of(engine);
        let known: u64 = self.reasons.iter().map(|(_, count)| count).sum();
        if known != counts.refused {
            self.reasons.clear();
            self.reasons.extend(engine.netcode_drops());
        }
        self.arriving = Some(Before {
            from,
            origin,
            is_request,
            prefix: datagram.first().copied(),
            bytes: datagram.len(),
            hash,
            counts,
        });
    }

    fn on_taken(&mut self, engine: &Engine) -> Result<(), String> {
        let Some(before) = self.arriving.take() else { return Ok(()) };
        self.judged += 1;
        self.judge(&before, engine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::universe::check::fixture::{Keys, universe};
    use crate::universe::{Packet, Universe};
    use std::time::Duration;
    use tidelock::Instant;

    /// Tells the checker that `told` arrives, and lets `taken` arrive.
    fn judged(universe: &mut Universe<Keys>, origin: Origin, told: &Packet, taken: &[&Packet]) -> Result<(), String> {
        let mut checker = Refusals::default();
        let checker: &mut dyn Checker<Keys> = &mut checker;
        let Packet { from, ref datagram, .. } = *told;
        let now = Instant::from_us(0);
        checker.on_arriving(&Arriving { from, datagram, origin, now }, universe.engine());
        taken.iter().for_each(|packet| universe.inject(packet.from, &packet.datagram));
        checker.on_taken(universe.engine())
    }

    /// A universe, a payload of a player that has arrived, and one that has not.
    fn scene() -> (Universe<Keys>, Packet, Packet) {
        let mut universe = universe(1);
        universe.run(Duration::from_secs(1)).unwrap();
        universe.tap();
        universe.run(Duration::from_secs(1)).unwrap();
        let sent: Vec<_> = universe.take_tapped().into_iter().filter(|packet| packet.to == SERVER).collect();
        let [old, new] = [&sent[0], &sent[sent.len() - 1]].map(Clone::clone);
        (universe, old, new)
    }

    #[test]
    fn the_newest_datagrams_of_players_are_known_whenever_one_looks() {
        let mut genuine = Genuine::default();
        for hash in 0..3 * GENUINE_MAX as u64 {
            genuine.remember(hash);
            let oldest = (hash + 1).saturating_sub(GENUINE_MAX as u64);
            if hash % 1_000 == 7 || hash < 5 {
                assert!(genuine.contains(hash) && genuine.contains(oldest) && !genuine.contains(hash + 1), "{hash}");
                assert!(oldest == 0 || !genuine.contains(oldest - 1), "{hash}");
            }
        }
        assert_eq!(genuine.in_order.len(), GENUINE_MAX);
    }

    #[test]
    fn what_is_repeated_counts_once() {
        let (mut universe, old, _) = scene();
        assert_eq!(judged(&mut universe, Origin::Player, &old, &[&old]), Ok(()));
        assert_eq!(judged(&mut universe, Origin::Outsider, &old, &[&old]), Ok(()));
        let twice = judged(&mut universe, Origin::Player, &old, &[&old, &old]).unwrap_err();
        assert!(twice.starts_with("a datagram did not count once"), "{twice}");
        let never = judged(&mut universe, Origin::Player, &old, &[]).unwrap_err();
        assert!(never.starts_with("a datagram did not count once"), "{never}");
    }

    #[test]
    fn what_an_outsider_makes_and_is_taken_is_told_of() {
        let (mut universe, _, new) = scene();
        let taken = judged(&mut universe, Origin::Outsider, &new, &[&new]).unwrap_err();
        assert!(taken.starts_with("what an outsider made was taken"), "{taken}");
    }

    #[test]
    fn a_player_who_sends_nonsense_is_told_of() {
        let (mut universe, old, _) = scene();
        let nonsense = Packet { datagram: vec![0xFF; 40], ..old };
        let refused = judged(&mut universe, Origin::Player, &nonsense, &[&nonsense]).unwrap_err();
        assert!(refused.contains("type_invalid"), "{refused}");
    }

    #[test]
    fn a_refusal_that_changes_something_is_told_of() {
        let (mut universe, old, _) = scene();
        let mut checker = Refusals::default();
        let checker: &mut dyn Checker<Keys> = &mut checker;
        let Packet { from, ref datagram, .. } = old;
        let now = Instant::from_us(0);
        checker.on_arriving(&Arriving { from, datagram, origin: Origin::Unknown, now }, universe.engine());
        universe.inject(from, datagram);
        universe.engine_mut().stats_mut().desyncs += 1;
        let found = checker.on_taken(universe.engine()).unwrap_err();
        assert!(found.starts_with("a datagram was refused, and changed something"), "{found}");
    }
}
