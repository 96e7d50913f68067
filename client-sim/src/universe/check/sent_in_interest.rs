use super::super::wiretap::{Change, Said};
use super::{Checker, Ears, StreamKey};
use tidelock::netcode::Side;
use tidelock::state::{Audience, Input};

/// Nobody is sent what it is not meant to see in that tick, be it in a datagram that gets lost; and what it is meant to see is not
/// said to leave.
#[derive(Debug, Default)]
pub struct SentInInterest {
    /// By audience and index, which entity's stream is meant to be seen by who was sent the snapshot of that number.
    meant: [Vec<(u64, u16)>; Audience::COUNT],
    snapshots: u64,
    found: u64,
}

impl SentInInterest {
    /// A snapshot goes to a client that is meant to see these streams.
    fn on_snapshot(&mut self, said: &Said, meant: &[StreamKey]) -> Result<(), String> {
        self.snapshots += 1;
        let (snapshot, nothing) = (self.snapshots, (0, 0));
        for (audience, id) in meant {
            let streams = &mut self.meant[*audience as usize];
            if streams.len() <= id.index as usize {
                streams.resize(id.index as usize + 1, nothing);
            }
            streams[id.index as usize] = (snapshot, id.generation);
        }
        for record in &said.records {
            // Of what leaves before it was told of, or again, nobody can say what it is.
            let Some(id) = record.id else { continue };
            let stream = self.meant[record.audience as usize].get(id.index as usize);
            let is_meant = stream == Some(&(snapshot, id.generation));
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
    use tidelock::state::NetId;

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
    fn what_was_meant_to_be_seen_with_another_snapshot_is_not_so_now() {
        let mut said = Said::default();
        said.push_record(Audience::Team, SEEN, Change::Full, &[]);
        let mut checker = SentInInterest::default();
        for _ in 0..2 {
            assert_eq!(checker.on_snapshot(&said, &[(Audience::Public, HIDDEN), (Audience::Team, SEEN)]), Ok(()));
            assert!(checker.on_snapshot(&said, &[(Audience::Public, SEEN), (Audience::Team, HIDDEN)]).is_err());
            assert!(checker.on_snapshot(&said, &[]).is_err());
        }
        assert_eq!(checker.found, 2);
    }

    #[test]
    fn it_finds_what_is_told_though_hidden_and_leaves_though_visible() {
        assert!(found(HIDDEN, Change::Full).unwrap_err().contains("outside its interest"));
        assert!(found(SEEN, Change::Leave).unwrap_err().contains("though it is visible"));
    }
}
