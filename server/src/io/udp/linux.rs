use super::{BATCH, DATAGRAM_BYTES_MAX, Inbox, SendDrops};
use crate::engine::Outbox;
use crate::io::clock;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::sockopt::{RcvBuf, RcvBufForce, RxqOvfl, SndBuf, SndBufForce};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrStorage, getsockopt, recvmmsg, sendmmsg, setsockopt,
};
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;
use tidelock::Instant;

/// Sets the socket's buffers, past the system's limit if we may, and returns how large the one for receiving is.
pub(super) fn tune(socket: &UdpSocket, wanted_bytes: usize) -> io::Result<usize> {
    setsockopt(socket, RxqOvfl, &1)?;
    // The kernel doubles what is set, for its bookkeeping, which `wanted_bytes` includes.
    let half = wanted_bytes / 2;
    setsockopt(socket, RcvBufForce, &half).or_else(|_| setsockopt(socket, RcvBuf, &half))?;
    setsockopt(socket, SndBufForce, &half).or_else(|_| setsockopt(socket, SndBuf, &half))?;
    Ok(getsockopt(socket, RcvBuf)?)
}

/// Receives many datagrams with each system call.
pub(super) struct BatchReceiver {
    buffer: Vec<u8>,
    headers: MultiHeaders<SockaddrStorage>,
    headers_made_at: Instant,
    /// As the kernel last said; it counts in 32 bits.
    kernel_drops: u32,
}

/// How often the kernel is asked for its drops.
const DROPS_EVERY: Duration = Duration::from_millis(100);

impl BatchReceiver {
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; BATCH * DATAGRAM_BYTES_MAX],
            headers: new_headers(),
            headers_made_at: clock::now(),
            kernel_drops: 0,
        }
    }

    /// Waits for datagrams, for a while at most, and puts those there are into `inbox`.
    pub(super) fn receive(&mut self, socket: &UdpSocket, inbox: &Inbox) -> io::Result<()> {
        let mut chunks = self.buffer.chunks_exact_mut(DATAGRAM_BYTES_MAX);
        let mut slices: [_; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(chunks.next().expect("the buffer has a batch of chunks"))]);
        let flags = MsgFlags::MSG_WAITFORONE;
        let messages = recvmmsg(socket.as_raw_fd(), &mut self.headers, slices.iter_mut(), flags, None)?;
        let now = clock::now();
        let mut kernel_drops = self.kernel_drops;
        inbox.put(messages.filter_map(|message| received(&message, &mut kernel_drops)), now);
        inbox.count_kernel_drops(kernel_drops.wrapping_sub(self.kernel_drops).into());
        self.kernel_drops = kernel_drops;
        if now.since(self.headers_made_at) > DROPS_EVERY {
            // Headers once used have no room left for control messages: only new ones let the kernel tell its drops.
            self.headers = new_headers();
            self.headers_made_at = now;
        }
        Ok(())
    }
}

fn new_headers() -> MultiHeaders<SockaddrStorage> {
    MultiHeaders::preallocate(BATCH, Some(cmsg_space!(u32)))
}

fn received<'a>(message: &RecvMsg<'_, 'a, SockaddrStorage>, kernel_drops: &mut u32) -> Option<(SocketAddr, &'a [u8])> {
    for control in message.cmsgs().into_iter().flatten() {
        if let ControlMessageOwned::RxqOvfl(drops) = control {
            *kernel_drops = drops;
        }
    }
    let datagram = message.iovs().next().unwrap_or_default();
    Some((socket_address(message.address.as_ref()?)?, datagram))
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::from(*v4));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::from(*v6)))
}

/// Sends many datagrams with each system call, and waits for none.
pub(crate) struct BatchSender {
    headers: MultiHeaders<SockaddrStorage>,
    drops: SendDrops,
}

impl BatchSender {
    pub(crate) fn new() -> Self {
        Self { headers: MultiHeaders::preallocate(BATCH, None), drops: SendDrops::default() }
    }

    /// What was not sent so far.
    pub(crate) fn drops(&self) -> SendDrops {
        self.drops
    }

    /// Sends what is in the outbox, as far as the socket takes it at once.
    pub(crate) fn send(&mut self, port: &super::UdpPort, outbox: &Outbox) {
        let mut datagrams = outbox.iter();
        loop {
            let mut slices = [[IoSlice::new(&[])]; BATCH];
            let mut addresses = [None; BATCH];
            let mut count = 0;
            for (to, datagram) in datagrams.by_ref().take(BATCH) {
                slices[count] = [IoSlice::new(datagram)];
                addresses[count] = Some(SockaddrStorage::from(to));
                count += 1;
            }
            if count == 0 {
                return;
            }
            self.send_batch(&port.socket, &slices[..count], &addresses[..count]);
        }
    }

    fn send_batch(&mut self, socket: &UdpSocket, slices: &[[IoSlice<'_>; 1]], addresses: &[Option<SockaddrStorage>]) {
        let mut done = 0;
        while done < slices.len() {
            let (slices, addresses) = (&slices[done..], &addresses[done..]);
            match sendmmsg(socket.as_raw_fd(), &mut self.headers, slices, addresses, [], MsgFlags::MSG_DONTWAIT) {
                Ok(sent) => done += sent.count(),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS) => {
                    self.drops.would_block += slices.len() as u64;
                    return;
                }
                Err(_) => {
                    // It is about the first of them; the others may have another way to go.
                    self.drops.refused += 1;
                    done += 1;
                }
            }
        }
    }
}

impl fmt::Debug for BatchSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchSender").field("drops", &self.drops).finish_non_exhaustive()
    }
}
