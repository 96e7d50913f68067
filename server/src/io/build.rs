//! What this program was built from.

/// Of this package.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit, if whoever built it said so in `TIDELOCK_COMMIT`: a build that looked for it itself would be done anew with each.
pub(super) const COMMIT: &str = match option_env!("TIDELOCK_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};
