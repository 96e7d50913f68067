use super::diary::Diary;
use super::dice::ExtraDice;
use super::mail::{Letter, Mail, News, Numbered, Reply, Rumour, Shout, Whisper};
use super::{Roster, Rules};
use bevy_ecs::prelude::{MessageReader, MessageWriter, Res, ResMut, Resource};
use std::collections::BTreeMap;
use tidelock::ClientId;
use tidelock_server::game::{FromClient, Recipients, ToClients};

/// What the server has written so far.
#[derive(Resource, Default)]
pub(super) struct PostOffice {
    addressees: BTreeMap<ClientId, Addressee>,
    news: u32,
    rumours: u32,
}

#[derive(Default)]
struct Addressee {
    is_here: bool,
    era: u32,
    nth: u32,
    replies: u32,
    whispers: u32,
}

/// Who is there to be written to.
pub(super) fn follow_roster(diary: Res<'_, Diary>, mut office: ResMut<'_, PostOffice>) {
    for (client_id, what) in &diary.0.roster {
        let addressee = office.addressees.entry(*client_id).or_default();
        addressee.is_here = matches!(what, Roster::Joined | Roster::Back);
        if addressee.is_here {
            addressee.era += 1;
            addressee.nth = 0;
        }
    }
}

/// Whoever writes gets an answer, or two.
pub(super) fn answer(
    mut letters: MessageReader<'_, '_, FromClient<Letter>>,
    mut shouts: MessageReader<'_, '_, FromClient<Shout>>,
    mut replies: MessageWriter<'_, ToClients<Reply>>,
    mut whispers: MessageWriter<'_, ToClients<Whisper>>,
    mut office: ResMut<'_, PostOffice>,
    mut diary: ResMut<'_, Diary>,
) {
    for FromClient { client_id, event } in letters.read() {
        diary.0.heard.push((*client_id, Mail::Reliable, event.mark()));
        let Some(addressee) = office.addressees.get_mut(client_id).filter(|addressee| addressee.is_here) else {
            continue;
        };
        for _ in 0..=event.mark().number % 2 {
            let event = Reply::new(addressee.replies, addressee.era, addressee.nth);
            addressee.replies += 1;
            addressee.nth += 1;
            replies.write(ToClients { to: Recipients::One(*client_id), event });
        }
    }
    for FromClient { client_id, event } in shouts.read() {
        diary.0.heard.push((*client_id, Mail::Unreliable, event.mark()));
        let Some(addressee) = office.addressees.get_mut(client_id) else { continue };
        let event = Whisper::new(addressee.whispers, addressee.era, 0);
        addressee.whispers += 1;
        whispers.write(ToClients { to: Recipients::One(*client_id), event });
    }
}

/// Now and then all are told something, or all but one.
pub(super) fn tell_news(
    rules: Res<'_, Rules>,
    mut dice: ResMut<'_, ExtraDice>,
    mut office: ResMut<'_, PostOffice>,
    mut news: MessageWriter<'_, ToClients<News>>,
    mut rumours: MessageWriter<'_, ToClients<Rumour>>,
    mut diary: ResMut<'_, Diary>,
) {
    let (rng, mail) = (&mut dice.0, rules.game.mail);
    if rng.chance(mail) {
        let somebody = office.addressees.keys().nth(rng.below(office.addressees.len().max(1) as u64) as usize);
        let but = somebody.copied().filter(|_| rng.chance(0.4));
        let to = but.map_or(Recipients::All, Recipients::AllBut);
        news.write(ToClients { to, event: News::new(office.news, 0, 0) });
        diary.0.news.push((office.news, but));
        office.news += 1;
    }
    if rng.chance(mail) {
        rumours.write(ToClients { to: Recipients::All, event: Rumour::new(office.rumours, 0, 0) });
        office.rumours += 1;
    }
}
