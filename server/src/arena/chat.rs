use super::lives::Obituaries;
use crate::game::{FromClient, PlayerJoined, PlayerLeft, Recipients, TickTime, ToClients};
use bevy_ecs::prelude::{MessageReader, MessageWriter, Res, ResMut, Resource};
use std::collections::BTreeSet;
use tidelock::{ClientId, Tick};
use tidelock_arena::{CHAT_BYTES_MAX, Chat, Say};

/// A line goes to every player, so what a full server says and tells must not grow with its players: lines a second, and
/// lines at once. What one player may say, [`Say`] tells.
const EVERYBODY: Rate = Rate { per_s: 20.0, burst: 40.0 };
const NEWS: Rate = Rate { per_s: 4.0, burst: 8.0 };

/// Who may speak, and how much all together and the server may still say.
#[derive(Resource, Debug)]
pub(super) struct Voices {
    players: BTreeSet<ClientId>,
    everybody: Allowance,
    news: Allowance,
}

impl Default for Voices {
    fn default() -> Self {
        let [everybody, news] = [EVERYBODY, NEWS].map(Allowance::full);
        Self { players: BTreeSet::new(), everybody, news }
    }
}

impl Voices {
    /// Lets a player speak; false if it could already.
    pub(super) fn add(&mut self, client_id: ClientId) -> bool {
        self.players.insert(client_id)
    }

    pub(super) fn remove(&mut self, client_id: ClientId) {
        self.players.remove(&client_id);
    }

    /// Whether a player may say a line now. One that plays no more may not.
    fn may_say(&mut self, client_id: ClientId, time: &TickTime) -> bool {
        self.players.contains(&client_id) && self.everybody.take(time)
    }
}

/// Passes on what players say, cleaned, as far as they may.
pub(super) fn relay(
    time: Res<TickTime>,
    mut voices: ResMut<Voices>,
    mut said: MessageReader<FromClient<Say>>,
    mut lines: MessageWriter<ToClients<Chat>>,
) {
    for FromClient { client_id, event } in said.read() {
        if !voices.may_say(*client_id, &time) {
            continue;
        }
        if let Some(text) = clean(&event.text) {
            lines.write(ToClients { to: Recipients::All, event: Chat { sender: Some(client_id.0), text } });
        }
    }
}

/// Tells who came, went and was killed. On a busy server most of it stays untold.
pub(super) fn tell_news(
    time: Res<TickTime>,
    mut voices: ResMut<Voices>,
    mut left: MessageReader<PlayerLeft>,
    mut joined: MessageReader<PlayerJoined>,
    mut obituaries: ResMut<Obituaries>,
    mut lines: MessageWriter<ToClients<Chat>>,
) {
    let mut tell = |line: core::fmt::Arguments<'_>| {
        if voices.news.take(&time) {
            let event = Chat { sender: None, text: line.to_string() };
            lines.write(ToClients { to: Recipients::All, event });
        }
    };
    for PlayerLeft(client_id) in left.read() {
        tell(format_args!("{client_id} left"));
    }
    for PlayerJoined(client_id) in joined.read() {
        tell(format_args!("{client_id} joined"));
    }
    for (killer, victim) in obituaries.0.drain(..) {
        tell(format_args!("{killer} killed {victim}"));
    }
}

/// How many lines are allowed.
#[derive(Clone, Copy, Debug)]
struct Rate {
    per_s: f32,
    burst: f32,
}

/// A token bucket that fills with time.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    rate: Rate,
    lines: f32,
    /// When `lines` was right; `None` before the first line.
    at: Option<Tick>,
}

impl Allowance {
    fn full(rate: Rate) -> Self {
        Self { rate, lines: rate.burst, at: None }
    }

    /// Takes one line, if one is left.
    fn take(&mut self, time: &TickTime) -> bool {
        let ticks = self.at.map_or(0, |at| time.tick.since(at).max(0));
        self.lines = (self.lines + ticks as f32 * time.delta_s * self.rate.per_s).min(self.rate.burst);
        self.at = Some(time.tick);
        let is_allowed = self.lines >= 1.0;
        if is_allowed {
            self.lines -= 1.0;
        }
        is_allowed
    }
}

/// One line of at most [`CHAT_BYTES_MAX`] bytes: without control characters and those that reorder or hide text, and with
/// single spaces. `None` if nothing is left.
fn clean(text: &str) -> Option<String> {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let mut visible = word.chars().filter(|c| !is_format(*c)).peekable();
        if visible.peek().is_some() && !line.is_empty() {
            line.push(' ');
        }
        for c in visible {
            if line.len() + c.len_utf8() > CHAT_BYTES_MAX {
                return Some(line.trim_end().to_owned());
            }
            line.push(c);
        }
    }
    (!line.is_empty()).then_some(line)
}

/// Characters that are not seen but change how others are: Unicode's zero-width, directional and tag characters.
fn is_format(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_loses_what_is_not_seen() {
        assert_eq!(clean("  hello\n\tyou\u{202E} \u{200B} there\u{7}!  ").as_deref(), Some("hello you there !"));
        assert_eq!(clean("\u{200B}\r\n \u{FEFF}"), None);
        assert_eq!(clean(""), None);
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let line = clean(&"é".repeat(300)).unwrap();
        assert_eq!(line, "é".repeat(CHAT_BYTES_MAX / 2));
        let line = clean(&format!("x{}", "é".repeat(300))).unwrap();
        assert_eq!(line.len(), CHAT_BYTES_MAX - 1);
        assert_eq!(clean(&format!("{} b", "a".repeat(CHAT_BYTES_MAX - 1))).unwrap(), "a".repeat(CHAT_BYTES_MAX - 1));
    }

    #[test]
    fn an_allowance_is_spent_and_comes_back() {
        let mut time = TickTime::new(60);
        let mut allowance = Allowance::full(Rate { per_s: 1.0, burst: 4.0 });
        assert_eq!((0..10).filter(|_| allowance.take(&time)).count(), 4);
        time.tick = Tick(61);
        assert!(allowance.take(&time) && !allowance.take(&time));
        time.tick = Tick(6_000);
        assert_eq!((0..10).filter(|_| allowance.take(&time)).count(), 4);
    }
}
