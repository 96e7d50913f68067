//! The dashboards.

mod attacks;
mod players;
mod server;

use crate::panel::Dashboard;

/// What players feel of whatever it is: of the inputs that were due, those that were not there.
const MISSING: &str = r#"sum(rate(tidelock_inputs_total{@,fate="missing"}[@]))
/ (sum(rate(tidelock_inputs_total{@,fate=~"on_time|missing"}[@])) > 0)"#;

/// All of them.
#[must_use]
pub fn all() -> Vec<Dashboard> {
    vec![players::dashboard(), server::dashboard(), attacks::dashboard()]
}
