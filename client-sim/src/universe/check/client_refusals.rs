use super::{Checker, Player};
use crate::client::Client;
use std::collections::{BTreeMap, BTreeSet};
use tidelock::ClientId;
use tidelock::netcode::{DropCounts, DropReason, TokenSecrets};
use tidelock::state::Input;
use tidelock_server::engine::Engine;

/// A player's client takes what its server sends, or says of it that it came before, that it is of another connection, or that it
/// is of a handshake or a session that it is not in; and nothing that it takes is malformed. Of what others send in the server's
/// name all that is known is that it counts once.
#[derive(Debug, Default)]
pub struct ClientRefusals {
    before: Option<Before>,
    lines: BTreeMap<ClientId, Line>,
    tokens: BTreeMap<ClientId, u32>,
    /// For a while it was not looked.
    has_missed: bool,
    judged: u64,
}

/// How things were before a datagram came.
#[derive(Clone, Debug)]
struct Before {
    counts: Counts,
    was_connected: bool,
}

/// All that a client can refuse.
#[derive(Clone, Debug)]
struct Counts {
    drops: DropCounts,
    /// Above netcode.
    doubts: [u64; 3],
}

/// The sequences of what was taken on a player's present connection.
#[derive(Debug, Default)]
struct Line {
    taken: BTreeSet<u64>,
}

/// What is so far behind the newest may have come before, for all that netcode knows.
const REPLAY_WINDOW: u64 = 256;
/// Types of packets.
const CHALLENGE: u8 = 2;
const SESSION: core::ops::RangeInclusive<u8> = 4..=6;

/// The type of a packet, and its sequence if it is one of a session.
fn kind_and_sequence(datagram: &[u8]) -> (u8, Option<u64>) {
    let Some((prefix, rest)) = datagram.split_first() else { return (0, None) };
    let (kind, len) = (prefix & 0xF, usize::from(prefix >> 4));
    let bytes = rest.get(..len.min(8)).filter(|_| SESSION.contains(&kind));
    (kind, bytes.map(|bytes| bytes.iter().rev().fold(0, |sequence, byte| sequence << 8 | u64::from(*byte))))
}

impl Counts {
    fn of<I: Input>(client: &Client<I>) -> Self {
        let stats = client.stats();
        let doubts = [stats.payloads_malformed, stats.snapshots.undecodable, stats.datagrams_put_off];
        Self { drops: client.netcode_drops().clone(), doubts }
    }
}

impl Line {
    fn take(&mut self, sequence: u64) {
        self.taken.insert(sequence);
        while self.taken.first().is_some_and(|oldest| self.is_old(*oldest)) {
            self.taken.pop_first();
        }
    }

    fn is_old(&self, sequence: u64) -> bool {
        self.taken.last().is_some_and(|newest| sequence + REPLAY_WINDOW <= *newest)
    }
}

impl ClientRefusals {
    /// A datagram came to a client whose counts are these now.
    fn judge(
        &mut self,
        client_id: ClientId,
        datagram: &[u8],
        is_spoofed: bool,
        before: &Before,
        now: &Counts,
    ) -> Result<(), String> {
        let Before { counts: was, was_connected } = before;
        let (kind, sequence) = kind_and_sequence(datagram);
        let what = format_args!("client {client_id}, of a datagram of type {kind} and {} bytes", datagram.len());
        let refused = now.drops.total() - was.drops.total();
        if refused > 1 {
            return Err(format!("{what}, counts {refused} refusals"));
        }
        if let Some(doubt) = (0..was.doubts.len()).find(|n| now.doubts[*n] != was.doubts[*n]) {
            let doubt = ["that its payload is malformed", "that nobody can decode it", "that it has no room"][doubt];
            return Err(format!("{what}, says {doubt}"));
        }
        let line = self.lines.entry(client_id).or_default();
        let Some((reason, _)) = now.drops.iter().find(|(reason, count)| *count != was.drops.of(*reason)) else {
            match sequence {
                Some(sequence) => line.take(sequence),
                None if kind == CHALLENGE => *line = Line::default(),
                None => {}
            }
            return Ok(());
        };
        let may_be_anothers = self.has_missed || self.tokens.get(&client_id).is_some_and(|tokens| *tokens > 1);
        let is_honest = match reason {
            DropReason::Replayed => {
                let came = sequence.is_some_and(|sequence| line.taken.contains(&sequence) || line.is_old(sequence));
                came || may_be_anothers
            }
            DropReason::Undecryptable => may_be_anothers,
            DropReason::TypeUnexpected => !(*was_connected && SESSION.contains(&kind)),
            _ => false,
        };
        if is_honest || is_spoofed { Ok(()) } else { Err(format!("{what}, says that it is {:?}", reason.name())) }
    }
}

impl<I: Input> Checker<I> for ClientRefusals {
    fn name(&self) -> &'static str {
        "clients' refusals"
    }

    fn looked(&self) -> u64 {
        self.judged
    }

    fn on_resumed(&mut self, _: &Engine) {
        self.lines.clear();
        self.has_missed = true;
    }

    fn on_token(&mut self, client_id: ClientId, _: &TokenSecrets) {
        *self.tokens.entry(client_id).or_default() += 1;
    }

    fn on_delivering(&mut self, client: &Client<I>) {
        self.before = Some(Before { counts: Counts::of(client), was_connected: client.is_connected() });
    }

    fn on_delivered(&mut self, player: &Player<I>, datagram: &[u8], _: &Engine) -> Result<(), String> {
        let Some(before) = self.before.take() else { return Ok(()) };
        self.judged += 1;
        self.judge(player.client_id, datagram, player.is_spoofed(), &before, &Counts::of(&player.client))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Keys, universe};
    use super::*;
    use crate::universe::{SERVER, Universe};
    use std::time::Duration;

    /// A universe, a payload that has come to its player, and one that has not.
    fn scene() -> (Universe<Keys>, [Vec<u8>; 2]) {
        let mut universe = universe(1);
        universe.run(Duration::from_secs(1)).unwrap();
        universe.tap();
        let mut sends = |lasts| {
            universe.run(lasts).unwrap();
            universe.take_tapped().into_iter().find(|packet| packet.from == SERVER)
        };
        let old = sends(Duration::from_secs(1)).expect("it is not silent for so long");
        let new = std::iter::repeat_with(|| sends(Duration::from_millis(1))).find_map(|sent| sent);
        let payloads = [old, new.expect("it speaks again")].map(|packet| packet.datagram);
        (universe, payloads)
    }

    /// These come to the player, one after the other.
    fn judged(checker: &mut ClientRefusals, universe: &mut Universe<Keys>, datagrams: &[&[u8]]) -> Result<(), String> {
        datagrams.iter().try_for_each(|datagram| {
            let now = universe.now();
            checker.on_delivering(&universe.players()[0].client);
            universe.players_mut()[0].client.handle_datagram(SERVER, &mut datagram.to_vec(), now);
            checker.on_delivered(&universe.players()[0], datagram, universe.engine())
        })
    }

    #[test]
    fn what_comes_again_may_be_refused_and_what_comes_first_may_not() {
        let (mut universe, [old, new]) = scene();
        assert_eq!(judged(&mut ClientRefusals::default(), &mut universe, &[&new, &new, &new]), Ok(()));
        let found = judged(&mut ClientRefusals::default(), &mut universe, &[&old]).unwrap_err();
        assert!(found.ends_with("says that it is \"replayed\""), "{found}");
    }

    #[test]
    fn nonsense_is_not_what_a_server_sends() {
        let (mut universe, [_, new]) = scene();
        let flipped: Vec<u8> = new.iter().enumerate().map(|(n, byte)| byte ^ u8::from(n + 1 == new.len())).collect();
        for (datagram, reason) in [(&[0xFF; 40][..], "type_invalid"), (&flipped, "undecryptable")] {
            let found = judged(&mut ClientRefusals::default(), &mut universe, &[datagram]).unwrap_err();
            assert!(found.contains(reason), "{found}");
        }
        // Who has been here before may hear what was meant for its former connection.
        let tokens = [(universe.players()[0].client_id, 2)].into();
        let mut of_two = ClientRefusals { tokens, ..ClientRefusals::default() };
        assert_eq!(judged(&mut of_two, &mut universe, &[&flipped]), Ok(()));
    }

    #[test]
    fn what_is_taken_and_malformed_is_told_of() {
        let (universe, [_, new]) = scene();
        let player = &universe.players()[0];
        let before = Before { counts: Counts::of(&player.client), was_connected: true };
        for (n, what) in ["malformed", "decode", "room"].into_iter().enumerate() {
            let mut now = before.counts.clone();
            now.doubts[n] += 1;
            let found = ClientRefusals::default().judge(player.client_id, &new, true, &before, &now).unwrap_err();
            assert!(found.contains(what), "{found}");
        }
    }
}
