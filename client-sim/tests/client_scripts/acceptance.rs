//! Section 3: what is accepted.

use super::datagram::{at, bare, event, welcome};
use super::schema::{BLIP, NOTE};
use super::script::Fate::{Accepted, Desync, Dropped, Ended};
use super::script::{A, B, C, Script, WELCOME_TICK, first, script, script_before_the_welcome, welcomed};

pub(crate) fn scripts() -> Vec<Script> {
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
