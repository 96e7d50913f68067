use crate::game::{PlayerAway, PlayerBack, PlayerJoined, PlayerLeft, Visibility};
use bevy_ecs::message::{Message, Messages};
use bevy_ecs::world::World;
use tidelock::{Buffer, ClientId};

/// Who came and went since the last tick. The game never hears of a player who joined and left: it would be left with an
/// avatar that nobody plays. Nor is it told of a player what it knows.
#[derive(Debug, Default)]
pub(crate) struct RosterChanges {
    joined: Vec<ClientId>,
    left: Vec<ClientId>,
    away: Vec<ClientId>,
    /// With whether the game has not been told that they were away.
    back: Vec<(ClientId, bool)>,
    /// How many have joined and not left.
    len: usize,
}

impl RosterChanges {
    /// How many players the game has, or will have heard of with the next tick.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn join(&mut self, client_id: ClientId) {
        self.len += 1;
        self.joined.push(client_id);
    }

    pub(crate) fn leave(&mut self, client_id: ClientId) {
        self.len -= 1;
        take(&mut self.away, |away| *away == client_id);
        take(&mut self.back, |(back, _)| *back == client_id);
        if take(&mut self.joined, |joined| *joined == client_id).is_none() {
            self.left.push(client_id);
        }
    }

    pub(crate) fn away(&mut self, client_id: ClientId) {
        let back = take(&mut self.back, |(back, _)| *back == client_id);
        if back.is_none_or(|(_, untold)| untold) {
            self.away.push(client_id);
        }
    }

    pub(crate) fn resume(&mut self, client_id: ClientId) {
        let untold = take(&mut self.away, |away| *away == client_id).is_some();
        self.back.push((client_id, untold));
    }

    /// How much waits for the next tick, when there are so many places: each player is in each list once at most.
    pub(crate) fn buffers(&self, places: usize, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "players who joined", len: self.joined.len(), max: places });
        see(Buffer { name: "players who left", len: self.left.len(), max: places });
        see(Buffer { name: "players who went away", len: self.away.len(), max: places });
        see(Buffer { name: "players who are back", len: self.back.len(), max: places });
    }

    /// Tells the game: first who left, for one of them may be back already.
    pub(crate) fn tell(&mut self, world: &mut World) {
        if let Some(mut visibility) = world.get_resource_mut::<Visibility>() {
            self.left.iter().for_each(|client_id| visibility.reset_client(*client_id));
        }
        tell(world, self.left.drain(..).map(PlayerLeft));
        tell(world, self.joined.drain(..).map(PlayerJoined));
        tell(world, self.away.drain(..).map(PlayerAway));
        tell(world, self.back.drain(..).map(|(client_id, _)| PlayerBack(client_id)));
    }
}

fn take<T>(list: &mut Vec<T>, is_it: impl Fn(&T) -> bool) -> Option<T> {
    list.iter().rposition(is_it).map(|at| list.remove(at))
}

fn tell<M: Message>(world: &mut World, news: impl Iterator<Item = M>) {
    let mut messages = world.resource_mut::<Messages<M>>();
    messages.clear();
    messages.write_batch(news);
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

    /// Who was here before this tick.
    fn with_one() -> RosterChanges {
        let mut changes = RosterChanges::default();
        changes.join(ONE);
        told(&mut changes);
        changes
    }

    #[test]
    fn who_joins_and_leaves_within_a_tick_was_never_there() {
        let mut changes = RosterChanges::default();
        changes.join(ONE);
        changes.away(ONE);
        changes.leave(ONE);
        assert_eq!(told(&mut changes), Told::default());
        assert_eq!(changes.len(), 0);
    }

    #[test]
    fn who_leaves_and_comes_back_within_a_tick_did_both() {
        let mut changes = with_one();
        changes.leave(ONE);
        changes.join(ONE);
        let both = Told { left: vec![PlayerLeft(ONE)], joined: vec![PlayerJoined(ONE)], ..Told::default() };
        assert_eq!(told(&mut changes), both);
    }

    #[test]
    fn who_goes_away_and_comes_back_within_a_tick_is_told_to_be_back() {
        let mut changes = with_one();
        changes.away(ONE);
        changes.resume(ONE);
        assert_eq!(told(&mut changes), Told { back: vec![PlayerBack(ONE)], ..Told::default() });
    }

    #[test]
    fn who_is_known_to_be_away_is_not_told_to_be_so_again() {
        let mut changes = with_one();
        changes.resume(ONE);
        changes.away(ONE);
        assert_eq!(told(&mut changes), Told::default());
    }

    #[test]
    fn who_goes_away_after_all_that_is_told_to_be_away() {
        let mut changes = with_one();
        changes.away(ONE);
        changes.resume(ONE);
        changes.away(ONE);
        assert_eq!(told(&mut changes), Told { away: vec![PlayerAway(ONE)], ..Told::default() });
    }
}
