//! The player's own state, ahead of the server's.

mod effects;
mod smoothing;
#[cfg(test)]
mod tests;

pub use effects::{EffectFate, Effects, PredictedEffect};

use super::view::View;
use glam::Vec3;
use smoothing::Smoothing;
use std::collections::VecDeque;
use tidelock::state::{Input, Replicate};
use tidelock::{Instant, Tick};

/// How a game steps what belongs to the player, on the client as on the server.
pub trait Predict {
    /// The game's input.
    type Input: Input;
    /// What is predicted. Snapped to its lanes after each step, so that equal steps give equal bits on both ends.
    type State: Clone + PartialEq;
    /// What a step does besides: a shot that goes off, something picked up. `()` if there is nothing of the kind.
    type Effect: Clone + PartialEq;

    /// The state that the snapshot of a tick brought, and of which tick that is; `None` while there is nothing to predict,
    /// as before the first spawn or after a death. Whatever else steps need to know of the world is taken from the view here.
    fn observe(&mut self, view: &View) -> Option<(Tick, Self::State)>;

    /// One tick with one input.
    fn step(&self, state: &Self::State, input: &Self::Input, effects: &mut Effects<Self::Effect>) -> Self::State;

    /// Where it is drawn, in metres.
    fn place(&self, state: &Self::State) -> Vec3;

    /// Whether a prediction was right. What others change as they like, such as hit points, is not the prediction's fault.
    fn agrees(&self, predicted: &Self::State, truth: &Self::State) -> bool {
        predicted == truth
    }

    /// Whether an effect that was predicted on the way to a state has happened, by what the server made of that state. Judge by
    /// the player's own state: news of others may come later than news of it.
    fn happened(&mut self, effect: &Self::Effect, predicted: &Self::State, truth: &Self::State) -> bool {
        let _ = effect;
        self.agrees(predicted, truth)
    }
}

/// Runs the player's own state ahead of the server's, and reconciles the two.
///
/// A snapshot is compared with what was predicted for its tick; where they differ the prediction rolls back to the
/// snapshot and replays the inputs since. Effects of steps are told when they are first predicted, and again when they are
/// confirmed or turn out not to have happened.
pub struct Prediction<P: Predict> {
    game: P,
    /// The newest state that the server confirmed, and of which tick it is.
    base: Option<(Tick, P::State)>,
    /// Inputs of consecutive ticks that are not confirmed, with the state after each, once there is a base.
    steps: VecDeque<Step<P>>,
    effects: Effects<P::Effect>,
    told: VecDeque<PredictedEffect<P::Effect>>,
    smoothing: Smoothing,
}

struct Step<P: Predict> {
    tick: Tick,
    input: P::Input,
    after: Option<P::State>,
}

impl<P: Predict> std::fmt::Debug for Prediction<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prediction").field("steps", &self.steps.len()).finish_non_exhaustive()
    }
}

/// A prediction that was wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correction {
    /// The tick for which it was.
    pub tick: Tick,
    /// How far from the server's state, in metres.
    pub error_m: f32,
}

/// Ticks that are predicted at most.
const STEPS_MAX: usize = 256;
/// Effects that nobody asks for are forgotten, the oldest first.
const TOLD_MAX: usize = 1024;

impl<P: Predict> Prediction<P> {
    /// Nothing is predicted before the first snapshot.
    pub fn new(game: P) -> Self {
        Self {
            game,
            base: None,
            steps: VecDeque::new(),
            effects: Effects::default(),
            told: VecDeque::new(),
            smoothing: Smoothing::default(),
        }
    }

    /// The player's input for `tick`: predicts its effect.
    pub fn on_input(&mut self, tick: Tick, input: &P::Input) {
        if self.steps.back().is_some_and(|last| last.tick.next() != tick) {
            // The clock jumped: what the server makes of the gap, the next snapshot tells.
            self.base = None;
            self.steps.clear();
        }
        if self.steps.len() == STEPS_MAX {
            self.steps.pop_front();
            self.base = None;
        }
        // The server gets the input in lanes.
        let input = input.snapped();
        let before = match self.steps.back() {
            Some(last) => last.after.as_ref(),
            None => self.base.as_ref().filter(|(base, _)| base.next() == tick).map(|(_, state)| state),
        };
        let begun = self.effects.begin(tick);
        let after = before.map(|before| self.game.step(before, &input, &mut self.effects));
        self.effects.tell_begun(begun, &mut self.told);
        self.steps.push_back(Step { tick, input, after });
        self.bound();
    }

    /// A snapshot was applied: compares, and corrects what was wrong.
    pub fn on_snapshot(&mut self, view: &View, now: Instant) -> Option<Correction> {
        let Some((tick, truth)) = self.game.observe(view) else {
            self.forget();
            return None;
        };
        if self.base.as_ref().is_some_and(|(base, _)| !tick.is_newer_than(*base)) {
            return None;
        }
        let mut predicted = None;
        while let Some(step) = self.steps.pop_front_if(|step| !step.tick.is_newer_than(tick)) {
            predicted = step.after.filter(|_| step.tick == tick);
        }
        let Self { game, effects, told, .. } = self;
        let is_right = predicted.as_ref().is_some_and(|predicted| game.agrees(predicted, &truth));
        let happened = |effect: &P::Effect| predicted.as_ref().is_some_and(|p| game.happened(effect, p, &truth));
        effects.settle(tick, happened, told);
        if predicted.as_ref() != Some(&truth) {
            self.replay(tick, &truth, now);
        }
        let wrong = predicted.filter(|_| !is_right);
        let error_m = wrong.map(|wrong| self.game.place(&wrong).distance(self.game.place(&truth)));
        self.base = Some((tick, truth));
        self.bound();
        error_m.map(|error_m| Correction { tick, error_m })
    }

    /// What became of effects since this was last asked. Call until `None`.
    pub fn poll_effect(&mut self) -> Option<PredictedEffect<P::Effect>> {
        self.told.pop_front()
    }

    /// The player's state as of the last input.
    pub fn predicted(&self) -> Option<&P::State> {
        self.steps.back().and_then(|step| step.after.as_ref())
    }

    /// Where to draw the player, in metres: `t` of the way, 0 to 1, from its last tick but one to its last, and beside it as
    /// long as a correction is not yet to be seen.
    pub fn shown_place(&self, t: f32, now: Instant) -> Option<Vec3> {
        let last = self.game.place(self.predicted()?);
        let before = self.steps.iter().rev().nth(1).and_then(|step| step.after.as_ref());
        let before = before.or(self.base.as_ref().map(|(_, base)| base)).map_or(last, |state| self.game.place(state));
        Some(before.lerp(last, t.clamp(0.0, 1.0)) + self.smoothing.offset_m(now))
    }

    /// There is nothing to predict.
    fn forget(&mut self) {
        self.base = None;
        self.steps.iter_mut().for_each(|step| step.after = None);
        let pending = self.effects.take();
        self.effects.tell_changes(pending, &mut self.told);
        self.smoothing = Smoothing::default();
        self.bound();
    }

    /// Takes all unconfirmed inputs again, from `state` at the end of `tick`.
    fn replay(&mut self, tick: Tick, state: &P::State, now: Instant) {
        let before = self.predicted().map(|state| self.game.place(state));
        let pending = self.effects.take();
        let mut state = state.clone();
        // Before its first input a player asks for nothing.
        let gap = self.steps.front().map_or(0, |first| first.tick.since(tick) - 1);
        for ahead in 0..gap.clamp(0, STEPS_MAX as i32) {
            self.effects.begin(tick.add(ahead.cast_unsigned() + 1));
            state = self.game.step(&state, &P::Input::default(), &mut self.effects);
        }
        for step in &mut self.steps {
            self.effects.begin(step.tick);
            state = self.game.step(&state, &step.input, &mut self.effects);
            step.after = Some(state.clone());
        }
        self.effects.tell_changes(pending, &mut self.told);
        if let Some((before, after)) = before.zip(self.predicted().map(|state| self.game.place(state))) {
            self.smoothing.on_correction(before, after, now);
        }
    }

    fn bound(&mut self) {
        self.told.drain(..self.told.len().saturating_sub(TOLD_MAX));
    }
}
