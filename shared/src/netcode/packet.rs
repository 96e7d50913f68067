use super::aead::Forged;
use super::bytes::{Reader, Writer};
use super::cipher::Protocol;
use super::drops::DropReason;
use super::key::Key;
use super::private_token::{CHALLENGE_TOKEN_BYTES, PRIVATE_TOKEN_BYTES};
use super::token::ConnectToken;
use super::{PAYLOAD_BYTES_MAX, TAG_BYTES, TOKEN_NONCE_BYTES, VERSION};

/// A connection request has exactly this length: larger than any answer to it.
pub(super) const REQUEST_BYTES: usize = 1 + 13 + 8 + 8 + TOKEN_NONCE_BYTES + PRIVATE_TOKEN_BYTES;
/// `[prefix] [sequence 8] [challenge sequence u64] [challenge token 300] [tag 16]`
pub(super) const CHALLENGE_BYTES_MAX: usize = 1 + 8 + CHALLENGE_BODY_BYTES + TAG_BYTES;
/// `[prefix] [sequence 8] [tag 16]`
pub(super) const EMPTY_BYTES_MAX: usize = 1 + 8 + TAG_BYTES;
/// The first sequence of packets outside a session. They share a key with a session's, whose sequences start at zero,
/// so that the two must never meet.
pub(super) const GLOBAL_SEQUENCE: u64 = 1 << 63;

const CHALLENGE_BODY_BYTES: usize = 8 + CHALLENGE_TOKEN_BYTES;
const KEEP_ALIVE_BODY_BYTES: usize = 4 + 4;

/// The types of packets, by their number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum PacketKind {
    Request = 0,
    Denied = 1,
    Challenge = 2,
    Response = 3,
    KeepAlive = 4,
    Payload = 5,
    Disconnect = 6,
}

impl PacketKind {
    const ALL: [Self; 7] = [
        Self::Request,
        Self::Denied,
        Self::Challenge,
        Self::Response,
        Self::KeepAlive,
        Self::Payload,
        Self::Disconnect,
    ];

    /// Whether it belongs to a session: numbered by it, and protected from replay.
    pub(super) const fn is_session(self) -> bool {
        matches!(self, Self::KeepAlive | Self::Payload | Self::Disconnect)
    }

    fn allows_body(self, bytes: usize) -> bool {
        match self {
            Self::Request => false,
            Self::Denied | Self::Disconnect => bytes == 0,
            Self::Challenge | Self::Response => bytes == CHALLENGE_BODY_BYTES,
            Self::KeepAlive => bytes == KEEP_ALIVE_BODY_BYTES,
            Self::Payload => (1..=PAYLOAD_BYTES_MAX).contains(&bytes),
        }
    }
}

/// The readable start of an encrypted packet: `[prefix] [sequence 1..8]`, where the prefix is
/// `sequence bytes << 4 | type`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) kind: PacketKind,
    pub(super) sequence: u64,
    prefix: u8,
    body_at: usize,
}

impl Header {
    /// Checks everything that can be checked without a key.
    pub(super) fn read(datagram: &[u8]) -> Result<Self, DropReason> {
        let prefix = *datagram.first().ok_or(DropReason::SizeInvalid)?;
        // Requests are no such packets, and begin with a zero alone.
        let kind = PacketKind::ALL.get(usize::from(prefix & 0xf)).filter(|kind| **kind != PacketKind::Request);
        let kind = *kind.ok_or(DropReason::TypeInvalid)?;
        let sequence_bytes = usize::from(prefix >> 4);
        if !(1..=8).contains(&sequence_bytes) {
            return Err(DropReason::SequenceLengthInvalid);
        }
        let body_at = 1 + sequence_bytes;
        let body_bytes = datagram.len().checked_sub(body_at + TAG_BYTES).ok_or(DropReason::SizeInvalid)?;
        if !kind.allows_body(body_bytes) {
            return Err(DropReason::SizeInvalid);
        }
        let mut sequence = [0; 8];
        sequence[..sequence_bytes].copy_from_slice(&datagram[1..body_at]);
        let sequence = u64::from_le_bytes(sequence);
        if kind.is_session() && sequence >= GLOBAL_SEQUENCE {
            return Err(DropReason::SequenceReserved);
        }
        Ok(Self { kind, sequence, prefix, body_at })
    }

    /// Decrypts, in place, the packet that this is the header of.
    pub(super) fn open<'a>(
        &self,
        datagram: &'a mut [u8],
        key: &Key,
        protocol: Protocol,
    ) -> Result<&'a mut [u8], DropReason> {
        let aad = packet_aad(protocol.id, self.prefix);
        let opened = protocol.cipher.open(&mut datagram[self.body_at..], &aad, self.sequence, key);
        opened.map_err(|Forged| DropReason::Undecryptable)
    }
}

/// What a packet says, before it is encrypted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'a> {
    Denied,
    Challenge { sequence: u64, token: &'a [u8; CHALLENGE_TOKEN_BYTES] },
    Response { sequence: u64, token: &'a [u8; CHALLENGE_TOKEN_BYTES] },
    KeepAlive { client_index: u32, max_clients: u32 },
    Payload(&'a [u8]),
    Disconnect,
}

impl Body<'_> {
    fn kind(&self) -> PacketKind {
        match self {
            Self::Denied => PacketKind::Denied,
            Self::Challenge { .. } => PacketKind::Challenge,
            Self::Response { .. } => PacketKind::Response,
            Self::KeepAlive { .. } => PacketKind::KeepAlive,
            Self::Payload(_) => PacketKind::Payload,
            Self::Disconnect => PacketKind::Disconnect,
        }
    }

    /// Writes the encrypted packet and returns its length.
    pub(super) fn seal(&self, out: &mut [u8], sequence: u64, key: &Key, protocol: Protocol) -> usize {
        let sequence_bytes = sequence_bytes(sequence);
        let prefix = (sequence_bytes as u8) << 4 | self.kind() as u8;
        let mut writer = Writer::new(out);
        writer.u8(prefix);
        writer.bytes(&sequence.to_le_bytes()[..sequence_bytes]);
        match *self {
            Self::Denied | Self::Disconnect => {}
            Self::Challenge { sequence, token } | Self::Response { sequence, token } => {
                writer.u64(sequence);
                writer.bytes(token);
            }
            Self::KeepAlive { client_index, max_clients } => {
                writer.u32(client_index);
                writer.u32(max_clients);
            }
            Self::Payload(payload) => writer.bytes(payload),
        }
        let end = writer.len() + TAG_BYTES;
        let aad = packet_aad(protocol.id, prefix);
        protocol.cipher.seal(&mut out[1 + sequence_bytes..end], &aad, sequence, key);
        end
    }
}

/// Reads the body of a challenge or response: `[sequence u64] [token 300]`.
pub(super) fn read_challenge(body: &mut [u8]) -> (u64, &mut [u8; CHALLENGE_TOKEN_BYTES]) {
    let (sequence, token) = body.split_first_chunk_mut::<8>().expect("Header::read checked the length");
    (u64::from_le_bytes(*sequence), token.try_into().expect("Header::read checked the length"))
}

/// Reads the body of a keep-alive: `[client index u32] [max clients u32]`.
pub(super) fn read_keep_alive(body: &[u8]) -> (u32, u32) {
    let mut reader = Reader::new(body);
    let mut number = || reader.u32().expect("Header::read checked the length");
    (number(), number())
}

/// A connection request, checked as far as it can be without a key:
/// `[0] [version 13] [protocol id u64] [expire u64] [nonce 24] [private token 1024]`.
pub(super) struct Request<'a> {
    pub(super) expire_unix_s: u64,
    pub(super) nonce: &'a [u8; TOKEN_NONCE_BYTES],
    pub(super) sealed: &'a [u8; PRIVATE_TOKEN_BYTES],
}

impl<'a> Request<'a> {
    pub(super) fn read(datagram: &'a [u8], protocol_id: u64) -> Result<Self, DropReason> {
        let datagram: &[u8; REQUEST_BYTES] = datagram.try_into().map_err(|_| DropReason::SizeInvalid)?;
        let mut reader = Reader::new(&datagram[1..]);
        if reader.array() != Some(VERSION) {
            return Err(DropReason::VersionMismatch);
        }
        if reader.u64() != Some(protocol_id) {
            return Err(DropReason::ProtocolMismatch);
        }
        let mut rest = || Some(Self { expire_unix_s: reader.u64()?, nonce: reader.array()?, sealed: reader.array()? });
        rest().ok_or(DropReason::SizeInvalid)
    }

    /// The tag of the private token: what tells one token from all others.
    pub(super) fn tag(&self) -> [u8; TAG_BYTES] {
        *self.sealed.last_chunk().expect("1024 bytes")
    }
}

/// Writes the connection request that presents a token, and returns its length.
pub(super) fn write_request(token: &ConnectToken, out: &mut [u8]) -> usize {
    let mut writer = Writer::new(out);
    writer.u8(PacketKind::Request as u8);
    writer.bytes(VERSION);
    writer.u64(token.protocol_id());
    writer.u64(token.expire_unix_s());
    writer.bytes(token.nonce());
    writer.bytes(token.sealed());
    writer.len()
}

/// How many bytes the sequence takes without its high zero bytes. Zero takes one.
fn sequence_bytes(sequence: u64) -> usize {
    8 - (sequence | 1).leading_zeros() as usize / 8
}

/// `[version 13] [protocol id u64] [prefix u8]`
fn packet_aad(protocol_id: u64, prefix: u8) -> [u8; 22] {
    let mut aad = [0; 22];
    let mut writer = Writer::new(&mut aad);
    writer.bytes(VERSION);
    writer.u64(protocol_id);
    writer.u8(prefix);
    aad
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netcode::Cipher;

    const PROTOCOL: Protocol = Protocol { id: 7, cipher: Cipher::ChaCha20Poly1305 };

    #[test]
    fn a_sequence_takes_as_many_bytes_as_it_needs() {
        for (sequence, bytes) in
            [(0, 1), (1, 1), (255, 1), (256, 2), (1000, 2), (65_536, 3), (1 << 55, 7), (1 << 56, 8)]
        {
            assert_eq!(sequence_bytes(sequence), bytes, "{sequence}");
        }
        assert_eq!(sequence_bytes(u64::MAX), 8);
    }

    #[test]
    fn a_packet_of_any_sequence_length_comes_back() {
        let key = Key::new([1; 32]);
        for sequence in [0, 0xff, 0x100, 0xffff_ffff, 1 << 40, GLOBAL_SEQUENCE - 1] {
            let mut out = [0; 64];
            let len = Body::Payload(b"hello").seal(&mut out, sequence, &key, PROTOCOL);
            let header = Header::read(&out[..len]).unwrap();
            assert_eq!((header.kind, header.sequence), (PacketKind::Payload, sequence));
            assert_eq!(header.open(&mut out[..len], &key, PROTOCOL), Ok(&mut [b'h', b'e', b'l', b'l', b'o'][..]));
        }
    }

    #[test]
    fn the_longest_answers_are_as_long_as_what_is_set_aside_for_them() {
        let key = Key::new([1; 32]);
        let mut out = [0; 400];
        let token = &[0; CHALLENGE_TOKEN_BYTES];
        assert_eq!(
            Body::Challenge { sequence: 1, token }.seal(&mut out, u64::MAX, &key, PROTOCOL),
            CHALLENGE_BYTES_MAX
        );
        assert_eq!(Body::Denied.seal(&mut out, u64::MAX, &key, PROTOCOL), EMPTY_BYTES_MAX);
    }

    #[test]
    fn a_session_packet_with_a_reserved_sequence_is_refused() {
        let key = Key::new([1; 32]);
        let mut out = [0; 64];
        let len = Body::Disconnect.seal(&mut out, GLOBAL_SEQUENCE, &key, PROTOCOL);
        assert_eq!(Header::read(&out[..len]).err(), Some(DropReason::SequenceReserved));
        let len = Body::Denied.seal(&mut out, GLOBAL_SEQUENCE, &key, PROTOCOL);
        assert!(Header::read(&out[..len]).is_ok());
    }

    #[test]
    fn every_length_is_checked_before_anything_is_read() {
        for prefix in 0..=255 {
            for len in 0..1400 {
                let mut datagram = [0xab; 1400];
                datagram[0] = prefix;
                if let Ok(header) = Header::read(&datagram[..len]) {
                    let body_bytes = len - header.body_at - TAG_BYTES;
                    assert!(header.kind.allows_body(body_bytes));
                }
            }
        }
    }

    #[test]
    fn each_refusal_has_an_accepted_twin_one_step_inside_the_bound() {
        let of = |prefix: u8, len: usize| {
            let mut datagram = [0; 1400];
            datagram[0] = prefix;
            Header::read(&datagram[..len]).map(|header| header.kind)
        };
        assert_eq!(of(0x15, 19), Ok(PacketKind::Payload));
        assert_eq!(of(0x15, 18), Err(DropReason::SizeInvalid));
        assert_eq!(of(0x85, 1225), Ok(PacketKind::Payload));
        assert_eq!(of(0x85, 1226), Err(DropReason::SizeInvalid));
        assert_eq!(of(0x95, 1226), Err(DropReason::SequenceLengthInvalid));
        assert_eq!(of(0x05, 1225), Err(DropReason::SequenceLengthInvalid));
        assert_eq!(of(0x16, 18), Ok(PacketKind::Disconnect));
        assert_eq!(of(0x17, 18), Err(DropReason::TypeInvalid));
        assert_eq!(of(0x12, 326), Ok(PacketKind::Challenge));
        assert_eq!(of(0x12, 327), Err(DropReason::SizeInvalid));
        assert_eq!(of(0x14, 26), Ok(PacketKind::KeepAlive));
        assert_eq!(of(0x14, 25), Err(DropReason::SizeInvalid));
        assert_eq!(of(0x16, 0), Err(DropReason::SizeInvalid));
    }
}
