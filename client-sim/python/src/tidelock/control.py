"""The reliable messages of both ends, whole (sections 4 and 5)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from .bits import BitReader, BitWriter, Malformed

HELLO, DESYNC, EVENT_TO_SERVER = 0, 1, 2
WELCOME, EVENT_TO_CLIENT = 0, 1
AUDIENCES = ("public", "team", "owner")
_RESUMED, _STATE_KEPT, _PAYLOAD = 1, 2, 4
JOIN_PAYLOAD_BYTES_MAX = 262_144


@dataclass(frozen=True)
class Claimed:
    """A stream that the client holds: its version of `tick`, whose hash folds to `proof`."""

    audience: int
    index: int
    tick: int
    proof: int


@dataclass(frozen=True)
class Claim:
    """What a client that comes back still holds."""

    payload_hash: int
    streams: tuple[Claimed, ...]

    @property
    def newest_tick(self) -> int:
        return max((stream.tick for stream in self.streams), default=0)


@dataclass(frozen=True)
class Welcome:
    tick_hz: int
    snapshot_hz: int
    tick: int
    due_us: int
    resumed: bool
    state_kept: bool
    payload: bytes | None


@dataclass(frozen=True)
class EventMessage:
    id: int
    body: bytes


def hello(schema_hash: int, claim: Claim | None) -> bytes:
    writer = BitWriter()
    writer.write(HELLO, 8)
    writer.write(schema_hash, 64)
    writer.write(claim is not None, 1)
    if claim is not None:
        write_claim(writer, claim)
    return writer.to_bytes()


def write_claim(writer: BitWriter, claim: Claim) -> None:
    newest = claim.newest_tick
    writer.write(claim.payload_hash, 64)
    writer.write(newest & 0xFFFFFFFF, 32)
    for audience in range(len(AUDIENCES)):
        previous = -1
        for stream in sorted((s for s in claim.streams if s.audience == audience), key=lambda s: s.index):
            writer.write(1, 1)
            writer.golomb(stream.index - previous - 1, 2)
            writer.golomb(newest - stream.tick, 4)
            writer.write(stream.proof, 16)
            previous = stream.index
        writer.write(0, 1)


def desync(tick: int) -> bytes:
    return struct.pack("<BI", DESYNC, tick & 0xFFFFFFFF)


def event(id: int, body: bytes) -> bytes:
    return bytes([EVENT_TO_SERVER, id]) + body


def read_server_message(message: bytes) -> Welcome | EventMessage:
    if not message:
        raise Malformed("a message without a kind")
    if message[0] == EVENT_TO_CLIENT:
        if len(message) < 2:
            raise Malformed("an event without a number")
        return EventMessage(message[1], message[2:])
    if message[0] != WELCOME:
        raise Malformed("a message of an unknown kind")
    return _read_welcome(message)


def _read_welcome(message: bytes) -> Welcome:
    if len(message) < 16:
        raise Malformed("a welcome cut short")
    tick_hz, snapshot_hz, tick, due_us, flags = struct.unpack_from("<BBIQB", message, 1)
    if not 1 <= snapshot_hz <= tick_hz <= 240:
        raise Malformed("a welcome with impossible rates")
    resumed, kept, has_payload = bool(flags & _RESUMED), bool(flags & _STATE_KEPT), bool(flags & _PAYLOAD)
    if flags > 7 or (not resumed and (kept or not has_payload)) or (not has_payload and len(message) > 16):
        raise Malformed("a welcome with impossible flags")
    if len(message) > 16 + JOIN_PAYLOAD_BYTES_MAX:
        raise Malformed("a join payload that is too long")
    return Welcome(tick_hz, snapshot_hz, tick, due_us, resumed, kept, message[16:] if has_payload else None)


def read_client_message(message: bytes) -> tuple[str, Sequence[object]]:
    """What a server reads: here to prove what this client writes."""
    if not message:
        raise Malformed("a message without a kind")
    if message[0] == EVENT_TO_SERVER:
        if len(message) < 2:
            raise Malformed("an event without a number")
        return "event", (message[1], message[2:])
    if message[0] == DESYNC:
        if len(message) != 5:
            raise Malformed("a desync has five bytes")
        return "desync", struct.unpack("<I", message[1:])
    if message[0] != HELLO:
        raise Malformed("a message of an unknown kind")
    reader = BitReader(message)
    reader.read(8)
    schema_hash = reader.read_u64()
    claim = read_claim(reader) if reader.bit() else None
    rest = reader.end - reader.position
    if rest >= 8 or reader.read(rest):
        raise Malformed("a hello ends with zeros to a whole byte")
    return "hello", (schema_hash, claim)


def read_claim(reader: BitReader) -> Claim:
    payload_hash, newest = reader.read_u64(), reader.read(32)
    streams = []
    for audience in range(len(AUDIENCES)):
        index = -1
        while reader.bit():
            index += reader.golomb(2) + 1
            age = reader.golomb(4)
            if index >> 20 or age >> 31:
                raise Malformed("a claim of what cannot be")
            streams.append(Claimed(audience, index, newest - age, reader.read(16)))
    return Claim(payload_hash, tuple(streams))
