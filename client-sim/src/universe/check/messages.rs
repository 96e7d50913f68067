use super::super::wiretap::{LineId, PerLine, Said};
use super::{Checker, Ears};
use crate::client::ClientEvent;
use crate::universe::Player;
use std::collections::{BTreeMap, VecDeque};
use tidelock::ClientId;
use tidelock::netcode::Side;
use tidelock::state::{Delivery, EventId, Input};
use tidelock::wire::ServerMessage;

/// The reliable events that a client tells its game are those that the server sent on this connection, in order, each once and
/// none left out: what a listener makes of all datagrams, none of which is lost to it.
#[derive(Debug, Default)]
pub struct Messages {
    /// What was said on each connection, and not told yet.
    expected: PerLine<VecDeque<(EventId, Vec<u8>)>>,
    /// On which connection each client spoke last.
    lines: BTreeMap<ClientId, LineId>,
    told: u64,
}

impl Messages {
    fn on_sent(&mut self, said: &Said) {
        if said.from == Side::Client {
            if self.lines.get(&said.client_id) != Some(&said.line) {
                self.lines.insert(said.client_id, said.line);
            }
            return;
        }
        for message in &said.messages {
            if let Ok(ServerMessage::Event { id, body }) = ServerMessage::read(message) {
                self.expected.of(said.line).push_back((id, body));
            }
        }
    }

    fn on_told(&mut self, who: ClientId, id: EventId, body: &[u8]) -> Result<(), String> {
        let line = self.lines.get(&who).ok_or_else(|| format!("client {who} tells of an event on no connection"))?;
        let next = self.expected.of(*line).pop_front();
        if next.as_ref().is_none_or(|(next, said)| *next != id || said != body) {
            return Err(format!("client {who} tells of event {id:?} with {body:?}; next was {next:?}"));
        }
        self.told += 1;
        Ok(())
    }
}

impl<I: Input> Checker<I> for Messages {
    fn name(&self) -> &'static str {
        "messages"
    }

    fn looked(&self) -> u64 {
        self.told
    }

    fn listens(&self) -> bool {
        true
    }

    fn on_said(&mut self, said: &Said, _: &Ears<'_>) -> Result<(), String> {
        self.on_sent(said);
        Ok(())
    }

    fn on_event(&mut self, player: &Player<I>, event: &ClientEvent) -> Result<(), String> {
        match event {
            ClientEvent::Event { id, body } if player.client.schema().delivery(*id) == Some(Delivery::Reliable) => {
                self.on_told(player.client_id, *id, body)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidelock::bits::BitWriter;

    const WHO: ClientId = ClientId(1);

    fn event(n: u8) -> Vec<u8> {
        let mut w = BitWriter::new();
        ServerMessage::Event { id: EventId(0), body: vec![n] }.write(&mut w);
        w.finish().to_vec()
    }

    /// The server says 1, 2 and 3 on the connection of the client.
    fn messages() -> Messages {
        let mut messages = Messages::default();
        messages.on_sent(&Said { client_id: WHO, from: Side::Client, ..Said::default() });
        let said = (1..4).map(event).collect();
        messages.on_sent(&Said { client_id: WHO, messages: said, ..Said::default() });
        messages
    }

    fn told(events: &[u8]) -> Result<(), String> {
        let mut messages = messages();
        events.iter().try_for_each(|n| messages.on_told(WHO, EventId(0), &[*n]))
    }

    #[test]
    fn what_was_said_may_be_told_as_far_as_it_has_come() {
        assert_eq!((told(&[]), told(&[1, 2]), told(&[1, 2, 3])), (Ok(()), Ok(()), Ok(())));
    }

    #[test]
    fn it_finds_events_left_out_twice_in_another_order_or_never_said() {
        for wrong in [&[2][..], &[1, 1], &[1, 3, 2], &[1, 2, 3, 4], &[9]] {
            assert!(told(wrong).is_err(), "{wrong:?}");
        }
        let mut messages = messages();
        messages.on_sent(&Said { client_id: WHO, from: Side::Client, line: LineId(1), ..Said::default() });
        assert!(messages.on_told(WHO, EventId(0), &[1]).is_err(), "of the connection before");
    }
}
