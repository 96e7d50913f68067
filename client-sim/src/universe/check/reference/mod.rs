//! A client that is slow to read and easy to believe, beside each real one.

mod memory;
mod seat;
#[cfg(test)]
mod tests;

use super::super::wiretap::Said;
use super::{Checker, Ears};
use crate::universe::Player;
use seat::{Client, Seat};
use std::collections::BTreeMap;
use tidelock::ClientId;
use tidelock::netcode::Side;
use tidelock::state::Input;
use tidelock_server::engine::Engine;

/// After each datagram a client shows exactly what `PROTOCOL.md` says that it should: these streams, of these ticks, with these
/// lanes. And it acknowledges what it has stored and nothing else.
///
/// What is compared after a datagram are the streams that it tells of, and that it is one to be stored, and no other; all that is shown
/// is compared after every eighth datagram of a player, and after one that comes behind anything else that may have changed it: a
/// hello, a welcome, a desync, a new connection, or a datagram that came before. So a stream that changes without being told of is
/// found a few datagrams later, unless it is told of anew by then.
///
/// The model is told what datagrams mean by who has the server's own history: it decodes nothing, has no baselines and no hashes,
/// and knows of a stream no more than its newest version, and how far back it would have others. It goes by `PROTOCOL.md`,
/// sections 3, 5 and 8, and looks at no more of the real client than whether it has begun anew, is connected, and took a datagram
/// where it may or may not.
#[derive(Debug, Default)]
pub struct ReferenceModel {
    seats: BTreeMap<ClientId, Seat>,
    compared: u64,
    /// Whether a client may find by itself that it holds something else than the server said.
    memory_may_fail: bool,
}

impl ReferenceModel {
    /// One for clients whose memory may fail: desyncs are followed, though nothing explains them.
    #[must_use]
    pub fn of_failing_memory() -> Self {
        Self { memory_may_fail: true, ..Self::default() }
    }
}

impl<I: Input> Checker<I> for ReferenceModel {
    fn name(&self) -> &'static str {
        "reference model"
    }

    fn looked(&self) -> u64 {
        self.compared
    }

    fn listens(&self) -> bool {
        true
    }

    fn on_said(&mut self, said: &Said, _: &Ears<'_>) -> Result<(), String> {
        if said.from == Side::Server {
            return Ok(());
        }
        let found = self.seats.entry(said.client_id).or_default().on_said(said);
        found.map_err(|what| format!("client {}: {what}", said.client_id))
    }

    fn on_delivered(&mut self, player: &Player<I>, _: &[u8], _: &Engine) -> Result<(), String> {
        self.seats.entry(player.client_id).or_default().follow(&Client::of(&player.client));
        Ok(())
    }

    fn on_heard(&mut self, said: &Said, player: &Player<I>) -> Result<(), String> {
        let seat = self.seats.entry(player.client_id).or_default();
        let heard = seat.on_heard(said, &Client::of(&player.client), self.memory_may_fail);
        let view = player.client.view();
        let compared = heard.and_then(|()| if seat.is_followed() { seat.compare(said, view) } else { Ok(0) });
        self.compared += compared.map_err(|what| format!("client {}: {what}", player.client_id))?;
        Ok(())
    }
}
