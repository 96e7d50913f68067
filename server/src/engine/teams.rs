use crate::game::{NetSlot, Replicated, Team, for_each_without};
use bevy_ecs::query::{Changed, QueryState, With};
use bevy_ecs::world::World;

/// Which team each replicated entity is of.
pub(crate) struct Teams {
    /// By index.
    teams: Vec<Option<Team>>,
    changed: QueryState<(&'static NetSlot, &'static Team), ChangedTeam>,
}

type ChangedTeam = (With<Replicated>, Changed<Team>);

impl Teams {
    pub(crate) fn new(world: &mut World) -> Self {
        Self { teams: Vec::new(), changed: world.query_filtered() }
    }

    /// Of the entity of `index`, if it is of any.
    pub(crate) fn of(&self, index: u32) -> Option<Team> {
        self.teams.get(index as usize).copied().flatten()
    }

    /// The entity of `index` is of this team, or of none.
    pub(crate) fn set(&mut self, index: u32, team: Option<Team>) {
        put(&mut self.teams, index, team);
    }

    /// Follows who changed sides since trackers were last cleared.
    pub(crate) fn take_changes(&mut self, world: &World) {
        for_each_without::<Team>(world, &mut |slot| self.set(slot.0, None));
        let Self { teams, changed } = self;
        for (slot, team) in changed.iter(world) {
            put(teams, slot.0, Some(*team));
        }
    }
}

fn put(teams: &mut Vec<Option<Team>>, index: u32, team: Option<Team>) {
    let index = index as usize;
    if index >= teams.len() {
        teams.resize(index + 1, None);
    }
    teams[index] = team;
}
