//! A netcode server with all its clients, in memory.

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;
use tidelock::netcode::{
    Client, ClientState, ConnectToken, Key, PACKET_BYTES_MAX, Server, ServerConfig, ServerEvent, ServerSecrets, Slot,
    TokenSecrets, TokenSpec, USER_DATA_BYTES,
};
use tidelock::{ClientId, Instant};
use tidelock_benches::heap::live_bytes;
use tidelock_benches::{cpu_timed, timed};
use tidelock_sim::link::Rng;

const PROTOCOL_ID: u64 = 7;
const UNIX_S: u64 = 1_700_000_000;
const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), 7777);
/// Between two clients that connect: slow enough for the server's budget.
const ARRIVAL_INTERVAL: Duration = Duration::from_micros(100);

/// Who is connected, and everything that connecting took.
pub(crate) struct Hall {
    server: Server,
    members: Vec<Member>,
    now: Instant,
    rng: Rng,
    /// Of each client: what the server took for its request, its challenge and its response.
    pub(crate) handshakes: Vec<Duration>,
    /// What a server with so many slots takes.
    pub(crate) server_bytes: isize,
    /// What it took in addition while all of them were taken.
    pub(crate) grown_bytes: isize,
}

/// Datagrams, and who each is from.
#[derive(Default)]
pub(crate) struct Received {
    bytes: Vec<u8>,
    datagrams: Vec<(SocketAddr, usize)>,
}

struct Member {
    client: Client,
    slot: Slot,
}

impl Hall {
    /// A full server.
    pub(crate) fn with(clients: usize) -> Self {
        let secrets = ServerSecrets::from_random([3; ServerSecrets::RANDOM_BYTES]);
        let config = ServerConfig::new(PROTOCOL_ID, Key::new([7; 32]), SERVER, clients, secrets);
        let now = Instant::from_us(1_000_000);
        let before = live_bytes();
        let server = Server::new(config, now).expect("the bounds are in range");
        let server_bytes = live_bytes() - before;
        let mut hall = Self {
            server,
            members: Vec::with_capacity(clients),
            now,
            rng: Rng::stream(1, 1),
            handshakes: Vec::with_capacity(clients),
            server_bytes,
            grown_bytes: 0,
        };
        (0..clients).for_each(|index| hall.admit(index));
        assert_eq!((hall.server.clients(), hall.server.drops().total()), (clients, 0));
        hall
    }

    fn admit(&mut self, index: usize) {
        self.now += ARRIVAL_INTERVAL;
        let mut client = Client::new(self.token(index), self.now);
        let (mut request, mut challenge, mut response) =
            ([0; PACKET_BYTES_MAX], [0; PACKET_BYTES_MAX], [0; PACKET_BYTES_MAX]);
        let (request_len, _) = client.poll_transmit(self.now, &mut request).expect("it asks at once");
        let Self { server, now, .. } = self;
        let before = live_bytes();
        let (took_request, challenge_len) = timed(|| {
            server.handle_datagram(address(index), &mut request[..request_len], *now, UNIX_S);
            server.poll_transmit(*now, &mut challenge).map(|(len, _)| len)
        });
        let challenge_len = challenge_len.expect("a good request is answered");
        client.handle_datagram(SERVER, &mut challenge[..challenge_len], *now);
        let (len, _) = client.poll_transmit(*now, &mut response).expect("a challenge is answered");
        let (took_response, event) =
            timed(|| server.handle_datagram(address(index), &mut response[..len], *now, UNIX_S));
        let ServerEvent::Connected { slot, .. } = event else { panic!("{event:?}") };
        self.grown_bytes += live_bytes() - before;
        self.handshakes.push(took_request + took_response);
        self.members.push(Member { client, slot });
        self.transmit();
        assert_eq!(self.members[index].client.state(), ClientState::Connected);
    }

    /// Gives every client what the server has for it.
    fn transmit(&mut self) {
        let mut packet = [0; PACKET_BYTES_MAX];
        while let Some((len, to)) = self.server.poll_transmit(self.now, &mut packet) {
            self.members[index_of(to)].client.handle_datagram(SERVER, &mut packet[..len], self.now);
        }
    }

    fn token(&mut self, index: usize) -> ConnectToken {
        let spec = TokenSpec {
            protocol_id: PROTOCOL_ID,
            create_unix_s: UNIX_S,
            expire_unix_s: UNIX_S + 3600,
            timeout_s: 3600,
            client_id: ClientId(index as u64 + 1),
            servers: &[SERVER],
            user_data: [0; USER_DATA_BYTES],
        };
        let secrets = TokenSecrets::from_random(std::array::from_fn(|_| self.rng.next_u64() as u8));
        ConnectToken::generate(&spec, &secrets, &Key::new([7; 32])).expect("the token is well-formed")
    }

    /// Seals `packets` payloads of so many bytes, each for the next client in an order that no cache foresees.
    pub(crate) fn seal(&mut self, packets: usize, bytes: usize) -> Duration {
        let order = self.order(packets);
        let (payload, mut packet) = (vec![0x5a; bytes], [0; PACKET_BYTES_MAX]);
        let Self { server, members, now, .. } = self;
        let (took, ()) = cpu_timed(|| {
            for index in &order {
                let sealed = server.seal(members[*index as usize].slot, &payload, &mut packet, *now);
                black_box(sealed.expect("the slot is taken"));
            }
        });
        took
    }

    /// Opens as many, one after the other in one buffer, as a receive thread leaves them.
    pub(crate) fn open(&mut self, packets: usize, bytes: usize) -> Duration {
        let mut received = self.prepare(packets, bytes);
        let Self { server, now, .. } = self;
        let (took, ()) = cpu_timed(|| {
            let mut rest = &mut received.bytes[..];
            for (from, len) in &received.datagrams {
                let datagram;
                (datagram, rest) = rest.split_at_mut(*len);
                let event = server.handle_datagram(*from, datagram, *now, UNIX_S);
                assert!(matches!(black_box(event), ServerEvent::Payload { .. }));
            }
        });
        took
    }

    /// What clients send that is opened next.
    pub(crate) fn prepare(&mut self, packets: usize, bytes: usize) -> Received {
        let order = self.order(packets);
        let (payload, mut packet) = (vec![0x5a; bytes], [0; PACKET_BYTES_MAX]);
        let mut received = Received::default();
        for index in order {
            let client = &mut self.members[index as usize].client;
            let (len, _) = client.seal(&payload, &mut packet, self.now).expect("it is connected");
            received.bytes.extend_from_slice(&packet[..len]);
            received.datagrams.push((address(index as usize), len));
        }
        received
    }

    /// Clients by index, all of them in one order, then in another.
    fn order(&mut self, packets: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.members.len() as u32).cycle().take(packets).collect();
        for round in order.chunks_mut(self.members.len()) {
            for i in (1..round.len()).rev() {
                round.swap(i, self.rng.below(i as u64 + 1) as usize);
            }
        }
        order
    }
}

fn address(index: usize) -> SocketAddr {
    let [_, a, b, c] = (index as u32).to_be_bytes();
    SocketAddr::from(([20, a, b, c], 5000))
}

fn index_of(address: SocketAddr) -> usize {
    let std::net::IpAddr::V4(ip) = address.ip() else { panic!("all are IPv4") };
    (ip.to_bits() & 0xff_ffff) as usize
}
