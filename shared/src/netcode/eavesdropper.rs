use core::fmt;

use super::cipher::{Cipher, Protocol};
use super::key::Key;
use super::packet::{Header, PacketKind};
use super::token::TokenSecrets;

/// Reads along on a connection whose keys are known, without being either end of it: for checks and tools.
///
/// It keeps nothing of what passed, so that it takes the same packet any number of times, in any order.
#[derive(Clone)]
pub struct Eavesdropper {
    protocol: Protocol,
    client_to_server: Key,
    server_to_client: Key,
}

/// Who sent a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The client, to the server.
    Client,
    /// The server, to the client.
    Server,
}

impl Eavesdropper {
    /// Of the connection that was made with a token of these secrets.
    #[must_use]
    pub fn new(protocol_id: u64, cipher: Cipher, secrets: &TokenSecrets) -> Self {
        Self {
            protocol: Protocol { id: protocol_id, cipher },
            client_to_server: secrets.client_to_server.clone(),
            server_to_client: secrets.server_to_client.clone(),
        }
    }

    /// The sequence of a packet that has the form of a payload's, which takes no key to read: below 2^63, and another one for
    /// each packet of one side of a connection. `None` for any other packet.
    #[must_use]
    pub fn sequence(datagram: &[u8]) -> Option<u64> {
        let header = Header::read(datagram).ok()?;
        (header.kind == PacketKind::Payload).then_some(header.sequence)
    }

    /// Decrypts in place the payload, of 1 to 1,200 bytes, that `from` sent in this packet. `None` if it is no payload, or not
    /// of this connection and side; the content of `datagram` is lost then.
    pub fn open<'a>(&self, from: Side, datagram: &'a mut [u8]) -> Option<&'a [u8]> {
        let header = Header::read(datagram).ok().filter(|header| header.kind == PacketKind::Payload)?;
        let key = match from {
            Side::Client => &self.client_to_server,
            Side::Server => &self.server_to_client,
        };
        header.open(datagram, key, self.protocol).ok().map(|payload| &*payload)
    }
}

/// Says nothing of keys.
impl fmt::Debug for Eavesdropper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Eavesdropper").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::packet::Body;
    use super::*;
    use alloc::vec::Vec;

    const CIPHERS: [Cipher; 2] = [Cipher::ChaCha20Poly1305, Cipher::Null];

    fn secrets(n: u8) -> TokenSecrets {
        TokenSecrets::from_random(core::array::from_fn(|at| n.wrapping_mul(91).wrapping_add(at as u8)))
    }

    fn sealed(body: Body<'_>, sequence: u64, key: &Key, cipher: Cipher) -> Vec<u8> {
        let mut out = [0; 1300];
        let len = body.seal(&mut out, sequence, key, Protocol { id: 7, cipher });
        out[..len].to_vec()
    }

    #[test]
    fn a_payload_is_read_with_the_keys_of_its_connection_and_side_only() {
        for cipher in CIPHERS {
            let packet = sealed(Body::Payload(b"hello"), 300, &secrets(1).server_to_client, cipher);
            assert_eq!(Eavesdropper::sequence(&packet), Some(300));
            let open = |n, protocol, from| {
                let mut packet = packet.clone();
                let opened = Eavesdropper::new(protocol, cipher, &secrets(n)).open(from, &mut packet);
                opened.map(<[u8]>::to_vec)
            };
            assert_eq!(open(1, 7, Side::Server), Some(b"hello".to_vec()));
            assert_eq!(open(1, 7, Side::Client), None);
            assert_eq!(open(2, 7, Side::Server), None);
        }
        let other = Eavesdropper::new(8, Cipher::default(), &secrets(1));
        let mut packet = sealed(Body::Payload(b"hello"), 0, &secrets(1).client_to_server, Cipher::default());
        assert_eq!(other.open(Side::Client, &mut packet), None, "of another protocol");
    }

    #[test]
    fn what_is_no_payload_is_none() {
        let key = secrets(1).client_to_server;
        let alive = sealed(Body::KeepAlive { client_index: 0, max_clients: 0 }, 0, &key, Cipher::Null);
        let eavesdropper = Eavesdropper::new(7, Cipher::Null, &secrets(1));
        for mut packet in [alive, sealed(Body::Disconnect, 1, &key, Cipher::Null), Vec::new(), [0; 1078].to_vec()] {
            assert_eq!(Eavesdropper::sequence(&packet), None);
            assert_eq!(eavesdropper.open(Side::Client, &mut packet), None);
        }
    }
}
