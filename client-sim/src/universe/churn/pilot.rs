use super::mail::{Letter, Numbered, Shout};
use super::{Churn, Frame, Serial, Sight, Stamp};
use crate::client::Client;
use crate::link::Rng;
use crate::universe::Pilot;
use tidelock::{ClientId, Instant, Tick};

/// A player of the full game: it stamps its inputs, writes to the server, and shows what it sees.
struct FullPlayer {
    game: Churn,
    client_id: ClientId,
    rng: Rng,
    /// The how many-th connection it is.
    era: u32,
    /// Of the letters of this connection, of all letters, and of all shouts, how many are written.
    nth: u32,
    letters: u32,
    shouts: u32,
}

impl Churn {
    /// Plays the full game for a player.
    #[must_use]
    pub fn pilot(&self, client_id: ClientId, seed: u64) -> Pilot<Stamp> {
        let rng = Rng::stream(seed ^ client_id.0 << 32, 7);
        let mut player = FullPlayer { game: self.clone(), client_id, rng, era: 0, nth: 0, letters: 0, shouts: 0 };
        Box::new(move |client, tick, local_now| player.play(client, tick, local_now))
    }
}

impl FullPlayer {
    fn play(&mut self, client: &mut Client<Stamp>, tick: Tick, local_now: Instant) -> Stamp {
        let era = self.game.chronicle.era(self.client_id);
        if era != self.era {
            (self.era, self.nth) = (era, 0);
        }
        if !self.game.calm.is_on() {
            self.write(client);
        }
        if (tick.0 + self.client_id.0 as u32).is_multiple_of(self.game.show_every_ticks) {
            self.look(client, local_now);
        }
        Stamp::by(self.client_id, tick, era)
    }

    fn write(&mut self, client: &mut Client<Stamp>) {
        if self.rng.chance(self.game.mail) && client.send_event(&Letter::new(self.letters, self.era, self.nth)).is_ok()
        {
            self.letters += 1;
            self.nth += 1;
        }
        if self.rng.chance(self.game.mail) && client.send_event(&Shout::new(self.shouts, self.era, 0)).is_ok() {
            self.shouts += 1;
        }
    }

    fn look(&self, client: &mut Client<Stamp>, local_now: Instant) {
        let Some(moment) = client.frame(local_now) else { return };
        let (view, newest) = (client.view(), client.view().newest_tick().unwrap_or_default());
        let shown = view.at(moment).entities().map(|entity| Sight {
            id: entity.id(),
            serial: entity.latest::<Serial>().map_or(0, |serial| serial.0),
            glide: entity.get().filter(|_| !entity.is_extrapolated()),
        });
        let (client_id, era, whole, shown) = (self.client_id, self.era, view.whole_tick(), shown.collect());
        self.game.chronicle.show(Frame { client_id, era, moment, newest, whole, shown });
    }
}
