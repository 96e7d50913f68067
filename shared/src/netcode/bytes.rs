use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::KEY_BYTES;
use super::key::Key;

const ADDRESS_IPV4: u8 = 1;
const ADDRESS_IPV6: u8 = 2;

/// Writes little-endian values into a buffer of a size that the standard fixes. Overflow is our own mistake, and panics.
pub(super) struct Writer<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes written so far.
    pub(super) fn len(&self) -> usize {
        self.at
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn key(&mut self, key: &Key) {
        self.bytes(key.as_bytes());
    }

    /// `[count u32] ([type u8] [ip] [port u16])*`, the segments of an IPv6 address as little-endian numbers.
    pub(super) fn addresses(&mut self, addresses: &[SocketAddr]) {
        self.u32(u32::try_from(addresses.len()).expect("at most 32 addresses"));
        for address in addresses {
            match address.ip() {
                IpAddr::V4(ip) => {
                    self.u8(ADDRESS_IPV4);
                    self.bytes(&ip.octets());
                }
                IpAddr::V6(ip) => {
                    self.u8(ADDRESS_IPV6);
                    for segment in ip.segments() {
                        self.u16(segment);
                    }
                }
            }
            self.u16(address.port());
        }
    }
}

/// Reads little-endian values. Every read past the end is `None`, never a panic.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| *byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(|bytes| u16::from_le_bytes(*bytes))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(|bytes| u32::from_le_bytes(*bytes))
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        self.u32().map(u32::cast_signed)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(|bytes| u64::from_le_bytes(*bytes))
    }

    pub(super) fn key(&mut self) -> Option<Key> {
        self.array::<KEY_BYTES>().map(|bytes| Key::new(*bytes))
    }

    pub(super) fn address(&mut self) -> Option<SocketAddr> {
        let ip = match self.u8()? {
            ADDRESS_IPV4 => IpAddr::V4(Ipv4Addr::from(*self.array::<4>()?)),
            ADDRESS_IPV6 => {
                let mut segments = [0u16; 8];
                for segment in &mut segments {
                    *segment = self.u16()?;
                }
                IpAddr::V6(Ipv6Addr::from(segments))
            }
            _ => return None,
        };
        Some(SocketAddr::new(ip, self.u16()?))
    }
}

/// Whether two addresses name the same endpoint. An IPv4 address that an IPv6 socket shows as `::ffff:a.b.c.d` is the
/// IPv4 address, and flow label and scope, which a connect token cannot carry, do not count.
pub(super) fn same_endpoint(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && a.ip().to_canonical() == b.ip().to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn addresses_come_back_as_they_were_written() {
        let addresses: Vec<SocketAddr> =
            ["10.1.2.3:40000", "[::1]:50000", "[fe80::202:b3ff:fe1e:8329]:65535"].map(|a| a.parse().unwrap()).to_vec();
        let mut bytes = [0; 64];
        Writer::new(&mut bytes).addresses(&addresses);
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.u32(), Some(3));
        for address in addresses {
            assert_eq!(reader.address(), Some(address));
        }
    }

    #[test]
    fn segments_of_ipv6_are_little_endian() {
        let mut bytes = [0; 23];
        Writer::new(&mut bytes).addresses(&["[102:304::f0f:1]:4660".parse().unwrap()]);
        assert_eq!(bytes, [1, 0, 0, 0, 2, 2, 1, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0x0f, 0x0f, 1, 0, 0x34, 0x12]);
    }

    #[test]
    fn an_unknown_address_type_is_refused() {
        for kind in [0, 3, 255] {
            assert_eq!(Reader::new(&[kind, 0, 0, 0, 0, 0, 0]).address(), None);
        }
    }

    #[test]
    fn a_mapped_ipv4_address_is_the_ipv4_address() {
        let mapped = "[::ffff:10.0.0.1]:7777".parse().unwrap();
        assert!(same_endpoint(mapped, "10.0.0.1:7777".parse().unwrap()));
        assert!(!same_endpoint(mapped, "10.0.0.1:7778".parse().unwrap()));
        assert!(!same_endpoint(mapped, "10.0.0.2:7777".parse().unwrap()));
    }
}
