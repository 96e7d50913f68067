use super::links::{any_detour, any_link, cut};
use super::{PlayerPlan, pick};
use crate::link::{LinkConfig, Rng};
use std::fmt;
use std::time::Duration;

/// What goes wrong.
#[expect(clippy::large_enum_variant, reason = "a scenario has a few hundred, and copies them now and then")]
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// A player's link is another for a while.
    Link {
        /// Whose, as its number.
        player: usize,
        /// From the server.
        down: LinkConfig,
        /// To the server.
        up: LinkConfig,
        /// For so long.
        lasts: Duration,
    },
    /// A player's way to the server and back is another from now on, as long as this each way.
    Reroute(usize, Duration),
    /// A player's address changes, and it does not know: a NAT has forgotten it.
    Rebind(usize),
    /// A player notices that its network is another, and comes back from there.
    Roam(usize),
    /// A player's program ends without a word, and is started again so much later.
    Crash(usize, Duration),
    /// A player leaves, and comes again so much later.
    Leave(usize, Duration),
    /// All leave at once, and come again at once so much later.
    Exodus(Duration),
    /// A player's program hangs for so long.
    Hang(usize, Duration),
    /// The operator disconnects a player, who comes back.
    Kick(usize),
    /// The operator refuses a player for so long.
    Ban(usize, Duration),
    /// The server does nothing for so long.
    Stall(Duration),
    /// Ticks take the server so long, for a while.
    Overload(Duration, Duration),
}

impl Fault {
    /// Whom it strikes, if it is one player.
    pub(super) const fn player(&self) -> Option<usize> {
        match self {
            Self::Link { player, .. } => Some(*player),
            Self::Reroute(player, _)
            | Self::Rebind(player)
            | Self::Roam(player)
            | Self::Crash(player, _)
            | Self::Leave(player, _)
            | Self::Hang(player, _)
            | Self::Kick(player)
            | Self::Ban(player, _) => Some(*player),
            Self::Exodus(_) | Self::Stall(_) | Self::Overload(..) => None,
        }
    }

    /// Anything that may happen to one of these players, or to their server with ticks of this period.
    pub(super) fn any(rng: &mut Rng, players: &[PlayerPlan], tick_hz: u32) -> Self {
        let player = rng.below(players.len() as u64) as usize;
        let lasts = Duration::from_millis(50 + rng.below(3_000));
        let PlayerPlan { down, up, .. } = players[player];
        match rng.below(26) {
            0..4 => Self::Link { player, down: any_link(rng, tick_hz), up: any_link(rng, tick_hz), lasts },
            4..6 => Self::Link { player, down: cut(down), up, lasts },
            6..8 => Self::Link { player, down, up: cut(up), lasts },
            8..10 => Self::Link { player, down: cut(down), up: cut(up), lasts: lasts * 3 },
            10..12 => Self::Rebind(player),
            12..14 => Self::Roam(player),
            14..16 => Self::Crash(player, lasts),
            16..18 => Self::Leave(player, lasts),
            18 => Self::Exodus(lasts),
            19..21 => Self::Hang(player, lasts),
            21 => Self::Kick(player),
            22 if rng.chance(0.5) => Self::Ban(player, lasts),
            22 => Self::Overload(Duration::from_millis(u64::from(pick(rng, &[500, 1_100, 1_700]) / tick_hz)), lasts),
            23 | 24 => Self::Reroute(player, any_detour(rng)),
            _ => Self::Stall(Duration::from_millis(pick(rng, &[20, 50, 300, 1_000]))),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link { player, down, up, lasts } => {
                write!(f, "player {player}: for {lasts:?} its link is {down:?} down, {up:?} up")
            }
            Self::Reroute(player, latency) => write!(f, "player {player}: its way is another, of {latency:?}"),
            Self::Rebind(player) => write!(f, "player {player}: its NAT forgets it"),
            Self::Roam(player) => write!(f, "player {player}: it comes back from elsewhere"),
            Self::Crash(player, back) => write!(f, "player {player}: it crashes, and starts again {back:?} later"),
            Self::Leave(player, back) => write!(f, "player {player}: it leaves, and comes again {back:?} later"),
            Self::Exodus(back) => write!(f, "all players leave, and come again {back:?} later"),
            Self::Hang(player, lasts) => write!(f, "player {player}: it hangs for {lasts:?}"),
            Self::Kick(player) => write!(f, "player {player}: it is kicked"),
            Self::Ban(player, lasts) => write!(f, "player {player}: it is banned for {lasts:?}"),
            Self::Stall(lasts) => write!(f, "the server stalls for {lasts:?}"),
            Self::Overload(cost, lasts) => write!(f, "for {lasts:?} each tick takes the server {cost:?}"),
        }
    }
}
