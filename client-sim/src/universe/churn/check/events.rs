use super::Reader;
use crate::client::ClientEvent;
use crate::universe::Player;
use crate::universe::check::{Checker, Scene};
use crate::universe::churn::{Chronicle, Mail, Marked, News, Numbered, Page, Reply, Rumour, Stamp, Whisper};
use std::collections::{BTreeMap, BTreeSet};
use tidelock::ClientId;
use tidelock::netcode::TokenSecrets;
use tidelock::state::{Event, Schema};

/// Events arrive as they were sent: reliable ones once, in order and without a gap for as long as a connection lasts, with a
/// gap but no double from one connection to the next; the others at most once. Players must be
/// [piloted](crate::universe::churn::Churn::pilot).
#[derive(Debug)]
pub struct EventsOnce {
    reader: Reader,
    writers: BTreeMap<ClientId, Writer>,
    readers: BTreeMap<ClientId, Listener>,
    /// By number, whom the news was not for.
    news: BTreeMap<u32, Option<ClientId>>,
    /// Letters that did not come, which the server may have dropped, and says so.
    missing: u64,
    arrived: u64,
}

/// A player, as the server hears it.
#[derive(Debug, Default)]
struct Writer {
    letter: Option<Marked>,
    shouts: Once,
}

/// A player, as it hears the server.
#[derive(Debug, Default)]
struct Listener {
    /// Events of the client that were looked at.
    cursor: usize,
    reply: Option<Marked>,
    /// Over this connection, no reply has come yet.
    awaits_reply: bool,
    news: Option<u32>,
    awaits_news: bool,
    whispers: Once,
    rumours: Once,
}

/// Numbers that came once.
#[derive(Debug, Default)]
struct Once(BTreeSet<u32>);

/// Numbers that are remembered.
const MEMORY: usize = 1_024;

impl Once {
    /// Whether it is the first time.
    fn takes(&mut self, number: u32) -> bool {
        if self.0.len() == MEMORY {
            self.0.pop_first();
        }
        self.0.insert(number)
    }
}

/// How many are missing between one and the next, if that comes after it.
fn follows(before: Option<Marked>, mark: Marked) -> Option<u32> {
    match before {
        Some(before) if before.era == mark.era => {
            let missing = mark.nth.checked_sub(before.nth + 1)?;
            (mark.number == before.number + 1 + missing).then_some(missing)
        }
        Some(before) => (mark.era > before.era && mark.number > before.number).then_some(mark.nth),
        None => Some(mark.nth),
    }
}

impl EventsOnce {
    /// Of the game that keeps this chronicle.
    #[must_use]
    pub fn new(chronicle: &Chronicle) -> Self {
        Self {
            reader: Reader::new(chronicle),
            writers: BTreeMap::new(),
            readers: BTreeMap::new(),
            news: BTreeMap::new(),
            missing: 0,
            arrived: 0,
        }
    }

    /// What the server heard in a tick. It says that it dropped so many events so far.
    fn on_page(&mut self, page: &Page, dropped: u64) -> Result<(), String> {
        self.news.extend(page.news.iter().copied());
        while self.news.len() > MEMORY {
            self.news.pop_first();
        }
        for (who, mail, mark) in &page.heard {
            let writer = self.writers.entry(*who).or_default();
            let is_right = mark.is_intact
                && match mail {
                    Mail::Reliable => {
                        let missing = follows(writer.letter.replace(*mark), *mark);
                        self.missing += u64::from(missing.unwrap_or_default());
                        missing.is_some() && self.missing <= dropped
                    }
                    Mail::Unreliable => writer.shouts.takes(mark.number),
                };
            if !is_right {
                return Err(format!(
                    "the server heard from client {who} in {}, out of turn: {mail:?} {mark:?}",
                    page.tick
                ));
            }
            self.arrived += 1;
        }
        Ok(())
    }

    /// What a player heard since it was last looked at.
    fn on_player(&mut self, player: &Player<Stamp>) -> Result<(), String> {
        let who = player.client_id;
        let cursor = self.readers.entry(who).or_default().cursor;
        // Whoever runs the universe may throw away what it has seen.
        let heard = player.events.get(cursor..).unwrap_or(&player.events);
        heard.iter().try_for_each(|event| self.on_event(who, event, player.client.schema()))?;
        self.readers.entry(who).or_default().cursor = player.events.len();
        Ok(())
    }

    fn on_event(&mut self, who: ClientId, event: &ClientEvent, schema: &Schema) -> Result<(), String> {
        let listener = self.readers.entry(who).or_default();
        match event {
            ClientEvent::Joined { .. } | ClientEvent::Resumed => {
                (listener.awaits_reply, listener.awaits_news) = (true, true);
            }
            ClientEvent::Event { id, .. } => {
                let is = |other| Some(*id) == other;
                let (kind, mark, is_right) = if is(schema.event::<Reply>()) {
                    let mark = read::<Reply>(event, schema)?;
                    ("reply", mark, listener.takes_reply(mark))
                } else if is(schema.event::<News>()) {
                    let mark = read::<News>(event, schema)?;
                    ("news", mark, listener.takes_news(who, mark.number, &self.news))
                } else if is(schema.event::<Whisper>()) {
                    let mark = read::<Whisper>(event, schema)?;
                    ("whisper", mark, listener.whispers.takes(mark.number))
                } else if is(schema.event::<Rumour>()) {
                    let mark = read::<Rumour>(event, schema)?;
                    ("rumour", mark, listener.rumours.takes(mark.number))
                } else {
                    return Ok(());
                };
                if !is_right || !mark.is_intact {
                    return Err(format!("client {who} heard out of turn: {kind} {mark:?}"));
                }
                self.arrived += 1;
            }
            _ => {}
        }
        Ok(())
    }
}

fn read<E: Event + Numbered>(event: &ClientEvent, schema: &Schema) -> Result<Marked, String> {
    let event = event.read::<E>(schema).ok_or_else(|| format!("{} does not decode", E::NAME))?;
    Ok(event.mark())
}

impl Listener {
    /// Over one connection come the replies of one era, all of them.
    fn takes_reply(&mut self, mark: Marked) -> bool {
        let before = self.reply.replace(mark);
        let is_first = std::mem::take(&mut self.awaits_reply);
        let is_of_another = before.is_none_or(|before| before.era != mark.era);
        is_first == is_of_another && follows(before, mark) == Some(0)
    }

    /// Whoever hears news hears all that is for it, from the first on.
    fn takes_news(&mut self, who: ClientId, number: u32, news: &BTreeMap<u32, Option<ClientId>>) -> bool {
        let before = self.news.replace(number);
        let is_first = std::mem::take(&mut self.awaits_news);
        let is_for_me = |but: &Option<ClientId>| *but != Some(who);
        let after = before.map_or(0, |before| before + 1);
        let skipped = after < number && news.range(after..number).any(|(_, but)| is_for_me(but));
        number >= after && news.get(&number).is_none_or(is_for_me) && (is_first || !skipped)
    }
}

impl Checker<Stamp> for EventsOnce {
    fn name(&self) -> &'static str {
        "events once"
    }

    fn looked(&self) -> u64 {
        self.arrived
    }

    fn on_token(&mut self, client_id: ClientId, secrets: &TokenSecrets) {
        self.reader.chronicle.on_token(client_id, secrets);
    }

    fn on_tick(&mut self, scene: &Scene<'_, Stamp>) -> Result<(), String> {
        let (pages, has_missed) = self.reader.read(scene.engine.tick_number());
        if has_missed {
            // What was missed is not known to have been in order.
            self.writers.clear();
            self.readers.iter_mut().for_each(|(_, listener)| *listener = Listener::default());
            self.missing = 0;
        }
        let stats = scene.engine.stats();
        let dropped = stats.events_over_rate + stats.events_flooded;
        pages.iter().try_for_each(|page| self.on_page(page, dropped))?;
        scene.players.iter().try_for_each(|player| self.on_player(player))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ClientId = ClientId(1);

    fn mark(number: u32, era: u32, nth: u32) -> Marked {
        Marked { number, era, nth, is_intact: true }
    }

    fn heard(marks: &[(Mail, Marked)], dropped: u64) -> bool {
        let mut checker = EventsOnce::new(&Chronicle::default());
        let heard = marks.iter().map(|(mail, mark)| (A, *mail, *mark)).collect();
        checker.on_page(&Page { heard, ..Page::default() }, dropped).is_ok()
    }

    fn letters(marks: &[Marked], dropped: u64) -> bool {
        heard(&marks.iter().map(|mark| (Mail::Reliable, *mark)).collect::<Vec<_>>(), dropped)
    }

    #[test]
    fn letters_may_be_missing_between_connections_alone() {
        assert!(letters(&[mark(0, 1, 0), mark(1, 1, 1), mark(5, 2, 0), mark(6, 2, 1)], 0));
        assert!(!letters(&[mark(1, 1, 1)], 0));
        assert!(!letters(&[mark(0, 1, 0), mark(2, 1, 2)], 0));
        assert!(letters(&[mark(0, 1, 0), mark(2, 1, 2)], 1));
        assert!(!letters(&[mark(0, 1, 0), mark(5, 2, 1)], 0));
    }

    #[test]
    fn letters_that_come_twice_in_another_order_or_changed_are_found() {
        assert!(!letters(&[mark(0, 1, 0), mark(0, 1, 0)], 9));
        assert!(!letters(&[mark(0, 1, 0), mark(2, 1, 2), mark(1, 1, 1)], 9));
        assert!(!letters(&[mark(3, 2, 0), mark(2, 1, 2)], 9));
        assert!(!letters(&[mark(3, 1, 0), mark(3, 2, 0)], 9));
        assert!(!letters(&[Marked { is_intact: false, ..mark(0, 1, 0) }], 9));
    }

    #[test]
    fn shouts_come_once_in_any_order() {
        let shout = |number| (Mail::Unreliable, mark(number, 1, 0));
        assert!(heard(&[shout(3), shout(1)], 0));
        assert!(!heard(&[shout(3), shout(1), shout(3)], 0));
    }

    #[test]
    fn replies_begin_anew_with_each_connection_and_only_then() {
        let listener = || Listener { awaits_reply: true, ..Listener::default() };
        let mut good = listener();
        assert!(good.takes_reply(mark(0, 1, 0)) && good.takes_reply(mark(1, 1, 1)));
        good.awaits_reply = true;
        assert!(good.takes_reply(mark(7, 3, 0)));
        let broken = [mark(0, 1, 1), mark(0, 1, 0), mark(2, 1, 2), mark(1, 2, 0)];
        let mut gap_at_once = listener();
        assert!(!gap_at_once.takes_reply(broken[0]));
        for second in &broken[1..] {
            let mut listener = listener();
            assert!(listener.takes_reply(mark(0, 1, 0)) && !listener.takes_reply(*second), "{second:?}");
        }
    }

    #[test]
    fn news_is_missed_by_those_alone_for_whom_it_is_not() {
        let news = BTreeMap::from([(0, None), (1, Some(A)), (2, None), (3, None)]);
        let hears = |numbers: &[u32]| {
            let mut listener = Listener::default();
            numbers.iter().all(|number| listener.takes_news(A, *number, &news))
        };
        assert!(hears(&[0, 2, 3]));
        assert!(!hears(&[0, 1]) && !hears(&[0, 3]) && !hears(&[0, 0]) && !hears(&[2]));
        let mut late = Listener { awaits_news: true, ..Listener::default() };
        assert!(late.takes_news(A, 2, &news) && late.takes_news(A, 3, &news));
    }
}
