use super::{Glide, Look, Mail, Place, Stamp};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use tidelock::netcode::TokenSecrets;
use tidelock::state::NetId;
use tidelock::{ClientId, Moment, Tick};

/// What only the game knows, tick by tick, for those who check it; the last [`Chronicle::PAGES_MAX`] ticks of it. All copies of
/// it are one.
#[derive(Clone, Debug, Default)]
pub struct Chronicle(Arc<Mutex<Log>>);

#[derive(Debug, Default)]
struct Log {
    pages: VecDeque<Arc<Page>>,
    tokens: BTreeMap<ClientId, Tokens>,
    frames: VecDeque<Frame>,
}

/// How many were made for a player, and the last.
#[derive(Debug, Default)]
struct Tokens {
    count: u32,
    last: Vec<u8>,
}

/// What happened in a tick, and what there was at its end.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Which tick.
    pub tick: Tick,
    /// Who came and went, in the order in which the game is told.
    pub roster: Vec<(ClientId, Roster)>,
    /// What each player asked for.
    pub inputs: Vec<(ClientId, Stamp)>,
    /// Whose each avatar is, also if one has two.
    pub avatars: Vec<ClientId>,
    /// What players wrote: who, how, and which.
    pub heard: Vec<(ClientId, Mail, Marked)>,
    /// What all were told reliably, but one: its number, and whom not.
    pub news: Vec<(u32, Option<ClientId>)>,
    /// Which join payload is sent, from the end of the tick on.
    pub payload: u32,
    /// What is replicated, by serial number.
    pub bodies: BTreeMap<u32, Body>,
    /// Which layers each player sees.
    pub sees: BTreeMap<ClientId, u64>,
    /// What a player sees, or does not, whatever the rules say, by serial number.
    pub exceptions: BTreeMap<(ClientId, u32), bool>,
    /// What the game saw when it looked back.
    pub looks: Vec<Look>,
}

/// What became of a player, as the game is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roster {
    /// It is gone.
    Left,
    /// It is here.
    Joined,
    /// It may come back.
    Away,
    /// It has a new connection.
    Back,
}

/// A numbered event, without what makes it long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The how many-th it is of its kind, by this writer for this reader: from 0.
    pub number: u32,
    /// The how many-th connection it was written for.
    pub era: u32,
    /// The how many-th it is of those.
    pub nth: u32,
    /// Whether what makes it long is what belongs to its number.
    pub is_intact: bool,
}

/// An entity that is replicated.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// Where it is.
    pub place: Place,
    /// Where it glides.
    pub glide: Option<Glide>,
    /// Whose it is.
    pub owner: Option<ClientId>,
    /// On which layers it is.
    pub layers: Option<u64>,
    /// To whom it refers, by serial number.
    pub mate: Option<u32>,
}

/// What a player was shown.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Who was.
    pub client_id: ClientId,
    /// The how many-th connection it was.
    pub era: u32,
    /// Of when it was.
    pub moment: Moment,
    /// Of when is the newest that it knows.
    pub newest: Tick,
    /// Of which tick it last knew everything.
    pub whole: Option<Tick>,
    /// In the order of the view.
    pub shown: Vec<Sight>,
}

/// An entity as it was shown.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// What the server calls it.
    pub id: NetId,
    /// Its serial number.
    pub serial: u32,
    /// Where it is; `None` if it does not glide, or if that is a guess.
    pub glide: Option<Glide>,
}

impl Chronicle {
    /// Ticks that are remembered.
    pub const PAGES_MAX: usize = 256;
    /// Frames that wait to be looked at; of more, the oldest are forgotten.
    pub const FRAMES_MAX: usize = 1_024;

    /// A tick is over.
    pub(super) fn publish(&self, page: Page) {
        let mut log = self.log();
        if log.pages.len() == Self::PAGES_MAX {
            log.pages.pop_front();
        }
        log.pages.push_back(Arc::new(page));
    }

    /// What happened in a tick, if it is known.
    #[must_use]
    pub fn page(&self, tick: Tick) -> Option<Arc<Page>> {
        let log = self.log();
        let ago = usize::try_from(log.pages.back()?.tick.since(tick)).ok()?;
        let page = log.pages.get(log.pages.len().checked_sub(ago + 1)?)?;
        (page.tick == tick).then(|| Arc::clone(page))
    }

    /// A token was made for a player. Who hears of it twice in a row counts it once.
    pub fn on_token(&self, client_id: ClientId, secrets: &TokenSecrets) {
        let mut log = self.log();
        let tokens = log.tokens.entry(client_id).or_default();
        if tokens.last != secrets.nonce {
            tokens.count += 1;
            tokens.last = secrets.nonce.to_vec();
        }
    }

    /// The how many-th connection a player has, or is about to, as far as anybody told of tokens: each takes one.
    #[must_use]
    pub fn era(&self, client_id: ClientId) -> u32 {
        self.log().tokens.get(&client_id).map_or(0, |tokens| tokens.count)
    }

    /// A player was shown something.
    pub fn show(&self, frame: Frame) {
        let mut log = self.log();
        if log.frames.len() == Self::FRAMES_MAX {
            log.frames.pop_front();
        }
        log.frames.push_back(frame);
    }

    /// What players were shown since this was last asked.
    #[must_use]
    pub fn take_frames(&self) -> VecDeque<Frame> {
        std::mem::take(&mut self.log().frames)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().expect("nobody panics with it in hand")
    }
}
