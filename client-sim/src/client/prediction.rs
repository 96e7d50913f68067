use super::view::View;
use std::collections::VecDeque;
use tidelock::Tick;
use tidelock::state::{Input, Replicate};

/// How a game steps what belongs to the player, on the client as on the server.
pub trait Predict {
    /// The game's input.
    type Input: Input;
    /// What is predicted. Snapped to its lanes after each step, so that equal steps give equal bits on both ends.
    type State: Clone + PartialEq;

    /// The state that the snapshot of a tick brought, and of which tick that is; `None` while there is nothing to predict,
    /// as before the first spawn or after a death.
    fn observe(&self, view: &View) -> Option<(Tick, Self::State)>;

    /// One tick with one input.
    fn step(&self, state: &Self::State, input: &Self::Input) -> Self::State;

    /// How far apart two states are, in metres.
    fn distance_m(&self, a: &Self::State, b: &Self::State) -> f32;
}

/// Runs the player's own state ahead of the server's, and reconciles the two.
///
/// A snapshot is compared with what was predicted for its tick; where they differ the prediction rolls back to the
/// snapshot and replays the inputs since.
pub struct Prediction<P: Predict> {
    game: P,
    /// The newest state that the server confirmed, and of which tick it is.
    base: Option<(Tick, P::State)>,
    /// Inputs of consecutive ticks that are not confirmed, with the state after each, once there is a base.
    steps: VecDeque<Step<P>>,
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

impl<P: Predict> Prediction<P> {
    /// Nothing is predicted before the first snapshot.
    pub const fn new(game: P) -> Self {
        Self { game, base: None, steps: VecDeque::new() }
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
        let before = self.steps.back().and_then(|last| last.after.as_ref());
        let after = before.map(|before| self.game.step(before, &input));
        self.steps.push_back(Step { tick, input, after });
    }

    /// A snapshot was applied: compares, and corrects what was wrong.
    pub fn on_snapshot(&mut self, view: &View) -> Option<Correction> {
        let Some((tick, truth)) = self.game.observe(view) else {
            self.base = None;
            self.steps.iter_mut().for_each(|step| step.after = None);
            return None;
        };
        if self.base.as_ref().is_some_and(|(base, _)| !tick.is_newer_than(*base)) {
            return None;
        }
        let mut predicted = None;
        while let Some(step) = self.steps.pop_front_if(|step| !step.tick.is_newer_than(tick)) {
            predicted = step.after.filter(|_| step.tick == tick);
        }
        let correct = predicted.as_ref() == Some(&truth);
        if !correct {
            self.replay(tick, &truth);
        }
        let wrong = predicted.filter(|_| !correct);
        let correction = wrong.map(|wrong| Correction { tick, error_m: self.game.distance_m(&wrong, &truth) });
        self.base = Some((tick, truth));
        correction
    }

    /// The player's state as of the last input.
    pub fn predicted(&self) -> Option<&P::State> {
        self.steps.back().and_then(|step| step.after.as_ref())
    }

    /// Takes all unconfirmed inputs again, from `state` at the end of `tick`.
    fn replay(&mut self, tick: Tick, state: &P::State) {
        let mut state = state.clone();
        // Before its first input a player asks for nothing.
        let gap = self.steps.front().map_or(0, |first| first.tick.since(tick) - 1);
        for _ in 0..gap.clamp(0, STEPS_MAX as i32) {
            state = self.game.step(&state, &P::Input::default());
        }
        for step in &mut self.steps {
            state = self.game.step(&state, &step.input);
            step.after = Some(state.clone());
        }
    }
}
