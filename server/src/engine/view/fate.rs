//! What the acks of snapshots, and their loss, say of what a client holds.

use super::Views;
use super::exception::Exception;
use super::flight::{SentDatagram, SentWord, SnapshotsInFlight, State};
use super::ghosts::Ghosts;
use super::part::Part;
use crate::engine::history::History;
use crate::engine::marks::bits;
use tidelock::Tick;
use tidelock::state::Audience;

impl Views {
    /// The fate of a datagram is known. It takes effect with [`Views::settle`].
    pub(crate) fn on_fate(&mut self, sequence: u64, acked: bool) {
        self.flight.on_fate(sequence, acked);
    }

    /// Draws the conclusions of all fates that were heard: the base moves forward, and what was lost is due again. What is
    /// older than datagram `oldest` will not be heard of any more.
    pub(crate) fn settle(&mut self, oldest: u64, history: &mut History, now: Tick) {
        if self.flight.news.is_empty() {
            return;
        }
        let mut news = std::mem::take(&mut self.flight.news);
        let mut any_acked = false;
        for datagram in news.iter().filter_map(|sequence| self.flight.datagram(*sequence)) {
            if datagram.state == State::Acked {
                any_acked = true;
                for word in self.flight.words(&datagram) {
                    let part = &mut self.parts[word.audience as usize];
                    part.on_acked(word, datagram.tick, &mut self.ghosts, history, now);
                }
            }
        }
        if any_acked {
            self.advance(history);
            for (audience, part) in Audience::ALL.into_iter().zip(&mut self.parts) {
                part.settle_exceptions(self.base, self.considered, history.of(audience));
            }
        }
        for datagram in news.iter().filter_map(|sequence| self.flight.datagram(*sequence)) {
            if datagram.state == State::Lost {
                for word in self.flight.words(&datagram) {
                    let ticks = (datagram.tick, self.considered);
                    self.parts[word.audience as usize].on_lost(word, ticks, self.base, &self.flight);
                }
            }
        }
        news.clear();
        self.flight.news = news;
        self.flight.prune(self.base, oldest);
    }

    /// Moves the base to the newest snapshot that is acknowledged, be it in part. Streams whose state of then the client may
    /// not hold become exceptions.
    fn advance(&mut self, history: &History) {
        let Some(next) = self.next_base() else { return };
        let Some(base) = self.base.replace(next) else { return };
        self.note_past(base, next);
        let Self { flight, parts, .. } = self;
        for datagram in flight.between(base, next).filter(|datagram| datagram.state != State::Acked) {
            for word in flight.words(datagram).filter(|word| !word.leave) {
                let part = &mut parts[word.audience as usize];
                let Some(seen) = part.word_mut(word.at) else { continue };
                let mut in_doubt = word.bits & seen.visible & !seen.excepted;
                if in_doubt != 0 {
                    let acked = |datagram: &&SentDatagram| datagram.state == State::Acked;
                    for newest in flight.between(next.sub(1), next).filter(acked) {
                        in_doubt &= !flight.bits(newest, word.audience, word.at);
                    }
                }
                for bit in bits(in_doubt) {
                    part.doubt(word, bit, (base, next), flight, history);
                }
            }
        }
    }

    /// The base moves on: the old one, and the ticks that it skips, can be second baselines.
    fn note_past(&mut self, base: Tick, next: Tick) {
        let Self { flight, past, .. } = self;
        past.push(base);
        let mut skipped = flight.after(base).take_while(|datagram| next.is_newer_than(datagram.tick)).peekable();
        while let Some(datagram) = skipped.next() {
            let is_acked = datagram.state == State::Acked;
            flight.words(datagram).for_each(|word| past.note(word, is_acked));
            if skipped.peek().is_none_or(|next| next.tick != datagram.tick) {
                past.push_noted(datagram.tick);
            }
        }
        past.forget_before(next);
    }

    /// The newest snapshot of which something is acknowledged and nothing more is likely to be soon: acks may come while its
    /// last datagrams are still arriving. If some of it is missing, the one before serves if all of that arrived: a base
    /// that is one snapshot older costs less than exceptions, whose records few clients share.
    fn next_base(&self) -> Option<Tick> {
        let is_new = |datagram: &&SentDatagram| self.base.is_none_or(|base| datagram.tick.is_newer_than(base));
        let mut datagrams = self.flight.newest_first().take_while(is_new).peekable();
        let mut with_hole = None;
        while let Some(last) = datagrams.next() {
            let (tick, mut all, mut any) = (last.tick, last.state == State::Acked, last.state == State::Acked);
            while let Some(datagram) = datagrams.next_if(|datagram| datagram.tick == tick) {
                all &= datagram.state == State::Acked;
                any |= datagram.state == State::Acked && last.state != State::InFlight;
            }
            if all || with_hole.is_some() {
                return if all { Some(tick) } else { with_hole };
            }
            with_hole = any.then_some(tick);
        }
        // If none lies between, the base is the one before.
        with_hole.filter(|_| self.base.is_none())
    }
}

impl Part {
    /// A snapshot of `tick` arrived with this.
    fn on_acked(&mut self, word: &SentWord, tick: Tick, numbers: &mut Ghosts, history: &mut History, now: Tick) {
        if word.leave {
            let range = self.leaving.partition_point(|leaving| leaving.index / 64 < word.at);
            let mut at = range;
            while let Some(leaving) = self.leaving.get(at).filter(|leaving| leaving.index / 64 == word.at) {
                let is_told = word.bits >> (leaving.index % 64) & 1 != 0 && !leaving.valid_since.is_newer_than(tick);
                if is_told {
                    history.remove_viewer(leaving.index, now);
                    numbers.release(leaving.ghost);
                    self.leaving.remove(at);
                } else {
                    at += 1;
                }
            }
            return;
        }
        let begin = self.exceptions.partition_point(|exception| exception.index / 64 < word.at);
        for exception in self.exceptions[begin..].iter_mut().take_while(|exception| exception.index / 64 == word.at) {
            let is_in = word.bits >> (exception.index % 64) & 1 != 0 && !exception.since.is_newer_than(tick);
            if is_in && exception.baseline.is_none_or(|baseline| tick.is_newer_than(baseline)) {
                exception.baseline = Some(tick);
                // It may have been taken for lost.
                exception.sent = exception.sent.filter(|sent| sent.is_newer_than(tick)).or(Some(tick));
            }
        }
    }

    /// A stream was in a datagram after the old base, up to the new one, that is not acknowledged: does the client hold its
    /// state as of the new base all the same?
    fn doubt(
        &mut self,
        word: &SentWord,
        bit: u32,
        (old, base): (Tick, Tick),
        flight: &SnapshotsInFlight,
        history: &History,
    ) {
        let index = word.at * 64 + bit;
        let carries = |datagram: &&SentDatagram| flight.bits(datagram, word.audience, word.at) >> bit & 1 != 0;
        let mut acked = flight.between(old, base).filter(|datagram| datagram.state == State::Acked);
        let held = acked.find(carries).map_or(old, |datagram| datagram.tick);
        let state = history.of(word.audience).head_at(index, base);
        if state.is_some_and(|state| !state.tick.is_newer_than(held)) {
            return;
        }
        let mut sent = flight.newest_first().filter(|datagram| datagram.state != State::Lost);
        let sent = sent.find(carries).map(|datagram| datagram.tick).filter(|sent| sent.is_newer_than(held));
        self.except(Exception {
            index,
            since: old,
            baseline: Some(held),
            sent: Some(sent.unwrap_or(held)),
            gap: base,
            waited: 0,
        });
    }

    /// A snapshot of `tick` with this seems lost. `considered` is the newest of all that were sent.
    fn on_lost(
        &mut self,
        word: &SentWord,
        (tick, considered): (Tick, Tick),
        base: Option<Tick>,
        flight: &SnapshotsInFlight,
    ) {
        if word.leave {
            let told = self.leaving.iter_mut().filter(|leaving| {
                leaving.index / 64 == word.at
                    && word.bits >> (leaving.index % 64) & 1 != 0
                    && leaving.sent == Some(tick)
            });
            told.for_each(|leaving| leaving.sent = None);
            return;
        }
        let Some(seen) = self.word_mut(word.at) else { return };
        let is_past = base.is_some_and(|base| !tick.is_newer_than(base));
        // What the client holds as of the base it does not need; what went out again is under way.
        let mut lost = word.bits & seen.visible & if is_past { seen.excepted } else { u64::MAX };
        let newer = flight.newest_first().take_while(|datagram| datagram.tick.is_newer_than(tick));
        for datagram in newer.filter(|datagram| datagram.state != State::Lost) {
            if lost == 0 {
                return;
            }
            lost &= !flight.bits(datagram, word.audience, word.at);
        }
        for index in bits(lost).map(|bit| word.at * 64 + bit) {
            match self.exceptions.binary_search_by_key(&index, |exception| exception.index) {
                Ok(at) => {
                    let exception = &mut self.exceptions[at];
                    let is_held = exception.baseline.is_some_and(|baseline| !tick.is_newer_than(baseline));
                    if !is_held && !exception.since.is_newer_than(tick) {
                        (exception.sent, exception.gap) = (exception.baseline, considered);
                    }
                }
                Err(_) => {
                    let since = base.unwrap_or(tick);
                    self.except(Exception { index, since, baseline: base, sent: base, gap: considered, waited: 0 });
                }
            }
        }
    }
}
