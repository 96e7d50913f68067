use super::stats::InputCounts;
use crate::game::InputType;
use tidelock::wire::InputReport;
use tidelock::{Buffer, Tick};

/// The inputs of one player for ticks to come, as lanes. Bounded: what lies further ahead than it reaches is dropped.
#[derive(Debug)]
pub(crate) struct InputBuffer {
    lane_count: usize,
    /// Slot `tick % LEN` holds the input of that tick if it names it.
    ticks: [Option<Tick>; LEN],
    lanes: Vec<u32>,
    /// What was applied last, and for how many ticks nothing new came.
    last: Vec<u32>,
    missing_ticks: u32,
    /// Whether any input came in time yet: before that none is missing.
    started: bool,
    /// Whether any input came at all. One that only ever comes too late is to hear of it: it runs behind, and catches up.
    heard: bool,
    /// See [`InputReport::missed`].
    missed: u8,
    /// See [`InputReport::lead`].
    lead: Option<i16>,
    last_lead: Option<i16>,
}

/// Ticks it reaches ahead.
const LEN: usize = InputReport::AHEAD_MAX as usize;
/// After this many ticks without an input a player lets go of all keys.
const REPEAT_TICKS_MAX: u32 = 30;

impl InputBuffer {
    pub(crate) fn new(input: InputType) -> Self {
        let mut last = vec![0; input.lane_count];
        (input.default)(&mut last);
        Self {
            lane_count: input.lane_count,
            ticks: [None; LEN],
            lanes: vec![0; input.lane_count * LEN],
            last,
            missing_ticks: 0,
            started: false,
            heard: false,
            missed: 0,
            lead: None,
            last_lead: None,
        }
    }

    /// Takes an input that arrived. `simulated` is the last tick that ran; `redundant` tells that its datagram had a newer
    /// one, so that it came before, or the datagram that should have brought it did not.
    pub(crate) fn insert(
        &mut self,
        tick: Tick,
        input: &[u32],
        simulated: Tick,
        redundant: bool,
        counts: &mut InputCounts,
    ) {
        let ahead = tick.since(simulated);
        let slot = tick.0 as usize % LEN;
        if ahead <= 0 {
            // Its tick is over. Redundant copies of what was applied are no news.
            if redundant { counts.duplicate += 1 } else { counts.late += 1 }
        } else if ahead as usize > LEN {
            counts.flood += 1;
        } else if self.ticks[slot] == Some(tick) {
            counts.duplicate += 1;
        } else {
            counts.recovered += u64::from(redundant && self.started);
            self.ticks[slot] = Some(tick);
            self.lanes[slot * self.lane_count..][..self.lane_count].copy_from_slice(input);
            self.started = true;
        }
    }

    /// How many inputs it holds.
    pub(crate) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "inputs, lanes", len: self.lanes.len(), max: self.lane_count * LEN });
    }

    /// Takes note of how many ticks before its use the newest input of a datagram arrived; negative if late.
    pub(crate) fn on_lead(&mut self, lead_ticks: f32) {
        let (least, most) = InputReport::LEADS.into_inner();
        let lead = (lead_ticks * 16.0).clamp(least.into(), most.into()) as i16;
        self.lead = Some(self.lead.map_or(lead, |least| least.min(lead)));
        self.heard = true;
    }

    /// The input for `tick`, which runs now: what came, or the last one without its one-shot buttons.
    pub(crate) fn take(&mut self, tick: Tick, input: InputType, counts: &mut InputCounts) -> &[u32] {
        let slot = tick.0 as usize % LEN;
        self.missed <<= 1;
        if self.ticks[slot] == Some(tick) {
            self.ticks[slot] = None;
            self.last.copy_from_slice(&self.lanes[slot * self.lane_count..][..self.lane_count]);
            self.missing_ticks = 0;
            counts.on_time += 1;
        } else if self.started {
            self.missed |= 1;
            self.missing_ticks += 1;
            counts.missing += 1;
            if self.missing_ticks >= REPEAT_TICKS_MAX {
                (input.default)(&mut self.last);
            } else {
                (input.clear_one_shots)(&mut self.last);
            }
        }
        &self.last
    }

    /// The lead that was reported last.
    pub(crate) fn lead_ticks(&self) -> Option<f32> {
        self.last_lead.map(|lead| f32::from(lead) / 16.0)
    }

    /// What the client is told in the snapshot of `tick`; `None` before any input came.
    pub(crate) fn report(&mut self, tick: Tick) -> Option<InputReport> {
        let lead = self.lead.take();
        self.last_lead = lead.or(self.last_lead);
        let there = |n: &u32| self.ticks[tick.add(*n).0 as usize % LEN] == Some(tick.add(*n));
        let ahead = (1..=LEN as u32).take_while(there).count() as u32;
        self.heard.then_some(InputReport { ahead, lead, missed: self.missed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidelock::state::{Field, Input, LaneReader, LaneWriter, Replicate};

    #[derive(Clone, Default)]
    struct Buttons(u32);

    impl Replicate for Buttons {
        const NAME: &'static str = "buttons";
        const FIELDS: &'static [Field] = &[Field::flags("held", 4)];
        fn quantize(&self, lanes: &mut LaneWriter<'_>) {
            lanes.flags(self.0);
        }
        fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
            Self(lanes.flags())
        }
    }

    impl Input for Buttons {
        fn clear_one_shots(&mut self) {
            self.0 &= 0b0111;
        }
    }

    fn buffer() -> (InputBuffer, InputType, InputCounts) {
        let input = InputType::of::<Buttons>();
        (InputBuffer::new(input), input, InputCounts::default())
    }

    #[test]
    fn a_missing_input_repeats_the_last_without_its_one_shots() {
        let (mut buffer, input, mut counts) = buffer();
        buffer.insert(Tick(5), &[0b1010], Tick(4), false, &mut counts);
        assert_eq!(buffer.take(Tick(5), input, &mut counts), [0b1010]);
        assert_eq!(buffer.take(Tick(6), input, &mut counts), [0b0010]);
        assert_eq!((counts.on_time, counts.missing), (1, 1));
        buffer.on_lead(1.0);
        assert_eq!(buffer.report(Tick(6)).unwrap().missed, 0b01);
    }

    #[test]
    fn a_player_gone_silent_lets_go_of_all_keys() {
        let (mut buffer, input, mut counts) = buffer();
        buffer.insert(Tick(1), &[0b0010], Tick(0), false, &mut counts);
        let held: Vec<u32> = (1..=40).map(|t| buffer.take(Tick(t), input, &mut counts)[0]).collect();
        assert_eq!((held[0], held[29], held[30]), (0b0010, 0b0010, 0));
    }

    #[test]
    fn every_arrival_has_one_fate() {
        let (mut buffer, input, mut counts) = buffer();
        buffer.insert(Tick(11), &[1], Tick(10), false, &mut counts);
        buffer.insert(Tick(11), &[1], Tick(10), true, &mut counts);
        buffer.insert(Tick(10), &[1], Tick(10), false, &mut counts);
        buffer.insert(Tick(12), &[1], Tick(10), true, &mut counts);
        buffer.insert(Tick(10 + 129), &[1], Tick(10), false, &mut counts);
        assert_eq!((counts.duplicate, counts.late, counts.recovered, counts.flood), (1, 1, 1, 1));
        buffer.on_lead(1.0);
        assert_eq!(buffer.report(Tick(10)).unwrap().ahead, 2);
        buffer.take(Tick(11), input, &mut counts);
        assert_eq!(buffer.report(Tick(11)).unwrap().ahead, 1);
    }

    #[test]
    fn a_player_whose_inputs_all_come_too_late_is_told() {
        let (mut buffer, _, mut counts) = buffer();
        assert_eq!(buffer.report(Tick(19)), None);
        buffer.insert(Tick(17), &[1], Tick(20), false, &mut counts);
        buffer.on_lead(-3.0);
        assert_eq!(buffer.report(Tick(20)).unwrap(), InputReport { ahead: 0, lead: Some(-48), missed: 0 });
    }

    #[test]
    fn the_report_tells_the_least_lead_since_the_last() {
        let (mut buffer, _, mut counts) = buffer();
        buffer.insert(Tick(2), &[0], Tick(0), false, &mut counts);
        buffer.on_lead(2.0);
        buffer.on_lead(-0.5);
        assert_eq!(buffer.report(Tick(0)).unwrap().lead, Some(-8));
        assert_eq!(buffer.report(Tick(0)).unwrap().lead, None);
        buffer.on_lead(1.0);
        assert_eq!(buffer.report(Tick(1)).unwrap().lead, Some(16));
    }
}
