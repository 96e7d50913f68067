use tidelock::wire::{ReceiveCounts, SendCounts};

/// Everything a client counts, since it began to connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientStats {
    /// UDP datagrams received.
    pub datagrams_received: u64,
    /// Their payload.
    pub bytes_received: u64,
    /// UDP datagrams sent.
    pub datagrams_sent: u64,
    /// Their payload.
    pub bytes_sent: u64,
    /// Of the server's datagrams, by sequence.
    pub down: ReceiveCounts,
    /// Of the client's datagrams, by the server's acks.
    pub up: SendCounts,
    /// Snapshot datagrams by fate.
    pub snapshots: SnapshotCounts,
    /// Snapshots or audits that did not verify.
    pub desyncs: u64,
    /// Audits that did.
    pub audits_passed: u64,
    /// Inputs, one a tick.
    pub inputs_sent: u64,
    /// Payloads that are not well-formed.
    pub payloads_malformed: u64,
    /// The highest load level that the server told.
    pub load_level_max: u8,
}

/// What became of snapshot datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotCounts {
    /// All of them.
    pub received: u64,
    /// Decoded, verified and stored.
    pub applied: u64,
    /// Came so late that what they build on is forgotten; they are not acknowledged, so that the server sends again.
    pub stale: u64,
    /// Could not be decoded though nothing newer had come: this must not happen.
    pub undecodable: u64,
}
