"""Packets of netcode: sealed and opened (section 12)."""

from __future__ import annotations

import struct

from .aead import Aead
from .token import VERSION, Token

REQUEST, DENIED, CHALLENGE, RESPONSE, KEEP_ALIVE, PAYLOAD, DISCONNECT = range(7)
PAYLOAD_BYTES_MAX = 1200
TAG_BYTES = 16
REPLAY_WINDOW = 1024
_BODY_BYTES = {DENIED: (0, 0), CHALLENGE: (308, 308), RESPONSE: (308, 308), KEEP_ALIVE: (8, 8), DISCONNECT: (0, 0)}
_BODY_BYTES[PAYLOAD] = (1, PAYLOAD_BYTES_MAX)


class Dropped(Exception):
    """A packet is dropped; the message is the name of its counter."""


def request(token: Token) -> bytes:
    """The connection request, 1,078 bytes."""
    head = struct.pack("<B13sQQ", REQUEST, VERSION, token.protocol_id, token.expire_s)
    return head + token.nonce + token.sealed


class Sealer:
    """Seals packets of one direction."""

    def __init__(self, key: bytes, protocol_id: int) -> None:
        self._aead = Aead(key)
        self._data = VERSION + struct.pack("<Q", protocol_id)

    def seal(self, kind: int, sequence: int, body: bytes) -> bytes:
        sequence_bytes = max(1, (sequence.bit_length() + 7) // 8)
        prefix = kind | sequence_bytes << 4
        sealed = self._aead.seal(sequence, body, self._data + bytes([prefix]))
        return bytes([prefix]) + sequence.to_bytes(sequence_bytes, "little") + sealed


class Opener:
    """Opens packets of one direction, none twice."""

    def __init__(self, key: bytes, protocol_id: int) -> None:
        self._aead = Aead(key)
        self._data = VERSION + struct.pack("<Q", protocol_id)
        self.forget()

    def forget(self) -> None:
        """Another server numbers its packets from 0 again."""
        self._newest = -1
        self._arrived = 0  # bit n: the packet newest - n has arrived

    def open(self, packet: bytes, expected: tuple[int, ...], *, is_from_peer: bool = True) -> tuple[int, bytes]:
        """The type and body of a packet, if it is of one of the types that are expected; or raises Dropped, with the
        first reason of section 12."""
        if not packet:
            raise Dropped("size_invalid")
        if not 1 <= packet[0] & 15 <= DISCONNECT:
            raise Dropped("type_invalid")
        kind, sequence_bytes = packet[0] & 15, packet[0] >> 4
        if not 1 <= sequence_bytes <= 8:
            raise Dropped("sequence_length_invalid")
        least, most = _BODY_BYTES[kind]
        if not least <= len(packet) - 1 - sequence_bytes - TAG_BYTES <= most:
            raise Dropped("size_invalid")
        sequence = int.from_bytes(packet[1 : 1 + sequence_bytes], "little")
        in_session = kind >= KEEP_ALIVE
        if in_session and sequence >> 63:
            raise Dropped("sequence_reserved")
        if not is_from_peer:
            raise Dropped("address_unknown")
        if kind not in expected:
            raise Dropped("type_unexpected")
        if in_session and self._is_replayed(sequence):
            raise Dropped("replayed")
        body = self._aead.open(sequence, packet[1 + sequence_bytes :], self._data + packet[:1])
        if body is None:
            raise Dropped("undecryptable")
        if in_session:
            self._note(sequence)
        return kind, body

    def _is_replayed(self, sequence: int) -> bool:
        age = self._newest - sequence
        return age >= 0 and (age >= REPLAY_WINDOW or bool(self._arrived >> age & 1))

    def _note(self, sequence: int) -> None:
        if sequence > self._newest:
            shift = min(sequence - self._newest, REPLAY_WINDOW)
            self._arrived = (self._arrived << shift) & ((1 << REPLAY_WINDOW) - 1)
            self._newest = sequence
        self._arrived |= 1 << (self._newest - sequence)
