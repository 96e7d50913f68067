/// Who sees a component: each audience is a stream of its own, with its own versions and baselines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Every client that sees the entity.
    Public = 0,
    /// Clients that see the entity and are of its team.
    Team = 1,
    /// Only the client that owns the entity.
    Owner = 2,
}

impl Audience {
    /// How many there are.
    pub const COUNT: usize = 3;

    /// All of them, in the order in which snapshots list them: ascending.
    pub const ALL: [Self; Self::COUNT] = [Self::Public, Self::Team, Self::Owner];
}
