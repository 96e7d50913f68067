//! The server's UDP socket: batches in on a thread of their own, batches out at the end of a tick.

mod inbox;
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
        let wanted_bytes = (clients_max * 4 * KERNEL_BYTES_PER_DATAGRAM).clamp(1 << 20, 64 << 20);
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
