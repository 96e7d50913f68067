//! The server's UDP socket: batches in on a thread of their own, batches out at the end of a tick.

mod door;
mod inbox;
mod known;
mod receive_thread;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;

#[cfg(target_os = "linux")]
use linux as os;
#[cfg(not(target_os = "linux"))]
use portable as os;

pub(crate) use inbox::{Batch, Inbox};
pub(crate) use os::BatchSender;
pub(crate) use receive_thread::ReceiveThread;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

/// Longer datagrams are cut. Netcode packets are shorter, so what was cut is still too long to be one, and refused.
const DATAGRAM_BYTES_MAX: usize = 1536;

/// Datagrams in one system call.
const BATCH: usize = 64;

/// What a small datagram takes of a kernel buffer, its bookkeeping included.
const KERNEL_BYTES_PER_DATAGRAM: usize = 768;

/// What a flood of 100,000 large datagrams a second takes of it, at some 2,300 bytes each, while the receive thread waits
/// 15 ms for a processor: until it runs, nothing tells players from strangers.
const KERNEL_BYTES_FOR_FLOODS: usize = 4 << 20;

/// How often a receiver without traffic looks whether it should stop.
const STOP_CHECK: Duration = Duration::from_millis(50);

/// A bound socket.
#[derive(Clone, Debug)]
pub(crate) struct UdpPort {
    socket: Arc<UdpSocket>,
    address: SocketAddr,
    /// What the kernel gave.
    receive_buffer_bytes: usize,
}

/// Datagrams that were written but not sent. The tick does not wait for the socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendDrops {
    /// The socket's send buffer was full.
    pub would_block: u64,
    /// The kernel refused: no route, or a firewall.
    pub refused: u64,
}

impl UdpPort {
    /// Binds `address`, with kernel buffers that hold what `clients_max` clients send and get in some ticks.
    pub(crate) fn bind(address: SocketAddr, clients_max: usize) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        socket.set_read_timeout(Some(STOP_CHECK))?;
        let for_players = (clients_max * 4 * KERNEL_BYTES_PER_DATAGRAM).clamp(1 << 20, 60 << 20);
        let wanted_bytes = for_players + KERNEL_BYTES_FOR_FLOODS;
        let receive_buffer_bytes = os::tune(&socket, wanted_bytes)?;
        Ok(Self { address: socket.local_addr()?, socket: Arc::new(socket), receive_buffer_bytes })
    }

    /// The address it is bound to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// About how many datagrams wait in the kernel until it drops more.
    pub(crate) fn receive_capacity(&self) -> usize {
        self.receive_buffer_bytes / KERNEL_BYTES_PER_DATAGRAM
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Outbox;
    use crate::io::clock;

    fn bind() -> UdpPort {
        UdpPort::bind("127.0.0.1:0".parse().unwrap(), 1).unwrap()
    }

    fn inbox() -> Arc<Inbox> {
        Arc::new(Inbox::new(1, 7))
    }

    /// Of the shape of a payload packet.
    fn packet(mark: u8) -> Vec<u8> {
        let mut packet = vec![mark; 19 + usize::from(mark)];
        packet[0] = 0x15;
        packet
    }

    fn wait_until(mut holds: impl FnMut() -> bool) {
        let deadline = clock::now() + Duration::from_secs(10);
        while !holds() {
            assert!(clock::now() < deadline, "it did not happen");
            clock::sleep_until(clock::now() + Duration::from_millis(5));
        }
    }

    #[test]
    fn datagrams_of_several_batches_arrive_with_sender_and_content() {
        let (sender, receiver) = (bind(), bind());
        let inbox = inbox();
        let thread = ReceiveThread::start(&receiver, Arc::clone(&inbox)).unwrap();
        let mut outbox = Outbox::default();
        for i in 0..200_u8 {
            outbox.push(receiver.address(), &packet(i));
        }
        let mut batches = BatchSender::new();
        let before = clock::now();
        batches.send(&sender, &outbox);
        let (mut batch, mut next) = (Batch::default(), 0_u8);
        wait_until(|| {
            inbox.swap(&mut batch);
            batch.for_each(|from, datagram, at| {
                assert_eq!(from, sender.address());
                assert_eq!(datagram, packet(next));
                assert!(at >= before && at <= clock::now());
                next += 1;
            });
            next == 200
        });
        assert_eq!(batches.drops(), SendDrops::default());
        thread.stop();
    }

    #[test]
    fn what_cannot_be_sent_is_counted_and_the_rest_is_sent() {
        let (sender, receiver) = (bind(), bind());
        let inbox = inbox();
        let thread = ReceiveThread::start(&receiver, Arc::clone(&inbox)).unwrap();
        let mut outbox = Outbox::default();
        outbox.push(receiver.address(), &packet(1));
        outbox.push("[::1]:9".parse().unwrap(), b"an IPv4 socket cannot send this");
        outbox.push(receiver.address(), &packet(2));
        let mut batches = BatchSender::new();
        batches.send(&sender, &outbox);
        let (mut batch, mut received) = (Batch::default(), Vec::new());
        wait_until(|| {
            inbox.swap(&mut batch);
            batch.for_each(|_, datagram, _| received.push(datagram.to_vec()));
            received.len() == 2
        });
        assert_eq!(received, [packet(1), packet(2)]);
        assert_eq!(batches.drops(), SendDrops { would_block: 0, refused: 1 });
        thread.stop();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn drops_of_the_kernel_are_counted() {
        let (sender, receiver) = (bind(), bind());
        let mut outbox = Outbox::default();
        for _ in 0..4 * receiver.receive_capacity() {
            outbox.push(receiver.address(), &[0; 1200]);
        }
        BatchSender::new().send(&sender, &outbox);
        let inbox = inbox();
        let thread = ReceiveThread::start(&receiver, Arc::clone(&inbox)).unwrap();
        wait_until(|| {
            // The kernel tells with a datagram what it dropped before.
            sender.socket.send_to(b"x", receiver.address()).unwrap();
            inbox.dropped_by_kernel() > 0
        });
        thread.stop();
    }
}
