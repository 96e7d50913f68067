use super::shape::Shaped;

/// A message of the game. Its body is encoded with `bitcode`, and its [`Shape`](super::Shape) tells those who know no Rust how to read it.
///
/// ```
/// use bitcode::{Decode, Encode};
/// use tidelock::state::{Delivery, Event, EventRate, Shaped};
///
/// /// From a client: where it points, for others to see. The next one makes up for a lost one.
/// #[derive(Encode, Decode, Shaped)]
/// struct Ping { x: f32, y: f32 }
///
/// impl Event for Ping {
///     const NAME: &'static str = "ping";
///     const DELIVERY: Delivery = Delivery::Unreliable;
///     const RATE: EventRate = EventRate { per_s: 5, burst: 10 };
/// }
/// ```
pub trait Event: Shaped + bitcode::Encode + bitcode::DecodeOwned + Send + Sync + 'static {
    /// Its name in the schema: both ends must agree.
    const NAME: &'static str;
    /// How it travels: both ends must agree.
    const DELIVERY: Delivery = Delivery::Reliable;
    /// How often the server takes one from a client. More are dropped, and counted.
    const RATE: EventRate = EventRate::DEFAULT;
}

/// How an event travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// It arrives, once, after all reliable ones sent before it: what is lost is sent again, and what came after it waits.
    #[default]
    Reliable,
    /// It goes out with the next datagram, and arrives once or never, before or after others: for what is old when it is
    /// late. At most 798 bytes.
    Unreliable,
}

/// How many events of a type the server takes from one client: `per_s` a second, and after a pause up to `burst` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRate {
    /// In a second.
    pub per_s: u16,
    /// At once.
    pub burst: u16,
}

impl EventRate {
    /// What most games never reach.
    pub const DEFAULT: Self = Self { per_s: 60, burst: 240 };
    /// Only servers send it.
    pub const NONE: Self = Self { per_s: 0, burst: 0 };
}
