use super::{DATAGRAM_BYTES_MAX, Inbox, SendDrops, UdpPort};
use crate::engine::Outbox;
use crate::io::clock;
use std::io;
use std::net::UdpSocket;

/// Leaves the buffers as the system makes them; what they hold is not known, so no warning should come of it.
pub(super) fn tune(_socket: &UdpSocket, wanted_bytes: usize) -> io::Result<usize> {
    Ok(wanted_bytes)
}

/// Receives one datagram with each system call.
pub(super) struct BatchReceiver {
    buffer: Vec<u8>,
}

impl BatchReceiver {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; DATAGRAM_BYTES_MAX] }
    }

    /// Waits for a datagram, for a while at most, and puts it into `inbox`.
    pub(super) fn receive(&mut self, socket: &UdpSocket, inbox: &Inbox) -> io::Result<()> {
        let (length, from) = socket.recv_from(&mut self.buffer)?;
        inbox.put(std::iter::once((from, &self.buffer[..length])), clock::now());
        inbox.count_kernel_drops(0);
        Ok(())
    }
}

/// Sends one datagram with each system call.
#[derive(Debug, Default)]
pub(crate) struct BatchSender {
    drops: SendDrops,
}

impl BatchSender {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// What was not sent so far.
    pub(crate) fn drops(&self) -> SendDrops {
        self.drops
    }

    /// Sends what is in the outbox.
    pub(crate) fn send(&mut self, port: &UdpPort, outbox: &Outbox) {
        for (to, datagram) in outbox.iter() {
            match port.socket.send_to(datagram, to) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.drops.would_block += 1,
                Err(_) => self.drops.refused += 1,
            }
        }
    }
}
