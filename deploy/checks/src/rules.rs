//! Alerts as Prometheus' rule files have them.

use crate::files;
use std::path::Path;
use yaml_rust2::{Yaml, YamlLoader};

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The alert's name; none for a recording rule.
    pub alert: Option<String>,
    /// PromQL.
    pub expr: String,
    /// How bad it is.
    pub severity: Option<String>,
    /// Texts by name.
    pub annotations: Vec<(String, String)>,
}

/// All rules of a file.
pub fn read(path: &Path) -> Result<Vec<Rule>, String> {
    let file = yaml(path)?;
    let groups = file["groups"].as_vec().ok_or_else(|| format!("{} has no groups", path.display()))?;
    let rules = groups.iter().flat_map(|group| group["rules"].as_vec().into_iter().flatten());
    rules.map(|rule| Rule::of(rule).ok_or_else(|| format!("{}: a rule has no expr", path.display()))).collect()
}

/// The document of a file.
pub fn yaml(path: &Path) -> Result<Yaml, String> {
    let documents = YamlLoader::load_from_str(&files::read(path)?);
    let documents = documents.map_err(|why| format!("{} is no YAML: {why}", path.display()))?;
    documents.into_iter().next().ok_or_else(|| format!("{} is empty", path.display()))
}

impl Rule {
    fn of(rule: &Yaml) -> Option<Self> {
        let text = |value: &Yaml| value.as_str().map(str::to_owned);
        let annotations = rule["annotations"].as_hash().into_iter().flatten();
        Some(Self {
            alert: text(&rule["alert"]),
            expr: text(&rule["expr"])?,
            severity: text(&rule["labels"]["severity"]),
            annotations: annotations.filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect(),
        })
    }

    /// An annotation by its name.
    #[must_use]
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }
}
