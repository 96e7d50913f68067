use super::guests::Guests;
use super::links::sound;
use super::{Fault, PlayerPlan, Scenario, Villain, liveness};
use crate::link::LinkConfig;
use crate::universe::check::{Acks, Budget, Checker, Messages, ReferenceModel, SentInInterest, Sound, TrueRecords};
use crate::universe::churn::{Churn, Stamp};
use crate::universe::{LocalClock, Universe, Violation};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use tidelock::{Instant, Tick};
use tidelock_server::engine::Executor;

/// A scenario as it happens.
#[derive(Debug)]
pub struct Run {
    scenario: Scenario,
    game: Churn,
    universe: Universe<Stamp>,
    began_at: Instant,
    guests: Guests,
    /// What is to be done, by when since the beginning, and in which order.
    agenda: BTreeMap<(Duration, usize), Deed>,
    deeds: usize,
    story: VecDeque<Line>,
    client_ticks: u64,
}

/// Something that is to be done.
#[expect(clippy::large_enum_variant, reason = "there are a few dozen of them")]
#[derive(Clone, Copy, Debug)]
enum Deed {
    Arrive(usize),
    Fault(Fault),
    /// A player's link is what it was.
    Mend(usize),
    Return(usize),
    Unban(usize),
    Harm(Villain),
    /// Ticks take the server no time any more.
    Ease,
}

/// Something that happened.
#[derive(Clone, Debug)]
struct Line {
    at: Duration,
    tick: Tick,
    what: String,
}

/// A scenario in which everything held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Ticks of the server.
    pub ticks: u32,
    /// The ticks of each player that was there, added up.
    pub client_ticks: u64,
    /// Virtual time.
    pub lasted: Duration,
    /// Until all held what they should, once nothing went wrong any more.
    pub converged_after: Duration,
    /// How long that may have taken.
    pub converge_max: Duration,
    /// How many things went wrong.
    pub faults: usize,
    /// Over every datagram that anybody sent.
    pub digest: u64,
    /// The names of the checkers, and how many things each has looked at.
    pub looked: Vec<(&'static str, u64)>,
}

/// A scenario in which something did not hold.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// What.
    pub violation: Violation,
    /// When, since the beginning.
    pub at: Duration,
    /// What happened last, oldest first.
    pub story: Vec<String>,
}

/// So much of what happened is remembered.
const STORY_LINES: usize = 24;
/// More than any component of the game lets pass between two tellings.
const SETTLED_TICKS: u32 = 8;
/// A step of time.
const STEP: Duration = Duration::from_millis(1);
/// All is well when it has been for so many snapshots.
const STABLE_SNAPSHOTS: u32 = 3;
/// What has converged stays so for this long at least.
const LINGER: Duration = Duration::from_millis(300);

impl Run {
    /// It begins.
    #[must_use]
    pub fn new(scenario: Scenario) -> Self {
        let mut game = Churn::full(scenario.entities, scenario.life_ticks_max);
        game.show_every_ticks = scenario.config.look_every_ticks;
        let mut universe = Universe::new(scenario.config, game.clone());
        checkers().into_iter().for_each(|checker| universe.add_checker(checker));
        game.watch(&mut universe);
        let mut run = Self {
            guests: Guests::new(scenario.config.seed),
            began_at: universe.now(),
            game,
            universe,
            agenda: BTreeMap::new(),
            deeds: 0,
            story: VecDeque::new(),
            client_ticks: 0,
            scenario,
        };
        for (number, plan) in run.scenario.players.clone().into_iter().enumerate() {
            run.plan(plan.comes_after, Deed::Arrive(number));
        }
        for (at, villain) in run.scenario.villains.clone() {
            run.plan(at, Deed::Harm(villain));
        }
        for (at, fault) in run.scenario.faults.clone() {
            run.plan(at, Deed::Fault(fault));
        }
        run
    }

    /// From now on the server shares its work out.
    pub fn set_executor(&mut self, executor: Box<dyn Executor>) {
        self.universe.set_executor(executor);
    }

    /// Lets it happen, to the end.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn finish(mut self) -> Result<Outcome, Trouble> {
        self.play().map_err(|violation| Trouble {
            at: self.elapsed(),
            story: self.story.iter().map(Line::to_string).collect(),
            violation,
        })
    }

    fn play(&mut self) -> Result<Outcome, Violation> {
        while self.elapsed() < self.scenario.troubled {
            self.step()?;
        }
        self.leave_alone();
        self.play_on()?;
        self.calm_down();
        let calm_at = self.elapsed();
        self.settle()?;
        let converge_max = liveness::bound(&self.scenario, &self.universe, &self.guests);
        let converged_after = self.converge(calm_at, converge_max)?;
        let end = self.elapsed() + LINGER;
        while self.elapsed() < end {
            self.step()?;
        }
        self.all_is_well()
            .map_err(|what| self.violation("convergence", format!("{what}, though all had converged")))?;
        Ok(self.outcome(converged_after, converge_max))
    }

    /// Waits until all is well, and has been for a few snapshots: what a client is meant to see is decided when it is its turn.
    /// Says how long after `calm_at` it first was.
    fn converge(&mut self, calm_at: Duration, converge_max: Duration) -> Result<Duration, Violation> {
        let lasts = Duration::from_secs(1) / self.scenario.config.snapshot_hz * STABLE_SNAPSHOTS;
        let mut since = None;
        loop {
            let now = self.elapsed();
            match self.all_is_well() {
                Ok(()) if now - *since.get_or_insert(now) >= lasts => return Ok(now - lasts - calm_at),
                Ok(()) => {}
                Err(what) if now - calm_at > converge_max => {
                    return Err(self.violation("convergence", format!("{what}, {converge_max:?} after the last fault")));
                }
                Err(_) => since = None,
            }
            self.step()?;
        }
    }

    /// Whether everybody who wants to plays, and knows all that it should.
    fn all_is_well(&self) -> Result<(), String> {
        self.guests.all_is_well(&self.universe)?;
        liveness::ways_are_known(&self.scenario, &self.universe, &self.guests)
    }

    /// What a component's rule held back is told now.
    fn settle(&mut self) -> Result<(), Violation> {
        let end = self.universe.engine().tick_number().add(SETTLED_TICKS);
        while end.is_newer_than(self.universe.engine().tick_number()) {
            self.step()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), Violation> {
        let now = self.elapsed();
        while let Some(next) = self.agenda.first_entry().filter(|next| next.key().0 <= now) {
            let deed = next.remove();
            self.execute(deed);
        }
        let tick = self.universe.engine().tick_number();
        self.universe.run(STEP)?;
        let ticks = self.universe.engine().tick_number().since(tick).cast_unsigned();
        self.client_ticks += u64::from(ticks) * self.universe.players().len() as u64;
        if ticks > 0 {
            self.tell_roster();
        }
        let Self { guests, universe, .. } = self;
        let told = guests.follow(universe, now);
        told.into_iter().for_each(|what| self.tell(what));
        Ok(())
    }

    /// What the game was told of its players in the tick that ran.
    fn tell_roster(&mut self) {
        let Some(page) = self.game.chronicle.page(self.universe.engine().tick_number()) else { return };
        for (client_id, what) in &page.roster {
            self.tell(format!("the game: client {client_id} {what:?}"));
        }
    }

    /// Nothing goes wrong, but the game goes on: once everybody has found in again, nobody loses its connection.
    fn play_on(&mut self) -> Result<(), Violation> {
        let all_are_in = self.elapsed() + liveness::bound(&self.scenario, &self.universe, &self.guests);
        while self.elapsed() < self.scenario.length {
            let lost = self.guests.lost();
            self.step()?;
            if self.guests.lost() > lost && self.elapsed() > all_are_in {
                return Err(
                    self.violation("lasting connections", "somebody lost its own, and nothing goes wrong".to_owned())
                );
            }
        }
        Ok(())
    }

    /// From now on nothing goes wrong, and nobody comes or goes.
    fn leave_alone(&mut self) {
        while let Some((_, deed)) = self.agenda.pop_first() {
            self.execute(deed);
        }
        for (player, plan) in self.universe.players_mut().iter_mut().zip(&self.scenario.players) {
            player.down.set_config(sound(plan.down));
            player.up.set_config(sound(plan.up));
        }
        self.universe.set_tick_cost(Duration::ZERO);
        self.see_strangers_off();
        self.tell("nothing goes wrong any more".to_owned());
    }

    /// And from now on nothing in the game changes.
    fn calm_down(&mut self) {
        self.game.calm.set(true);
        if self.scenario.drains {
            self.universe.engine_mut().drain();
        }
        self.tell(format!("the game stands still{}", if self.scenario.drains { ", and nobody is let in" } else { "" }));
    }

    /// Whoever means harm is gone, and whatever it had in the game.
    fn see_strangers_off(&mut self) {
        self.universe.clear_strangers();
        let players: BTreeSet<_> = self.universe.players().iter().map(|player| player.client_id).collect();
        let strangers: Vec<_> = self.universe.engine().in_game().filter(|who| !players.contains(who)).collect();
        let now = self.universe.now();
        for who in strangers {
            self.universe.engine_mut().kick(who, now);
        }
    }

    fn plan(&mut self, at: Duration, deed: Deed) {
        self.deeds += 1;
        self.agenda.insert((at, self.deeds), deed);
    }

    fn execute(&mut self, deed: Deed) {
        match deed {
            Deed::Arrive(number) => {
                let plan = &self.scenario.players[number];
                let clock = LocalClock::new(plan.clock_offset, plan.drift_ppm);
                let (down, up) = (plan.down, plan.up);
                self.universe.add_player_with_clock(clock, down, up, Box::new(|_, _| Stamp::default()));
                let player = &mut self.universe.players_mut()[number];
                player.pilot = Some(self.game.pilot(player.client_id, self.scenario.config.seed));
                self.guests.arrive();
                self.tell(format!("player {number}: it comes"));
            }
            Deed::Mend(number) => {
                let PlayerPlan { down, up, .. } = self.scenario.players[number];
                self.set_link(number, down, up);
                self.tell(format!("player {number}: its link is as it was"));
            }
            Deed::Return(number) => self.guests.wants_in(number, true),
            Deed::Unban(number) => {
                let client_id = self.universe.players()[number].client_id;
                self.universe.engine_mut().unban(client_id);
                self.tell(format!("player {number}: it is banned no more"));
            }
            Deed::Ease => {
                self.universe.set_tick_cost(Duration::ZERO);
                self.tell("the server has time again".to_owned());
            }
            Deed::Harm(villain) => {
                villain.come(&mut self.universe);
                self.tell(format!("somebody means harm: {villain:?}"));
            }
            Deed::Fault(fault) => self.strike(&fault),
        }
    }

    fn strike(&mut self, fault: &Fault) {
        let now = self.elapsed();
        let here = self.universe.players().len();
        let left = self.scenario.length.saturating_sub(now);
        if fault.player().is_some_and(|player| player >= here) {
            return;
        }
        self.tell(fault.to_string());
        match *fault {
            Fault::Link { player, down, up, lasts } => {
                self.set_link(player, down, up);
                self.plan(now + lasts, Deed::Mend(player));
            }
            Fault::Reroute(player, latency) => {
                let PlayerPlan { down, up, .. } = &mut self.scenario.players[player];
                (down.latency, up.latency) = (latency, latency);
                let (down, up) = (*down, *up);
                self.set_link(player, down, up);
            }
            Fault::Rebind(player) => self.universe.rebind(player),
            Fault::Roam(player) => {
                self.universe.rebind(player);
                self.guests.come_back(player, &mut self.universe);
            }
            Fault::Crash(player, back) => {
                self.universe.crash(player);
                self.guests.crash(player, now + back.min(left));
            }
            Fault::Leave(player, back) => self.leave(player, now + back),
            Fault::Exodus(back) => (0..here).for_each(|player| self.leave(player, now + back)),
            Fault::Hang(player, lasts) => self.universe.pause(player, lasts.min(left)),
            Fault::Kick(player) => {
                let (client_id, now) = (self.universe.players()[player].client_id, self.universe.now());
                self.universe.engine_mut().kick(client_id, now);
            }
            Fault::Ban(player, lasts) => {
                let (client_id, at) = (self.universe.players()[player].client_id, self.universe.now());
                self.universe.engine_mut().ban(client_id, at);
                self.plan(now + lasts, Deed::Unban(player));
            }
            Fault::Stall(lasts) => self.universe.stall(lasts.min(left)),
            Fault::Overload(cost, lasts) => {
                self.universe.set_tick_cost(cost);
                self.plan(now + lasts, Deed::Ease);
            }
        }
    }

    fn set_link(&mut self, player: usize, down: LinkConfig, up: LinkConfig) {
        let player = &mut self.universe.players_mut()[player];
        player.down.set_config(down);
        player.up.set_config(up);
    }

    fn leave(&mut self, player: usize, back: Duration) {
        self.universe.players_mut()[player].client.disconnect();
        self.guests.wants_in(player, false);
        self.plan(back, Deed::Return(player));
    }

    fn elapsed(&self) -> Duration {
        self.universe.now().since(self.began_at)
    }

    fn tell(&mut self, what: String) {
        if self.story.len() == STORY_LINES {
            self.story.pop_front();
        }
        let (at, tick) = (self.elapsed(), self.universe.engine().tick_number());
        self.story.push_back(Line { at, tick, what });
    }

    fn violation(&self, invariant: &'static str, what: String) -> Violation {
        Violation { invariant, tick: self.universe.engine().tick_number(), what }
    }

    fn outcome(&self, converged_after: Duration, converge_max: Duration) -> Outcome {
        Outcome {
            ticks: self.universe.engine().tick_number().0,
            client_ticks: self.client_ticks,
            lasted: self.elapsed(),
            converged_after,
            converge_max,
            faults: self.scenario.faults.len(),
            digest: self.universe.digest(),
            looked: self.universe.looked().collect(),
        }
    }
}

/// What any game must pass, besides what every universe checks.
fn checkers() -> Vec<Box<dyn Checker<Stamp>>> {
    vec![
        Box::<Sound>::default(),
        Box::<Acks>::default(),
        Box::<Budget>::default(),
        Box::<SentInInterest>::default(),
        Box::<TrueRecords>::default(),
        Box::<Messages>::default(),
        Box::<ReferenceModel>::default(),
    ]
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>9.3} s  tick {:<6} {}", self.at.as_secs_f64(), self.tick.0, self.what)
    }
}
