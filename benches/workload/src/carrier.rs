use crate::link::{Link, Spread};
use std::collections::VecDeque;

/// Carries messages of one direction between a server and its clients, in memory: for libraries whose transport is what one
/// makes of it.
#[derive(Debug)]
pub struct Carrier<M> {
    links: Vec<(Link, VecDeque<(u64, M)>)>,
}

impl<M> Carrier<M> {
    /// For so many clients, over links that are clear or spread.
    #[must_use]
    pub fn new(clients: usize, spread: Option<&Spread>, is_up: bool) -> Self {
        let link = |client| spread.map_or(Link::clear(), |spread| Link::spread(spread, client, clients, is_up));
        Self { links: (0..clients).map(|client| (link(client), VecDeque::new())).collect() }
    }

    /// A datagram goes to, or comes from, a client.
    pub fn send(&mut self, client: usize, now_us: u64, message: M) {
        let (link, queue) = &mut self.links[client];
        queue.extend(link.send(now_us).map(|due_us| (due_us, message)));
    }

    /// The same, of a channel that sends again what is lost. What comes after it on the link waits for it.
    pub fn send_reliably(&mut self, client: usize, now_us: u64, message: M) {
        let (link, queue) = &mut self.links[client];
        queue.push_back((link.send_reliably(now_us), message));
    }

    /// The next message of a client that has arrived.
    pub fn poll(&mut self, client: usize, now_us: u64) -> Option<M> {
        let (_, queue) = &mut self.links[client];
        queue.pop_front_if(|(due_us, _)| *due_us <= now_us).map(|(_, message)| message)
    }

    /// From now on nothing is lost.
    pub fn heal(&mut self) {
        self.links.iter_mut().for_each(|(link, _)| link.heal());
    }
}
