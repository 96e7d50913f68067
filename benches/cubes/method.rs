use crate::snapshot::{Frame, Held};
use crate::{fixed, snapshot};
use serde::Serialize;
use std::fmt;
use std::time::Duration;
use tidelock::bits::BitWriter;
use tidelock_benches::timed;
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
    encode_ns_per_changed: f64,
    decode_ns_per_changed: f64,
}

impl Method {
    pub(crate) const ALL: [Self; 3] = [Self::Fixed, Self::OneBaseline, Self::TwoBaselines];

    const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "changed bit, 73 bits",
            Self::OneBaseline => "records, one baseline",
            Self::TwoBaselines => "records, two baselines (Tidelock)",
        }
    }

    /// Codes every frame, decodes it, and compares.
    pub(crate) fn measure(self, frames: &[Vec<Cube>], age: u32) -> Measured {
        let schema = trace::schema();
        let layout = snapshot::layout(&schema);
        let frames: Vec<Frame> = frames.iter().map(|frame| frame.iter().map(trace::version).collect()).collect();
        let (mut sizes, mut changed_sum) = (Vec::new(), 0);
        let (mut encoding, mut decoding) = (Duration::ZERO, Duration::ZERO);
        let mut w = BitWriter::new();
        for at in age as usize..frames.len() {
            let first = &frames[at - age as usize];
            let second = at.checked_sub(2 * age as usize).filter(|_| self == Self::TwoBaselines).map(|at| &frames[at]);
            let (held, new) = (Held { first, second, age }, &frames[at]);
            let changed: Vec<u32> = (0..new.len() as u32).filter(|n| first[*n as usize] != new[*n as usize]).collect();
            w.clear();
            encoding += timed(|| match self {
                Self::Fixed => fixed::pack(layout, first, new, &mut w),
                _ => snapshot::pack(layout, held, new, &changed, &mut w),
            })
            .0;
            let bytes = w.finish();
            let mut out = first.clone();
            decoding += timed(|| match self {
                Self::Fixed => fixed::unpack(layout, bytes, &mut out),
                _ => snapshot::unpack(layout, held, bytes, &mut out),
            })
            .0;
            assert!(out == *new, "packet {at} does not decode to its frame");
            sizes.push(bytes.len());
            changed_sum += changed.len();
        }
        self.summary(age, sizes, changed_sum, encoding, decoding)
    }

    fn summary(
        self,
        age: u32,
        mut sizes: Vec<usize>,
        changed: usize,
        encoding: Duration,
        decoding: Duration,
    ) -> Measured {
        sizes.sort_unstable();
        let packets = sizes.len();
        let bytes_mean = sizes.iter().sum::<usize>() as f64 / packets as f64;
        let per_changed = |time: Duration| time.as_nanos() as f64 / changed.max(1) as f64;
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
        write!(
            f,
            "{:<35} {:>3} {:>9} {:>9.1} {:>13.1} {:>6} {:>6} {:>8.0} {:>8.0} {:>8.0}",
            self.method,
            self.age_frames,
            self.packets,
            self.changed_mean,
            self.bytes_mean,
            self.bytes_p95,
            self.bytes_max,
            self.kbit_s,
            self.encode_ns_per_changed,
            self.decode_ns_per_changed,
        )
    }
}
