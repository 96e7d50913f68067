"""Acks: which datagrams of the peer were accepted, and how that is told (sections 2 and 3)."""

from __future__ import annotations

from dataclasses import dataclass

from .bits import BitReader, BitWriter, Malformed, nearest_count

DELAY_UNIT_S = 128e-6
DELAY_MAX = 1023
SPAN_MAX = 1023
MISSING_MAX = 64
WINDOW = 1024


@dataclass(frozen=True)
class Report:
    """All from `newest - span` to `newest` were accepted but those that are missing."""

    newest: int
    delay: int
    span: int
    missing: tuple[int, ...]

    def accepted(self) -> list[int]:
        """What was accepted, oldest first."""
        missing = set(self.missing)
        return [s for s in range(self.newest - self.span, self.newest + 1) if s not in missing]


def read_report(reader: BitReader, next_sequence: int) -> Report | None:
    """What the peer accepted of those before `next_sequence`; None if nothing yet."""
    if not reader.bit():
        return None
    newest = nearest_count(reader.read(16), 16, next_sequence)
    if newest >= next_sequence:
        raise Malformed("an ack of a datagram that was not sent")
    delay = reader.read(10)
    span = reader.golomb(3)
    if span > min(SPAN_MAX, newest):
        raise Malformed("an ack report that goes back too far")
    count = reader.golomb(0)
    if count > MISSING_MAX:
        raise Malformed("more missing sequences than a report lists")
    missing = []
    at = newest
    for _ in range(count):
        at -= reader.golomb(2) + 1
        if at < newest - span:
            raise Malformed("a missing sequence before the span")
        missing.append(at)
    return Report(newest, delay, span, tuple(missing))


def write_report(writer: BitWriter, report: Report | None) -> None:
    if report is None:
        writer.write(0, 1)
        return
    writer.write(1, 1)
    writer.write(report.newest & 0xFFFF, 16)
    writer.write(report.delay, 10)
    writer.golomb(report.span, 3)
    writer.golomb(len(report.missing), 0)
    at = report.newest
    for missing in report.missing:
        writer.golomb(at - missing - 1, 2)
        at = missing


class Received:
    """What came from the peer, and what of it was accepted."""

    def __init__(self) -> None:
        self.newest = -1
        self._newest_head = 0
        self._accepted = 0  # bit n: newest - n was accepted
        self._newest_at_s = 0.0
        self._begin = 0  # the first sequence that the peer may not know to be accepted
        self._trusted_from = 0  # our datagrams before this one named too little

    def resolve(self, low_16: int) -> int:
        """The sequence that a well-formed head means by its 16 bits."""
        return nearest_count(low_16, 16, self._newest_head)

    def note_head(self, sequence: int) -> None:
        self._newest_head = max(self._newest_head, sequence)

    def has(self, sequence: int) -> bool:
        age = self.newest - sequence
        return 0 <= age < WINDOW and bool(self._accepted >> age & 1)

    def has_all(self, first: int, last: int) -> bool:
        """Whether all from `first` to `last` were accepted."""
        if last > self.newest or self.newest - first >= WINDOW:
            return False
        ones = (1 << (last - first + 1)) - 1
        return (self._accepted >> (self.newest - last)) & ones == ones

    def is_stale(self, sequence: int) -> bool:
        """Accepted before, or too old to tell: to be dropped whole."""
        return self.newest - sequence >= WINDOW or self.has(sequence)

    def accept(self, sequence: int, next_own_sequence: int, now_s: float) -> None:
        if sequence > self.newest:
            shift = min(sequence - self.newest, WINDOW)
            self._accepted = ((self._accepted << shift) & ((1 << WINDOW) - 1)) | 1
            self.newest = sequence
            self._newest_at_s = now_s
        else:
            self._accepted |= 1 << (self.newest - sequence)
            self._begin = min(self._begin, sequence)
            self._trusted_from = next_own_sequence

    def confirm(self, own_sequence: int, newest_reported: int) -> None:
        """The peer has our datagram, and so knows of all up to what that one reported."""
        if own_sequence >= self._trusted_from:
            self._begin = max(self._begin, newest_reported + 1)

    def report(self, now_s: float) -> Report | None:
        if self.newest < 0:
            return None
        span = max(0, min(self.newest - self._begin, self.newest, SPAN_MAX))
        missing: list[int] = []
        for age in range(1, span + 1):
            if not self._accepted >> age & 1:
                if len(missing) == MISSING_MAX:
                    span = age - 1
                    break
                missing.append(self.newest - age)
        delay = min(DELAY_MAX, max(0, int((now_s - self._newest_at_s) / DELAY_UNIT_S + 1e-6)))
        return Report(self.newest, delay, span, tuple(missing))
