use core::net::SocketAddr;

/// Datagrams waiting to be sent, one after the other in one buffer that is kept between ticks.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    datagrams: Vec<(SocketAddr, usize)>,
}

impl Outbox {
    /// How many datagrams wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// The datagrams with their destinations, in the order in which they were written; those to one destination are
    /// next to each other.
    pub fn iter(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        let mut begin = 0;
        self.datagrams.iter().map(move |(to, end)| {
            let datagram = &self.bytes[begin..*end];
            begin = *end;
            (*to, datagram)
        })
    }

    /// Forgets all of them and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.datagrams.clear();
    }

    /// Moves all of another to the end.
    pub(crate) fn append(&mut self, other: &mut Self) {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.datagrams.extend(other.datagrams.iter().map(|(to, end)| (*to, begin + end)));
        other.clear();
    }

    /// Adds a datagram.
    pub(crate) fn push(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.bytes.extend_from_slice(datagram);
        self.datagrams.push((to, self.bytes.len()));
    }
}
