"""Greeting and farewell: the two datagrams that have the same form in every version (section 5)."""

from __future__ import annotations

import struct

from .bits import Malformed
from .errors import Closed, ConnectionEnded, Rejected

GREETING, FAREWELL = 14, 15
_NAME = b"TIDELOCK"
_UNKNOWN = ("unknown", "the server gave a reason that this version does not know")
_REJECTED = {
    1: ("schema_mismatch", "the server runs another version of the game"),
    2: ("draining", "the server takes no new players"),
    3: ("banned", "banned from this server"),
    4: ("version_mismatch", "the server speaks another version of the protocol"),
    5: ("full", "the server is full"),
    6: ("hello_timeout", "the client did not introduce itself in time"),
    7: ("join_timeout", "joining took too long"),
}
_CLOSED = {
    1: ("kicked", "kicked from the server"),
    2: ("shutdown", "the server stops"),
    3: ("protocol_error", "the connection broke the protocol"),
    4: ("timeout", "the server has not heard from this client for too long"),
    5: ("duplicate_login", "the same player has connected from elsewhere"),
    6: ("banned", "banned from this server"),
    7: ("too_slow", "the connection is too slow for what there is to tell"),
}


def greeting(version: int) -> bytes:
    return struct.pack("<B8sH", GREETING, _NAME, version)


def read_greeting(datagram: bytes) -> int:
    """The version that the client speaks."""
    if len(datagram) < 11 or datagram[0] != GREETING or datagram[1:9] != _NAME:
        raise Malformed("no greeting")
    return int.from_bytes(datagram[9:11], "little")


def read_farewell(datagram: bytes) -> ConnectionEnded:
    """Why the server ends the connection."""
    if len(datagram) < 2 or datagram[0] & 15 != FAREWELL:
        raise Malformed("no farewell")
    kind, reason = datagram[0] >> 4, datagram[1]
    if kind == 0:
        return Rejected(*_REJECTED.get(reason, _UNKNOWN))
    if kind == 1:
        return Closed(*_CLOSED.get(reason, _UNKNOWN))
    raise Malformed("a farewell of an unknown kind")
