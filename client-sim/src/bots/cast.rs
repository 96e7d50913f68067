use std::fmt;
use std::sync::Arc;

use super::{Bot, BotKind, BotMix};

/// Who plays: a name for reports, and the bot of each client.
#[derive(Clone)]
pub struct Cast {
    name: String,
    make: Arc<Make>,
    is_hostile: Arc<dyn Fn(u32) -> bool + Send + Sync>,
}

/// From the number of a client and its seed.
type Make = dyn Fn(u32, u64) -> Box<dyn Bot> + Send + Sync;

impl Cast {
    /// Bots of one's own. `make` is given the number of a client, from 0, and a seed; the same two are to give a bot that plays
    /// the same way.
    #[must_use]
    pub fn new(name: &str, make: impl Fn(u32, u64) -> Box<dyn Bot> + Send + Sync + 'static) -> Self {
        Self { name: name.to_owned(), make: Arc::new(make), is_hostile: Arc::new(|_| false) }
    }

    /// As in reports.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same, but clients of whose number this holds do not play: they attack the server, as [`BotKind::Hostile`].
    #[must_use]
    pub fn with_hostile(self, is_hostile: impl Fn(u32) -> bool + Send + Sync + 'static) -> Self {
        Self { is_hostile: Arc::new(is_hostile), ..self }
    }

    /// Whether a client attacks the server.
    #[must_use]
    pub fn is_hostile(&self, client: u32) -> bool {
        (self.is_hostile)(client)
    }

    /// The bot of a client.
    #[must_use]
    pub fn bot(&self, client: u32, seed: u64) -> Box<dyn Bot> {
        (self.make)(client, seed)
    }
}

impl From<BotMix> for Cast {
    fn from(mix: BotMix) -> Self {
        let kinds = mix.clone();
        Self::new(&mix.to_string(), move |client, seed| mix.kind(client).bot(seed))
            .with_hostile(move |client| kinds.kind(client) == BotKind::Hostile)
    }
}

impl From<BotKind> for Cast {
    fn from(kind: BotKind) -> Self {
        BotMix::only(kind).into()
    }
}

impl fmt::Debug for Cast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cast").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bots::Idler;

    #[test]
    fn a_mix_casts_each_client_by_its_number() {
        let cast = Cast::from("wander=1,idle=1".parse::<BotMix>().unwrap());
        let talkers = (0..100).filter(|client| cast.bot(*client, 7).talks()).count();
        assert_eq!((cast.name(), talkers), ("wander=1,idle=1", 50));
    }

    #[test]
    fn bots_of_ones_own_are_told_who_they_are() {
        let cast = Cast::new("odd", |client, seed| {
            assert_eq!((client, seed), (3, 9));
            Box::new(Idler)
        });
        assert!(!cast.bot(3, 9).talks());
        assert!(!cast.is_hostile(3));
    }

    #[test]
    fn the_hostile_of_a_mix_are_told_from_players() {
        let cast = Cast::from("wander=9,hostile=1".parse::<BotMix>().unwrap());
        assert_eq!((0..100).filter(|client| cast.is_hostile(*client)).count(), 10);
    }
}
