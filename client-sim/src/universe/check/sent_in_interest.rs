use super::super::wiretap::{Change, Said};
use super::{Checker, Ears, StreamKey};
use tidelock::netcode::Side;
use tidelock::state::Input;

/// Nobody is sent what it is not meant to see in that tick, be it in a datagram that gets lost; and what it is meant to see is not
/// said to leave.
#[derive(Debug, Default)]
pub struct SentInInterest {
    found: u64,
}

impl SentInInterest {
    /// A snapshot goes to a client that is meant to see these streams, sorted.
    fn on_snapshot(&mut self, said: &Said, meant: &[StreamKey]) -> Result<(), String> {
        for record in &said.records {
            // Of what leaves before it was told of, or again, nobody can say what it is.
            let Some(id) = record.id else { continue };
            let is_meant = meant.binary_search(&(record.audience, id)).is_ok();
            if is_meant == (record.change == Change::Leave) {
                let (who, audience) = (said.client_id, record.audience);
                let what = if is_meant { "is said to leave, though it is visible" } else { "is outside its interest" };
                return Err(format!("client {who} was sent {:?} of {id} {audience:?}, which {what}", record.change));
            }
            self.found += 1;
        }
        Ok(())
    }
}

impl<I: Input> Checker<I> for SentInInterest {
    fn name(&self) -> &'static str {
        "sent in interest"
    }

    fn looked(&self) -> u64 {
        self.found
    }

    fn listens(&self) -> bool {
        true
    }

    fn on_said(&mut self, said: &Said, ears: &Ears<'_>) -> Result<(), String> {
        let Some(snapshot) = said.snapshot.as_ref().filter(|_| said.from == Side::Server) else { return Ok(()) };
        // Who is no player of the universe is not remembered.
        let Some(meant) = ears.meant.at(said.client_id, snapshot.tick) else { return Ok(()) };
        self.on_snapshot(said, meant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidelock::state::{Audience, NetId};

    const SEEN: NetId = NetId { index: 3, generation: 1 };
    const HIDDEN: NetId = NetId { index: 3, generation: 0 };

    fn found(id: NetId, change: Change) -> Result<(), String> {
        let mut said = Said::default();
        said.push_record(Audience::Public, id, change, &[]);
        SentInInterest::default().on_snapshot(&said, &[(Audience::Public, SEEN)])
    }

    #[test]
    fn what_is_visible_is_told_and_what_is_not_leaves() {
        assert_eq!((found(SEEN, Change::Full), found(HIDDEN, Change::Leave)), (Ok(()), Ok(())));
    }

    #[test]
    fn it_finds_what_is_told_though_hidden_and_leaves_though_visible() {
        assert!(found(HIDDEN, Change::Full).unwrap_err().contains("outside its interest"));
        assert!(found(SEEN, Change::Leave).unwrap_err().contains("though it is visible"));
    }
}
