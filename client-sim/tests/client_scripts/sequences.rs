//! Sections 1 to 3: what 16 bits mean, and which sequences are dropped.

use super::datagram::{at, bare, welcome};
use super::script::Fate::{Accepted, Desync, Dropped, Malformed};
use super::script::{A, B, C, Script, TOLD_IN, first, in_doubt, script, script_before_the_welcome};

pub(crate) fn scripts() -> Vec<Script> {
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
