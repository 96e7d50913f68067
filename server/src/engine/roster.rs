use crate::game::{PlayerAway, PlayerBack, PlayerJoined, PlayerLeft};
use bevy_ecs::message::{Message, Messages};
use bevy_ecs::world::World;
use tidelock::ClientId;

/// Who came and went since the last tick. The game never hears of a player who joined and left: it would be left with an
/// avatar that nobody plays. Of who went away and came back it hears the last.
#[derive(Debug, Default)]
pub(crate) struct RosterChanges {
    joined: Vec<ClientId>,
    left: Vec<ClientId>,
    away: Vec<ClientId>,
    back: Vec<ClientId>,
}

impl RosterChanges {
    pub(crate) fn join(&mut self, client_id: ClientId) {
        self.joined.push(client_id);
    }

    pub(crate) fn leave(&mut self, client_id: ClientId) {
        take(&mut self.away, client_id);
        take(&mut self.back, client_id);
        if !take(&mut self.joined, client_id) {
            self.left.push(client_id);
        }
    }

    pub(crate) fn away(&mut self, client_id: ClientId) {
        take(&mut self.back, client_id);
        self.away.push(client_id);
    }

    pub(crate) fn resume(&mut self, client_id: ClientId) {
        take(&mut self.away, client_id);
        self.back.push(client_id);
    }

    /// Tells the game: first who left, for one of them may be back already.
    pub(crate) fn tell(&mut self, world: &mut World) {
        tell(world, &mut self.left, PlayerLeft);
        tell(world, &mut self.joined, PlayerJoined);
        tell(world, &mut self.away, PlayerAway);
        tell(world, &mut self.back, PlayerBack);
    }
}

/// Whether it was there.
fn take(list: &mut Vec<ClientId>, client_id: ClientId) -> bool {
    let at = list.iter().rposition(|listed| *listed == client_id);
    at.map(|at| list.remove(at)).is_some()
}

fn tell<M: Message>(world: &mut World, clients: &mut Vec<ClientId>, message: fn(ClientId) -> M) {
    let mut messages = world.resource_mut::<Messages<M>>();
    messages.clear();
    messages.write_batch(clients.drain(..).map(message));
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: ClientId = ClientId(1);

    #[derive(Debug, Default, PartialEq)]
    struct Told {
        left: Vec<PlayerLeft>,
        joined: Vec<PlayerJoined>,
        away: Vec<PlayerAway>,
        back: Vec<PlayerBack>,
    }

    fn told(changes: &mut RosterChanges) -> Told {
        let mut world = World::new();
        world.init_resource::<Messages<PlayerLeft>>();
        world.init_resource::<Messages<PlayerJoined>>();
        world.init_resource::<Messages<PlayerAway>>();
        world.init_resource::<Messages<PlayerBack>>();
        changes.tell(&mut world);
        Told {
            left: world.resource_mut::<Messages<PlayerLeft>>().drain().collect(),
            joined: world.resource_mut::<Messages<PlayerJoined>>().drain().collect(),
            away: world.resource_mut::<Messages<PlayerAway>>().drain().collect(),
            back: world.resource_mut::<Messages<PlayerBack>>().drain().collect(),
        }
    }

    #[test]
    fn who_joins_and_leaves_within_a_tick_was_never_there() {
        let mut changes = RosterChanges::default();
        changes.join(ONE);
        changes.away(ONE);
        changes.leave(ONE);
        assert_eq!(told(&mut changes), Told::default());
    }

    #[test]
    fn who_leaves_and_comes_back_within_a_tick_did_both() {
        let mut changes = RosterChanges::default();
        changes.leave(ONE);
        changes.join(ONE);
        let both = Told { left: vec![PlayerLeft(ONE)], joined: vec![PlayerJoined(ONE)], ..Told::default() };
        assert_eq!(told(&mut changes), both);
    }

    #[test]
    fn of_going_away_and_coming_back_the_last_counts() {
        let mut changes = RosterChanges::default();
        changes.away(ONE);
        changes.resume(ONE);
        assert_eq!(told(&mut changes), Told { back: vec![PlayerBack(ONE)], ..Told::default() });
        changes.resume(ONE);
        changes.away(ONE);
        assert_eq!(told(&mut changes), Told { away: vec![PlayerAway(ONE)], ..Told::default() });
    }
}
