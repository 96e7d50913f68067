use super::super::wiretap::{Change, Record, Said};
use super::{Checker, Ears};
use tidelock::Tick;
use tidelock::netcode::Side;
use tidelock::state::{Checksum, Input, VersionRef, version_hash};
use tidelock::wire::RecordsHead;

/// Every record that is sent, be it in a datagram that gets lost, decodes against the server's own history to what the server has
/// in that tick; and the checksum is of that. What it builds on lies no farther back than clients must remember.
#[derive(Debug, Default)]
pub struct TrueRecords {
    compared: u64,
}

/// The oldest tick that a record builds on.
fn oldest_named(change: Change) -> Option<Tick> {
    match change {
        Change::Delta { first, second } => Some(second.unwrap_or(first)),
        _ => None,
    }
}

impl TrueRecords {
    /// A datagram is sent; `truth` is what the server has.
    fn on_sent<'a>(&mut self, said: &Said, truth: impl Fn(&Record) -> Option<VersionRef<'a>>) -> Result<(), String> {
        let who = said.client_id;
        if let Some(fault) = &said.fault {
            return Err(format!("client {who} was sent what nobody can read: {fault}"));
        }
        let tick = said.snapshot.as_ref().map(|snapshot| snapshot.tick);
        let mut sum = Checksum::default();
        for record in said.records.iter().filter(|record| record.change != Change::Leave) {
            let (told, Record { audience, change, .. }) = (said.version(record), record);
            let id = record.id.ok_or("a version of nobody knows what")?;
            if let Some((baseline, tick)) = oldest_named(*change).zip(tick)
                && tick.since(baseline) > RecordsHead::BASELINE_TICKS_MAX as i32
            {
                return Err(format!(
                    "client {who} was sent {change:?} of {id} {audience:?} in {tick}, which it may have forgotten"
                ));
            }
            let truth = truth(record);
            if truth != Some(told) {
                return Err(format!(
                    "client {who} was sent {change:?} of {id} {audience:?} as {told:?}, not {truth:?}"
                ));
            }
            sum.add(version_hash(id, *audience, told.mask, told.lanes));
            self.compared += 1;
        }
        let told = said.snapshot.as_ref().and_then(|snapshot| snapshot.checksum);
        if told.is_some_and(|told| told != sum.to_u16()) {
            return Err(format!("client {who} was sent the checksum {told:?}, not {}", sum.to_u16()));
        }
        Ok(())
    }
}

impl<I: Input> Checker<I> for TrueRecords {
    fn name(&self) -> &'static str {
        "true records"
    }

    fn looked(&self) -> u64 {
        self.compared
    }

    fn listens(&self) -> bool {
        true
    }

    fn on_said(&mut self, said: &Said, ears: &Ears<'_>) -> Result<(), String> {
        if said.from != Side::Server {
            return Ok(());
        }
        let tick = ears.engine.tick_number();
        self.on_sent(said, |record| ears.engine.version_at(record.id?, record.audience, tick))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidelock::state::{Audience, NetId};
    use tidelock::wire::SnapshotHeader;

    const ID: NetId = NetId { index: 3, generation: 1 };
    const TRUTH: VersionRef<'static> = VersionRef { mask: 1, lanes: &[7, 8] };

    fn said(lanes: &[u32], checksum: u16) -> Said {
        let snapshot = SnapshotHeader { tick: Tick(9), checksum: Some(checksum), ..SnapshotHeader::default() };
        let mut said = Said { snapshot: Some(snapshot), ..Said::default() };
        said.push_record(Audience::Public, ID, Change::Delta { first: Tick(8), second: None }, lanes);
        said
    }

    fn found(said: &Said) -> Result<(), String> {
        TrueRecords::default().on_sent(said, |_| Some(TRUTH))
    }

    fn checksum() -> u16 {
        Checksum(version_hash(ID, Audience::Public, 1, TRUTH.lanes)).to_u16()
    }

    #[test]
    fn the_truth_passes() {
        assert_eq!(found(&said(TRUTH.lanes, checksum())), Ok(()));
    }

    #[test]
    fn it_finds_a_wrong_lane_a_wrong_checksum_and_what_cannot_be_read() {
        assert!(found(&said(&[7, 9], checksum())).unwrap_err().contains("not Some"));
        assert!(found(&said(TRUTH.lanes, checksum() ^ 1)).unwrap_err().contains("checksum"));
        let fault = Said { fault: Some("no".into()), ..said(TRUTH.lanes, checksum()) };
        assert!(found(&fault).unwrap_err().contains("nobody can read"));
        let forgotten = TrueRecords::default().on_sent(&said(TRUTH.lanes, checksum()), |_| None);
        assert!(forgotten.unwrap_err().contains("not None"));
    }

    #[test]
    fn it_finds_what_builds_on_a_tick_too_far_back() {
        let of_tick = |tick: u32| {
            let mut said = said(TRUTH.lanes, checksum());
            said.snapshot.iter_mut().for_each(|snapshot| snapshot.tick = Tick(tick));
            found(&said)
        };
        assert_eq!(of_tick(8 + 511), Ok(()));
        assert!(of_tick(8 + 512).unwrap_err().contains("may have forgotten"));
    }
}
