use super::whole::same_streams;
use crate::client::View;
use tidelock::ClientId;
use tidelock_server::engine::Engine;

/// Whether a client holds exactly what it is meant to see, each stream in its newest version.
pub(in crate::universe) fn converged(engine: &Engine, client_id: ClientId, view: &View) -> Result<(), String> {
    let meant = engine.visible_to(client_id).map(|(id, audience, version)| ((audience, id), Some(version)));
    same_streams(meant, view).map_err(|what| format!("client {client_id} has not converged: {what}"))
}
