use super::{Checker, Scene};
use tidelock::state::Input;
use tidelock::{Buffer, ClientId};

/// Nothing that the network fills grows past its declared bound, at the server or at a player.
#[derive(Debug, Default)]
pub struct Bounds {
    seen: u64,
    ticks: u32,
}

/// Looking at all of them costs; what grows without end is still too large a few ticks later.
const EVERY_TICKS: u32 = 8;

impl Bounds {
    fn judge(&mut self, whose: &str, client_id: Option<ClientId>, buffer: Buffer, found: &mut Result<(), String>) {
        self.seen += 1;
        if !buffer.is_within() && found.is_ok() {
            let Buffer { name, len, max } = buffer;
            let of = client_id.map_or(String::new(), |client_id| format!(" of client {client_id}"));
            *found = Err(format!("{whose}, {name}{of}: {len}, and never more than {max}"));
        }
    }
}

impl<I: Input> Checker<I> for Bounds {
    fn name(&self) -> &'static str {
        "bounds"
    }

    fn looked(&self) -> u64 {
        self.seen
    }

    fn on_tick(&mut self, scene: &Scene<'_, I>) -> Result<(), String> {
        self.ticks += 1;
        if !self.ticks.is_multiple_of(EVERY_TICKS) {
            return Ok(());
        }
        let mut found = Ok(());
        scene.engine.buffers(&mut |client_id, buffer| self.judge("server", client_id, buffer, &mut found));
        for player in scene.players {
            player.client.buffers(&mut |buffer| self.judge("player", Some(player.client_id), buffer, &mut found));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fuller_than_it_may_be_is_told_with_its_name() {
        let mut bounds = Bounds::default();
        let mut found = Ok(());
        let mut judge = |len| {
            bounds.judge("server", Some(ClientId(7)), Buffer { name: "events", len, max: 16 }, &mut found);
            found.clone()
        };
        assert_eq!(judge(16), Ok(()));
        assert_eq!(judge(17), Err("server, events of client 7: 17, and never more than 16".to_owned()));
    }
}
