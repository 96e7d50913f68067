use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use tidelock::Instant;

/// Received datagrams, one after the other in one buffer that is kept between ticks.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    datagrams: Vec<Received>,
}

#[derive(Clone, Copy, Debug)]
struct Received {
    from: SocketAddr,
    at: Instant,
    end: usize,
}

impl Batch {
    /// Takes a datagram in.
    fn push(&mut self, from: SocketAddr, datagram: &[u8], at: Instant) {
        self.bytes.extend_from_slice(datagram);
        self.datagrams.push(Received { from, at, end: self.bytes.len() });
    }

    /// Gives each datagram to `handle`, in order of arrival, with its own time of arrival.
    pub(crate) fn for_each(&mut self, mut handle: impl FnMut(SocketAddr, &mut [u8], Instant)) {
        let mut begin = 0;
        for received in &self.datagrams {
            handle(received.from, &mut self.bytes[begin..received.end], received.at);
            begin = received.end;
        }
    }

    /// Forgets all and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.datagrams.clear();
    }
}

/// Where the receive thread leaves datagrams and the tick picks them up: two batches that change places, so that
/// neither waits for more than a copy of one system call's datagrams. Bounded, in datagrams and in bytes.
#[derive(Debug)]
pub(crate) struct Inbox {
    waiting: Mutex<Batch>,
    datagrams_max: usize,
    bytes_max: usize,
    dropped_full: AtomicU64,
    dropped_by_kernel: AtomicU64,
}

impl Inbox {
    /// An inbox for what `clients_max` clients send in some ticks.
    pub(crate) fn new(clients_max: usize) -> Self {
        let datagrams_max = 4096 + 8 * clients_max;
        Self {
            waiting: Mutex::default(),
            datagrams_max,
            bytes_max: datagrams_max * 256,
            dropped_full: AtomicU64::new(0),
            dropped_by_kernel: AtomicU64::new(0),
        }
    }

    /// Takes in what one system call received.
    pub(super) fn put<'a>(&self, datagrams: impl Iterator<Item = (SocketAddr, &'a [u8])>, at: Instant) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for (from, datagram) in datagrams {
            let fits = waiting.datagrams.len() < self.datagrams_max && waiting.bytes.len() < self.bytes_max;
            if fits {
                waiting.push(from, datagram, at);
            } else {
                self.dropped_full.fetch_add(1, Relaxed);
            }
        }
    }

    /// Exchanges an emptied batch for the one that waits.
    pub(crate) fn swap(&self, batch: &mut Batch) {
        batch.clear();
        std::mem::swap(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner), batch);
    }

    pub(super) fn count_kernel_drops(&self, drops: u64) {
        self.dropped_by_kernel.fetch_add(drops, Relaxed);
    }

    /// Datagrams that came while the inbox was full: the tick did not keep up.
    pub(crate) fn dropped_full(&self) -> u64 {
        self.dropped_full.load(Relaxed)
    }

    /// Datagrams that the kernel dropped as its buffer was full: the receive thread did not keep up.
    pub(crate) fn dropped_by_kernel(&self) -> u64 {
        self.dropped_by_kernel.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

    fn contents(batch: &mut Batch) -> Vec<(Vec<u8>, u64)> {
        let mut contents = Vec::new();
        batch.for_each(|_, datagram, at| contents.push((datagram.to_vec(), at.as_us())));
        contents
    }

    #[test]
    fn datagrams_come_out_as_they_went_in() {
        let inbox = Inbox::new(1);
        inbox.put([(FROM, &b"one"[..]), (FROM, b"")].into_iter(), Instant::from_us(1));
        inbox.put([(FROM, &b"two"[..])].into_iter(), Instant::from_us(2));
        let mut batch = Batch::default();
        inbox.swap(&mut batch);
        assert_eq!(contents(&mut batch), [(b"one".to_vec(), 1), (b"".to_vec(), 1), (b"two".to_vec(), 2)]);
        inbox.swap(&mut batch);
        assert_eq!(contents(&mut batch), []);
    }

    #[test]
    fn a_flood_is_bounded_and_counted() {
        let inbox = Inbox::new(1);
        for _ in 0..100 {
            inbox.put([(FROM, &[0; DATAGRAM][..]); 64].into_iter(), Instant::from_us(1));
        }
        let mut batch = Batch::default();
        inbox.swap(&mut batch);
        let kept = contents(&mut batch).len();
        assert!(kept * DATAGRAM < inbox.bytes_max + DATAGRAM);
        assert_eq!(inbox.dropped_full(), 6400 - kept as u64);
    }

    const DATAGRAM: usize = 1200;
}
