//! Makes Tidelock's dashboards from a compact description, and checks what is below `deploy`: dashboards, alerts, and
//! what is written about them. README.md beside this crate says how to run it.

pub mod dashboards;
pub mod files;
pub mod grafana;
pub mod live;
pub mod metrics;
pub mod panel;
pub mod promql;
pub mod rules;
