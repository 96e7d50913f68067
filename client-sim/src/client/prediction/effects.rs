use std::collections::VecDeque;
use tidelock::Tick;

/// What predicted steps did besides moving the player's own state, as far as the server has not confirmed it: shots,
/// pick-ups. Steps add to it.
#[derive(Clone, Debug)]
pub struct Effects<E> {
    /// By ascending tick of the input.
    pending: VecDeque<(Tick, E)>,
    /// Of the step that is being computed.
    tick: Tick,
}

/// What became of an effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PredictedEffect<E> {
    /// Of the input that had it.
    pub tick: Tick,
    /// What it is.
    pub effect: E,
    /// How sure it is.
    pub fate: EffectFate,
}

/// How sure a predicted effect is. Each begins once, and is then confirmed or undone once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectFate {
    /// It is predicted: time to show it.
    Begun,
    /// The server has done it too.
    Confirmed,
    /// It did not happen: time to take back what was shown.
    Undone,
}

/// More effects are not waited for: the oldest are undone.
const PENDING_MAX: usize = 256;

impl<E> Default for Effects<E> {
    fn default() -> Self {
        Self { pending: VecDeque::new(), tick: Tick(0) }
    }
}

impl<E> Effects<E> {
    /// The step has this effect.
    pub fn push(&mut self, effect: E) {
        self.pending.push_back((self.tick, effect));
    }

    /// The effects of this step and of those before it that are not confirmed, oldest first: what was picked up is not there
    /// any more.
    pub fn pending(&self) -> impl Iterator<Item = &E> {
        self.pending.iter().map(|(_, effect)| effect)
    }
}

impl<E: Clone + PartialEq> Effects<E> {
    /// The step of an input begins: tells with [`Effects::tell_begun`] what it adds.
    pub(super) fn begin(&mut self, tick: Tick) -> usize {
        self.tick = tick;
        self.pending.len()
    }

    /// Tells what came after the first `before`.
    pub(super) fn tell_begun(&mut self, before: usize, told: &mut VecDeque<PredictedEffect<E>>) {
        let begun = self.pending.iter().skip(before);
        told.extend(begun.map(|(tick, effect)| of(*tick, effect.clone(), EffectFate::Begun)));
        while self.pending.len() > PENDING_MAX {
            let oldest = self.pending.pop_front();
            told.extend(oldest.map(|(tick, effect)| of(tick, effect, EffectFate::Undone)));
        }
    }

    /// The server's state up to `tick` is known: tells of each effect up to then whether it `happened`.
    pub(super) fn settle(
        &mut self,
        tick: Tick,
        mut happened: impl FnMut(&E) -> bool,
        told: &mut VecDeque<PredictedEffect<E>>,
    ) {
        while let Some((at, effect)) = self.pending.pop_front_if(|(at, _)| !at.is_newer_than(tick)) {
            let fate = if happened(&effect) { EffectFate::Confirmed } else { EffectFate::Undone };
            told.push_back(of(at, effect, fate));
        }
    }

    /// All that is pending, to be predicted anew.
    pub(super) fn take(&mut self) -> VecDeque<(Tick, E)> {
        std::mem::take(&mut self.pending)
    }

    /// Tells how what is pending now differs from what was `before` it was predicted anew.
    pub(super) fn tell_changes(&self, before: VecDeque<(Tick, E)>, told: &mut VecDeque<PredictedEffect<E>>) {
        let begun = self.pending.iter().filter(|now| !before.contains(now)).cloned();
        let begun: Vec<_> = begun.map(|(tick, effect)| of(tick, effect, EffectFate::Begun)).collect();
        let undone = before.into_iter().filter(|old| !self.pending.contains(old));
        told.extend(undone.map(|(tick, effect)| of(tick, effect, EffectFate::Undone)));
        told.extend(begun);
    }
}

const fn of<E>(tick: Tick, effect: E, fate: EffectFate) -> PredictedEffect<E> {
    PredictedEffect { tick, effect, fate }
}
