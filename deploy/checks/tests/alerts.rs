//! What is committed as alerts: that they can fire, are tested, and are written about.

use std::collections::BTreeSet;
use tidelock_deploy_checks::promql::selectors;
use tidelock_deploy_checks::rules::{self, Rule};
use tidelock_deploy_checks::{files, metrics};
use yaml_rust2::Yaml;

fn all_rules() -> Vec<Rule> {
    let paths = files::list(&files::deploy("prometheus/rules"), ".yaml").unwrap();
    let rules: Vec<Rule> = paths.iter().flat_map(|path| rules::read(path).unwrap()).collect();
    assert!(!rules.is_empty(), "there are no rules");
    rules
}

fn alerts() -> BTreeSet<String> {
    let rules = all_rules();
    let names: Vec<String> = rules.into_iter().filter_map(|rule| rule.alert).collect();
    let distinct: BTreeSet<String> = names.iter().cloned().collect();
    assert_eq!(names.len(), distinct.len(), "two alerts have one name: {names:?}");
    distinct
}

/// The sections of the runbook that are about alerts.
fn sections() -> BTreeSet<String> {
    let text = files::read(&files::deploy("RUNBOOK.md")).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("## "))
        .filter(|title| title.starts_with("Tidelock"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_expression_parses_and_asks_for_what_there_is() {
    let known = metrics::Known::from_sources().unwrap();
    for rule in all_rules() {
        let found = selectors(&rule.expr).unwrap();
        assert!(!found.is_empty(), "{rule:?}");
        for selector in found {
            known.check(&selector).unwrap_or_else(|why| panic!("{:?}: {why}", rule.alert));
        }
    }
}

#[test]
fn every_alert_says_what_it_is_and_where_to_read_on() {
    for rule in all_rules() {
        let Some(alert) = &rule.alert else { continue };
        let severity = rule.severity.as_deref().unwrap_or_else(|| panic!("{alert} has no severity"));
        assert!(["critical", "warning", "info"].contains(&severity), "{alert}: {severity}");
        assert!(
            rule.annotation("summary").is_some_and(|text| text.contains("$labels.")),
            "{alert}: whom the summary is about"
        );
        assert!(
            rule.annotation("description").is_some_and(|text| text.contains("$value")),
            "{alert}: the description has no value"
        );
        let anchor = format!("deploy/RUNBOOK.md#{}", alert.to_lowercase());
        assert_eq!(rule.annotation("runbook_url"), Some(anchor.as_str()), "{alert}");
    }
}

#[test]
fn every_alert_has_a_section_and_every_section_an_alert() {
    assert_eq!(sections(), alerts());
}

#[test]
fn every_section_says_the_same_five_things() {
    let text = files::read(&files::deploy("RUNBOOK.md")).unwrap();
    for section in text.split("\n## ").filter(|section| section.starts_with("Tidelock")) {
        let title = section.lines().next().unwrap_or_default();
        for part in ["**Players:**", "**Look:**", "**Causes:**", "**Do:**", "**Ignore:**"] {
            assert!(section.contains(part), "{title} has no {part}");
        }
    }
}

#[test]
fn every_query_of_the_runbook_asks_for_what_there_is() {
    let known = metrics::Known::from_sources().unwrap();
    let text = files::read(&files::deploy("RUNBOOK.md")).unwrap();
    let blocks: Vec<&str> = text.split("```promql\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
    assert!(!blocks.is_empty(), "the runbook has no queries");
    for query in blocks.iter().flat_map(|block| block.lines()) {
        for selector in selectors(query).unwrap() {
            known.check(&selector).unwrap_or_else(|why| panic!("{query}: {why}"));
        }
    }
}

/// Alerts that tests expect, and alerts that tests expect not to fire.
fn tested() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut fire, mut stay) = (BTreeSet::new(), BTreeSet::new());
    for path in files::list(&files::deploy("prometheus/tests"), ".yaml").unwrap() {
        let file = rules::yaml(&path).unwrap();
        let entries = |of: &Yaml, name: &str| of[name].as_vec().cloned().unwrap_or_default();
        for case in entries(&file, "tests").iter().flat_map(|test| entries(test, "alert_rule_test")) {
            let alert = case["alertname"].as_str().expect("a case names its alert").to_owned();
            let expected = entries(&case, "exp_alerts");
            if expected.is_empty() { &mut stay } else { &mut fire }.insert(alert);
        }
    }
    (fire, stay)
}

#[test]
fn every_alert_is_tested_to_fire_and_not_to() {
    let (fire, stay) = tested();
    assert_eq!(fire, alerts(), "these fire in a test");
    assert_eq!(stay, alerts(), "these stay silent in a test");
}
