//! Players predict their own avatar with the server's step, and are right.

use super::game::{is_sound, link};
use glam::Vec3;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tidelock::{Instant, Tick};
use tidelock_arena::map::MapParameters;
use tidelock_arena::{ArenaInput, Map};
use tidelock_server::arena::Arena;
use tidelock_sim::bots::{Avatar, AvatarPrediction, BotKind, Deed, Player as Bot};
use tidelock_sim::client::{EffectFate, Effects, Predict, Prediction, View};
use tidelock_sim::universe::{Universe, UniverseConfig};

/// What a player's predictions came to.
#[derive(Debug, Default)]
struct Account {
    /// Ticks at the end of which something was predicted.
    predicted: u64,
    corrections: u64,
    /// Steps that were computed.
    steps: u64,
    confirmed: Vec<Deed>,
    undone: Vec<Deed>,
}

/// The avatar's prediction, with its steps counted.
struct Counted(AvatarPrediction, Rc<RefCell<Account>>);

impl Predict for Counted {
    type Input = ArenaInput;
    type State = Avatar;
    type Effect = Deed;

    fn observe(&mut self, view: &View) -> Option<(Tick, Avatar)> {
        self.0.observe(view)
    }

    fn step(&self, avatar: &Avatar, input: &ArenaInput, deeds: &mut Effects<Deed>) -> Avatar {
        self.1.borrow_mut().steps += 1;
        self.0.step(avatar, input, deeds)
    }

    fn place(&self, avatar: &Avatar) -> Vec3 {
        self.0.place(avatar)
    }

    fn agrees(&self, predicted: &Avatar, truth: &Avatar) -> bool {
        self.0.agrees(predicted, truth)
    }

    fn happened(&mut self, deed: &Deed, predicted: &Avatar, truth: &Avatar) -> bool {
        self.0.happened(deed, predicted, truth)
    }
}

const SEED: u64 = 81;

/// A player of this kind, who joins and plays until it is settled. Its account begins then.
fn play(universe: &mut Universe<ArenaInput>, kind: BotKind, latency_ms: u64, loss: f64) -> Rc<RefCell<Account>> {
    let account = Rc::new(RefCell::new(Account::default()));
    let map = Arc::new(Map::generate(MapParameters::new(SEED)));
    let mut bot = Bot::new(kind, latency_ms);
    bot.learn_map(Arc::clone(&map));
    let mut prediction = Prediction::new(Counted(AvatarPrediction::new(map, 60), Rc::clone(&account)));
    let mine = Rc::clone(&account);
    let mind = move |view: &View, tick| {
        let correction = prediction.on_snapshot(view, Instant::default());
        let input = bot.input(view, tick);
        prediction.on_input(tick, &input);
        let mut account = mine.borrow_mut();
        account.corrections += u64::from(correction.is_some());
        account.predicted += u64::from(prediction.predicted().is_some());
        while let Some(told) = prediction.poll_effect() {
            match told.fate {
                EffectFate::Begun => {}
                EffectFate::Confirmed => account.confirmed.push(told.effect),
                EffectFate::Undone => account.undone.push(told.effect),
            }
        }
        input
    };
    universe.add_player(link(latency_ms, loss), link(latency_ms, loss), Box::new(mind));
    account
}

fn universe() -> Universe<ArenaInput> {
    Universe::new(UniverseConfig { seed: SEED, ..Default::default() }, Arena { npcs: 20 })
}

#[test]
fn an_avatar_that_stands_still_for_long_is_predicted_right_and_cheaply() {
    let mut universe = universe();
    let account = play(&mut universe, BotKind::Idle, 30, 0.0);
    universe.run(Duration::from_secs(3)).unwrap();
    *account.borrow_mut() = Account::default();
    universe.run(Duration::from_secs(20)).unwrap();
    let Account { predicted, corrections, steps, .. } = *account.borrow();
    assert!((1_199..=1_201).contains(&predicted), "{predicted}");
    assert_eq!(corrections, 0);
    assert_eq!(steps, predicted, "one step a tick, and nothing is replayed");
    is_sound(&universe);
}

#[test]
fn wanderers_on_clean_links_are_never_corrected() {
    let mut universe = universe();
    let accounts = [5, 20, 60, 120].map(|latency_ms| play(&mut universe, BotKind::Wander, latency_ms, 0.0));
    universe.run(Duration::from_secs(3)).unwrap();
    accounts.iter().for_each(|account| *account.borrow_mut() = Account::default());
    universe.run(Duration::from_secs(20)).unwrap();
    for account in &accounts {
        let Account { predicted, corrections, steps, .. } = *account.borrow();
        assert!((1_190..=1_210).contains(&predicted), "{predicted}");
        assert_eq!((corrections, steps), (0, predicted));
    }
    is_sound(&universe);
}

#[test]
fn shots_and_pick_ups_are_confirmed() {
    let mut universe = universe();
    // Who stands still near nobody is shot at by nobody: these two shoot at NPCs.
    let accounts = [20, 100].map(|latency_ms| play(&mut universe, BotKind::Fight, latency_ms, 0.0));
    universe.run(Duration::from_secs(60)).unwrap();
    for account in &accounts {
        let account = account.borrow();
        let shots = account.confirmed.iter().filter(|deed| matches!(deed, Deed::Shot(_))).count();
        assert!(shots > 20, "{shots} shots");
        assert_eq!(account.undone, []);
    }
}

#[test]
fn a_pack_whose_despawn_comes_late_is_picked_up_once() {
    let mut universe = universe();
    let accounts: Vec<_> = (2..14).map(|n| play(&mut universe, BotKind::Wander, n * 10, 0.1)).collect();
    universe.run(Duration::from_secs(150)).unwrap();
    let of =
        |pick: fn(&Account) -> &Vec<Deed>| accounts.iter().map(|account| pick(&account.borrow()).len()).sum::<usize>();
    let (confirmed, undone) = (of(|account| &account.confirmed), of(|account| &account.undone));
    assert!(confirmed >= 10, "{confirmed} packs");
    // Where an input was lost, a pick-up comes a tick later than predicted: that is another one.
    assert!(undone * 2 <= confirmed, "{undone} of {confirmed} taken back");
}
