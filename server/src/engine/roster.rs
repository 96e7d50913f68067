use crate::game::{PlayerJoined, PlayerLeft};
use bevy_ecs::message::Messages;
use bevy_ecs::world::World;
use tidelock::ClientId;

/// Who joined and left since the last tick. The game never hears of a player who did both: it would be left with an avatar
/// that nobody plays.
#[derive(Debug, Default)]
pub(crate) struct RosterChanges {
    joined: Vec<ClientId>,
    left: Vec<ClientId>,
}

impl RosterChanges {
    pub(crate) fn join(&mut self, client_id: ClientId) {
        self.joined.push(client_id);
    }

    pub(crate) fn leave(&mut self, client_id: ClientId) {
        match self.joined.iter().rposition(|joined| *joined == client_id) {
            Some(at) => drop(self.joined.remove(at)),
            None => self.left.push(client_id),
        }
    }

    /// Tells the game: first who left, for one of them may be back already.
    pub(crate) fn tell(&mut self, world: &mut World) {
        let mut left = world.resource_mut::<Messages<PlayerLeft>>();
        left.clear();
        left.write_batch(self.left.drain(..).map(PlayerLeft));
        let mut joined = world.resource_mut::<Messages<PlayerJoined>>();
        joined.clear();
        joined.write_batch(self.joined.drain(..).map(PlayerJoined));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(changes: &mut RosterChanges) -> (Vec<PlayerLeft>, Vec<PlayerJoined>) {
        let mut world = World::new();
        world.init_resource::<Messages<PlayerLeft>>();
        world.init_resource::<Messages<PlayerJoined>>();
        changes.tell(&mut world);
        let left = world.resource_mut::<Messages<PlayerLeft>>().drain().collect();
        (left, world.resource_mut::<Messages<PlayerJoined>>().drain().collect())
    }

    #[test]
    fn who_joins_and_leaves_within_a_tick_was_never_there() {
        let mut changes = RosterChanges::default();
        changes.join(ClientId(1));
        changes.leave(ClientId(1));
        assert_eq!(told(&mut changes), (vec![], vec![]));
    }

    #[test]
    fn who_leaves_and_comes_back_within_a_tick_did_both() {
        let mut changes = RosterChanges::default();
        changes.leave(ClientId(1));
        changes.join(ClientId(1));
        assert_eq!(told(&mut changes), (vec![PlayerLeft(ClientId(1))], vec![PlayerJoined(ClientId(1))]));
    }
}
