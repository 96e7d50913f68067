//! A script: what a client hears, and what is to become of it.

use super::datagram::{Datagram, at, bare, welcome};
use super::listener::{Heard, Listener};
use super::vector_file::{hex, json};
use serde_json::{Value, json};
use tidelock::state::NetId;

pub(crate) const WELCOME_TICK: u32 = 1_000;

pub(crate) const A: NetId = NetId { index: 5, generation: 2 };
/// Another entity, at the index of A.
pub(crate) const A_AFTER: NetId = NetId { index: 5, generation: 3 };
pub(crate) const B: NetId = NetId { index: 9, generation: 1 };
pub(crate) const C: NetId = NetId { index: 13, generation: 0 };

/// In the audit bucket of A.
pub(crate) const D: NetId = NetId { index: 69, generation: 0 };

/// What is to become of a datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Accepted,
    Dropped,
    Malformed,
    /// It is dropped, and the server is to be told.
    Desync(u32),
    AuditRight,
    /// It is accepted, and the server is to be told.
    AuditWrong(u32),
    /// A message in it is malformed.
    AcceptedInPart,
    Ended,
}
use Fate::{Accepted, AcceptedInPart, AuditRight, AuditWrong, Desync, Dropped, Ended, Malformed};

impl Fate {
    pub(crate) fn is_that_of(self, heard: &Heard) -> bool {
        let (accepted, malformed, desync_tick, audit_right, ended) = match self {
            Accepted => (true, false, None, false, false),
            Dropped => (false, false, None, false, false),
            Malformed => (false, true, None, false, false),
            Desync(tick) => (false, false, Some(tick), false, false),
            AuditRight => (true, false, None, true, false),
            AuditWrong(tick) => (true, false, Some(tick), false, false),
            AcceptedInPart => (true, true, None, false, false),
            Ended => (false, true, None, false, true),
        };
        let expected = Heard { accepted, malformed, desync_tick, audit_right, ended, ..heard.clone() };
        expected == *heard
    }
}

pub(crate) struct Script {
    pub(crate) name: &'static str,
    pub(crate) proves: &'static str,
    pub(crate) is_joined: bool,
    steps: Vec<Step>,
}

pub(crate) struct Step {
    datagram: Datagram,
    fate: Fate,
    /// The entities, and the first lane of each.
    shown: Vec<(NetId, u32)>,
}

/// Of a client that has heard its welcome.
pub(crate) fn script(name: &'static str, proves: &'static str) -> Script {
    Script { name, proves, is_joined: true, steps: Vec::new() }
}

/// Of a client that has said its hello.
pub(crate) fn script_before_the_welcome(name: &'static str, proves: &'static str) -> Script {
    Script { is_joined: false, ..script(name, proves) }
}

impl Script {
    pub(crate) fn then(mut self, datagram: Datagram, fate: Fate, shown: &[(NetId, u32)]) -> Self {
        self.steps.push(Step { datagram, fate, shown: shown.to_vec() });
        self
    }

    /// What becomes of the datagrams, and in what that is not as it is to be.
    pub(crate) fn play(&self) -> (Vec<Value>, Vec<String>) {
        let mut listener = Listener::new();
        if self.is_joined {
            assert!(Accepted.is_that_of(&listener.hear(&welcomed())));
        }
        let (mut steps, mut wrong) = (Vec::new(), Vec::new());
        for (number, step) in (1..).zip(&self.steps) {
            let heard = listener.hear(&step.datagram);
            let shown = heard.shown.iter().map(|(_, id, _, lanes)| (*id, lanes[0]));
            if !step.fate.is_that_of(&heard) || !shown.eq(step.shown.iter().copied()) {
                wrong.push(format!("{} {number}: not {:?}, {:?} but {heard:?}", self.name, step.fate, step.shown));
            }
            steps.push(told(&step.datagram, &heard));
        }
        (steps, wrong)
    }
}

pub(crate) fn told(datagram: &Datagram, heard: &Heard) -> Value {
    let events = heard.events.iter().map(|(name, body)| json!([name, hex(body)]));
    let shown = heard.shown.iter();
    let shown = shown.map(|(audience, NetId { index, generation }, mask, lanes)| {
        json!([json::audience(*audience), index, generation, mask, lanes])
    });
    json!({
        "about": datagram.about(),
        "hex": hex(&datagram.bytes()),
        "accepted": heard.accepted,
        "malformed": heard.malformed,
        "desync_tick": heard.desync_tick,
        "audit_right": heard.audit_right,
        "ended": heard.ended,
        "events": events.collect::<Value>(),
        "shown": shown.collect::<Value>(),
    })
}

pub(crate) fn welcomed() -> Datagram {
    bare(0).acks(0).reliable(0, &welcome(WELCOME_TICK))
}

/// A first snapshot that brings A.
pub(crate) fn first() -> Datagram {
    at(1, 1_010).full(0, A, 160)
}

/// One whose checksum is wrong, which makes all that is held worthless.
pub(crate) fn in_doubt(name: &'static str, proves: &'static str) -> Script {
    let wrong = at(2, 1_012).delta(0, A, 163, (1_010, 160)).with_a_wrong_checksum();
    script(name, proves).then(first(), Accepted, &[(A, 160)]).then(wrong, Desync(1_012), &[])
}

/// The client's datagram that has the desync message of [`in_doubt`].
pub(crate) const TOLD_IN: u64 = 3;
