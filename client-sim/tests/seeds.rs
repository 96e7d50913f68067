//! Universes of which a seed chooses everything: those with names, a few more, and what the program says of them.

use std::ops::ControlFlow;
use std::process::Command;
use tidelock_sim::seeds::{self, Trial, Verdict};
use tidelock_sim::universe::scenario::{Outcome, Run, Scenario, Wishes};

fn all_hold(trials: &[Trial]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    seeds::run(trials, 2, |judged| {
        let said = seeds::line(&judged);
        let Verdict::Held(outcome) = judged.verdict else { panic!("{said}") };
        outcomes.push(outcome);
        ControlFlow::Continue(())
    });
    outcomes
}

#[test]
fn in_universes_with_names_everything_holds() {
    let trials = seeds::read_list(include_str!("../seeds.txt")).unwrap();
    assert_eq!(all_hold(&trials).len(), trials.len());
}

#[test]
fn in_a_dozen_universes_everything_holds_and_every_checker_has_looked() {
    let wishes = Wishes { clients: Some(4), ticks: Some(200) };
    let trials: Vec<Trial> = (1..=12).map(|seed| Trial { name: None, seed, wishes }).collect();
    let outcomes = all_hold(&trials);
    for at in 0..outcomes[0].looked.len() {
        let looked: u64 = outcomes.iter().map(|outcome| outcome.looked[at].1).sum();
        assert!(looked > 0, "{} looked at nothing", outcomes[0].looked[at].0);
    }
}

#[test]
fn a_seed_says_the_same_each_time_and_another_something_else() {
    let digest = |seed| {
        let wishes = Wishes { clients: Some(3), ticks: Some(120) };
        Run::new(Scenario::draw(seed, wishes)).finish().unwrap().digest
    };
    assert_eq!(digest(3), digest(3));
    assert_ne!(digest(3), digest(4));
}

fn program(flags: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tidelock-sim")).arg("universe").args(flags).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_program_prints_a_line_for_each_seed_and_the_sum() {
    let (code, said, _) = program(&["--seed", "5", "--count", "3", "--clients", "2", "--ticks", "60"]);
    assert_eq!(code, 0, "{said}");
    let seeds: Vec<&str> = said.lines().take(3).map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(seeds, ["5", "6", "7"]);
    assert!(said.contains("3 seeds, 0 failed") && said.contains("reference model"), "{said}");
}

#[test]
fn a_list_that_is_none_is_bad_usage() {
    let file = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("seeds-that-are-none.txt");
    std::fs::write(&file, "fine 1\nlonely\n").unwrap();
    let (code, _, said) = program(&["--list", file.to_str().unwrap()]);
    assert_eq!(code, 2);
    assert!(said.contains("seeds-that-are-none.txt") && said.contains("line 2: `lonely` is no seed"), "{said}");
    assert_eq!(program(&["--list", "no-such-list.txt"]).0, 1);
    assert_eq!(program(&["--clients", "0"]).0, 2);
}
