use super::Reader;
use crate::client::ClientEvent;
use crate::universe::check::{Checker, Scene};
use crate::universe::churn::{Chronicle, payload_number};
use std::collections::BTreeMap;
use tidelock::ClientId;
use tidelock::netcode::TokenSecrets;
use tidelock::state::Input;

/// Whoever joins gets the join payload that was sent at that time, whole; whoever resumes has it.
#[derive(Debug)]
pub struct Payloads {
    reader: Reader,
    /// The one that is sent.
    number: u32,
    players: BTreeMap<ClientId, Joiner>,
    joined: u64,
}

#[derive(Debug, Default)]
struct Joiner {
    /// Events of the client that were looked at.
    cursor: usize,
    /// What was sent when a token was made for it, the first since it joined last.
    since: Option<u32>,
    /// What it has.
    has: Option<u32>,
}

impl Payloads {
    /// Of the game that keeps this chronicle.
    #[must_use]
    pub fn new(chronicle: &Chronicle) -> Self {
        Self { reader: Reader::new(chronicle), number: 0, players: BTreeMap::new(), joined: 0 }
    }

    fn on_event(&mut self, who: ClientId, event: &ClientEvent) -> Result<(), String> {
        let joiner = self.players.entry(who).or_default();
        match event {
            ClientEvent::Joined { payload, .. } => joiner.has = payload_number(payload),
            ClientEvent::Resumed => {}
            _ => return Ok(()),
        }
        let current = joiner.since.take().unwrap_or_default()..=self.number;
        if joiner.has.is_none_or(|has| !current.contains(&has)) {
            let has = joiner.has;
            return Err(format!("client {who} joined with payload {has:?}, when {current:?} were sent"));
        }
        self.joined += 1;
        Ok(())
    }
}

impl<I: Input> Checker<I> for Payloads {
    fn name(&self) -> &'static str {
        "join payload"
    }

    fn looked(&self) -> u64 {
        self.joined
    }

    fn on_token(&mut self, client_id: ClientId, _secrets: &TokenSecrets) {
        let number = self.number;
        let joiner = self.players.entry(client_id).or_default();
        joiner.since.get_or_insert(number);
    }

    fn on_tick(&mut self, scene: &Scene<'_, I>) -> Result<(), String> {
        let (pages, _) = self.reader.read(scene.engine.tick_number());
        let Some(page) = pages.last() else { return Ok(()) };
        self.number = page.payload;
        for player in scene.players {
            let joiner = self.players.entry(player.client_id).or_default();
            let cursor = std::mem::replace(&mut joiner.cursor, player.events.len());
            let events = player.events.get(cursor..).unwrap_or(&player.events);
            events.iter().try_for_each(|event| self.on_event(player.client_id, event))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::universe::churn::payload;

    const A: ClientId = ClientId(1);

    fn joins(payload: Vec<u8>) -> Result<(), String> {
        let mut checker = Payloads { number: 7, ..Payloads::new(&Chronicle::default()) };
        checker.players.insert(A, Joiner { since: Some(5), ..Joiner::default() });
        checker.on_event(A, &ClientEvent::Joined { payload, tick_hz: 60, resumed: false })?;
        checker.on_event(A, &ClientEvent::Resumed)
    }

    #[test]
    fn a_payload_of_the_time_is_right_and_an_old_a_new_or_a_broken_one_is_found() {
        joins(payload(5)).unwrap();
        joins(payload(7)).unwrap();
        assert!(joins(payload(4)).is_err() && joins(payload(8)).is_err());
        let mut broken = payload(7);
        broken[2_000] ^= 1;
        assert!(joins(broken).is_err() && joins(vec![]).is_err());
    }

    #[test]
    fn who_never_joined_has_nothing_to_resume_with() {
        let mut checker = Payloads::new(&Chronicle::default());
        assert!(checker.on_event(A, &ClientEvent::Resumed).is_err());
    }
}
