use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Of addresses of this machine that clients of a server on it come from, when ports of one run short: 127.0.0.1 and so on.
const LOOPBACK_ADDRESSES: u8 = 16;

/// Connected, so that the kernel finds the peer once, and refuses strangers.
pub(super) fn connected_socket(server: SocketAddr) -> io::Result<UdpSocket> {
    let socket = bound_socket(server)?;
    socket.set_nonblocking(true)?;
    socket.connect(server)?;
    Ok(socket)
}

/// On a free port, of which an address has about 28,000.
fn bound_socket(server: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let IpAddr::V4(Ipv4Addr::LOCALHOST) = server.ip() else { return UdpSocket::bind((any, 0)) };
    let mut last = 1;
    loop {
        match UdpSocket::bind((Ipv4Addr::new(127, 0, 0, last), 0)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && last < LOOPBACK_ADDRESSES => last += 1,
            bound => return bound,
        }
    }
}
