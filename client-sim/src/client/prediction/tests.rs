use super::*;
use crate::client::View;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tidelock::state::Schema;

/// Goes one metre a tick, and rings a bell if asked to.
#[derive(Replicate, Clone, Debug, Default)]
struct Walk {
    go: bool,
    ring: bool,
}

impl Input for Walk {
    fn clear_one_shots(&mut self) {
        self.ring = false;
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Walker {
    x_m: i32,
    /// How often the bell was rung.
    rung: u32,
}

/// What the server is to have said with the next snapshot.
type Said = Rc<RefCell<Option<(Tick, Walker)>>>;

struct Toy(Said);

impl Predict for Toy {
    type Input = Walk;
    type State = Walker;
    type Effect = u32;

    fn observe(&mut self, _: &View) -> Option<(Tick, Walker)> {
        *self.0.borrow()
    }

    fn step(&self, walker: &Walker, input: &Walk, rings: &mut Effects<u32>) -> Walker {
        if input.ring {
            rings.push(walker.rung);
        }
        Walker { x_m: walker.x_m + i32::from(input.go), rung: walker.rung + u32::from(input.ring) }
    }

    fn place(&self, walker: &Walker) -> Vec3 {
        Vec3::X * walker.x_m as f32
    }

    fn happened(&mut self, _: &u32, predicted: &Walker, truth: &Walker) -> bool {
        predicted.rung == truth.rung
    }
}

struct Scene {
    prediction: Prediction<Toy>,
    said: Said,
    view: View,
}

const NOW: Instant = Instant::from_us(7_000_000);

impl Scene {
    /// A walker that stands at 0 in tick 100.
    fn new() -> Self {
        let schema = Schema::builder("toy").input::<Walk>().build().unwrap();
        let said = Said::default();
        let mut scene =
            Self { prediction: Prediction::new(Toy(Rc::clone(&said))), said, view: View::new(Arc::new(schema)) };
        assert_eq!(scene.hear(100, 0, 0), None);
        scene
    }

    fn input(&mut self, tick: u32, go: bool, ring: bool) {
        self.prediction.on_input(Tick(tick), &Walk { go, ring });
    }

    fn hear(&mut self, tick: u32, x_m: i32, rung: u32) -> Option<Correction> {
        self.said.borrow_mut().replace((Tick(tick), Walker { x_m, rung }));
        self.prediction.on_snapshot(&self.view, NOW)
    }

    fn told(&mut self) -> Vec<(u32, EffectFate)> {
        std::iter::from_fn(|| self.prediction.poll_effect()).map(|told| (told.tick.0, told.fate)).collect()
    }
}

#[test]
fn an_effect_begins_once_and_is_confirmed_once() {
    let mut scene = Scene::new();
    (101..=106).for_each(|tick| scene.input(tick, true, tick == 103));
    assert_eq!(scene.told(), [(103, EffectFate::Begun)]);
    // A correction before it plays it again: that is no news.
    assert_eq!(scene.hear(101, 5, 0), Some(Correction { tick: Tick(101), error_m: 4.0 }));
    assert_eq!(scene.told(), []);
    assert_eq!(scene.prediction.predicted(), Some(&Walker { x_m: 10, rung: 1 }));
    assert_eq!(scene.hear(104, 8, 1), None);
    assert_eq!(scene.told(), [(103, EffectFate::Confirmed)]);
    scene.hear(106, 10, 1);
    assert_eq!(scene.told(), []);
}

#[test]
fn an_effect_that_the_server_does_not_know_is_undone() {
    let mut scene = Scene::new();
    (101..=106).for_each(|tick| scene.input(tick, true, tick == 103));
    // The input of tick 103 was lost.
    assert!(scene.hear(104, 3, 0).is_some());
    assert_eq!(scene.told(), [(103, EffectFate::Begun), (103, EffectFate::Undone)]);
    assert_eq!(scene.prediction.predicted(), Some(&Walker { x_m: 5, rung: 0 }));
}

#[test]
fn where_nothing_is_predicted_any_more_nothing_is_pending() {
    let mut scene = Scene::new();
    (101..=106).for_each(|tick| scene.input(tick, true, tick > 104));
    scene.said.borrow_mut().take();
    scene.prediction.on_snapshot(&scene.view, NOW);
    let fates = [EffectFate::Begun, EffectFate::Begun, EffectFate::Undone, EffectFate::Undone];
    assert_eq!(scene.told().iter().map(|(_, fate)| *fate).collect::<Vec<_>>(), fates);
    assert_eq!((scene.prediction.predicted(), scene.prediction.shown_place(1.0, NOW)), (None, None));
}

#[test]
fn a_correction_moves_what_is_shown_smoothly() {
    let mut scene = Scene::new();
    (101..=104).for_each(|tick| scene.input(tick, true, false));
    let shown = |scene: &Scene, t, ms| scene.prediction.shown_place(t, NOW + Duration::from_millis(ms)).unwrap().x;
    assert_eq!([0.0, 0.5, 1.0].map(|t| shown(&scene, t, 0)), [3.0, 3.5, 4.0]);
    // It stood against a wall in tick 102.
    assert_eq!(scene.hear(102, 1, 0), Some(Correction { tick: Tick(102), error_m: 1.0 }));
    assert_eq!(scene.prediction.predicted().unwrap().x_m, 3);
    assert_eq!(shown(&scene, 1.0, 0), 4.0, "at first as before");
    assert!((3.3..3.4).contains(&shown(&scene, 1.0, 100)) && shown(&scene, 1.0, 1_000) < 3.01);
}
