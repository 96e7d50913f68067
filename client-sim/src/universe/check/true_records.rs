use super::super::wiretap::{Change, Record, Said};
use super::{Checker, Ears};
use tidelock::Tick;
use tidelock::netcode::Side;
use tidelock::state::{Checksum, Input, VersionRef, version_hash};
use tidelock::wire::RecordsHead;

/// Every record that is sent, be it in a datagram that gets lost, decodes against the server's own history to what the server has
/// in that tick; and the checksum is of that. What it builds on lies no farther back than clients must remember.
///
/// A version that many datagrams of a tick lead to is compared once: that each of them leads to it was found out by all of its bits.
#[derive(Debug, Default)]
pub struct TrueRecords {
    tick: Tick,
    /// The hashes of those versions of the tick that are what the server has, by their numbers.
    known: Vec<Option<u64>>,
    compared: u64,
}

/// Whether a record of this tick builds on nothing that a client may have forgotten.
fn look_back(said: &Said, record: &Record, tick: Tick) -> Result<(), String> {
    let Change::Delta { first, second } = record.change else { return Ok(()) };
    if tick.since(second.unwrap_or(first)) > RecordsHead::BASELINE_TICKS_MAX as i32 {
        let (who, Record { audience, change, id, .. }) = (said.client_id, record);
        return Err(format!(
            "client {who} was sent {change:?} of {id:?} {audience:?} in {tick}, which it may have forgotten"
        ));
    }
    Ok(())
}

impl TrueRecords {
    /// A datagram is sent in this tick; `truth` is what the server has.
    fn on_sent<'a>(
        &mut self,
        said: &Said,
        tick: Tick,
        truth: impl Fn(&Record) -> Option<VersionRef<'a>>,
    ) -> Result<(), String> {
        if tick != self.tick {
            self.tick = tick;
            self.known.clear();
        }
        let who = said.client_id;
        if let Some(fault) = &said.fault {
            return Err(format!("client {who} was sent what nobody can read: {fault}"));
        }
        let mut sum = Checksum::default();
        for record in said.records.iter().filter(|record| record.change != Change::Leave) {
            look_back(said, record, tick)?;
            let known = record.number.and_then(|number| self.known.get(number as usize).copied().flatten());
            sum.add(match known {
                Some(hash) => hash,
                None => self.compare(said, record, truth(record))?,
            });
            self.compared += 1;
        }
        let told = said.snapshot.as_ref().and_then(|snapshot| snapshot.checksum);
        if told.is_some_and(|told| told != sum.to_u16()) {
            return Err(format!("client {who} was sent the checksum {told:?}, not {}", sum.to_u16()));
        }
        Ok(())
    }

    /// The hash of what a record leads to, if it is what the server has.
    fn compare(&mut self, said: &Said, record: &Record, truth: Option<VersionRef<'_>>) -> Result<u64, String> {
        let (told, who, Record { audience, change, .. }) = (said.version(record), said.client_id, record);
        let id = record.id.ok_or("a version of nobody knows what")?;
        if truth != Some(told) {
            return Err(format!("client {who} was sent {change:?} of {id} {audience:?} as {told:?}, not {truth:?}"));
        }
        let hash = version_hash(id, *audience, told.mask, told.lanes);
        if let Some(number) = record.number {
            let number = number as usize;
            if self.known.len() <= number {
                self.known.resize(number + 1, None);
            }
            self.known[number] = Some(hash);
        }
        Ok(hash)
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
        self.on_sent(said, tick, |record| ears.engine.version_at(record.id?, record.audience, tick))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidelock::state::{Audience, NetId};
    use tidelock::wire::SnapshotHeader;

    const ID: NetId = NetId { index: 3, generation: 1 };
    const TICK: Tick = Tick(9);
    const TRUTH: VersionRef<'static> = VersionRef { mask: 1, lanes: &[7, 8] };

    fn said(lanes: &[u32], checksum: u16) -> Said {
        let snapshot = SnapshotHeader { tick: TICK, checksum: Some(checksum), ..SnapshotHeader::default() };
        let mut said = Said { snapshot: Some(snapshot), ..Said::default() };
        said.push_record(Audience::Public, ID, Change::Delta { first: Tick(8), second: None }, lanes);
        said
    }

    fn found(said: &Said) -> Result<(), String> {
        TrueRecords::default().on_sent(said, TICK, |_| Some(TRUTH))
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
        let forgotten = TrueRecords::default().on_sent(&said(TRUTH.lanes, checksum()), TICK, |_| None);
        assert!(forgotten.unwrap_err().contains("not None"));
    }

    /// The same, led to by bits that many datagrams have in common.
    fn numbered(number: u32, lanes: &[u32], checksum: u16) -> Said {
        let mut said = said(lanes, checksum);
        said.records[0].number = Some(number);
        said
    }

    #[test]
    fn a_version_is_compared_once_a_tick_and_the_checksum_each_time() {
        let mut checker = TrueRecords::default();
        let said = numbered(0, TRUTH.lanes, checksum());
        assert_eq!(checker.on_sent(&said, TICK, |_| Some(TRUTH)), Ok(()));
        assert_eq!(checker.on_sent(&said, TICK, |_| unreachable!("it is known")), Ok(()));
        assert_eq!(checker.compared, 2);
        let wrong = numbered(0, TRUTH.lanes, checksum() ^ 1);
        assert!(checker.on_sent(&wrong, TICK, |_| Some(TRUTH)).unwrap_err().contains("checksum"));
        assert!(checker.on_sent(&said, Tick(10), |_| None).unwrap_err().contains("not None"), "in another tick");
    }

    #[test]
    fn another_version_is_compared_though_one_of_the_stream_is_known() {
        let mut checker = TrueRecords::default();
        checker.on_sent(&numbered(0, TRUTH.lanes, checksum()), TICK, |_| Some(TRUTH)).unwrap();
        let found = checker.on_sent(&numbered(1, &[7, 9], checksum()), TICK, |_| Some(TRUTH));
        assert!(found.unwrap_err().contains("not Some"));
    }

    #[test]
    fn it_finds_what_builds_on_a_tick_too_far_back() {
        let said = said(TRUTH.lanes, checksum());
        let of_tick = |tick| TrueRecords::default().on_sent(&said, Tick(tick), |_| Some(TRUTH));
        assert_eq!(of_tick(8 + 511), Ok(()));
        assert!(of_tick(8 + 512).unwrap_err().contains("may have forgotten"));
    }
}
