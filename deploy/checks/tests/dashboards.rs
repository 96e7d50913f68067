//! What is committed as dashboards, taken as Grafana would.

use serde_json::Value;
use std::collections::BTreeSet;
use tidelock_deploy_checks::promql::{Variables, selectors};
use tidelock_deploy_checks::{dashboards, files, grafana, metrics};

/// The committed dashboards, by their file's name.
fn committed() -> Vec<(String, Value)> {
    let paths = files::list(&files::deploy("grafana/dashboards"), ".json").unwrap();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, serde_json::from_str(&files::read(path).unwrap()).unwrap())
    };
    paths.iter().map(read).collect()
}

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().unwrap_or_else(|| panic!("{name} is no list: {of}"))
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_else(|| panic!("{name} is no text: {of}"))
}

fn number(of: &Value, name: &str) -> u64 {
    of[name].as_u64().unwrap_or_else(|| panic!("{name} is no number: {of}"))
}

/// Rows, and panels in and below them.
fn everything(dashboard: &Value) -> Vec<&Value> {
    list(dashboard, "panels")
        .iter()
        .flat_map(|panel| {
            let inside = panel["panels"].as_array().into_iter().flatten();
            std::iter::once(panel).chain(inside)
        })
        .collect()
}

fn panels(dashboard: &Value) -> Vec<&Value> {
    everything(dashboard).into_iter().filter(|panel| panel["type"] != "row").collect()
}

#[test]
fn what_is_committed_is_what_is_described() {
    let files: BTreeSet<String> = committed().into_iter().map(|(name, _)| name).collect();
    let described: BTreeSet<String> =
        dashboards::all().iter().map(|dashboard| format!("{}.json", dashboard.uid)).collect();
    assert_eq!(files, described);
    for dashboard in dashboards::all() {
        let path = files::deploy("grafana/dashboards").join(format!("{}.json", dashboard.uid));
        let same = files::read(&path).unwrap() == grafana::text(&dashboard);
        assert!(same, "{} is not what is described: `cargo run -- dashboards` writes it anew", path.display());
    }
}

#[test]
fn every_query_parses_and_asks_for_what_there_is() {
    let known = metrics::Known::from_sources().unwrap();
    assert!(known.count() > 40, "the names of metrics are elsewhere now: {known:?}");
    for (name, dashboard) in committed() {
        for panel in panels(&dashboard) {
            for target in list(panel, "targets") {
                let expr = Variables::ALL.fill(text(target, "expr"));
                let found = selectors(&expr).unwrap_or_else(|why| panic!("{name}, {}: {why}", panel["title"]));
                assert!(!found.is_empty(), "{name}, {}: `{expr}` asks for nothing", panel["title"]);
                for selector in found {
                    known.check(&selector).unwrap_or_else(|why| panic!("{name}, {}: {why}", panel["title"]));
                }
            }
        }
    }
}

#[test]
fn every_variable_asks_for_what_there_is_and_is_used() {
    let known = metrics::Known::from_sources().unwrap();
    for (name, dashboard) in committed() {
        let everywhere = dashboard.to_string();
        let variables = list(&dashboard["templating"], "list");
        for variable in variables {
            let called = text(variable, "name");
            assert!(
                everywhere.contains(&format!("${called}")) || everywhere.contains(&format!("${{{called}}}")),
                "{name}: {called}"
            );
            if text(variable, "type") != "query" {
                continue;
            }
            let query = text(&variable["query"], "query");
            assert_eq!(query, text(variable, "definition"), "{name}: {called}");
            let inside = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let (selector, label) = inside.and_then(|inside| inside.rsplit_once(", ")).expect(query);
            assert!(["job", "instance"].contains(&label), "{name}: {query}");
            for selector in selectors(&Variables::ALL.fill(selector)).unwrap() {
                known.check(&selector).unwrap_or_else(|why| panic!("{name}, {called}: {why}"));
            }
        }
        let names: Vec<_> = variables.iter().map(|variable| text(variable, "name")).collect();
        assert!(names.starts_with(&["datasource", "job", "instance"]), "{name}: {names:?}");
    }
}

#[test]
fn every_metric_is_shown_somewhere() {
    let shown: BTreeSet<String> = committed()
        .iter()
        .flat_map(|(_, dashboard)| {
            let targets: Vec<_> = panels(dashboard).into_iter().flat_map(|panel| list(panel, "targets")).collect();
            targets
                .into_iter()
                .flat_map(|target| selectors(&Variables::ALL.fill(text(target, "expr"))).unwrap())
                .collect::<Vec<_>>()
        })
        .map(|selector| selector.metric)
        .collect();
    let known = metrics::Known::from_sources().unwrap();
    for metric in known.names().filter(|&name| name != "up" && !name.ends_with("_")) {
        let series = [metric.to_owned(), format!("{metric}_bucket")];
        assert!(series.iter().any(|series| shown.contains(series)), "{metric} is on no dashboard");
    }
}

#[test]
fn panels_have_ids_of_their_own_and_places_that_do_not_overlap() {
    for (name, dashboard) in committed() {
        let mut ids = BTreeSet::new();
        let mut taken = BTreeSet::new();
        for panel in everything(&dashboard) {
            assert!(ids.insert(number(panel, "id")), "{name}: two panels have the id {}", panel["id"]);
            let place = &panel["gridPos"];
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|of| number(place, of));
            assert!(w > 0 && h > 0 && x + w <= 24, "{name}, {}: {place}", panel["title"]);
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(taken.insert(cell), "{name}, {}: something else is at {cell:?}", panel["title"]);
            }
        }
    }
}

#[test]
fn panels_say_what_they_show_in_which_unit_and_whence() {
    let kinds = ["timeseries", "stat", "heatmap"];
    let units = ["short", "s", "bytes", "Bps", "pps", "cps", "cpm", "percentunit"];
    for (name, dashboard) in committed() {
        let mut titles = BTreeSet::new();
        for row in list(&dashboard, "panels").iter().filter(|panel| panel["type"] == "row") {
            assert!(!text(row, "title").is_empty());
            let open = row["collapsed"] == false;
            assert_eq!(
                list(row, "panels").is_empty(),
                open,
                "{name}: panels of a closed row are in it, of others below"
            );
        }
        for panel in panels(&dashboard) {
            let title = text(panel, "title");
            assert!(kinds.contains(&text(panel, "type")), "{name}, {title}");
            let about = text(panel, "description");
            assert!(about.len() > 20 && about.ends_with(['.', '%']), "{name}, {title}: {about:?}");
            titles.insert(title);
            let defaults = &panel["fieldConfig"]["defaults"];
            assert!(units.contains(&text(defaults, "unit")), "{name}, {title}");
            let steps = list(&defaults["thresholds"], "steps");
            assert!(steps[0]["value"].is_null(), "{name}, {title}: the first step is for all below");
            let values: Vec<_> = steps[1..].iter().map(|step| step["value"].as_f64().unwrap()).collect();
            assert!(values.is_sorted(), "{name}, {title}: {values:?}");
            let targets = list(panel, "targets");
            let letters: BTreeSet<_> = targets.iter().map(|target| text(target, "refId")).collect();
            assert!(!targets.is_empty() && letters.len() == targets.len(), "{name}, {title}");
            for whence in targets.iter().chain([panel]) {
                assert_eq!(text(&whence["datasource"], "uid"), "${datasource}", "{name}, {title}");
            }
            assert!(targets.iter().all(|target| !text(target, "legendFormat").is_empty()), "{name}, {title}");
        }
        assert!(titles.len() > 10, "{name}");
    }
}

#[test]
fn dashboards_find_each_other_and_are_of_a_known_version() {
    let mut uids = BTreeSet::new();
    for (name, dashboard) in committed() {
        let uid = text(&dashboard, "uid").to_owned();
        assert_eq!(format!("{uid}.json"), name);
        assert!(uids.insert(uid) && number(&dashboard, "schemaVersion") >= 39, "{name}");
        assert!(dashboard.get("id").is_none(), "{name}: Grafana gives ids");
        let tags = list(&dashboard, "tags");
        assert!(
            list(&dashboard, "links")
                .iter()
                .any(|link| link["type"] == "dashboards" && list(link, "tags").iter().all(|tag| tags.contains(tag))),
            "{name}"
        );
    }
    assert_eq!(uids.len(), 3);
}
