use std::collections::VecDeque;

use glam::Vec3;
use tidelock::Moment;
use tidelock::state::NetId;
use tidelock_arena::Position;

use crate::client::View;
use crate::measure::Recorder;

/// Samples of what a client showed, held against what later snapshots say of the same moment.
#[derive(Debug, Default)]
pub(super) struct FrameSamples {
    frames: u32,
    /// Not judged yet, oldest first.
    waiting: VecDeque<Sample>,
}

/// Of one frame.
#[derive(Debug)]
struct Sample {
    moment: Moment,
    shown: Vec<(NetId, Vec3)>,
}

/// One frame in so many is sampled: looking costs.
const FRAMES_PER_SAMPLE: u32 = 16;
/// So many entities of it.
const ENTITIES_MAX: usize = 8;
/// By then, if ever, all has arrived that is to be known of a moment, in seconds. It is not forgotten yet.
const SETTLED_S: f32 = 0.5;
/// More than wait at any rate of frames; older ones are given up.
const WAITING_MAX: usize = 64;

impl FrameSamples {
    /// A frame shows `moment`.
    pub(super) fn on_frame(&mut self, view: &View, moment: Moment, tick_hz: u32, recorder: &mut Recorder) {
        self.frames = self.frames.wrapping_add(1);
        if !self.frames.is_multiple_of(FRAMES_PER_SAMPLE) {
            return;
        }
        self.judge(view, tick_hz, recorder);
        if self.waiting.len() < WAITING_MAX {
            self.sample(view, moment, recorder);
        }
    }

    /// Takes some of the entities, others each time.
    fn sample(&mut self, view: &View, moment: Moment, recorder: &mut Recorder) {
        let stride = view.len().div_ceil(ENTITIES_MAX).max(1);
        let first = (self.frames / FRAMES_PER_SAMPLE) as usize % stride;
        let mut shown = Vec::with_capacity(ENTITIES_MAX);
        for entity in view.at(moment).entities().skip(first).step_by(stride).take(ENTITIES_MAX) {
            if let Some(position) = entity.get::<Position>().filter(|_| !entity.is_owned()) {
                recorder.on_shown(entity.is_extrapolated());
                shown.push((entity.id(), position.0));
            }
        }
        self.waiting.push_back(Sample { moment, shown });
    }

    fn judge(&mut self, view: &View, tick_hz: u32, recorder: &mut Recorder) {
        let is_settled = |sample: &Sample| {
            let behind = |tick| Moment::at(tick).since(sample.moment);
            view.whole_tick().is_some_and(|whole| behind(whole) >= 0.0)
                || view.newest_tick().is_some_and(|newest| behind(newest) > SETTLED_S * tick_hz as f32)
        };
        while let Some(sample) = self.waiting.pop_front_if(|sample| is_settled(sample)) {
            let scene = view.at(sample.moment);
            for (id, shown) in sample.shown {
                if let Some(truth) = scene.entity(id).and_then(|entity| entity.get::<Position>()) {
                    recorder.on_display_error(shown.distance(truth.0));
                }
            }
        }
    }
}
