use super::door::{Door, Share};
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
/// neither waits for more than a copy of one system call's datagrams.
///
/// Bounded, in datagrams and in bytes, for players and strangers apart: however much strangers send, players' datagrams
/// find room. And when players' room becomes scarce, each of them has a part of it that others cannot take, so that
/// neither a player who floods nor a stranger who sends in his name takes it from the rest.
#[derive(Debug)]
pub(crate) struct Inbox {
    door: Door,
    waiting: Mutex<Waiting>,
    limits: Limits,
    dropped_full: AtomicU64,
    dropped_strangers: AtomicU64,
    dropped_by_kernel: AtomicU64,
}

/// What waits, and how much of it is whose.
#[derive(Debug)]
struct Waiting {
    batch: Batch,
    players: Room,
    strangers: Room,
    /// How many datagrams came from each place of the known addresses, and in which batch that was.
    tallies: Vec<Tally>,
    number: u32,
}

/// Room that is taken, or that there is.
#[derive(Clone, Copy, Debug, Default)]
struct Room {
    datagrams: usize,
    bytes: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    batch: u32,
    datagrams: u32,
}

/// Datagrams that any one player can have waiting: a second's, from the fastest there is.
const EACH_MAX: u32 = 256;

#[derive(Debug)]
struct Limits {
    players: Room,
    strangers: Room,
    /// Datagrams of each player that find room when half of the players' is taken.
    scarce: u32,
}

impl Limits {
    fn new(clients_max: usize) -> Self {
        // What all send in some ticks.
        let datagrams = 4096 + 8 * clients_max;
        let players = Room { datagrams, bytes: datagrams * 256 };
        // As if all of them asked to come in at once.
        let datagrams = 1024 + clients_max;
        let strangers = Room { datagrams, bytes: datagrams * 1100 };
        let scarce = players.datagrams / 2 / clients_max.max(1);
        Self { players, strangers, scarce: u32::try_from(scarce).unwrap_or(u32::MAX) }
    }
}

impl Room {
    fn is_left_of(self, limit: Self) -> bool {
        self.datagrams < limit.datagrams && self.bytes < limit.bytes
    }

    fn half(self) -> Self {
        Self { datagrams: self.datagrams / 2, bytes: self.bytes / 2 }
    }

    fn take(&mut self, datagram: &[u8]) {
        self.datagrams += 1;
        self.bytes += datagram.len();
    }
}

impl Inbox {
    /// An inbox for what `clients_max` clients of this protocol send in some ticks.
    pub(crate) fn new(clients_max: usize, protocol_id: u64) -> Self {
        let door = Door::new(clients_max, protocol_id);
        let waiting = Waiting {
            batch: Batch::default(),
            players: Room::default(),
            strangers: Room::default(),
            tallies: vec![Tally::default(); door.known.places()],
            number: 0,
        };
        Self {
            door,
            waiting: Mutex::new(waiting),
            limits: Limits::new(clients_max),
            dropped_full: AtomicU64::new(0),
            dropped_strangers: AtomicU64::new(0),
            dropped_by_kernel: AtomicU64::new(0),
        }
    }

    /// Takes in what one system call received.
    pub(super) fn put<'a>(&self, datagrams: impl Iterator<Item = (SocketAddr, &'a [u8])>, at: Instant) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for (from, datagram) in datagrams {
            let Some(share) = self.door.admit(from, datagram) else { continue };
            if waiting.has_room(share, &self.limits) {
                waiting.take(share, datagram);
                waiting.batch.push(from, datagram, at);
            } else {
                let dropped = if share == Share::Strangers { &self.dropped_strangers } else { &self.dropped_full };
                dropped.fetch_add(1, Relaxed);
            }
        }
    }

    /// Exchanges an emptied batch for the one that waits.
    pub(crate) fn swap(&self, batch: &mut Batch) {
        batch.clear();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        (waiting.players, waiting.strangers) = Default::default();
        waiting.number = waiting.number.wrapping_add(1);
        std::mem::swap(&mut waiting.batch, batch);
    }

    /// Notes that something is sent to an address: what comes from there is a player's.
    pub(crate) fn note_sent(&self, to: SocketAddr) {
        self.door.known.note(to);
    }

    /// Begins to forget to whom nothing is sent any more: those to whom nothing is until this is called again.
    pub(crate) fn forget_silent(&self) {
        self.door.known.turn();
    }

    pub(super) fn count_kernel_drops(&self, drops: u64) {
        self.dropped_by_kernel.fetch_add(drops, Relaxed);
    }

    /// Datagrams that were no packets and so never waited, in the order of `DropReason::ALL`.
    pub(crate) fn refused(&self) -> impl Iterator<Item = u64> {
        self.door.refused()
    }

    /// The bytes of those.
    pub(crate) fn refused_bytes(&self) -> u64 {
        self.door.refused_bytes()
    }

    /// Datagrams of players that came while their room was taken: the tick did not keep up, or they flooded.
    pub(crate) fn dropped_full(&self) -> u64 {
        self.dropped_full.load(Relaxed)
    }

    /// Datagrams of others that came while theirs was.
    pub(crate) fn dropped_strangers(&self) -> u64 {
        self.dropped_strangers.load(Relaxed)
    }

    /// Datagrams that the kernel dropped as its buffer was full: the receive thread did not keep up.
    pub(crate) fn dropped_by_kernel(&self) -> u64 {
        self.dropped_by_kernel.load(Relaxed)
    }
}

impl Waiting {
    fn has_room(&self, share: Share, limits: &Limits) -> bool {
        match share {
            Share::Strangers => self.strangers.is_left_of(limits.strangers),
            Share::Players { place } => {
                let is_scarce = !self.players.is_left_of(limits.players.half());
                let each_max = if is_scarce { limits.scarce } else { EACH_MAX };
                self.players.is_left_of(limits.players) && self.tally(place) < each_max
            }
        }
    }

    fn take(&mut self, share: Share, datagram: &[u8]) {
        match share {
            Share::Strangers => self.strangers.take(datagram),
            Share::Players { place } => {
                self.players.take(datagram);
                self.tallies[place] = Tally { batch: self.number, datagrams: self.tally(place) + 1 };
            }
        }
    }

    /// Datagrams from a place in the batch that waits.
    fn tally(&self, place: usize) -> u32 {
        let tally = self.tallies[place];
        if tally.batch == self.number { tally.datagrams } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);
    const PROTOCOL_ID: u64 = 7;

    fn player(number: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], 1000 + number))
    }

    /// An inbox of a server that has sent something to so many players.
    fn inbox(players: u16) -> Inbox {
        let inbox = Inbox::new(64, PROTOCOL_ID);
        (0..players).for_each(|number| inbox.note_sent(player(number)));
        inbox
    }

    /// As long as a payload packet, with a mark of its own.
    fn packet(bytes: usize, mark: u8) -> Vec<u8> {
        let mut packet = vec![mark; bytes];
        packet[0] = 0x15;
        packet
    }

    fn request() -> Vec<u8> {
        let mut request = vec![0; 1078];
        request[1..14].copy_from_slice(b"NETCODE 1.02\0");
        request[14] = PROTOCOL_ID as u8;
        request
    }

    fn put(inbox: &Inbox, from: SocketAddr, datagram: &[u8]) {
        inbox.put(std::iter::once((from, datagram)), Instant::from_us(1));
    }

    fn taken(inbox: &Inbox) -> Vec<(SocketAddr, Vec<u8>, u64)> {
        let (mut batch, mut contents) = (Batch::default(), Vec::new());
        inbox.swap(&mut batch);
        batch.for_each(|from, datagram, at| contents.push((from, datagram.to_vec(), at.as_us())));
        contents
    }

    fn from(contents: &[(SocketAddr, Vec<u8>, u64)], address: SocketAddr) -> usize {
        contents.iter().filter(|(from, ..)| *from == address).count()
    }

    #[test]
    fn datagrams_come_out_as_they_went_in_whoever_sent_them() {
        let inbox = inbox(1);
        let (one, two, three) = (packet(20, 1), request(), packet(30, 3));
        inbox.put([(player(0), &one[..]), (STRANGER, &two)].into_iter(), Instant::from_us(1));
        inbox.put([(player(0), &three[..])].into_iter(), Instant::from_us(2));
        assert_eq!(taken(&inbox), [(player(0), one, 1), (STRANGER, two, 1), (player(0), three, 2)]);
        assert_eq!(taken(&inbox), []);
    }

    #[test]
    fn what_is_no_packet_takes_no_room() {
        let inbox = inbox(0);
        put(&inbox, STRANGER, b"hello");
        assert_eq!(taken(&inbox), []);
        assert_eq!((inbox.refused().sum::<u64>(), inbox.refused_bytes()), (1, 5));
    }

    #[test]
    fn a_flood_of_strangers_is_bounded_counted_and_takes_no_room_of_players() {
        let inbox = inbox(1);
        let flood = request();
        (0..10_000).for_each(|_| put(&inbox, STRANGER, &flood));
        (0..100).for_each(|_| put(&inbox, player(0), &packet(100, 1)));
        let contents = taken(&inbox);
        assert_eq!(from(&contents, player(0)), 100);
        let kept = from(&contents, STRANGER);
        assert!(kept < 2_000, "{kept}");
        assert_eq!((inbox.dropped_strangers(), inbox.dropped_full()), (10_000 - kept as u64, 0));
    }

    #[test]
    fn a_player_who_floods_takes_no_more_room_than_one_may() {
        let inbox = inbox(1);
        (0..10_000).for_each(|_| put(&inbox, player(0), &packet(1200, 0)));
        assert_eq!(taken(&inbox).len(), EACH_MAX as usize);
        assert_eq!(inbox.dropped_full(), 10_000 - u64::from(EACH_MAX));
        put(&inbox, player(0), &packet(1200, 0));
        assert_eq!(taken(&inbox).len(), 1, "in the next batch there is room again");
    }

    #[test]
    fn players_who_flood_together_take_no_room_that_others_need() {
        let inbox = inbox(64);
        for _ in 0..2_000 {
            (0..8).for_each(|number| put(&inbox, player(number), &packet(1200, 0)));
        }
        for _ in 0..20 {
            (0..64).for_each(|number| put(&inbox, player(number), &packet(200, 1)));
        }
        let contents = taken(&inbox);
        let whole = (8..64).filter(|number| from(&contents, player(*number)) == 20).count();
        assert!(whole >= 50, "{whole} of 56: some may share a flooder's place");
        assert!(contents.iter().map(|(_, datagram, _)| datagram.len()).sum::<usize>() < 2 << 20);
        assert_eq!(inbox.dropped_full(), 16_000 + 20 * 64 - contents.len() as u64);
    }

    #[test]
    fn what_comes_from_whom_nothing_was_sent_for_long_is_a_strangers() {
        let inbox = inbox(1);
        (0..2).for_each(|_| inbox.forget_silent());
        (0..10_000).for_each(|_| put(&inbox, player(0), &packet(1200, 0)));
        assert!(inbox.dropped_strangers() > 0 && inbox.dropped_full() == 0);
    }
}
