//! Sections 7 and 8: what deltas build on.

use super::datagram::at;
use super::script::Fate::{Accepted, Desync, Dropped, Malformed};
use super::script::{A, B, Script, first, script};

pub(crate) fn scripts() -> Vec<Script> {
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
