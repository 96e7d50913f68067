use super::memory::{Memory, Shown, Verdict};
use crate::client::{self, Status, View};
use crate::universe::wiretap::{LineId, Said, Sequences};
use tidelock::Tick;
use tidelock::state::{Audience, Input};
use tidelock::wire::{ClientMessage, MESSAGE_BYTES_MAX, ReliableReceiver, ServerMessage};

/// What is looked at of the real client, but for what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) status: Status,
    /// Datagrams that it received since its program began.
    pub(super) received: u64,
    /// Snapshot datagrams that it stored.
    pub(super) applied: u64,
    pub(super) desyncs: u64,
}

impl Client {
    pub(super) fn of<I: Input>(client: &client::Client<I>) -> Self {
        let stats = client.stats();
        Self {
            status: client.status(),
            received: stats.datagrams_received,
            applied: stats.snapshots.applied,
            desyncs: stats.desyncs,
        }
    }
}

/// One player as it should be.
#[derive(Debug, Default)]
pub(super) struct Seat {
    memory: Memory,
    /// The connection that it speaks on; `None` while it has none.
    line: Option<Line>,
    received: u64,
    applied: u64,
    desyncs: u64,
    /// Whether somebody meddled with its connection: then nothing can be said of it any more.
    is_lost: bool,
    /// Datagrams that came since all that is shown was last compared.
    uncompared: u32,
    /// Whether more may have changed since then than the last datagram tells of.
    is_unsure: bool,
    /// Whether the last datagram that came is one of which nothing is heard: what was heard before, or is no payload.
    is_unheard: bool,
}

/// What belongs to one connection.
#[derive(Debug)]
struct Line {
    id: LineId,
    /// What has come of the server's messages, in whatever order.
    messages: ReliableReceiver,
    is_welcomed: bool,
    /// What is to be acknowledged.
    accepted: Sequences,
    /// Snapshots up to this one are from before a desync.
    resync: Option<Tick>,
}

impl Line {
    fn new(id: LineId) -> Self {
        let messages = ReliableReceiver::new(MESSAGE_BYTES_MAX);
        Self { id, messages, is_welcomed: false, accepted: Sequences::default(), resync: None }
    }

    /// What lies so far before the newest accepted is dropped whole.
    fn is_too_old(&self, sequence: u64) -> bool {
        self.accepted.contains(sequence) || self.accepted.newest().is_some_and(|newest| sequence + WINDOW <= newest)
    }
}

const WINDOW: u64 = 1024;
/// How often all that is shown is compared, in datagrams.
const COMPARE_ALL_EVERY: u32 = 8;

impl Seat {
    /// Whether what the client shows is known.
    pub(super) const fn is_followed(&self) -> bool {
        !self.is_lost
    }

    /// A datagram has come, of whatever kind: the client may have begun anew.
    pub(super) fn follow(&mut self, client: &Client) {
        if client.received <= self.received {
            *self = Self { is_unsure: true, ..Self::default() };
        }
        self.is_unsure |= std::mem::replace(&mut self.is_unheard, true);
        self.received = client.received;
        // Who connects takes nothing of what is said on the connection before.
        if client.status == Status::Connecting {
            self.line = None;
        }
    }

    /// The client said something.
    pub(super) fn on_said(&mut self, said: &Said) -> Result<(), String> {
        if !said.is_followed {
            self.is_lost = true;
        }
        if self.is_lost {
            return Ok(());
        }
        if self.line.as_ref().is_none_or(|line| line.id != said.line) {
            self.line = Some(Line::new(said.line));
            self.memory.begin();
            self.is_unsure = true;
        }
        for message in &said.messages {
            self.is_unsure = true;
            match ClientMessage::read(message) {
                Ok(ClientMessage::Hello { claim: Some(claim), .. }) => self.memory.retain(&claim)?,
                Ok(ClientMessage::Hello { claim: None, .. }) => self.memory.clear(),
                _ => {}
            }
        }
        let Some((report, line)) = said.report.as_ref().zip(self.line.as_ref()) else { return Ok(()) };
        match report.accepted().find(|sequence| !line.accepted.contains(*sequence)) {
            Some(sequence) => Err(format!("it acknowledges datagram {sequence}, which it cannot have stored")),
            None => Ok(()),
        }
    }

    /// The client has taken what the server said, or dropped it.
    pub(super) fn on_heard(&mut self, said: &Said, client: &Client, memory_may_fail: bool) -> Result<(), String> {
        self.is_unheard = false;
        self.uncompared += 1;
        let has_applied = std::mem::replace(&mut self.applied, client.applied) < client.applied;
        let has_desynced = std::mem::replace(&mut self.desyncs, client.desyncs) < client.desyncs;
        let is_over = matches!(client.status, Status::Disconnected(_));
        let Some(line) = self.line.as_mut().filter(|line| line.id == said.line && !is_over) else { return Ok(()) };
        if !said.is_datagram() || line.is_too_old(said.sequence) {
            return Ok(());
        }
        if let Some(mut fragments) = said.fragments() {
            // Only what breaks the protocol cannot be read.
            line.messages.read(&mut fragments).map_err(|_| "messages that nobody can read")?;
            while let Some(message) = line.messages.poll() {
                if let Ok(ServerMessage::Welcome(welcome)) = ServerMessage::read(&message) {
                    line.is_welcomed = true;
                    self.is_unsure = true;
                    if !welcome.state_kept {
                        self.memory.clear();
                    }
                }
            }
        }
        let Some(snapshot) = &said.snapshot else {
            line.accepted.insert(said.sequence);
            return Ok(());
        };
        let tick = snapshot.tick;
        if !line.is_welcomed || line.resync.is_some_and(|resync| !tick.is_newer_than(resync)) {
            return if has_applied {
                Err(format!("it took the snapshot of {tick}, which it must not"))
            } else {
                Ok(())
            };
        }
        let verdict = if snapshot.checksum.is_some() { self.memory.judge(said, tick)? } else { Verdict::Store };
        let stores = match &verdict {
            Verdict::Store if has_applied || (has_desynced && memory_may_fail) => has_applied,
            Verdict::Store => return Err(format!("it did not take the snapshot of {tick}, which it must")),
            Verdict::Drop(why) if has_applied => return Err(format!("it took the snapshot of {tick}, but {why}")),
            Verdict::Drop(_) => false,
            Verdict::MayDrop => has_applied,
        };
        if stores {
            self.memory.store(said, tick);
            self.memory.on_applied(tick);
            line.accepted.insert(said.sequence);
        }
        if has_desynced {
            self.is_unsure = true;
            if verdict == Verdict::Store && !memory_may_fail {
                return Err(format!("it takes what it holds of {tick} for wrong"));
            }
            line.resync = Some(tick);
            self.memory.clear();
        }
        Ok(())
    }

    /// For tests: the server has welcomed the client.
    #[cfg(test)]
    pub(super) fn welcome(&mut self) {
        self.line.as_mut().expect("it said something").is_welcomed = true;
    }

    /// Compares what the client shows with what it should, after the datagram that was just heard: the streams that it tells of, and
    /// all after every eighth datagram, or if more may have changed. How many streams that are.
    pub(super) fn compare(&mut self, said: &Said, view: &View) -> Result<u64, String> {
        if self.is_all_due() {
            self.compare_all(view.streams())
        } else {
            self.compare_told(said, |audience, index| view.stream(audience, index))
        }
    }

    /// Whether all is to be compared now, which counts as done then.
    pub(super) const fn is_all_due(&mut self) -> bool {
        let is_due = self.is_unsure || self.uncompared >= COMPARE_ALL_EVERY;
        if is_due {
            (self.is_unsure, self.uncompared) = (false, 0);
        }
        is_due
    }

    /// The streams that a datagram tells of.
    pub(super) fn compare_told<'a>(
        &self,
        said: &Said,
        shown: impl Fn(Audience, u32) -> Option<Shown<'a>>,
    ) -> Result<u64, String> {
        let mut compared = 0;
        for (audience, id) in said.records.iter().filter_map(|record| Some((record.audience, record.id?))) {
            let (real, model) = (shown(audience, id.index), self.memory.shown_at(audience, id.index));
            if model != real {
                return Err(format!("of {id} {audience:?} it shows {real:?}, and should {model:?}"));
            }
            compared += 1;
        }
        Ok(compared)
    }

    /// All streams.
    pub(super) fn compare_all<'a>(&self, shown: impl Iterator<Item = Shown<'a>>) -> Result<u64, String> {
        let mut compared = 0;
        let mut meant = self.memory.shown();
        for real in shown {
            let model = meant.next();
            if model != Some(real) {
                return Err(format!("it shows {real:?}, and should {model:?}"));
            }
            compared += 1;
        }
        match meant.next() {
            Some(model) => Err(format!("it does not show {model:?}")),
            None => Ok(compared),
        }
    }
}
