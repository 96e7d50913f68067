"""The channel: heads of datagrams with their acks, and messages both ways (sections 2 to 4)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .acks import Received, Report, read_report, write_report
from .bits import BitReader, BitWriter, Malformed
from .messages import (
    Incoming,
    Outgoing,
    read_fragments,
    read_unreliable,
    write_unreliable,
)
from .schema import WIRE_VERSION
from .sent import Sent

DATAGRAM_BITS = 1200 * 8
INPUT_BITS_RESERVED = 2000 + 32  # the newest input always fits
UNRELIABLE_WAITING_MAX = 256


class StreamEnded(Malformed):
    """Fragments that do not read: nobody can say what was missed."""


@dataclass(frozen=True)
class Head:
    """The head of a datagram of the peer."""

    sequence: int
    report: Report | None


@dataclass(frozen=True)
class Messages:
    """What follows the head."""

    unreliable: list[bytes]
    reliable: list[bytes]  # those that have become complete


class Channel:
    def __init__(self) -> None:
        self.received = Received()
        self.sent = Sent()
        self.outgoing = Outgoing()
        self._incoming = Incoming()
        self._unreliable: deque[bytes] = deque()

    # What comes

    def read_head(self, reader: BitReader) -> Head | None:
        """Reads a head, and takes nothing of it yet. None if the datagram is stale."""
        reader.read(4)
        sequence = self.received.resolve(reader.read(16))
        report = read_report(reader, self.sent.next_sequence)
        self.received.note_head(sequence)
        return None if self.received.is_stale(sequence) else Head(sequence, report)

    def read_messages(self, reader: BitReader, has_room: bool = True) -> Messages | None:
        """Takes the messages of a datagram. None, and nothing is taken, if there is no room for the reliable ones."""
        unreliable = read_unreliable(reader)
        if not has_room and reader.peek():
            return None
        try:
            return Messages(unreliable, self._incoming.take(read_fragments(reader, lambda: self._incoming.expected)))
        except Malformed as e:
            raise StreamEnded(str(e)) from None

    def take_report(self, report: Report, now_s: float) -> None:
        """What the peer says that it has accepted."""
        for flight in self.sent.acknowledge(report, now_s):
            self.received.confirm(flight.sequence, flight.newest_reported)
            self.outgoing.settle(flight.fragments)

    def accept(self, sequence: int, now_s: float) -> None:
        self.received.accept(sequence, self.sent.next_sequence, now_s)

    # What goes

    def push_unreliable(self, message: bytes) -> bool:
        if len(self._unreliable) >= UNRELIABLE_WAITING_MAX:
            return False
        self._unreliable.append(message)
        return True

    def settle_lost(self, now_s: float, slack_s: float) -> None:
        """What was in datagrams that are lost goes out again."""
        for flight in self.sent.take_lost(now_s, slack_s):
            self.outgoing.lose(flight.sequence, flight.fragments)

    def write(self, now_s: float) -> BitWriter:
        """Begins a datagram; the inputs are to follow, and it must be sent."""
        sequence = self.sent.next_sequence
        writer = BitWriter()
        writer.write(WIRE_VERSION, 4)
        writer.write(sequence & 0xFFFF, 16)
        report = self.received.report(now_s)
        write_report(writer, report)
        bits_max = DATAGRAM_BITS - INPUT_BITS_RESERVED
        unreliable: list[bytes] = []
        bits = writer.bits + 2
        while self._unreliable and bits + 11 + 8 * len(self._unreliable[0]) <= bits_max:
            unreliable.append(self._unreliable.popleft())
            bits += 11 + 8 * len(unreliable[-1])
        write_unreliable(writer, unreliable)
        fragments = self.outgoing.write(writer, bits_max, sequence)
        self.sent.add(now_s, report.newest if report is not None else -1, fragments)
        return writer
