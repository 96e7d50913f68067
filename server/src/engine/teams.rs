use super::marks::IndexSet;
use crate::game::{NetSlot, Replicated, Team, for_each_without};
use bevy_ecs::query::{Changed, QueryState, With};
use bevy_ecs::world::World;
use std::collections::BTreeMap;

/// Which team each replicated entity is of.
pub(crate) struct Teams {
    roster: Roster,
    changed: QueryState<(&'static NetSlot, &'static Team), ChangedTeam>,
}

/// The sides, from either end.
#[derive(Default)]
struct Roster {
    /// By index.
    teams: Vec<Option<Team>>,
    members: BTreeMap<Team, IndexSet>,
}

type ChangedTeam = (With<Replicated>, Changed<Team>);

impl Teams {
    pub(crate) fn new(world: &mut World) -> Self {
        Self { roster: Roster::default(), changed: world.query_filtered() }
    }

    /// Of the entity of `index`, if it is of any.
    pub(crate) fn of(&self, index: u32) -> Option<Team> {
        self.roster.teams.get(index as usize).copied().flatten()
    }

    /// The entities of a team; `None` if there never were any.
    pub(crate) fn members(&self, team: Team) -> Option<&IndexSet> {
        self.roster.members.get(&team)
    }

    /// The entity of `index` is of this team, or of none.
    pub(crate) fn set(&mut self, index: u32, team: Option<Team>) {
        self.roster.put(index, team);
    }

    /// Follows who changed sides since trackers were last cleared.
    pub(crate) fn take_changes(&mut self, world: &World) {
        for_each_without::<Team>(world, &mut |slot| self.set(slot.0, None));
        let Self { roster, changed } = self;
        for (slot, team) in changed.iter(world) {
            roster.put(slot.0, Some(*team));
        }
    }
}

impl Roster {
    fn put(&mut self, index: u32, team: Option<Team>) {
        let at = index as usize;
        if at >= self.teams.len() {
            self.teams.resize(at + 1, None);
        }
        let before = std::mem::replace(&mut self.teams[at], team);
        if before != team {
            before.and_then(|before| self.members.get_mut(&before)).into_iter().for_each(|them| them.set(index, false));
            team.into_iter().for_each(|team| self.members.entry(team).or_default().set(index, true));
        }
    }
}
