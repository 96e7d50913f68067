//! Section 4: messages of both kinds.

use super::datagram::{at, bare, event, welcome};
use super::schema::{BLIP, NOTE};
use super::script::Fate::{Accepted, AcceptedInPart, Desync, Dropped};
use super::script::{A, B, Script, WELCOME_TICK, first, script};

pub(crate) fn scripts() -> Vec<Script> {
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
