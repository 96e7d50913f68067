use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use super::clock;
use crate::siege::{Flood, stranger_number};

/// Sends a flood to a real server on this machine, from many addresses, in a thread of its own.
#[derive(Debug)]
pub struct Flooder {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Flooded>,
}

/// What a flooder has sent.
#[derive(Clone, Copy, Debug)]
pub struct Flooded {
    /// Datagrams.
    pub sent: u64,
    /// Datagrams that the system did not take.
    pub failed: u64,
    /// For how long.
    pub duration: Duration,
}

/// Addresses that strangers send from.
const SOCKETS: usize = 256;
/// Datagrams that are made beforehand and sent again and again: making them costs more than sending.
const DATAGRAMS: usize = 16_384;
/// Between two volleys.
const ROUND: Duration = Duration::from_millis(1);
/// What is this late is not sent any more.
const LATE_MAX: Duration = Duration::from_millis(20);

impl Flooder {
    /// Begins to send `per_s` datagrams a second. What seems to come from a player goes through the socket `insider`.
    ///
    /// # Errors
    /// If there are no sockets or no thread to be had.
    pub fn start(server: SocketAddr, mut flood: Flood, insider: &UdpSocket, per_s: u64) -> io::Result<Self> {
        let mut sockets = (0..SOCKETS).map(stranger).collect::<io::Result<Vec<_>>>()?;
        sockets.push(insider.try_clone()?);
        let datagrams: Vec<(usize, Vec<u8>)> = (0..DATAGRAMS)
            .map(|_| {
                let (from, datagram) = flood.make();
                (stranger_number(from).map_or(SOCKETS, |number| usize::from(number) % SOCKETS), datagram.to_vec())
            })
            .collect();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let builder = std::thread::Builder::new().name("tidelock-flooder".to_owned());
        let thread = builder.spawn(move || send(server, &sockets, &datagrams, per_s, &stopped))?;
        Ok(Self { stop, thread })
    }

    /// Ends the flood.
    ///
    /// # Panics
    /// If its thread did.
    #[must_use]
    pub fn stop(self) -> Flooded {
        self.stop.store(true, Relaxed);
        self.thread.join().expect("sending does not panic")
    }
}

/// A socket of a stranger, each with another address of this machine.
fn stranger(number: usize) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::new(127, 16, 1, number as u8), 0))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn send(
    server: SocketAddr,
    sockets: &[UdpSocket],
    datagrams: &[(usize, Vec<u8>)],
    per_s: u64,
    stop: &AtomicBool,
) -> Flooded {
    let began = clock::now();
    let mut datagrams = datagrams.iter().cycle();
    let (mut sent, mut failed, mut given_up, mut round) = (0, 0, 0, began);
    while !stop.load(Relaxed) {
        let due = due_in(clock::now().since(began), per_s);
        let missed = (due - sent - failed - given_up).saturating_sub(due_in(LATE_MAX, per_s));
        given_up += missed;
        while sent + failed + given_up < due {
            let (socket, datagram) = datagrams.next().expect("there is no end of them");
            match sockets[*socket].send_to(datagram, server) {
                Ok(_) => sent += 1,
                Err(_) => failed += 1,
            }
        }
        round = (round + ROUND).max(clock::now());
        clock::sleep_until(round);
    }
    Flooded { sent, failed, duration: clock::now().since(began) }
}

/// How many are to be sent in so long.
fn due_in(duration: Duration, per_s: u64) -> u64 {
    duration.as_micros() as u64 * per_s / 1_000_000
}
