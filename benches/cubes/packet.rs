use crate::snapshot::{Frame, Held};
use std::time::Duration;
use tidelock::bits::BitWriter;
use tidelock_benches::cpu_timed;

/// What one packet is to say.
pub(crate) struct Packet<'a> {
    pub(crate) held: Held<'a>,
    pub(crate) new: &'a Frame,
    pub(crate) changed: Vec<u32>,
}

impl<'a> Packet<'a> {
    pub(crate) fn of(frames: &'a [Frame], at: usize, age: u32, with_second: bool) -> Self {
        let first = &frames[at - age as usize];
        let second = at.checked_sub(2 * age as usize).filter(|_| with_second).map(|at| &frames[at]);
        let new = &frames[at];
        let changed = (0..new.len() as u32).filter(|n| first[*n as usize] != new[*n as usize]).collect();
        Self { held: Held { first, second, age }, new, changed }
    }
}

/// Sizes and times so far.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) sizes: Vec<usize>,
    pub(crate) changed: usize,
    pub(crate) encoding: Duration,
    pub(crate) decoding: Duration,
}

impl Tally {
    /// Packs, unpacks into the first baseline, and compares.
    pub(crate) fn take(
        &mut self,
        packet: &Packet<'_>,
        w: &mut BitWriter,
        pack: impl FnOnce(&mut BitWriter),
        unpack: impl FnOnce(&[u8], &mut Frame),
    ) {
        self.encoding += cpu_timed(|| pack(w)).0;
        let bytes = w.finish();
        let mut out = packet.held.first.clone();
        self.decoding += cpu_timed(|| unpack(bytes, &mut out)).0;
        assert!(out == *packet.new, "a packet does not decode to its frame");
        self.note(packet, bytes.len());
    }

    /// For codes that check themselves.
    pub(crate) fn take_checked(&mut self, packet: &Packet<'_>, w: &mut BitWriter, pack: impl FnOnce(&mut BitWriter)) {
        pack(w);
        let len = w.finish().len();
        self.note(packet, len);
    }

    fn note(&mut self, packet: &Packet<'_>, len: usize) {
        self.sizes.push(len);
        self.changed += packet.changed.len();
    }
}
