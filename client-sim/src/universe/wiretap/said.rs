use super::{LineId, Report};
use crate::universe::check::Sent;
use core::ops::Range;
use tidelock::bits::BitReader;
use tidelock::netcode::{Eavesdropper, Side};
use tidelock::state::{Audience, NetId, VersionRef};
use tidelock::wire::{Farewell, GhostId, RecordsHead, SnapshotHeader};
use tidelock::{ClientId, Instant, Tick};

/// What one datagram says, with a payload that could be read.
#[derive(Debug)]
pub struct Said {
    /// On which connection.
    pub line: LineId,
    /// Whose connection that is.
    pub client_id: ClientId,
    /// Who says it.
    pub from: Side,
    /// When it was sent.
    pub at: Instant,
    /// The sequence of netcode's packet.
    pub packet: u64,
    /// The datagram's length, with all that netcode adds.
    pub bytes: usize,
    /// Whether all that was said on the connection up to then was heard: what was put there by others is not.
    pub is_followed: bool,
    /// What it is.
    pub kind: Kind,
    /// The datagram's sequence.
    pub sequence: u64,
    /// How many datagrams with a sequence the other end had sent by then.
    pub other_sent: u64,
    /// What it acknowledges.
    pub report: Option<Report>,
    /// Reliable messages that are complete with this, for who heard every datagram of this direction.
    pub messages: Vec<Vec<u8>>,
    /// The head of its snapshot, if it carries one.
    pub snapshot: Option<SnapshotHeader>,
    /// What its records have in common.
    pub head: RecordsHead,
    /// Its records.
    pub records: Vec<Record>,
    /// What nobody could read in it, told as a sentence.
    pub fault: Option<String>,
    /// Of all records, one after another.
    pub(in crate::universe) lanes: Vec<u32>,
    /// The packet, of which the payload is decrypted.
    pub(in crate::universe) packet_bytes: Vec<u8>,
    pub(in crate::universe) payload: Range<usize>,
    /// The bit at which its reliable fragments begin, if it has any.
    pub(in crate::universe) fragments_at: Option<usize>,
}

/// What a payload is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// One with sequence and acks.
    #[default]
    Datagram,
    /// A client's greeting.
    Greeting,
    /// The server's last word.
    Farewell(Farewell),
}

/// One record of a snapshot.
#[derive(Clone, Debug)]
pub struct Record {
    /// Whose stream.
    pub audience: Audience,
    /// As the wire calls the entity.
    pub ghost: GhostId,
    /// Which entity the server means; `None` for a leave of one that it never told of, or has said before to leave.
    pub id: Option<NetId>,
    /// What the record does.
    pub change: Change,
    /// Of the version that it leads to.
    pub mask: u32,
    /// Which of a tick's versions that is, if it was counted: records of one tick with the same number lead to the same version of the
    /// same stream.
    pub number: Option<u32>,
    /// Where that version's lanes are in those of all records.
    pub(super) lanes: Range<usize>,
}

/// What a record does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It tells all of the stream.
    Full,
    /// It tells what is different from one or two baselines.
    Delta {
        /// The first.
        first: Tick,
        /// The second.
        second: Option<Tick>,
    },
    /// The stream is no longer visible.
    Leave,
}

impl Default for Said {
    fn default() -> Self {
        Self {
            line: LineId::default(),
            client_id: ClientId(0),
            from: Side::Server,
            at: Instant::default(),
            packet: 0,
            bytes: 0,
            is_followed: true,
            kind: Kind::default(),
            sequence: 0,
            other_sent: 0,
            report: None,
            messages: Vec::new(),
            snapshot: None,
            head: RecordsHead::default(),
            records: Vec::new(),
            fault: None,
            lanes: Vec::new(),
            packet_bytes: Vec::new(),
            payload: 0..0,
            fragments_at: None,
        }
    }
}

impl Said {
    /// The version that a record leads to: as the server's own baselines decode it. A leave leads to none.
    #[must_use]
    pub fn version(&self, record: &Record) -> VersionRef<'_> {
        VersionRef { mask: record.mask, lanes: &self.lanes[record.lanes.clone()] }
    }

    /// Its reliable fragments, if it has any, for a [`ReliableReceiver`](tidelock::wire::ReliableReceiver).
    #[must_use]
    pub fn fragments(&self) -> Option<BitReader<'_>> {
        let mut r = BitReader::new(self.payload());
        let mut left = self.fragments_at?;
        while left > 0 {
            let step = left.min(64);
            r.read(step as u32).ok()?;
            left -= step;
        }
        Some(r)
    }

    /// Whether it has a sequence, and so acks and messages.
    #[must_use]
    pub fn is_datagram(&self) -> bool {
        self.kind == Kind::Datagram
    }

    /// For tests: a record that leads to these lanes.
    #[cfg(test)]
    pub(in crate::universe) fn push_record(&mut self, audience: Audience, id: NetId, change: Change, lanes: &[u32]) {
        let begin = self.lanes.len();
        self.lanes.extend_from_slice(lanes);
        let (ghost, lanes) = (id.index, begin..self.lanes.len());
        self.records.push(Record { audience, ghost, id: Some(id), change, mask: 1, number: None, lanes });
    }

    /// A record leads to a version of this number.
    pub(super) fn push(
        &mut self,
        (audience, ghost, id): (Audience, GhostId, NetId),
        change: Change,
        number: u32,
        version: VersionRef<'_>,
    ) {
        let begin = self.lanes.len();
        self.lanes.extend_from_slice(version.lanes);
        let (lanes, mask, number) = (begin..self.lanes.len(), version.mask, Some(number));
        self.records.push(Record { audience, ghost, id: Some(id), change, mask, number, lanes });
    }

    /// A stream is no longer visible.
    pub(super) fn push_leave(&mut self, audience: Audience, ghost: GhostId, id: Option<NetId>) {
        let (change, lanes) = (Change::Leave, 0..0);
        self.records.push(Record { audience, ghost, id, change, mask: 0, number: None, lanes });
    }

    /// Decrypts a datagram. Whether that works.
    pub(super) fn open(&mut self, ears: &Eavesdropper, from: Side, datagram: &[u8]) -> bool {
        self.packet_bytes.clear();
        self.packet_bytes.extend_from_slice(datagram);
        let Some(len) = ears.open(from, &mut self.packet_bytes).map(<[u8]>::len) else { return false };
        // The tag follows the payload.
        let end = datagram.len() - TAG_BYTES;
        self.payload = end - len..end;
        true
    }

    /// Forgets what was said before. The payload stays.
    pub(super) fn begin(&mut self, line: LineId, client_id: ClientId, from: Side, packet: u64, sent: &Sent<'_>) {
        (self.line, self.client_id, self.from, self.packet) = (line, client_id, from, packet);
        (self.at, self.bytes) = (sent.now, sent.datagram.len());
        (self.kind, self.sequence, self.other_sent) = (Kind::Datagram, 0, 0);
        (self.report, self.snapshot, self.fault, self.fragments_at) = (None, None, None, None);
        self.messages.clear();
        self.records.clear();
        self.lanes.clear();
    }

    pub(super) fn payload(&self) -> &[u8] {
        &self.packet_bytes[self.payload.clone()]
    }

    /// Takes the packet out, to read it while the rest is written.
    pub(super) fn take_packet(&mut self) -> (Vec<u8>, Range<usize>) {
        (std::mem::take(&mut self.packet_bytes), self.payload.clone())
    }

    pub(super) fn put_packet(&mut self, packet: Vec<u8>) {
        self.packet_bytes = packet;
    }

    pub(super) const fn set_fragments_at(&mut self, bit: usize) {
        self.fragments_at = Some(bit);
    }
}

/// Netcode's.
const TAG_BYTES: usize = 16;
