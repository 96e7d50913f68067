//! What figures are called where there is one name for each: the names of the fields that lead there, joined with underscores.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Summary;

/// Parts of the names of what is no figure: most say what was asked for.
const NOT_MEASURED: [&str; 7] =
    ["schema", "seed", "conditioner_", "churn_per_s", "started_unix_s", "clients_reasons_", "cut_short"];
/// Every figure by its full name. Yes counts as 1, no as 0.
pub(super) fn figures(summary: &Summary) -> BTreeMap<String, Option<f64>> {
    figures_in(&serde_json::to_value(summary).expect("a summary is plain data"))
}

/// The same of what a summary file holds.
pub(super) fn figures_in(value: &Value) -> BTreeMap<String, Option<f64>> {
    let mut figures = BTreeMap::new();
    visit("", value, &mut figures);
    figures.retain(|name, _| !NOT_MEASURED.iter().any(|part| name.contains(part)));
    figures
}

fn visit(name: &str, value: &Value, figures: &mut BTreeMap<String, Option<f64>>) {
    let mut put = |value| figures.insert(name.to_owned(), value);
    match value {
        Value::Null => drop(put(None)),
        Value::Bool(yes) => drop(put(Some(f64::from(u8::from(*yes))))),
        Value::Number(number) => drop(put(number.as_f64())),
        Value::String(_) | Value::Array(_) => {}
        Value::Object(fields) => {
            for (field, value) in fields {
                let joined = if name.is_empty() { field.clone() } else { format!("{name}_{field}") };
                visit(&joined, value, figures);
            }
        }
    }
}
