"""The header of a snapshot datagram (section 7)."""

from __future__ import annotations

from dataclasses import dataclass

from .bits import BitReader, Malformed, nearest

DATAGRAMS_MAX = 4096
IN_FLIGHT_MAX = 4096
AHEAD_MAX = 128
LEAD_LEAST, LEAD_MOST = -2048, 2047


@dataclass(frozen=True)
class InputReport:
    """What the server says of the client's inputs: `lead` in 1/16 tick."""

    ahead: int
    lead: int | None
    missed: int


@dataclass(frozen=True)
class Audit:
    bucket: int
    hash: int


@dataclass(frozen=True)
class Header:
    tick: int
    index: int
    after: int
    complete: bool
    in_flight: int
    inputs: InputReport | None
    level: int
    dilation: int
    due_us: int | None
    audit: Audit | None
    checksum: int | None


def read_header(reader: BitReader, known_tick: int) -> Header | None:
    """The header, at a client that knows `known_tick`; None if there is no snapshot."""
    if not reader.bit():
        return None
    tick = nearest(reader.read(16), 16, known_tick)
    index, after = reader.golomb(0), reader.golomb(0)
    if index + after >= DATAGRAMS_MAX:
        raise Malformed("a snapshot of too many datagrams")
    complete = bool(reader.bit())
    in_flight = reader.golomb(2)
    if in_flight > IN_FLIGHT_MAX:
        raise Malformed("more datagrams in flight than a sender remembers")
    inputs = _read_inputs(reader) if reader.bit() else None
    level, dilation = (reader.read(2), reader.read(10)) if reader.bit() else (0, 0)
    due_us = reader.read_u64() if reader.bit() else None
    audit = Audit(reader.read(6), reader.read(32)) if reader.bit() else None
    checksum = reader.read(16) if reader.bit() else None
    return Header(tick, index, after, complete, in_flight, inputs, level, dilation, due_us, audit, checksum)


def _read_inputs(reader: BitReader) -> InputReport:
    ahead = reader.golomb(2)
    if ahead > AHEAD_MAX:
        raise Malformed("inputs further ahead than a server keeps them")
    lead = reader.signed_golomb(5) if reader.bit() else None
    if lead is not None and not LEAD_LEAST <= lead <= LEAD_MOST:
        raise Malformed("a lead out of its range")
    return InputReport(ahead, lead, reader.read(8) if reader.bit() else 0)
