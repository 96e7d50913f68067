//! Section 8: what becomes of a stream.

use super::datagram::at;
use super::script::Fate::{Accepted, Desync};
use super::script::{A, A_AFTER, B, Script, first, script};

pub(crate) fn scripts() -> Vec<Script> {
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
