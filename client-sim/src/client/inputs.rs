use std::collections::VecDeque;
use tidelock::bits::BitWriter;
use tidelock::state::Schema;
use tidelock::wire::{INPUTS_MAX, InputReport, write_inputs};
use tidelock::{Buffer, Instant, Tick};

/// The inputs that the server has not confirmed, oldest first, and those whose effect has not been seen.
#[derive(Debug, Default)]
pub(super) struct UnconfirmedInputs {
    unconfirmed: VecDeque<(Tick, Vec<u32>)>,
    unseen: VecDeque<(Tick, Instant)>,
}

/// Inputs whose effect is waited for.
const UNSEEN_MAX: usize = 1024;

impl UnconfirmedInputs {
    /// How many inputs wait for a word of the server.
    pub(super) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "inputs unconfirmed", len: self.unconfirmed.len(), max: INPUTS_MAX });
        see(Buffer { name: "inputs unseen", len: self.unseen.len(), max: UNSEEN_MAX });
    }

    pub(super) fn push(&mut self, tick: Tick, due: Instant, lanes: Vec<u32>) {
        if self.unconfirmed.len() == INPUTS_MAX {
            self.unconfirmed.pop_front();
        }
        // Inputs of consecutive ticks only: a jump of the clock leaves the old ones behind.
        if self.unconfirmed.back().is_some_and(|(last, _)| last.next() != tick) {
            self.unconfirmed.clear();
        }
        self.unconfirmed.push_back((tick, lanes));
        if self.unseen.len() == UNSEEN_MAX {
            self.unseen.pop_front();
        }
        self.unseen.push_back((tick, due));
    }

    /// Writes all that are unconfirmed, the newest first.
    pub(super) fn write(&self, schema: &Schema, default: &[u32], room_bits: usize, w: &mut BitWriter) {
        let Some((tick, newest)) = self.unconfirmed.back() else {
            w.write_bool(false);
            return;
        };
        let older = self.unconfirmed.iter().rev().skip(1).map(|(_, lanes)| &lanes[..]);
        write_inputs(schema.input(), default, *tick, newest, older, room_bits, w);
    }

    /// The server reports with the snapshot of `tick`. Gives each input whose effect is now seen, with when it was due.
    pub(super) fn on_report(&mut self, tick: Tick, report: InputReport, mut seen: impl FnMut(Tick, Instant)) {
        let confirmed = tick.add(report.ahead);
        while self.unconfirmed.front().is_some_and(|(oldest, _)| !oldest.is_newer_than(confirmed)) {
            self.unconfirmed.pop_front();
        }
        while let Some((input, due)) = self.unseen.front().copied().filter(|(input, _)| !input.is_newer_than(tick)) {
            self.unseen.pop_front();
            let age = tick.since(input);
            let missed = age < 8 && report.missed >> age & 1 != 0;
            if !missed {
                seen(input, due);
            }
        }
    }
}
