use tidelock::wire::{Connection, ReceiveCounts, SendCounts};

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
    /// Datagrams that were left for later as they brought reliable messages, and the game had not looked at so many events that
    /// there might have been no room for more.
    pub datagrams_put_off: u64,
    /// Events that the game missed, as it had not looked at so many.
    pub events_missed: u64,
    /// The highest load level that the server told.
    pub load_level_max: u8,
}

/// What connections counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ConnectionCounts {
    pub(super) down: ReceiveCounts,
    pub(super) up: SendCounts,
}

impl ConnectionCounts {
    /// Adds what one connection counted, `replayed` copies included that came no further than netcode.
    pub(super) fn plus<T>(mut self, connection: &Connection<T>, replayed: u64) -> Self {
        let (down, up) = (connection.receive_counts(), connection.send_counts());
        self.down.expected += down.expected;
        self.down.received += down.received;
        self.down.duplicate += down.duplicate + replayed;
        self.down.reordered += down.reordered;
        self.up.sent += up.sent;
        self.up.acked += up.acked;
        self.up.lost += up.lost;
        self
    }
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
