use super::Ask;
use bevy_replicon::{bytes::Bytes, postcard};

/// Clients that acknowledge every message of mutations, and never look into one.
pub(super) struct Stubs {
    /// For each client the acks of this tick, as the library's clients send them.
    acks: Vec<Vec<u8>>,
}

impl Stubs {
    pub(super) fn new(clients: usize) -> Self {
        Self { acks: vec![Vec::new(); clients] }
    }

    /// `[flags u8] [which message u16, little-endian] ...`
    pub(super) fn take(&mut self, client: usize, mutations: &Bytes) {
        self.acks[client].extend_from_slice(&mutations[1..3]);
    }

    /// What a client has to acknowledge now, if anything.
    pub(super) fn acks(&mut self, client: usize) -> Option<Bytes> {
        let acks = std::mem::take(&mut self.acks[client]);
        (!acks.is_empty()).then(|| acks.into())
    }

    pub(super) fn encode(ask: &Ask) -> Bytes {
        let mut room = [0; 64];
        Bytes::copy_from_slice(postcard::to_slice(ask, &mut room).expect("18 bytes fit 64"))
    }
}
