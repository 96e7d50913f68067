"""Bits: fields of any width, least significant bit first, and exponential Golomb codes (section 1)."""

from __future__ import annotations

import struct


class Malformed(ValueError):
    """What came from the network breaks the protocol. It never leaves the client: it is counted."""


class BitReader:
    """Reads fields from bytes.

    `windows[i]` holds the 64 bits from bit 32 * i on, so that any field of up to 33 bits lies in one window:

        bit    0        32        64        96
               |--- windows[0] ---|--- windows[2] ---
                        |--- windows[1] ---|
    """

    __slots__ = ("data", "end", "position", "windows")

    def __init__(self, data: bytes, bits: int | None = None) -> None:
        padded = data + bytes(24 - len(data) % 8)
        words = len(padded) // 8
        windows = [0] * (2 * words - 1)
        windows[0::2] = struct.unpack(f"<{words}Q", padded)
        windows[1::2] = struct.unpack_from(f"<{words - 1}Q", padded, 4)
        self.data = data
        self.windows = windows
        self.position = 0
        self.end = len(data) * 8 if bits is None else bits

    def read(self, bits: int) -> int:
        """An unsigned field of at most 33 bits."""
        position = self.position
        self.position = after = position + bits
        if after > self.end:
            raise Malformed("cut short")
        return (self.windows[position >> 5] >> (position & 31)) & ((1 << bits) - 1)

    def bit(self) -> int:
        return self.read(1)

    def peek(self) -> int:
        """The next bit, which is still to be read."""
        bit = self.bit()
        self.position -= 1
        return bit

    def read_u64(self) -> int:
        low = self.read(32)
        return low | self.read(32) << 32

    def golomb(self, order: int) -> int:
        position = self.position
        if position >= self.end:
            raise Malformed("cut short")
        window = self.windows[position >> 5] >> (position & 31)
        zeros = (window & -window).bit_length() - 1
        if not 0 <= zeros <= 32 - order:
            raise Malformed("a number with too many zeros")
        self.position = position + zeros + 1
        low = self.read(zeros + order)
        value = (1 << (zeros + order)) + low - (1 << order)
        if value >> 32:
            raise Malformed("a number beyond 32 bits")
        return value

    def signed_golomb(self, order: int) -> int:
        return unzigzag(self.golomb(order))

    def read_bytes(self, count: int) -> bytes:
        """Bytes at any bit."""
        position = self.position
        self.position = after = position + 8 * count
        if after > self.end:
            raise Malformed("cut short")
        begin = position >> 3
        whole = int.from_bytes(self.data[begin : begin + count + 1], "little") >> (position & 7)
        return (whole & ((1 << 8 * count) - 1)).to_bytes(count, "little")

    def check(self) -> None:
        """For those who read `windows` themselves and move `position` on."""
        if self.position > self.end:
            raise Malformed("cut short")


class BitWriter:
    """Collects fields into bytes; the last byte is filled with zeros."""

    __slots__ = ("bits", "value")

    def __init__(self) -> None:
        self.value = 0
        self.bits = 0

    def write(self, value: int, bits: int) -> None:
        self.value |= value << self.bits
        self.bits += bits

    def golomb(self, value: int, order: int) -> None:
        raised = value + (1 << order)
        significant = raised.bit_length()
        self.write(1 << (significant - order - 1), significant - order)
        self.write(raised - (1 << (significant - 1)), significant - 1)

    def signed_golomb(self, value: int, order: int) -> None:
        self.golomb(zigzag(value), order)

    def write_bytes(self, data: bytes) -> None:
        self.write(int.from_bytes(data, "little"), 8 * len(data))

    def append(self, other: BitWriter) -> None:
        self.write(other.value, other.bits)

    def to_bytes(self) -> bytes:
        return self.value.to_bytes((self.bits + 7) // 8, "little")


def golomb_bits(value: int, order: int) -> int:
    """How many bits `golomb` takes."""
    return 2 * (value + (1 << order)).bit_length() - order - 1


def zigzag(value: int) -> int:
    """0, -1, 1, -2, 2, ... become 0, 1, 2, 3, 4, ..."""
    return 2 * value if value >= 0 else -2 * value - 1


def unzigzag(value: int) -> int:
    return -((value + 1) >> 1) if value & 1 else value >> 1


def nearest(low: int, bits: int, known: int) -> int:
    """The number nearest to `known` that ends with the `bits` bits of `low`."""
    half = 1 << (bits - 1)
    return known + (((low - known + half) & (2 * half - 1)) - half)


def nearest_count(low: int, bits: int, known: int) -> int:
    """The same of a number that counts from 0."""
    return max(0, nearest(low, bits, known))


def signed(value: int, bits: int) -> int:
    """The low `bits` bits as a number in two's complement."""
    half = 1 << (bits - 1)
    return ((value + half) & (2 * half - 1)) - half
