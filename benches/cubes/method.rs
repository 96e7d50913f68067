use crate::models::Models;
use crate::packet::{Packet, Tally};
use crate::snapshot::Frame;
use crate::{fixed, snapshot};
use serde::Serialize;
use std::fmt;
use std::time::Duration;
use tidelock::bits::BitWriter;
use tidelock_benches::trace::{self, Cube};

/// A way to code a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// Changed bit and full state.
    Fixed,
    /// Records against one baseline.
    OneBaseline,
    /// Records against two: what snapshots carry.
    TwoBaselines,
    /// The same records in arithmetic codes of their own, with a frozen model.
    ArithmeticRecords,
    /// All in one arithmetic code, with a frozen model.
    ArithmeticPacket,
    /// The same with a model that adapts: it would have to be kept for each client.
    AdaptivePacket,
}

/// What came out.
#[derive(Serialize)]
pub(crate) struct Measured {
    method: &'static str,
    age_frames: u32,
    packets: usize,
    changed_mean: f64,
    bytes_mean: f64,
    bytes_p95: usize,
    bytes_max: usize,
    kbit_s: f64,
    /// `None`: the code is written for sizes, not for speed.
    encode_ns_per_changed: Option<f64>,
    decode_ns_per_changed: Option<f64>,
}

impl Method {
    pub(crate) const ALL: [Self; 6] = [
        Self::Fixed,
        Self::OneBaseline,
        Self::TwoBaselines,
        Self::ArithmeticRecords,
        Self::ArithmeticPacket,
        Self::AdaptivePacket,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "changed bit, 73 bits",
            Self::OneBaseline => "records, one baseline",
            Self::TwoBaselines => "records, two baselines (Tidelock)",
            Self::ArithmeticRecords => "the same, arithmetic code a record",
            Self::ArithmeticPacket => "arithmetic code a packet, frozen",
            Self::AdaptivePacket => "arithmetic code a packet, adaptive",
        }
    }

    /// Codes every frame, decodes it, and compares.
    pub(crate) fn measure(self, frames: &[Vec<Cube>], age: u32) -> Measured {
        let schema = trace::schema();
        let layout = snapshot::layout(&schema);
        let frames: Vec<Frame> = frames.iter().map(|frame| frame.iter().map(trace::version).collect()).collect();
        let mut models = Models::new(self, layout, &frames, age);
        let mut tally = Tally::default();
        let mut w = BitWriter::new();
        for at in age as usize..frames.len() {
            let packet = Packet::of(&frames, at, age, self != Self::OneBaseline);
            w.clear();
            match self {
                Self::Fixed => tally.take(
                    &packet,
                    &mut w,
                    |w| fixed::pack(layout, packet.held.first, packet.new, w),
                    |bytes, out| fixed::unpack(layout, bytes, out),
                ),
                Self::OneBaseline | Self::TwoBaselines => tally.take(
                    &packet,
                    &mut w,
                    |w| snapshot::pack(layout, packet.held, packet.new, &packet.changed, w),
                    |bytes, out| snapshot::unpack(layout, packet.held, bytes, out),
                ),
                _ => tally.take_checked(&packet, &mut w, |w| models.code(layout, &packet, at, w)),
            }
        }
        self.summary(age, tally)
    }

    fn summary(self, age: u32, tally: Tally) -> Measured {
        let Tally { mut sizes, changed, encoding, decoding } = tally;
        sizes.sort_unstable();
        let packets = sizes.len();
        let bytes_mean = sizes.iter().sum::<usize>() as f64 / packets as f64;
        let per_changed = |time: Duration| (!time.is_zero()).then(|| time.as_nanos() as f64 / changed.max(1) as f64);
        Measured {
            method: self.name(),
            age_frames: age,
            packets,
            changed_mean: changed as f64 / packets as f64,
            bytes_mean,
            bytes_p95: sizes[packets * 95 / 100],
            bytes_max: sizes[packets - 1],
            kbit_s: bytes_mean * 8.0 * 60.0 / 1000.0,
            encode_ns_per_changed: per_changed(encoding),
            decode_ns_per_changed: per_changed(decoding),
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = |time: Option<f64>| time.map_or_else(|| "-".to_owned(), |ns| format!("{ns:.0}"));
        write!(
            f,
            "{:<35} {:>3} {:>9} {:>9.1} {:>13.1} {:>6} {:>6} {:>8.0} {:>8} {:>8}",
            self.method,
            self.age_frames,
            self.packets,
            self.changed_mean,
            self.bytes_mean,
            self.bytes_p95,
            self.bytes_max,
            self.kbit_s,
            ns(self.encode_ns_per_changed),
            ns(self.decode_ns_per_changed),
        )
    }
}
