//! What a client makes of datagrams that come one after the other, for clients in other languages: sections 2 to 4 and 8
//! of `PROTOCOL.md`. Run with `WRITE_VECTORS=1` after an intended change.

mod scripted;
#[path = "../../shared/tests/vector_file/mod.rs"]
mod vector_file;

use scripted::datagram::{Datagram, at, bare, event, spot, welcome};
use scripted::listener::{Heard, Listener};
use scripted::{BLIP, NOTE, schema};
use serde_json::{Value, json};
use tidelock::state::Audience::{Owner, Public};
use tidelock::state::NetId;
use tidelock_server::io::schema_json;
use vector_file::{Vectors, hex, json};

const FILE: &str = "client_scripts.txt";
const WELCOME_TICK: u32 = 1_000;

const A: NetId = NetId { index: 5, generation: 2 };
/// Another entity, at the index of A.
const A_AFTER: NetId = NetId { index: 5, generation: 3 };
const B: NetId = NetId { index: 9, generation: 1 };
const C: NetId = NetId { index: 13, generation: 0 };

/// In the audit bucket of A.
const D: NetId = NetId { index: 69, generation: 0 };

/// What is to become of a datagram.
#[derive(Clone, Copy, Debug)]
enum Fate {
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
    fn is_that_of(self, heard: &Heard) -> bool {
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

struct Script {
    name: &'static str,
    proves: &'static str,
    is_joined: bool,
    steps: Vec<Step>,
}

struct Step {
    datagram: Datagram,
    fate: Fate,
    /// The entities, and the first lane of each.
    shown: Vec<(NetId, u32)>,
}

/// Of a client that has heard its welcome.
fn script(name: &'static str, proves: &'static str) -> Script {
    Script { name, proves, is_joined: true, steps: Vec::new() }
}

/// Of a client that has said its hello.
fn script_before_the_welcome(name: &'static str, proves: &'static str) -> Script {
    Script { is_joined: false, ..script(name, proves) }
}

impl Script {
    fn then(mut self, datagram: Datagram, fate: Fate, shown: &[(NetId, u32)]) -> Self {
        self.steps.push(Step { datagram, fate, shown: shown.to_vec() });
        self
    }

    /// What becomes of the datagrams, and in what that is not as it is to be.
    fn play(&self) -> (Vec<Value>, Vec<String>) {
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

fn told(datagram: &Datagram, heard: &Heard) -> Value {
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

fn welcomed() -> Datagram {
    bare(0).acks(0).reliable(0, &welcome(WELCOME_TICK))
}

/// A first snapshot that brings A.
fn first() -> Datagram {
    at(1, 1_010).full(0, A, 160)
}

/// One whose checksum is wrong, which makes all that is held worthless.
fn in_doubt(name: &'static str, proves: &'static str) -> Script {
    let wrong = at(2, 1_012).delta(0, A, 163, (1_010, 160)).with_a_wrong_checksum();
    script(name, proves).then(first(), Accepted, &[(A, 160)]).then(wrong, Desync(1_012), &[])
}

/// The client's datagram that has the desync message of [`in_doubt`].
const TOLD_IN: u64 = 3;

fn sequences() -> Vec<Script> {
    vec![
        in_doubt(
            "a_repeat_is_dropped_with_its_acks",
            "what was accepted before is dropped whole: its acks tell nothing, so that the second wrong \
             checksum is no desync yet",
        )
        .then(first().acks(TOLD_IN), Dropped, &[])
        .then(at(3, 1_013).full(0, A, 160).with_a_wrong_checksum(), Dropped, &[])
        .then(at(4, 1_014).full(0, A, 160).with_a_wrong_checksum().acks(TOLD_IN), Desync(1_014), &[]),
        script("what_was_not_accepted_may_come_again", "only what was accepted is dropped when it comes again")
            .then(first().cut(), Malformed, &[])
            .then(first(), Accepted, &[(A, 160)]),
        script(
            "what_comes_late_is_reported",
            "though what is newer is known to be accepted: the report begins with it again",
        )
        .then(bare(1), Accepted, &[])
        .then(bare(3), Accepted, &[])
        .then(bare(4).acks(3), Accepted, &[])
        .then(bare(2), Accepted, &[]),
        script(
            "the_window_of_sequences",
            "1,023 before the newest accepted one is taken, 1,024 before it is dropped whole",
        )
        .then(at(1_100, 1_010).full(0, A, 160), Accepted, &[(A, 160)])
        .then(at(77, 1_009).full(1, B, 200), Accepted, &[(A, 160), (B, 200)])
        .then(at(76, 1_009).full(2, C, 240), Dropped, &[(A, 160), (B, 200)]),
        script("the_16_bits_of_a_sequence_wrap", "16 bits mean the sequence nearest to the newest one")
            .then(bare(30_000), Accepted, &[])
            .then(bare(60_000), Accepted, &[])
            .then(bare(65_536), Accepted, &[])
            .then(bare(65_535), Accepted, &[])
            .then(bare(65_536), Dropped, &[]),
        script(
            "a_sequence_counts_though_it_was_not_accepted",
            "16 bits mean the sequence nearest to the newest one with a well-formed head: 60,000 is nearer \
             to 30,000 than to the welcome's 0",
        )
        .then(at(30_000, 1_010).full(0, A, 160).cut(), Malformed, &[])
        .then(at(60_000, 1_012).full(0, A, 163), Accepted, &[(A, 163)]),
        script(
            "the_16_bits_of_a_tick_wrap",
            "16 bits mean the tick nearest to the newest applied snapshot's, with records or without, as the \
             desync message tells",
        )
        .then(at(1, 33_000), Accepted, &[])
        .then(at(2, 65_000), Accepted, &[])
        .then(at(3, 66_000).full(0, A, 160).with_a_wrong_checksum(), Desync(66_000), &[]),
        script_before_the_welcome("ticks_wrap", "ticks are u32 and wrap: 4 is newer than 2^32 - 6, and may be late")
            .then(bare(0).acks(0).reliable(0, &welcome(u32::MAX - 15)), Accepted, &[])
            .then(at(1, u32::MAX - 5).full(0, A, 160), Accepted, &[(A, 160)])
            .then(at(3, 4).delta(0, A, 170, (u32::MAX - 5, 160)), Accepted, &[(A, 170)])
            .then(at(2, u32::MAX).delta(0, A, 165, (u32::MAX - 5, 160)), Accepted, &[(A, 170)])
            .then(at(4, 6).delta(0, A, 180, (1, 165)), Accepted, &[(A, 180)])
            .then(at(5, 8).delta(0, A, 190, (6, 180)).with_a_wrong_checksum(), Desync(8), &[]),
    ]
}

fn acceptance() -> Vec<Script> {
    vec![
        script_before_the_welcome(
            "before_the_welcome_no_snapshot_is_accepted",
            "a datagram without a snapshot is accepted, and one with a snapshot is not",
        )
        .then(first(), Dropped, &[])
        .then(at(2, 1_012), Dropped, &[])
        .then(bare(3).fragment(0, false, &welcome(WELCOME_TICK)[..9]), Accepted, &[])
        .then(bare(4).fragment(1, true, &welcome(WELCOME_TICK)[9..]), Accepted, &[])
        .then(first(), Accepted, &[(A, 160)]),
        script_before_the_welcome("a_snapshot_beside_the_welcome_is_taken", "messages come first").then(
            at(0, 1_010).acks(0).reliable(0, &welcome(WELCOME_TICK)).full(0, A, 160),
            Accepted,
            &[(A, 160)],
        ),
        script_before_the_welcome(
            "a_first_message_that_is_no_welcome_ends_the_connection",
            "so a client need not wait for one in vain",
        )
        .then(bare(0).acks(0).reliable(0, &event(NOTE, 7)), Ended, &[]),
        script_before_the_welcome("a_malformed_welcome_ends_the_connection", "the same: there is no other").then(
            bare(0).acks(0).reliable(0, &welcome(WELCOME_TICK)[..15]),
            Ended,
            &[],
        ),
        script_before_the_welcome(
            "before_the_welcome_no_unreliable_message_is_taken",
            "one that overtakes the welcome is lost",
        )
        .then(bare(1).unreliable(&event(BLIP, 7)), Accepted, &[])
        .then(welcomed(), Accepted, &[])
        .then(bare(2).unreliable(&event(BLIP, 8)), Accepted, &[]),
        script("a_snapshot_without_records_is_applied", "it is accepted, and what is older than it is late")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(3, 1_014), Accepted, &[(A, 160)])
            .then(at(2, 1_012).delta(1, B, 200, (1_010, 190)), Dropped, &[(A, 160)]),
        script("records_may_be_three_empty_lists", "they are accepted if the checksum is that of nothing, which is 0")
            .then(at(1, 1_010).of_records(), Accepted, &[])
            .then(at(2, 1_012).of_records().with_a_wrong_checksum(), Desync(1_012), &[]),
        script("leaves_alone_have_a_checksum", "leave records add nothing to it, but it is compared")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_012).leave(0).with_a_wrong_checksum(), Desync(1_012), &[]),
        script(
            "a_datagram_is_stored_whole_or_not_at_all",
            "a full record beside a delta whose baseline is not held brings nothing",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(at(3, 1_014), Accepted, &[(A, 160)])
        .then(at(2, 1_012).full(1, B, 200).delta(2, C, 240, (1_010, 230)), Dropped, &[(A, 160)]),
        script("two_datagrams_of_a_tick", "each decodes alone, in any order")
            .then(at(2, 1_010).number(1, 2).full(1, B, 200), Accepted, &[(B, 200)])
            .then(first().number(0, 2), Accepted, &[(A, 160), (B, 200)]),
    ]
}

fn baselines() -> Vec<Script> {
    vec![
        script("a_delta_builds_on_what_is_held", "full: it is new; delta: the version is stored")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_012).delta(0, A, 163, (1_010, 160)), Accepted, &[(A, 163)]),
        script("a_version_too_old_to_be_shown_is_stored", "it is accepted, and a later delta builds on it")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(3, 1_014).delta(0, A, 170, (1_010, 160)), Accepted, &[(A, 170)])
            .then(at(2, 1_012).delta(0, A, 165, (1_010, 160)), Accepted, &[(A, 170)])
            .then(at(4, 1_016).delta(0, A, 180, (1_012, 165)), Accepted, &[(A, 180)]),
        script("a_full_record_too_old_to_be_shown_is_stored", "the same of a full record of what is shown")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(3, 1_014).delta(0, A, 170, (1_010, 160)), Accepted, &[(A, 170)])
            .then(at(2, 1_012).full(0, A, 165), Accepted, &[(A, 170)])
            .then(at(4, 1_016).delta(0, A, 180, (1_012, 165)), Accepted, &[(A, 180)]),
        script("a_baseline_is_the_newest_at_or_before_the_tick_named", "of 1,011 that is what 1,010 brought")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_012).delta(0, A, 163, (1_010, 160)), Accepted, &[(A, 163)])
            .then(at(3, 1_014).delta(0, A, 180, (1_011, 160)), Accepted, &[(A, 180)]),
        script("a_baseline_of_511_ticks_ago_is_held", "though what it brought was followed by another version at once")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_011).delta(0, A, 163, (1_010, 160)), Accepted, &[(A, 163)])
            .then(at(3, 1_521), Accepted, &[(A, 163)])
            .then(at(4, 1_521).delta(0, A, 180, (1_010, 160)), Accepted, &[(A, 180)]),
        script("a_baseline_that_is_not_held_is_a_desync", "of a datagram that is not late, all is forgotten")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_012).delta(1, B, 200, (1_010, 190)), Desync(1_012), &[]),
        script("a_baseline_before_the_first_version_is_a_desync", "the stream is held, but not yet at the tick named")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_012).delta(0, A, 163, (1_009, 160)), Desync(1_012), &[]),
        script(
            "a_late_datagram_whose_baseline_is_not_held_is_dropped",
            "it is older than the newest applied snapshot: no desync, and not accepted",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(at(3, 1_014).delta(0, A, 170, (1_010, 160)), Accepted, &[(A, 170)])
        .then(at(2, 1_012).delta(1, B, 200, (1_010, 190)), Dropped, &[(A, 170)])
        .then(at(4, 1_016).delta(0, A, 180, (1_014, 170)), Accepted, &[(A, 180)]),
        script("a_datagram_of_the_newest_tick_is_not_late", "its baseline that is not held is a desync")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_010).delta(1, B, 200, (1_008, 190)), Desync(1_010), &[]),
        script("a_run_builds_on_two_baselines", "the second one tells where things were going")
            .then(at(1, 1_010).full(0, A, 160).full(1, B, 200), Accepted, &[(A, 160), (B, 200)])
            .then(
                at(2, 1_012).on(1_010, None).run(0, A, 164, (160, None)).run(1, B, 190, (200, None)),
                Accepted,
                &[(A, 164), (B, 190)],
            )
            .then(
                at(3, 1_014).on(1_012, Some(1_010)).run(0, A, 169, (164, Some(160))).run(1, B, 181, (190, Some(200))),
                Accepted,
                &[(A, 169), (B, 181)],
            ),
        script("a_second_baseline_that_is_not_held_is_a_desync", "of one stream of a run, though the first is held")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_012).delta(0, A, 164, (1_010, 160)).full(1, B, 190), Accepted, &[(A, 164), (B, 190)])
            .then(
                at(3, 1_014).on(1_012, Some(1_010)).run(0, A, 169, (164, Some(160))).run(1, B, 181, (190, None)),
                Desync(1_014),
                &[],
            ),
        script("a_run_of_a_ghost_without_an_entity_is_a_desync", "as of any baseline that is not held")
            .then(first(), Accepted, &[(A, 160)])
            .then(
                at(2, 1_012).on(1_010, None).run(0, A, 164, (160, None)).run(1, B, 190, (200, None)),
                Desync(1_012),
                &[],
            ),
        script("a_ghost_in_a_run_and_among_the_others_is_malformed", "the datagram is dropped, and that is no desync")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_012).on(1_010, None).run(0, A, 164, (160, None)).full(0, A, 165), Malformed, &[(A, 160)])
            .then(at(3, 1_014).delta(0, A, 170, (1_010, 160)), Accepted, &[(A, 170)]),
    ]
}

fn ghosts() -> Vec<Script> {
    vec![
        script(
            "a_full_of_another_entity_takes_the_ghost",
            "t is newer than `since`: the ghost is the other's, and what had it stays shown",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(at(2, 1_012).full(0, B, 200), Accepted, &[(A, 160), (B, 200)])
        .then(at(3, 1_014).delta(0, B, 210, (1_012, 200)), Accepted, &[(A, 160), (B, 210)]),
        script(
            "an_older_full_of_another_entity_is_ignored",
            "t is not newer than `since`; the datagram is accepted all the same",
        )
        .then(at(2, 1_012).full(0, B, 200), Accepted, &[(B, 200)])
        .then(first(), Accepted, &[(B, 200)])
        .then(at(3, 1_012).full(0, C, 240), Accepted, &[(B, 200)])
        .then(at(4, 1_014).delta(0, B, 210, (1_012, 200)), Accepted, &[(B, 210)]),
        script("an_entity_has_the_ghost_of_the_newest_full", "a leave and a delta of the former ghost are none of its")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_012).full(3, A, 163), Accepted, &[(A, 163)])
            .then(at(3, 1_014).leave(0), Accepted, &[(A, 163)])
            .then(at(4, 1_016).delta(3, A, 170, (1_012, 163)), Accepted, &[(A, 170)])
            .then(at(5, 1_018).delta(0, A, 180, (1_012, 163)), Desync(1_018), &[]),
        script(
            "an_older_full_does_not_give_the_ghost_back",
            "it is stored, but the entity keeps the ghost of the newest",
        )
        .then(at(2, 1_012).full(3, A, 163), Accepted, &[(A, 163)])
        .then(first(), Accepted, &[(A, 163)])
        .then(at(3, 1_014).leave(0), Accepted, &[(A, 163)])
        .then(at(4, 1_016).delta(3, A, 170, (1_010, 160)), Accepted, &[(A, 170)]),
        script("a_late_delta_not_newer_than_since_is_dropped", "its baseline counts as not held, though it is")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(3, 1_014).full(0, A, 170), Accepted, &[(A, 170)])
            .then(at(2, 1_012).delta(0, A, 165, (1_010, 160)), Dropped, &[(A, 170)])
            .then(at(4, 1_016).delta(0, A, 180, (1_010, 160)), Accepted, &[(A, 180)]),
        script("a_delta_of_the_tick_since_is_a_desync", "its baseline counts as not held, and it is not late")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_014).full(0, A, 170), Accepted, &[(A, 170)])
            .then(at(3, 1_014).delta(0, A, 165, (1_010, 160)), Desync(1_014), &[]),
        script(
            "an_older_full_leaves_since_as_it_is",
            "`since` is the tick of the newest full record, not of the last that came",
        )
        .then(at(3, 1_014).full(0, A, 170), Accepted, &[(A, 170)])
        .then(first(), Accepted, &[(A, 170)])
        .then(at(2, 1_012).delta(0, A, 165, (1_010, 160)), Dropped, &[(A, 170)]),
        script(
            "a_leave_of_a_ghost_without_an_entity_is_noted",
            "a full record at that tick or before is of a stay that is over",
        )
        .then(at(3, 1_014).leave(0), Accepted, &[])
        .then(first(), Accepted, &[])
        .then(at(4, 1_014).full(0, A, 165), Accepted, &[])
        .then(at(5, 1_016).full(0, A, 170), Accepted, &[(A, 170)])
        .then(at(2, 1_013).full(0, A, 163), Accepted, &[(A, 170)]),
        script("a_full_not_newer_than_its_ghosts_leave_is_ignored", "what left does not come back by what is late")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(3, 1_014).leave(0), Accepted, &[])
            .then(at(2, 1_012).full(0, A, 165), Accepted, &[])
            .then(at(4, 1_014).full(0, A, 167), Accepted, &[]),
        script("a_leave_not_newer_than_since_is_of_a_former_stay", "the ghost keeps its entity")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(3, 1_014).full(0, B, 200), Accepted, &[(A, 160), (B, 200)])
            .then(at(2, 1_012).leave(0), Accepted, &[(A, 160), (B, 200)])
            .then(at(4, 1_014).leave(0), Accepted, &[(A, 160), (B, 200)])
            .then(at(5, 1_016).delta(0, B, 210, (1_014, 200)), Accepted, &[(A, 160), (B, 210)]),
        script(
            "a_leave_of_a_former_stay_is_noted",
            "a full record of that stay, which comes even later, is ignored: nothing can be built on it",
        )
        .then(at(3, 1_014).full(0, A, 170), Accepted, &[(A, 170)])
        .then(at(2, 1_012).leave(0), Accepted, &[(A, 170)])
        .then(first(), Accepted, &[(A, 170)])
        .then(at(4, 1_016).delta(0, A, 180, (1_010, 160)), Desync(1_016), &[]),
        script(
            "a_delta_of_a_ghost_that_left_is_a_desync",
            "it has no entity any more, so that only a full record finds the stream",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(at(2, 1_012).leave(0), Accepted, &[])
        .then(at(3, 1_014).delta(0, A, 165, (1_010, 160)), Desync(1_014), &[]),
        script("each_list_has_its_own_ghosts", "a leave among the owner's is none among the public")
            .then(first().owned(0, A, 7), Accepted, &[(A, 160), (A, 7)])
            .then(at(2, 1_012).leave_of(Owner, 0), Accepted, &[(A, 160)])
            .then(at(3, 1_014).delta(0, A, 170, (1_010, 160)).owned(1, A, 9), Accepted, &[(A, 170), (A, 9)]),
    ]
}

fn streams() -> Vec<Script> {
    vec![
        script("a_leave_ends_what_is_shown", "held: left at t")
            .then(first().full(1, B, 200), Accepted, &[(A, 160), (B, 200)])
            .then(at(2, 1_012).leave(0), Accepted, &[(B, 200)]),
        script(
            "a_leave_after_a_newer_version_is_ignored",
            "it came again; its ghost has no entity any more all the same",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(at(3, 1_014).delta(0, A, 170, (1_010, 160)), Accepted, &[(A, 170)])
        .then(at(2, 1_012).leave(0), Accepted, &[(A, 170)])
        .then(at(4, 1_016).delta(0, A, 180, (1_014, 170)), Desync(1_016), &[]),
        script("a_leave_at_the_tick_of_the_newest_version", "that is not newer than t: it leaves")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_012).delta(0, A, 163, (1_010, 160)), Accepted, &[(A, 163)])
            .then(at(3, 1_012).leave(0), Accepted, &[]),
        script(
            "what_left_comes_back",
            "of the same generation: the version is stored, and t is newer than `left`; what was held before \
             may be built on",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(at(2, 1_012).leave(0), Accepted, &[])
        .then(at(3, 1_014).full(0, A, 170), Accepted, &[(A, 170)])
        .then(at(4, 1_016).delta(0, A, 180, (1_010, 160)), Accepted, &[(A, 180)]),
        script(
            "what_left_does_not_come_back_by_an_older_full",
            "of the same generation, under another ghost: stored, but t is not newer than `left`",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(at(3, 1_014).leave(0), Accepted, &[])
        .then(at(2, 1_012).full(1, A, 165), Accepted, &[])
        .then(at(4, 1_016).full(1, A, 170), Accepted, &[(A, 170)])
        .then(at(5, 1_018).delta(1, A, 180, (1_012, 165)), Accepted, &[(A, 180)]),
        script("a_stream_left_at_the_later_of_two_ticks", "the leave of another ghost comes late")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(5, 1_014).leave(0), Accepted, &[])
            .then(at(2, 1_011).full(1, A, 163), Accepted, &[])
            .then(at(3, 1_012).leave(1), Accepted, &[])
            .then(at(4, 1_013).full(2, A, 165), Accepted, &[]),
        script("a_newer_generation_is_a_new_stream", "t is newer than all that is held: what came before is forgotten")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_012).full(0, A_AFTER, 200), Accepted, &[(A_AFTER, 200)])
            .then(at(3, 1_014).delta(0, A_AFTER, 210, (1_012, 200)), Accepted, &[(A_AFTER, 210)])
            .then(at(4, 1_016).delta(0, A_AFTER, 165, (1_010, 160)), Desync(1_016), &[]),
        script("a_full_of_another_generation_that_is_not_newer_is_ignored", "t is not newer than all that is held")
            .then(at(2, 1_012).full(0, A_AFTER, 200), Accepted, &[(A_AFTER, 200)])
            .then(first(), Accepted, &[(A_AFTER, 200)])
            .then(at(3, 1_012).full(0, A, 163), Accepted, &[(A_AFTER, 200)])
            .then(at(4, 1_014).delta(0, A_AFTER, 210, (1_012, 200)), Accepted, &[(A_AFTER, 210)]),
        script(
            "what_left_is_followed_by_another_generation",
            "t is newer than `left`: as new, and nothing is built on what was before",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(at(2, 1_012).leave(0), Accepted, &[])
        .then(at(3, 1_014).full(0, A_AFTER, 200), Accepted, &[(A_AFTER, 200)])
        .then(at(4, 1_016).delta(0, A_AFTER, 165, (1_010, 160)), Desync(1_016), &[]),
        script(
            "what_left_is_not_followed_by_what_is_not_newer",
            "of another generation, under another ghost, t is not newer than `left`: ignored",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(at(3, 1_014).leave(0), Accepted, &[])
        .then(at(2, 1_012).full(1, A_AFTER, 200), Accepted, &[])
        .then(at(4, 1_016).full(0, A, 170), Accepted, &[(A, 170)]),
    ]
}

fn desyncs() -> Vec<Script> {
    vec![
        in_doubt(
            "snapshots_up_to_a_desync_are_dropped",
            "up to its tick, with records or without, until long after; what is newer is taken",
        )
        .then(at(3, 1_011).full(0, A, 165), Dropped, &[])
        .then(at(4, 1_012).full(0, A, 165), Dropped, &[])
        .then(at(5, 1_012), Dropped, &[])
        .then(at(6, 1_013), Accepted, &[])
        .then(at(7, 1_014).full(0, A, 170).acks(TOLD_IN), Accepted, &[(A, 170)])
        .then(at(8, 1_012).full(1, B, 200), Dropped, &[(A, 170)]),
        in_doubt(
            "until_a_desync_is_acknowledged_there_is_no_other",
            "a wrong checksum and a baseline that is not held are dropped, and change nothing",
        )
        .then(at(3, 1_014).full(1, B, 200), Accepted, &[(B, 200)])
        .then(at(4, 1_016).full(1, B, 201).with_a_wrong_checksum(), Dropped, &[(B, 200)])
        .then(at(5, 1_018).delta(0, A, 165, (1_010, 160)), Dropped, &[(B, 200)])
        .then(at(6, 1_015).full(0, A, 170), Accepted, &[(A, 170), (B, 200)]),
        in_doubt(
            "until_a_desync_is_acknowledged_no_audit_is_compared",
            "the server does not know yet what was forgotten",
        )
        .then(at(3, 1_014).full(1, B, 200).audits(Public, A, &spot(163)), Accepted, &[(B, 200)])
        .then(at(4, 1_016).acks(TOLD_IN), Accepted, &[(B, 200)])
        .then(at(5, 1_018).audits(Public, A, &spot(163)), AuditWrong(1_018), &[]),
        in_doubt(
            "after_a_desync_everything_comes_in_full",
            "once the message is acknowledged all is as at the beginning, audits included",
        )
        .then(at(3, 1_014).full(0, A, 170).acks(TOLD_IN).audits(Public, A, &spot(170)), AuditRight, &[(A, 170)])
        .then(at(4, 1_016).delta(0, A, 180, (1_014, 170)), Accepted, &[(A, 180)])
        .then(at(5, 1_018).delta(0, A, 190, (1_016, 180)).with_a_wrong_checksum(), Desync(1_018), &[]),
        script(
            "a_desync_forgets_ghosts_too",
            "`since` and leaves are forgotten even if they are newer than the desync, so that they hold nothing back",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(at(4, 1_020).full(0, A, 170).leave(1), Accepted, &[(A, 170)])
        .then(at(2, 1_012).full(0, A, 163).with_a_wrong_checksum(), Desync(1_012), &[])
        .then(at(3, 1_016).full(0, B, 200).full(1, C, 240), Accepted, &[(B, 200), (C, 240)]),
        script(
            "a_wrong_checksum_is_a_desync_though_late",
            "only what names a baseline that is not held may be late; what is newer than its tick is \
             forgotten as well, and not dropped if it comes",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(at(3, 1_014).delta(0, A, 170, (1_010, 160)), Accepted, &[(A, 170)])
        .then(at(2, 1_012).delta(0, A, 165, (1_010, 160)).with_a_wrong_checksum(), Desync(1_012), &[])
        .then(at(4, 1_013).full(0, A, 167), Accepted, &[(A, 167)]),
        in_doubt(
            "acks_come_before_the_snapshot",
            "a datagram that acknowledges the message and is wrong itself is a second desync",
        )
        .then(at(3, 1_014).full(0, A, 170).with_a_wrong_checksum().acks(TOLD_IN), Desync(1_014), &[]),
    ]
}

fn audits() -> Vec<Script> {
    let wrong = |datagram: Datagram| datagram.audits(Public, A, &spot(99));
    let audited = |datagram: Datagram| datagram.audits(Public, A, &spot(160)).audits(Public, D, &spot(240));
    vec![
        script("an_audit_of_more_than_was_sent_is_of_all", "in flight is more than its sequence").then(
            first().in_flight(5).audits(Public, A, &spot(160)),
            AuditRight,
            &[(A, 160)],
        ),
        script("an_audit_is_of_a_bucket_in_all_audiences", "it sums up what is shown of indices that are 5 modulo 64")
            .then(first().full(1, B, 200).full(2, D, 240), Accepted, &[(A, 160), (B, 200), (D, 240)])
            .then(
                audited(at(2, 1_012).owned(0, A, 7)).audits(Owner, A, &[7]),
                AuditRight,
                &[(A, 160), (B, 200), (D, 240), (A, 7)],
            )
            .then(audited(at(3, 1_014).leave_of(Owner, 0)), AuditRight, &[(A, 160), (B, 200), (D, 240)]),
        script(
            "a_wrong_audit_is_a_desync",
            "its datagram was accepted before; all is forgotten, and the tick is the snapshot's",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(wrong(at(2, 1_012)), AuditWrong(1_012), &[]),
        script(
            "an_audit_is_not_compared_while_a_datagram_is_missing",
            "and not when a newer snapshot was applied before that comes",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(wrong(at(3, 1_014)).in_flight(1), Accepted, &[(A, 160)])
        .then(at(4, 1_016).in_flight(2), Accepted, &[(A, 160)])
        .then(at(2, 1_012).delta(0, A, 163, (1_010, 160)), Accepted, &[(A, 163)]),
        script("an_audit_is_compared_when_what_was_missing_comes", "and is right with that alone")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(3, 1_014).in_flight(1).audits(Public, A, &spot(163)), Accepted, &[(A, 160)])
            .then(at(2, 1_012).delta(0, A, 163, (1_010, 160)), AuditRight, &[(A, 163)]),
        script(
            "an_audit_is_wrong_when_what_was_missing_comes",
            "the desync is of the audit's tick, not of that of the datagram that came",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(wrong(at(3, 1_014)).in_flight(1), Accepted, &[(A, 160)])
        .then(at(2, 1_012).delta(0, A, 163, (1_010, 160)), AuditWrong(1_014), &[]),
        script("an_audit_is_not_compared_after_a_later_datagram", "also if that has no snapshot")
            .then(first(), Accepted, &[(A, 160)])
            .then(wrong(at(3, 1_014)).in_flight(1), Accepted, &[(A, 160)])
            .then(bare(4), Accepted, &[(A, 160)])
            .then(at(2, 1_012).delta(0, A, 163, (1_010, 160)), Accepted, &[(A, 163)]),
        script("a_late_audit_is_not_compared", "a newer snapshot was applied")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(3, 1_014).delta(0, A, 170, (1_010, 160)), Accepted, &[(A, 170)])
            .then(wrong(at(2, 1_012)), Accepted, &[(A, 170)]),
    ]
}

fn malformed() -> Vec<Script> {
    vec![
        script(
            "malformed_records_leave_the_messages",
            "what is before them is taken; the datagram may come again, and its messages are not taken twice",
        )
        .then(first().reliable(1, &event(NOTE, 7)).unreliable(&event(BLIP, 8)).cut(), Malformed, &[])
        .then(first().reliable(1, &event(NOTE, 7)), Accepted, &[(A, 160)]),
        script("malformed_records_store_nothing", "also of those that read well, and it is no desync")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_012).leave(0).full(1, B, 200).cut(), Malformed, &[(A, 160)]),
        script("a_malformed_header_leaves_the_messages", "4,097 datagrams in a snapshot are too many").then(
            at(1, 1_010).number(4_096, 4_097).reliable(1, &event(NOTE, 7)),
            Malformed,
            &[],
        ),
        in_doubt(
            "malformed_messages_leave_the_acks",
            "an unreliable message of 801 bytes: no message is taken, but the desync message is acknowledged",
        )
        .then(
            bare(3).acks(TOLD_IN).unreliable(&event(BLIP, 7)).unreliable(&[0; 801]).reliable(1, &event(NOTE, 8)),
            Malformed,
            &[],
        )
        .then(at(4, 1_014).full(0, A, 170).with_a_wrong_checksum(), Desync(1_014), &[]),
        script(
            "a_malformed_head_leaves_nothing",
            "it acknowledges what was not sent yet, or is of another version: no message is taken",
        )
        .then(bare(1).acks(500).unreliable(&event(BLIP, 7)).reliable(1, &event(NOTE, 7)), Malformed, &[])
        .then(bare(1).of_version(2).unreliable(&event(BLIP, 7)).reliable(1, &event(NOTE, 7)), Malformed, &[])
        .then(bare(1).reliable(1, &event(NOTE, 8)), Accepted, &[]),
        script("what_follows_the_last_field_is_ignored", "bits of the last byte that are not zero, and a byte more")
            .then(first().and_more(), Accepted, &[(A, 160)])
            .then(bare(2).and_more(), Accepted, &[(A, 160)]),
        script("a_fragment_too_far_ahead_ends_the_connection", "64 ahead of the next expected is malformed").then(
            bare(1).fragment(65, true, &event(NOTE, 7)),
            Ended,
            &[],
        ),
        script("a_fragment_too_long_ends_the_connection", "801 bytes are malformed").then(
            bare(1).fragment(1, true, &[0; 801]),
            Ended,
            &[],
        ),
        script("a_fragment_cut_short_ends_the_connection", "nobody can say what was missed").then(
            bare(1).fragment(1, true, &[1; 8]).cut(),
            Ended,
            &[],
        ),
    ]
}

fn messages() -> Vec<Script> {
    vec![
        script(
            "reliable_messages_are_taken_in_order",
            "each when all before it are complete, whatever order their fragments come in",
        )
        .then(bare(2).fragment(3, true, &event(NOTE, 9)), Accepted, &[])
        .then(bare(3).fragment(2, true, &event(NOTE, 8)[1..]), Accepted, &[])
        .then(bare(1).fragment(1, false, &event(NOTE, 8)[..1]), Accepted, &[]),
        script("fragments_of_a_datagram_come_in_any_order", "those of higher numbers may be first").then(
            bare(1).reliable(2, &event(NOTE, 8)).reliable(1, &event(NOTE, 7)),
            Accepted,
            &[],
        ),
        script("the_last_fragment_of_the_window_waits", "63 ahead of the next expected is taken").then(
            bare(1).fragment(64, true, &event(NOTE, 9)),
            Accepted,
            &[],
        ),
        script("a_fragment_that_came_before_is_ignored", "also if it says something else")
            .then(bare(1).reliable(1, &event(NOTE, 7)), Accepted, &[])
            .then(bare(2).reliable(1, &event(NOTE, 8)).reliable(2, &event(NOTE, 9)), Accepted, &[]),
        script(
            "a_message_that_reads_as_none_is_dropped_alone",
            "the stream goes on, and the datagram is accepted: of no kind, empty, of no event type, and a \
             second welcome",
        )
        .then(bare(1).reliable(1, &[9, 9]).reliable(2, &event(NOTE, 7)), AcceptedInPart, &[])
        .then(bare(2).reliable(3, &[]), AcceptedInPart, &[])
        .then(bare(3).reliable(4, &event(200, 7)), AcceptedInPart, &[])
        .then(bare(4).reliable(5, &welcome(WELCOME_TICK)).reliable(6, &event(NOTE, 8)), AcceptedInPart, &[])
        .then(at(5, 1_010).full(0, A, 160).unreliable(&[9]), AcceptedInPart, &[(A, 160)]),
        script("an_event_that_comes_the_other_way_is_dropped", "the schema says which events are reliable")
            .then(bare(1).reliable(1, &event(BLIP, 7)).unreliable(&event(BLIP, 8)), AcceptedInPart, &[])
            .then(bare(2).unreliable(&event(NOTE, 7)).reliable(2, &event(NOTE, 8)), AcceptedInPart, &[]),
        script("a_datagram_without_a_baseline_brings_its_messages", "those of both kinds, though it is not accepted")
            .then(first(), Accepted, &[(A, 160)])
            .then(
                at(2, 1_012).delta(1, B, 200, (1_010, 190)).reliable(1, &event(NOTE, 7)).unreliable(&event(BLIP, 8)),
                Desync(1_012),
                &[],
            )
            .then(at(3, 1_012).full(0, A, 170).reliable(2, &event(NOTE, 9)), Dropped, &[]),
    ]
}

fn scripts() -> Vec<Script> {
    let all =
        [sequences(), acceptance(), baselines(), ghosts(), streams(), desyncs(), audits(), malformed(), messages()];
    all.into_iter().flatten().collect()
}

/// All of the schema but its codes, which are those of `tables.txt`.
fn schema_without_codes() -> Value {
    let mut schema: Value = serde_json::from_str(&schema_json(schema())).unwrap();
    schema.as_object_mut().unwrap().remove("codes");
    schema
}

#[test]
fn a_client_hears_scripts_so() {
    let mut vectors = Vectors::new(
        FILE,
        "What a client makes of datagrams that come one after the other, below encryption: what it accepts, keeps, shows.\n\
         proves: the rule. step_1, step_2, ...: each a datagram, and what became of it.\n\
         \x20 hex          the datagram; about tells people what is in it\n\
         \x20 accepted     it counts as accepted from then on: the next acks report it, unless it lies behind more gaps\n\
         \x20              than can be listed\n\
         \x20 malformed    it is counted as malformed, or a message in it is dropped and counted\n\
         \x20 desync_tick  the tick of the desync message that the client sends next; null if it sends none\n\
         \x20 audit_right  an audit was compared, and is right; a wrong one shows in desync_tick\n\
         \x20 ended        the client ends the connection\n\
         \x20 events       those that the game gets: name and body; reliable ones in order, before those that are not\n\
         \x20 shown        the newest version of each stream that is shown: audience, index, generation, mask, lanes;\n\
         \x20              by audience and index\n\
         The client sends one datagram before all that, with its hello, and one after each that it hears, the welcome's\n\
         included: the one after step n has sequence n + 1, or n if it was not joined. That is what acks in datagrams speak\n\
         of. Time plays no part.\n\
         joined: before step_1 the client has heard the datagram welcome. schema: as section 17 has it, with the codes of\n\
         tables.txt.",
    );
    vectors.context(&json!({
        "joined": true,
        "schema": schema_without_codes(),
        "welcome": hex(&welcomed().bytes()),
    }));
    let mut all_wrong = Vec::new();
    for script in scripts() {
        let given = (!script.is_joined).then(|| json!({ "joined": false }));
        let (steps, wrong) = script.play();
        vectors.script(script.name, script.proves, given.as_ref(), &steps);
        all_wrong.extend(wrong);
    }
    assert!(all_wrong.is_empty(), "{all_wrong:#?}");
    vectors.check();
}
