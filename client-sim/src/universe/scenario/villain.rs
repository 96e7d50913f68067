use super::pick;
use crate::link::Rng;
use crate::universe::Universe;
use crate::universe::churn::{Echo, Stamp};
use crate::universe::strangers::{FloodKind, Ploy};

/// A hostile stranger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Villain {
    /// One that was let in, with a token of its own.
    Insider(Ploy),
    /// One that floods the server, with so many datagrams a second.
    Flooder(FloodKind, u64),
    /// One that forges what players send, so many times a second.
    Forger(u64),
    /// One that forges what the server sends, so many times a second.
    Spoofer(u64),
}

const PLOYS: [Ploy; 10] = [
    Ploy::FalseAcks,
    Ploy::NoAcks,
    Ploy::Inputs,
    Ploy::Payloads,
    Ploy::Events,
    Ploy::Fragments,
    Ploy::Desyncs,
    Ploy::Claims,
    Ploy::Hellos,
    Ploy::Comings,
];
/// How often an insider that was thrown out comes back.
const CONNECTIONS: usize = 20;

impl Villain {
    /// Any of them.
    pub(super) fn any(rng: &mut Rng) -> Self {
        let per_s = pick(rng, &[20, 200, 1_000]);
        match rng.below(8) {
            0..4 => Self::Insider(pick(rng, &PLOYS)),
            4..6 => Self::Flooder(pick(rng, &FloodKind::ALL), per_s),
            6 => Self::Forger(per_s),
            _ => Self::Spoofer(per_s),
        }
    }

    /// Whether it takes a place of the server's.
    pub(super) const fn takes_a_place(self) -> bool {
        matches!(self, Self::Insider(_) | Self::Flooder(FloodKind::HalfOpen, _))
    }

    /// From now on it is there.
    pub(super) fn come(self, universe: &mut Universe<Stamp>) {
        match self {
            Self::Insider(ploy) => {
                let echo = universe.engine().schema().event::<Echo>().expect("the game echoes");
                let bodies = [0, 20, 3_000].map(|bytes| bitcode::encode(&Echo(vec![7; bytes])));
                universe.add_insider(ploy, CONNECTIONS, bodies.into_iter().map(|body| (echo.0, body)).collect());
            }
            Self::Flooder(kind, per_s) => universe.add_flooder(kind, per_s),
            Self::Forger(per_s) => universe.add_forger(per_s),
            Self::Spoofer(per_s) => universe.add_spoofer(per_s),
        }
    }
}
