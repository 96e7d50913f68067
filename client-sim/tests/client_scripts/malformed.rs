//! Sections 1 and 4: what a malformed part takes with it.

use super::datagram::{at, bare, event};
use super::schema::{BLIP, NOTE};
use super::script::Fate::{Accepted, Desync, Ended, Malformed};
use super::script::{A, B, Script, TOLD_IN, first, in_doubt, script};

pub(crate) fn scripts() -> Vec<Script> {
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
