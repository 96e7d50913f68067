//! Holds what screens showed against what the server awarded.

use crate::duelist::{Log, ScreenShot};
use serde::Serialize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tidelock::Tick;
use tidelock::state::{Audience, NetId, Replicate, Schema, VersionRef};
use tidelock_arena::{ArenaInput, Cooldown, Hit, Status};
use tidelock_server::engine::Engine;
use tidelock_sim::bots::ScreenHit;
use tidelock_sim::client::ClientEvent;
use tidelock_sim::universe::Universe;

/// What became of shots. Each screen hit is awarded, or not for one reason, the first that holds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Count {
    /// Went off on their shooters' screens.
    pub(crate) shots: u64,
    /// Met somebody there.
    pub(crate) screen_hits: u64,
    /// Of these, the server says that they hit the same.
    pub(crate) awarded: u64,
    /// The target was dead by then: another shot was enough.
    pub(crate) too_late: u64,
    /// Of these, the server says that they met it all the same.
    pub(crate) too_late_told: u64,
    /// All that the server says hit somebody, who was alive or not.
    pub(crate) server_hits: u64,
    /// The shooter was dead by then.
    pub(crate) shooter_died: u64,
    /// The server did not fire for another reason: the input was lost or late.
    pub(crate) unfired: u64,
    /// The view was older than the server looks back.
    pub(crate) over_bound: u64,
    /// The shooter was not where its client predicted it.
    pub(crate) mispredicted: u64,
    /// Where the target was shown was a guess.
    pub(crate) guessed: u64,
    /// None of these.
    pub(crate) other: u64,
}

/// One shot of one player, until it is judged.
#[derive(Clone, Copy, Debug)]
struct Entry {
    shot: ScreenShot,
    screen: Option<ScreenHit>,
    awarded: Option<(NetId, u8)>,
    unfired: bool,
    shooter_died: bool,
    mispredicted: bool,
    /// The target was dead when the shot met it.
    died: bool,
}

/// See the module.
pub(crate) struct Ledger {
    logs: Vec<Rc<RefCell<Log>>>,
    /// By player and tick of the shot.
    entries: BTreeMap<(usize, u32), Entry>,
    /// What is to be looked up at the end of ticks to come.
    fired: Vec<(usize, ScreenShot)>,
    hits: Vec<(usize, Tick, ScreenHit)>,
    /// Shots that are counted: those fired while it is open.
    is_open: bool,
    /// Hits that no screen shot told of: the server fired, and the screen did not.
    stray_hits: u64,
    rewind_max_ticks: f32,
    tick_hz: u32,
}

impl Ledger {
    pub(crate) fn new(logs: Vec<Rc<RefCell<Log>>>, rewind_max: Duration, tick_hz: u32) -> Self {
        Self {
            logs,
            entries: BTreeMap::new(),
            fired: Vec::new(),
            hits: Vec::new(),
            is_open: false,
            stray_hits: 0,
            rewind_max_ticks: rewind_max.as_secs_f32() * tick_hz as f32,
            tick_hz,
        }
    }

    /// Shots from now on count.
    pub(crate) fn begin(&mut self) {
        self.is_open = true;
    }

    /// Shots from now on do not.
    pub(crate) fn end(&mut self) {
        self.is_open = false;
    }

    /// The server ran a tick, and clients played since the one before.
    pub(crate) fn on_tick(&mut self, universe: &mut Universe<ArenaInput>) {
        for (player, log) in self.logs.iter().enumerate() {
            let mut log = log.borrow_mut();
            for shot in log.shots.drain(..).filter(|_| self.is_open) {
                let entry = Entry {
                    shot,
                    screen: None,
                    awarded: None,
                    unfired: false,
                    shooter_died: false,
                    mispredicted: false,
                    died: false,
                };
                self.entries.insert((player, shot.fired.0), entry);
                self.fired.push((player, shot));
            }
            for (tick, hit) in log.hits.drain(..) {
                if let Some(entry) = self.entries.get_mut(&(player, hit.fired.0)) {
                    entry.screen = Some(hit);
                    self.hits.push((player, tick, hit));
                }
            }
        }
        self.look_up(universe.engine());
        for player in 0..self.logs.len() {
            let events = std::mem::take(&mut universe.players_mut()[player].events);
            events.iter().filter_map(|event| told_hit(event, universe.engine().schema())).for_each(|hit| {
                match self.entries.get_mut(&(player, hit.fired.0)) {
                    Some(entry) => entry.awarded = hit.target.map(|target| (target, hit.points)),
                    None => self.stray_hits += u64::from(self.is_open),
                }
            });
        }
    }

    /// Looks into the server's truth of the tick that is over, while it is known.
    fn look_up(&mut self, engine: &Engine) {
        let now = engine.tick_number();
        let (entries, tick_hz) = (&mut self.entries, self.tick_hz);
        self.fired.retain(|(player, shot)| {
            if shot.fired.is_newer_than(now) {
                return true;
            }
            let Some(entry) = entries.get_mut(&(*player, shot.fired.0)) else { return false };
            let cooldown: Option<Cooldown> = truth(engine, shot.avatar, shot.fired);
            let full = (0.25 * tick_hz as f32 - 0.001).ceil() as u8;
            entry.shooter_died = truth::<Status>(engine, shot.avatar, shot.fired).is_none_or(|status| status.dead);
            entry.unfired = cooldown != Some(Cooldown(full));
            entry.mispredicted = truth(engine, shot.avatar, shot.fired) != Some(shot.body.position);
            false
        });
        self.hits.retain(|(player, tick, hit)| {
            if tick.is_newer_than(now) {
                return true;
            }
            if let Some(entry) = entries.get_mut(&(*player, hit.fired.0)) {
                // At the end of the tick before, or by another shot of this one.
                let status: Option<Status> = truth(engine, hit.target, tick.sub(1));
                entry.died = status.is_none_or(|status| status.dead);
            }
            false
        });
    }

    /// What became of all, and how old views were in the mean, in milliseconds.
    pub(crate) fn close(self) -> (Count, f64) {
        let mut count = Count { server_hits: self.stray_hits, ..Count::default() };
        let mut ages = 0.0;
        for entry in self.entries.values() {
            count.shots += 1;
            count.server_hits += u64::from(entry.awarded.is_some());
            ages += f64::from(entry.shot.view_age.ticks()) / f64::from(self.tick_hz) * 1e3;
            if let Some(hit) = entry.screen {
                count.screen_hits += 1;
                let told = entry.awarded == Some((hit.target, 0));
                count.too_late_told += u64::from(told);
                *count.verdict(entry, hit, self.rewind_max_ticks) += 1;
            }
        }
        (count, ages / count.shots.max(1) as f64)
    }
}

impl Count {
    /// Where a screen hit counts.
    fn verdict(&mut self, entry: &Entry, hit: ScreenHit, rewind_max_ticks: f32) -> &mut u64 {
        if let Some((_, points)) = entry.awarded.filter(|(target, _)| *target == hit.target) {
            if points > 0 { &mut self.awarded } else { &mut self.too_late }
        } else if entry.shooter_died {
            &mut self.shooter_died
        } else if entry.unfired {
            &mut self.unfired
        } else if entry.died {
            &mut self.too_late
        } else if entry.shot.view_age.ticks() > rewind_max_ticks {
            &mut self.over_bound
        } else if entry.mispredicted {
            &mut self.mispredicted
        } else if hit.is_extrapolated {
            &mut self.guessed
        } else {
            &mut self.other
        }
    }
}

fn told_hit(event: &ClientEvent, schema: &Schema) -> Option<Hit> {
    let ClientEvent::Event { id, body } = event else { return None };
    (schema.event::<Hit>() == Some(*id)).then(|| bitcode::decode(body).ok())?
}

/// A component of an entity at the end of a tick.
fn truth<C: Replicate>(engine: &Engine, id: NetId, tick: Tick) -> Option<C> {
    let (audience, bit): (Audience, usize) = engine.schema().find::<C>()?;
    let VersionRef { mask, lanes } = engine.version_at(id, audience, tick)?;
    (mask >> bit & 1 != 0).then(|| {
        let offset = engine.schema().stream(audience).lane_offset(mask, bit);
        C::read_lanes(&lanes[offset..offset + C::lane_count()])
    })
}
