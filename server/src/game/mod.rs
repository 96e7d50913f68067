//! What a game sees: a Bevy plugin declares its components, input and events, and adds systems to two schedules.
//!
//! A game sees ticks, inputs, events and interest flags; never a socket, a session or a wall clock.
//!
//! What a client sees: what is near its [`Viewpoint`], what is [`AlwaysRelevant`], and what is [`TeamRelevant`] to its team; of
//! that only what is on no [`Layers`], or
//! on one that it sees ([`SeesLayers`]); not what is hidden from it, but what is shown to it ([`Visibility`]); and what it
//! owns. Nothing of anything else leaves the server for it.
//!
//! Each tick runs `FixedMain` once: [`ApplyInput`], then [`Simulate`], then Bevy's own fixed schedules, single-threaded.
//! Two systems of one schedule that conflict and have no order are refused at start: the result of a tick must not
//! depend on chance.

mod change_scan;
mod component_writer;
mod components;
mod discretion;
mod events;
mod inputs;
mod references;
mod registry;
mod rehearsal;
mod rewind;
mod turns;
mod visibility;

pub use components::{
    AlwaysRelevant, JoinPayload, Owner, PlayerAway, PlayerBack, PlayerJoined, PlayerLeft, Replicated, Seed, Team,
    TeamRelevant, TickTime, Viewpoint,
};
pub use events::{FromClient, Recipients, ToClients};
pub use inputs::Inputs;
pub use references::{NetIds, NetNames, refer_to, referred};
pub use rehearsal::Rehearsal;
pub use rewind::Rewind;
pub use visibility::{Layers, SeesLayers, Visibility};

pub(crate) use components::{Departed, NetSlot};
pub(crate) use discretion::Discretion;
pub(crate) use events::{EventType, OutgoingEvent};
pub(crate) use inputs::{InputType, TickInput};
pub(crate) use references::EntitySet;
pub(crate) use registry::{CapturedColumn, Locator, Registry, for_each_without};
pub(crate) use rewind::Past;
pub(crate) use visibility::{Exception, VisibilityChange};

use bevy_app::{App, FixedMainScheduleOrder, FixedUpdate};
use bevy_ecs::component::Component;
use bevy_ecs::schedule::{LogLevel, Schedule, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor};
use glam::Vec2;
use std::time::Duration;
use tidelock::state::{Audience, Event, Input, Replicate, Rules};

/// Runs first in a tick: systems here turn [`Inputs`] into intentions or movement.
#[derive(ScheduleLabel, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ApplyInput;

/// Runs second in a tick: the rest of the game's step.
#[derive(ScheduleLabel, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Simulate;

/// Declares what of a game the server replicates. The order of declarations is part of the schema, so a game's client
/// declares the same in the same order; the join is refused when the two differ.
pub trait Replication {
    /// Names the game; the default is "game".
    fn game(&mut self, name: &'static str) -> &mut Self;

    /// Declares a component by its own [`RULES`](Replicate::RULES): unless they say otherwise, every client that sees an entity
    /// sees this component of it, in each tick in which it changed.
    fn replicate<C: Component + Replicate>(&mut self) -> &mut Self;

    /// Only clients of an entity's [`Team`] that see it see this component of it.
    fn replicate_to_team<C: Component + Replicate>(&mut self) -> &mut Self;

    /// Only the client that owns an entity sees this component of it.
    fn replicate_to_owner<C: Component + Replicate>(&mut self) -> &mut Self;

    /// Declares a component by other rules than its own.
    fn replicate_by<C: Component + Replicate>(&mut self, rules: Rules) -> &mut Self;

    /// The type of the players' input. Systems read it from [`Inputs`].
    fn input<I: Input>(&mut self) -> &mut Self;

    /// A message that clients may send ([`FromClient`]) and systems may send to them ([`ToClients`]).
    fn event<E: Event>(&mut self) -> &mut Self;

    /// Where an entity is, for interest: entities without this component are seen by nobody unless
    /// [`AlwaysRelevant`], [`TeamRelevant`] or [shown](Visibility::show).
    fn locate<C: Component>(&mut self, position: fn(&C) -> Vec2) -> &mut Self;

    /// How far from its viewpoint a client sees, in the units of [`Replication::locate`]. The default is 50.
    fn view_radius(&mut self, radius: f32) -> &mut Self;

    /// How far systems may look back by [`Rewind`]. The default is 250 ms; more than 500 ms counts as that, and with zero
    /// there is no lag compensation. The more there is, the longer after they took cover players are hit, by those with
    /// slow links.
    fn rewind_max(&mut self, longest: Duration) -> &mut Self;
}

impl Replication for App {
    fn game(&mut self, name: &'static str) -> &mut Self {
        registry(self).name(name);
        self
    }

    fn replicate<C: Component + Replicate>(&mut self) -> &mut Self {
        self.replicate_by::<C>(C::RULES)
    }

    fn replicate_to_team<C: Component + Replicate>(&mut self) -> &mut Self {
        self.replicate_by::<C>(C::RULES.with_audience(Audience::Team))
    }

    fn replicate_to_owner<C: Component + Replicate>(&mut self) -> &mut Self {
        self.replicate_by::<C>(C::RULES.with_audience(Audience::Owner))
    }

    fn replicate_by<C: Component + Replicate>(&mut self, rules: Rules) -> &mut Self {
        let time = self.world().get_resource::<TickTime>();
        let tick_hz = time.expect("a game declares in its plugin, which a server or a `Rehearsal` runs").tick_hz;
        registry(self).component::<C>(rules, tick_hz);
        self
    }

    fn input<I: Input>(&mut self) -> &mut Self {
        registry(self).input::<I>();
        self.insert_resource(Inputs::<I>::default())
    }

    fn event<E: Event>(&mut self) -> &mut Self {
        registry(self).event::<E>();
        self.add_message::<FromClient<E>>().add_message::<ToClients<E>>()
    }

    fn locate<C: Component>(&mut self, position: fn(&C) -> Vec2) -> &mut Self {
        registry(self).locate(position);
        self
    }

    fn view_radius(&mut self, radius: f32) -> &mut Self {
        registry(self).view_radius = radius;
        self
    }

    fn rewind_max(&mut self, longest: Duration) -> &mut Self {
        registry(self).rewind_max = longest;
        self
    }
}

fn registry(app: &mut App) -> &mut Registry {
    app.world_mut().get_resource_or_init::<Registry>().into_inner()
}

/// Prepares an app for the schedules and resources above, before the game's plugin is added.
pub(crate) fn prepare(app: &mut App, seed: u64, tick_hz: u32) {
    let strict = |label| {
        let mut schedule = Schedule::new(label);
        let settings = ScheduleBuildSettings { ambiguity_detection: LogLevel::Error, ..Default::default() };
        schedule.set_executor(SingleThreadedExecutor::new()).set_build_settings(settings);
        schedule
    };
    let mut order = app.world_mut().get_resource_or_init::<FixedMainScheduleOrder>();
    order.insert_before(FixedUpdate, ApplyInput);
    order.insert_after(ApplyInput, Simulate);
    for label in order.labels.clone() {
        app.add_schedule(strict(label));
    }
    app.insert_resource(Seed(seed)).insert_resource(TickTime::new(tick_hz)).init_resource::<JoinPayload>();
    app.init_resource::<NetIds>().init_resource::<Visibility>().init_resource::<Discretion>();
    app.add_message::<PlayerJoined>().add_message::<PlayerLeft>();
    app.add_message::<PlayerAway>().add_message::<PlayerBack>();
}
