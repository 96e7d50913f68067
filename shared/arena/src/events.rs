use alloc::string::String;
use bitcode::{Decode, Encode};
use tidelock::Tick;
use tidelock::state::{Event, EventRate, NetId, Shaped};

/// A line of chat is at most this long, in bytes of UTF-8.
pub const CHAT_BYTES_MAX: usize = 200;

/// From a client: says something to everybody. The server drops control characters and what exceeds
/// [`CHAT_BYTES_MAX`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Shaped)]
pub struct Say {
    /// One line.
    pub text: String,
}

impl Event for Say {
    const NAME: &'static str = "say";
    const RATE: EventRate = EventRate { per_s: 1, burst: 4 };
}

/// To all clients: a line of chat.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Shaped)]
pub struct Chat {
    /// The client id of who said it; `None` for what the server tells, such as who joined or was killed.
    pub sender: Option<u64>,
    /// One line without control characters, 1 to [`CHAT_BYTES_MAX`] bytes.
    pub text: String,
}

impl Event for Chat {
    const NAME: &'static str = "chat";
    const RATE: EventRate = EventRate::NONE;
}

/// To a player: a shot of yours hit. So it confirms what the player's screen showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Shaped)]
pub struct Hit {
    /// Which shot: that of the input for this tick.
    pub fired: Tick,
    /// Whom it hit; `None` in the one tick in which nobody has been told of it.
    pub target: Option<NetId>,
    /// Hit points taken, 0 to 100. None were left to take of who was dead by then, though not yet on the shooter's screen.
    pub points: u8,
    /// It was the last one needed.
    pub killed: bool,
}

impl Event for Hit {
    const NAME: &'static str = "hit";
    const RATE: EventRate = EventRate::NONE;
}
