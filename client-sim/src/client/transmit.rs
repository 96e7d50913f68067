//! The outgoing half of a client: from what there is to say to packets.

use super::Client;
use super::event::Status;
use super::tap::Tapped;
use core::net::SocketAddr;
use std::time::Duration;
use tidelock::netcode::PACKET_BYTES_MAX;
use tidelock::state::{Delivery, Event, EventId, Input, Schema};
use tidelock::wire::{ClientMessage, DATAGRAM_BITS_MAX, Greeting, HEAD_BITS_MAX, SendError, WIRE_VERSION};
use tidelock::{Instant, Tick};

/// Payloads that may wait for [`Client::poll_transmit`].
pub(super) const OUTGOING_MAX: usize = 64;
/// Before it has inputs to send, a client speaks this often.
const JOIN_INTERVAL: Duration = Duration::from_millis(50);
/// Messages take no more of a datagram than leaves room for the longest input.
const MESSAGE_BITS_MAX: usize = DATAGRAM_BITS_MAX - HEAD_BITS_MAX - Schema::INPUT_BITS_MAX - 64;

impl<I: Input> Client<I> {
    /// The next packet to send, and where to. Call until `None`.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8; PACKET_BYTES_MAX]) -> Option<(usize, SocketAddr)> {
        let packet = self.netcode.poll_transmit(now, out).or_else(|| {
            let payload = self.outgoing.pop_front()?;
            self.netcode.seal(&payload, out, now)
        });
        if let Some((len, _)) = packet {
            self.stats.datagrams_sent += 1;
            self.stats.bytes_sent += len as u64;
            self.tap.on_call(now, || Tapped::Sent { bytes: len });
        }
        packet
    }

    /// Sends an event of the game, as its type is delivered: reliably and in order, or with the next datagram.
    ///
    /// # Errors
    /// If the client does not play, the event is too long (4,094 bytes, 798 of an unreliable one), or too much waits to be sent
    /// already.
    ///
    /// # Panics
    /// If the schema does not declare `E`.
    pub fn send_event<E: Event>(&mut self, event: &E) -> Result<(), SendError> {
        if self.status != Status::Playing {
            return Err(SendError::NotConnected);
        }
        let id = self.schema.event::<E>().expect("the schema declares the event");
        let body = bitcode::encode(event);
        if body.len() > ClientMessage::EVENT_BYTES_MAX {
            return Err(SendError::TooLong(body.len()));
        }
        self.send_encoded(id, E::DELIVERY, body)
    }

    /// Sends an event that is encoded already.
    pub(crate) fn send_encoded(&mut self, id: EventId, delivery: Delivery, body: Vec<u8>) -> Result<(), SendError> {
        self.tap.on(|| Tapped::EventSent { id, delivery, body: body.clone() });
        let message = ClientMessage::Event { id, body };
        match delivery {
            Delivery::Reliable => self.send_message(&message),
            Delivery::Unreliable => {
                self.writer.clear();
                message.write(&mut self.writer);
                self.connection.send_unreliable(self.writer.finish())
            }
        }
    }

    /// When a datagram without inputs is due: acks must flow while there are none, as before the first snapshot or while
    /// the clock stands still after a jump.
    pub(super) fn speaks_at(&self) -> Option<Instant> {
        let silent = match self.status {
            Status::Joining | Status::Playing => {
                self.last_sent_at.map_or(Instant::default(), |last| last + JOIN_INTERVAL)
            }
            _ => return None,
        };
        let ticks_before = self.next_tick().is_some_and(|tick| tick <= silent);
        (!ticks_before).then_some(silent)
    }

    pub(super) fn send_message(&mut self, message: &ClientMessage) -> Result<(), SendError> {
        self.writer.clear();
        message.write(&mut self.writer);
        self.connection.send_message(self.writer.finish())
    }

    /// Writes a datagram with all that waits to be said.
    pub(super) fn queue_datagram(&mut self, now: Instant, newest: Option<Tick>) {
        if self.outgoing.len() >= OUTGOING_MAX {
            return;
        }
        if self.greets {
            self.outgoing.push_back(Greeting { version: u16::from(WIRE_VERSION) }.write().to_vec());
        }
        self.writer.clear();
        self.connection.write_head(now, MESSAGE_BITS_MAX, &mut self.writer);
        match newest {
            Some(_) => {
                let room_bits = DATAGRAM_BITS_MAX - self.writer.len_bits();
                self.inputs.write(&self.schema, &self.default_input, room_bits, &mut self.writer);
            }
            None => self.writer.write_bool(false),
        }
        self.connection.commit(now, (), |_, _| {});
        self.outgoing.push_back(self.writer.finish().to_vec());
        self.last_sent_at = Some(now);
    }
}
