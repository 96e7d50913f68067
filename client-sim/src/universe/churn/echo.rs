use bevy_ecs::prelude::{MessageReader, MessageWriter};
use tidelock::state::{Event, Shaped};
use tidelock_server::game::{FromClient, Recipients, ToClients};

/// Comes back to who sent it.
#[derive(Clone, Debug, PartialEq, Eq, bitcode::Encode, bitcode::Decode, Shaped)]
pub struct Echo(
    /// Whatever it is.
    pub Vec<u8>,
);

impl Event for Echo {
    const NAME: &'static str = "echo";
}

pub(super) fn echo(mut heard: MessageReader<'_, '_, FromClient<Echo>>, mut echoes: MessageWriter<'_, ToClients<Echo>>) {
    for FromClient { client_id, event } in heard.read() {
        echoes.write(ToClients { to: Recipients::One(*client_id), event: event.clone() });
    }
}
