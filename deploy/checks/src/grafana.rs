//! Dashboards as Grafana 11 and later read them.

use crate::panel::{Dashboard, Kind, Panel, Row, Threshold};
use serde_json::{Map, Value, json};

/// The version of Grafana's model that is written here; newer ones convert it as they read it.
pub const SCHEMA_VERSION: u32 = 39;
/// All dashboards have it, and find each other by it.
pub const TAG: &str = "tidelock";
const COLUMNS: u32 = 24;

/// A dashboard as its file has it.
#[must_use]
pub fn text(dashboard: &Dashboard) -> String {
    let mut text = serde_json::to_string_pretty(&model(dashboard)).expect("a tree of values is always JSON");
    text.push('\n');
    text
}

fn model(dashboard: &Dashboard) -> Value {
    json!({
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.about,
        "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": true,
        "fiscalYearStartMonth": 0,
        "weekStart": "",
        "graphTooltip": 1,
        "liveNow": false,
        "refresh": "10s",
        "time": { "from": "now-30m", "to": "now" },
        "timepicker": {},
        "timezone": "browser",
        "links": [{
            "title": "Tidelock",
            "type": "dashboards",
            "tags": [TAG],
            "asDropdown": false,
            "includeVars": true,
            "keepTime": true,
            "targetBlank": false,
            "icon": "external link",
            "tooltip": "",
            "url": "",
        }],
        "annotations": { "list": [built_in_annotations()] },
        "templating": { "list": variables(dashboard.simulators) },
        "panels": panels(&dashboard.rows),
    })
}

fn built_in_annotations() -> Value {
    json!({
        "builtIn": 1,
        "datasource": { "type": "grafana", "uid": "-- Grafana --" },
        "enable": true,
        "hide": true,
        "iconColor": "rgba(0, 211, 255, 1)",
        "name": "Annotations & Alerts",
        "type": "dashboard",
    })
}

fn source() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

fn variables(simulators: bool) -> Vec<Value> {
    let source = json!({
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "current": { "selected": false, "text": "default", "value": "default" },
        "hide": 0,
        "includeAll": false,
        "multi": false,
        "options": [],
        "refresh": 1,
        "regex": "",
        "skipUrlSync": false,
    });
    let mut variables = vec![
        source,
        values("job", "Job", "label_values(tidelock_build_info, job)"),
        values("instance", "Server", "label_values(tidelock_build_info{job=~\"$job\"}, instance)"),
    ];
    if simulators {
        variables.push(values("simulator", "Simulator", "label_values(tidelock_sim_clients, instance)"));
    }
    variables
}

/// A variable with the values of a label, of which several or all are chosen.
fn values(name: &str, label: &str, query: &str) -> Value {
    json!({
        "name": name,
        "label": label,
        "type": "query",
        "datasource": source(),
        "definition": query,
        "query": { "qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery" },
        "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
        "allValue": ".+",
        "hide": 0,
        "includeAll": true,
        "multi": true,
        "options": [],
        "refresh": 2,
        "regex": "",
        "skipUrlSync": false,
        "sort": 1,
    })
}

/// All rows and panels, with their places: from left to right, in lines as high as their highest panel.
fn panels(rows: &[Row]) -> Vec<Value> {
    let mut all = Vec::new();
    let (mut id, mut y) = (0, 0);
    for row in rows {
        id += 1;
        let mut head = json!({
            "id": id,
            "type": "row",
            "title": row.title,
            "collapsed": row.closed,
            "gridPos": { "h": 1, "w": COLUMNS, "x": 0, "y": y },
            "panels": [],
        });
        y += 1;
        let (mut x, mut height) = (0, 0);
        let mut inside = Vec::new();
        for described in &row.panels {
            let (w, h) = described.size;
            if x + w > COLUMNS {
                (x, y, height) = (0, y + height, 0);
            }
            id += 1;
            inside.push(panel(described, id, &json!({ "h": h, "w": w, "x": x, "y": y })));
            (x, height) = (x + w, height.max(h));
        }
        y += height;
        if row.closed {
            head["panels"] = Value::Array(std::mem::take(&mut inside));
        }
        all.push(head);
        all.append(&mut inside);
    }
    all
}

fn panel(described: &Panel, id: u32, place: &Value) -> Value {
    let kind = match described.kind {
        Kind::Lines | Kind::Stack => "timeseries",
        Kind::Stat => "stat",
        Kind::Heatmap => "heatmap",
    };
    json!({
        "id": id,
        "type": kind,
        "title": described.title,
        "description": described.about,
        "datasource": source(),
        "gridPos": place,
        "fieldConfig": { "defaults": defaults(described), "overrides": [] },
        "options": options(described),
        "targets": targets(described),
    })
}

fn targets(described: &Panel) -> Vec<Value> {
    let format = if described.kind == Kind::Heatmap { "heatmap" } else { "time_series" };
    let letters = ('A'..='Z').map(String::from);
    let targets = described.queries.iter().zip(letters).map(|(query, letter)| {
        json!({
            "refId": letter,
            "datasource": source(),
            "editorMode": "code",
            "expr": query.expr,
            "legendFormat": query.legend,
            "format": format,
            "instant": false,
            "range": true,
        })
    });
    targets.collect()
}

fn defaults(described: &Panel) -> Value {
    let mut defaults = Map::new();
    let colour = if described.kind == Kind::Stat { "thresholds" } else { "palette-classic" };
    defaults.insert("color".to_owned(), json!({ "mode": colour }));
    defaults.insert("unit".to_owned(), json!(described.unit));
    defaults.insert("mappings".to_owned(), json!([]));
    defaults.insert("thresholds".to_owned(), thresholds(&described.thresholds));
    for (name, bound) in [("min", described.bounds.0), ("max", described.bounds.1)] {
        // A heat map's axis is its buckets'.
        if let Some(bound) = bound.filter(|_| described.kind != Kind::Heatmap) {
            defaults.insert(name.to_owned(), json!(bound));
        }
    }
    defaults.insert("custom".to_owned(), custom(described));
    Value::Object(defaults)
}

fn thresholds(above: &[Threshold]) -> Value {
    let lowest = json!({ "color": "green", "value": null });
    let above = above.iter().map(|Threshold(value, colour)| json!({ "color": colour, "value": value }));
    json!({ "mode": "absolute", "steps": std::iter::once(lowest).chain(above).collect::<Vec<_>>() })
}

fn custom(described: &Panel) -> Value {
    let hidden_from = json!({ "legend": false, "tooltip": false, "viz": false });
    let stacked = described.kind == Kind::Stack;
    match described.kind {
        Kind::Stat => json!({}),
        Kind::Heatmap => json!({ "hideFrom": hidden_from, "scaleDistribution": { "type": "linear" } }),
        Kind::Lines | Kind::Stack => json!({
            "drawStyle": "line",
            "lineInterpolation": "linear",
            "lineWidth": 1,
            "fillOpacity": if stacked { 40 } else { 5 },
            "gradientMode": "none",
            "showPoints": "never",
            "pointSize": 4,
            "spanNulls": false,
            "insertNulls": false,
            "stacking": { "group": "A", "mode": if stacked { "normal" } else { "none" } },
            "axisPlacement": "auto",
            "axisLabel": "",
            "axisColorMode": "text",
            "axisBorderShow": false,
            "axisCenteredZero": false,
            "scaleDistribution": { "type": "linear" },
            "barAlignment": 0,
            "hideFrom": hidden_from,
            "thresholdsStyle": { "mode": if described.thresholds.is_empty() { "off" } else { "dashed" } },
        }),
    }
}

fn options(described: &Panel) -> Value {
    match described.kind {
        Kind::Lines | Kind::Stack => json!({
            "legend": {
                "calcs": ["lastNotNull", "max"],
                "displayMode": "table",
                "placement": "bottom",
                "showLegend": true,
                "sortBy": "Max",
                "sortDesc": true,
            },
            "tooltip": { "mode": "multi", "sort": "desc" },
        }),
        Kind::Stat => json!({
            "colorMode": if described.thresholds.is_empty() { "none" } else { "value" },
            "graphMode": "area",
            "justifyMode": "auto",
            "orientation": "auto",
            "percentChangeColorMode": "standard",
            "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            "showPercentChange": false,
            "textMode": "auto",
            "wideLayout": true,
        }),
        Kind::Heatmap => json!({
            "calculate": false,
            "cellGap": 1,
            "color": {
                "mode": "scheme",
                "scheme": "Oranges",
                "scale": "exponential",
                "exponent": 0.5,
                "fill": "dark-orange",
                "reverse": false,
                "steps": 64,
            },
            "exemplars": { "color": "rgba(255,0,255,0.7)" },
            "filterValues": { "le": 1e-9 },
            "legend": { "show": true },
            "rowsFrame": { "layout": "auto" },
            "showValue": "never",
            "tooltip": { "mode": "single", "showColorScale": false, "yHistogram": false },
            "yAxis": { "axisPlacement": "left", "reverse": false, "unit": described.unit },
        }),
    }
}
