use crate::dense;
use crate::method::Method;
use crate::model::{Item, Model};
use crate::packet::Packet;
use crate::runs::Runs;
use crate::snapshot::Frame;
use tidelock::bits::{BitReader, BitWriter};
use tidelock::state::StreamLayout;

/// Models for arithmetic codes. Frozen ones are trained on every other stretch of the trace and code the others.
pub(crate) struct Models {
    method: Method,
    models: [Model; 2],
}

/// Frames of a stretch.
const STRETCH: usize = 200;

impl Models {
    pub(crate) fn new(method: Method, layout: &StreamLayout, frames: &[Frame], age: u32) -> Self {
        let mut models = [Model::default(), Model::default()];
        if matches!(method, Method::ArithmeticRecords | Method::ArithmeticPacket) {
            for at in age as usize..frames.len() {
                let packet = Packet::of(frames, at, age, true);
                let items = dense::packet(layout, packet.held, packet.new);
                let trained = &mut models[1 - at / STRETCH % 2];
                for item in items {
                    if let Item::Symbol(context, symbol) = item {
                        trained.learn(context, symbol);
                    }
                }
            }
        }
        Self { method, models }
    }

    /// Writes a packet, reads it back, and compares.
    pub(crate) fn code(&mut self, layout: &StreamLayout, packet: &Packet<'_>, at: usize, w: &mut BitWriter) {
        if self.method == Method::ArithmeticRecords {
            return self.code_records(layout, packet, at, w);
        }
        let adapts = self.method == Method::AdaptivePacket;
        let model = &mut self.models[if adapts { 0 } else { at / STRETCH % 2 }];
        let items = dense::packet(layout, packet.held, packet.new);
        let mut reader = model.clone();
        dense::write(&items, model, adapts, w);
        assert!(
            dense::says(&items, &mut reader, adapts, BitReader::new(w.finish())),
            "a packet decodes to something else"
        );
    }

    fn code_records(&mut self, layout: &StreamLayout, packet: &Packet<'_>, at: usize, w: &mut BitWriter) {
        let model = &mut self.models[at / STRETCH % 2];
        let mut runs = Runs::begin(&packet.changed, w);
        let mut left = &packet.changed[..];
        loop {
            let (run, rest) = left.split_at(runs.write(w));
            if run.is_empty() {
                return;
            }
            for cube in run {
                let items = dense::record(layout, packet.held, packet.new, *cube as usize);
                let mut record = BitWriter::new();
                dense::write(&items, model, false, &mut record);
                w.append_writer(&record);
                // What follows must not matter: here it is ones, in a packet it is the next record.
                record.write(u64::MAX, 64);
                assert!(
                    dense::says(&items, model, false, BitReader::new(record.finish())),
                    "a record decodes to something else"
                );
            }
            left = rest;
        }
    }
}
