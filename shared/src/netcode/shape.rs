use super::drops::DropReason;
use super::packet::{Header, PacketKind, Request};

/// What a datagram can be at most, as its first bytes and its length tell without any key: for whoever has to make
/// room for datagrams before a server looks at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A connection request, or the response to a challenge: a stranger's, who wants to come in.
    Handshake,
    /// Anything else, of which a server takes nothing but from addresses that are connected.
    Session,
}

impl Shape {
    /// The shape of a datagram to a server of this protocol.
    ///
    /// # Errors
    /// Why [`super::Server::handle_datagram`] would refuse the datagram, whoever sent it.
    pub fn of(datagram: &[u8], protocol_id: u64) -> Result<Self, DropReason> {
        if datagram.first() == Some(&(PacketKind::Request as u8)) {
            return Request::read(datagram, protocol_id).map(|_| Self::Handshake);
        }
        let header = Header::read(datagram)?;
        Ok(if header.kind == PacketKind::Response { Self::Handshake } else { Self::Session })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(prefix: u8, len: usize) -> Result<Shape, DropReason> {
        let mut datagram = [0; 1400];
        datagram[0] = prefix;
        Shape::of(&datagram[..len], 7)
    }

    #[test]
    fn requests_and_responses_are_handshakes_and_all_else_is_of_sessions() {
        assert_eq!(of(0x13, 326), Ok(Shape::Handshake));
        for (prefix, len) in [(0x11, 18), (0x12, 326), (0x14, 26), (0x15, 19), (0x16, 18)] {
            assert_eq!(of(prefix, len), Ok(Shape::Session), "{prefix:#x}");
        }
    }

    #[test]
    fn what_nobody_may_send_has_no_shape() {
        assert_eq!(Shape::of(&[], 7), Err(DropReason::SizeInvalid));
        assert_eq!(of(0x17, 100), Err(DropReason::TypeInvalid));
        assert_eq!(of(0x95, 100), Err(DropReason::SequenceLengthInvalid));
        assert_eq!(of(0x13, 327), Err(DropReason::SizeInvalid));
        assert_eq!(of(0, 1077), Err(DropReason::SizeInvalid));
        assert_eq!(of(0, 1078), Err(DropReason::VersionMismatch));
    }

    #[test]
    fn a_request_is_for_one_protocol() {
        let mut request = [0; 1078];
        request[1..14].copy_from_slice(b"NETCODE 1.02\0");
        request[14] = 7;
        assert_eq!(Shape::of(&request, 7), Ok(Shape::Handshake));
        assert_eq!(Shape::of(&request, 8), Err(DropReason::ProtocolMismatch));
    }
}
