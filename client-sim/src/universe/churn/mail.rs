use super::Marked;
use tidelock::state::{Delivery, Event, EventRate, Shaped};

/// How a numbered event travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mail {
    /// Reliably: [`Letter`], [`Reply`], [`News`].
    Reliable,
    /// Or not: [`Shout`], [`Whisper`], [`Rumour`].
    Unreliable,
}

/// An event that tells which it is, for those who check that none is lost, doubled or changed.
pub trait Numbered: Event + Clone {
    /// The one of this number, for a connection and of those for it.
    #[must_use]
    fn new(number: u32, era: u32, nth: u32) -> Self;

    /// Which it is.
    #[must_use]
    fn mark(&self) -> Marked;
}

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident, $text:literal, $delivery:ident, $rate:expr) => {
        $(#[$doc])*
        #[derive(bitcode::Encode, bitcode::Decode, Shaped, Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            number: u32,
            era: u32,
            nth: u32,
            ballast: Vec<u8>,
        }

        impl Event for $name {
            const NAME: &'static str = $text;
            const DELIVERY: Delivery = Delivery::$delivery;
            const RATE: EventRate = $rate;
        }

        impl Numbered for $name {
            fn new(number: u32, era: u32, nth: u32) -> Self {
                Self { number, era, nth, ballast: ballast(number, Delivery::$delivery) }
            }

            fn mark(&self) -> Marked {
                let Self { number, era, nth, .. } = *self;
                Marked { number, era, nth, is_intact: self.ballast == ballast(number, Delivery::$delivery) }
            }
        }
    };
}

numbered! {
    /// From a player to the server.
    Letter, "letter", Reliable, EventRate::DEFAULT
}
numbered! {
    /// The same, and it may be lost.
    Shout, "shout", Unreliable, EventRate::DEFAULT
}
numbered! {
    /// From the server to a player.
    Reply, "reply", Reliable, EventRate::NONE
}
numbered! {
    /// The same, and it may be lost.
    Whisper, "whisper", Unreliable, EventRate::NONE
}
numbered! {
    /// From the server to all players, or all but one.
    News, "news", Reliable, EventRate::NONE
}
numbered! {
    /// The same, and it may be lost.
    Rumour, "rumour", Unreliable, EventRate::NONE
}

/// Bytes that do not become fewer in the body of an event: mostly few, now and then more than a datagram or three hold.
fn ballast(number: u32, delivery: Delivery) -> Vec<u8> {
    let len = match (delivery, number % 16) {
        (Delivery::Reliable, 7) => 1_300,
        (Delivery::Reliable, 15) => 3_900,
        (Delivery::Unreliable, 7 | 15) => 600,
        (_, rest) => rest,
    };
    (0..len).map(|n| (n.wrapping_add(number).wrapping_mul(0x9E37_79B9) >> 24) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_with_another_ones_ballast_is_not_intact() {
        assert!(Letter::new(15, 0, 0).mark().is_intact && Shout::new(15, 0, 0).mark().is_intact);
        let swapped = Letter { number: 14, ..Letter::new(15, 0, 0) };
        assert!(!swapped.mark().is_intact);
    }
}
