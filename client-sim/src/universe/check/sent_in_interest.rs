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
        // Where the next record is looked for first: most are by ascending index.
        let mut next = 0;
        for record in &said.records {
            // Of what leaves before it was told of, or again, nobody can say what it is.
            let Some(id) = record.id else { continue };
            let stream = rank((record.audience, id));
            let at = match meant.get(next) {
                Some(likely) if rank(*likely) == stream => Some(next),
                _ => meant.binary_search_by_key(&stream, |meant| rank(*meant)).ok(),
            };
            next = at.map_or(next, |at| at + 1);
            let is_meant = at.is_some();
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

/// Orders streams as they are sorted, by one comparison.
fn rank((audience, id): StreamKey) -> u64 {
    (audience as u64) << 48 | u64::from(id.index) << 16 | u64::from(id.generation)
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
    fn streams_are_looked_for_in_whatever_order_they_are_told_of() {
        let of = |audience, index, generation| (audience, NetId { index, generation });
        let meant = [
            of(Audience::Public, 3, 1),
            of(Audience::Public, 4, 0),
            of(Audience::Public, NetId::INDEX_MAX, 9),
            of(Audience::Team, 0, u16::MAX),
            of(Audience::Owner, 3, 0),
        ];
        assert!(meant.is_sorted() && meant.is_sorted_by_key(|stream| rank(*stream)));
        for first in 0..meant.len() {
            let mut said = Said::default();
            for n in 0..meant.len() {
                let (audience, id) = meant[(first + n * 3) % meant.len()];
                said.push_record(audience, id, Change::Full, &[]);
            }
            let mut checker = SentInInterest::default();
            assert_eq!((checker.on_snapshot(&said, &meant), checker.found), (Ok(()), 5));
            said.push_record(Audience::Team, NetId { index: 4, generation: 0 }, Change::Full, &[]);
            assert!(checker.on_snapshot(&said, &meant).is_err());
        }
    }

    #[test]
    fn it_finds_what_is_told_though_hidden_and_leaves_though_visible() {
        assert!(found(HIDDEN, Change::Full).unwrap_err().contains("outside its interest"));
        assert!(found(SEEN, Change::Leave).unwrap_err().contains("though it is visible"));
    }
}
