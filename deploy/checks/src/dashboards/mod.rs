//! The dashboards.

mod attacks;
mod players;
mod server;

use crate::panel::Dashboard;

/// All of them.
#[must_use]
pub fn all() -> Vec<Dashboard> {
    vec![players::dashboard(), server::dashboard(), attacks::dashboard()]
}
