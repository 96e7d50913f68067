"""Messages: unreliable ones, and reliable ones in fragments (section 4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .bits import BitReader, BitWriter, Malformed, nearest_count

UNRELIABLE_BYTES_MAX = 800
FRAGMENT_BYTES_MAX = 800
FRAGMENTS_UNDER_WAY_MAX = 64
MESSAGE_TO_CLIENT_BYTES_MAX = 262_208
MESSAGE_TO_SERVER_BYTES_MAX = 4_096
UNACKNOWLEDGED_BYTES_MAX = 524_416
FRAGMENT_HEAD_BITS = 28


def read_unreliable(reader: BitReader) -> list[bytes]:
    messages = []
    while reader.bit():
        length = reader.read(10)
        if length > UNRELIABLE_BYTES_MAX:
            raise Malformed("an unreliable message that is too long")
        messages.append(reader.read_bytes(length))
    return messages


def write_unreliable(writer: BitWriter, messages: list[bytes]) -> None:
    for message in messages:
        writer.write(1, 1)
        writer.write(len(message), 10)
        writer.write_bytes(message)
    writer.write(0, 1)


@dataclass(frozen=True)
class Fragment:
    id: int
    last: bool
    data: bytes


def read_fragments(reader: BitReader, expected: Callable[[], int]) -> Iterator[Fragment]:
    """The fragments of a datagram, at a receiver that waits for the one numbered `expected()`, and takes each before it
    reads the next."""
    while reader.bit():
        id = nearest_count(reader.read(16), 16, expected())
        last = bool(reader.bit())
        length = reader.read(10)
        if length > FRAGMENT_BYTES_MAX:
            raise Malformed("a fragment that is too long")
        if id >= expected() + FRAGMENTS_UNDER_WAY_MAX:
            raise Malformed("a fragment that is too far ahead")
        yield Fragment(id, last, reader.read_bytes(length))


def write_fragment(writer: BitWriter, fragment: Fragment) -> None:
    writer.write(1 | (fragment.id & 0xFFFF) << 1 | fragment.last << 17 | len(fragment.data) << 18, 28)
    writer.write_bytes(fragment.data)


class Incoming:
    """The peer's stream of reliable messages."""

    def __init__(self, message_bytes_max: int = MESSAGE_TO_CLIENT_BYTES_MAX) -> None:
        self.expected = 0
        self._message_bytes_max = message_bytes_max
        self._waiting: dict[int, Fragment] = {}
        self._begun: list[bytes] = []
        self._begun_bytes = 0

    def take(self, fragments: Iterable[Fragment]) -> list[bytes]:
        """The messages that these complete, in order. Malformed: the stream has ended."""
        messages: list[bytes] = []
        for fragment in fragments:
            if fragment.id >= self.expected:
                self._waiting.setdefault(fragment.id, fragment)
                messages += self._complete()
        return messages

    def _complete(self) -> Iterator[bytes]:
        """The messages that end with what is there."""
        while self.expected in self._waiting:
            fragment = self._waiting.pop(self.expected)
            self.expected += 1
            self._begun.append(fragment.data)
            self._begun_bytes += len(fragment.data)
            if self._begun_bytes > self._message_bytes_max:
                raise Malformed("a reliable message that is too long")
            if fragment.last:
                yield b"".join(self._begun)
                self._begun, self._begun_bytes = [], 0


@dataclass
class _Pending:
    fragment: Fragment
    carrier: int | None = None  # the datagram that it went out with, unless that is lost


class Outgoing:
    """Our stream of reliable messages."""

    def __init__(self) -> None:
        self._next_id = 0
        self._under_way: dict[int, _Pending] = {}  # by id, ascending; also those that wait to be begun
        self._bytes = 0
        self._waiting: deque[int] = deque()  # ids to be sent

    def push(self, message: bytes) -> int | None:
        """Queues a message; gives the number of its last fragment, or None if too much waits already."""
        if self._bytes + len(message) > UNACKNOWLEDGED_BYTES_MAX:
            return None
        pieces = [message[at : at + FRAGMENT_BYTES_MAX] for at in range(0, len(message), FRAGMENT_BYTES_MAX)] or [b""]
        for number, piece in enumerate(pieces, 1):
            self._under_way[self._next_id] = _Pending(Fragment(self._next_id, number == len(pieces), piece))
            self._waiting.append(self._next_id)
            self._next_id += 1
        self._bytes += len(message)
        return self._next_id - 1

    def is_settled(self, id: int) -> bool:
        """Whether this fragment and all before it are acknowledged."""
        return not self._under_way or id < next(iter(self._under_way))

    def write(self, writer: BitWriter, bits_max: int, sequence: int) -> tuple[int, ...]:
        """Writes what waits and fits, and the end; gives the numbers of what went out."""
        written: list[int] = []
        oldest = next(iter(self._under_way), 0)
        while self._waiting and self._waiting[0] < oldest + FRAGMENTS_UNDER_WAY_MAX:
            pending = self._under_way.get(self._waiting[0])
            if pending is not None:
                bits = FRAGMENT_HEAD_BITS + 8 * len(pending.fragment.data)
                if writer.bits + bits + 1 > bits_max:
                    break
                write_fragment(writer, pending.fragment)
                pending.carrier = sequence
                written.append(pending.fragment.id)
            self._waiting.popleft()
        writer.write(0, 1)
        return tuple(written)

    def settle(self, ids: tuple[int, ...]) -> None:
        """The datagram that carried these arrived."""
        for id in ids:
            pending = self._under_way.pop(id, None)
            if pending is not None:
                self._bytes -= len(pending.fragment.data)

    def lose(self, sequence: int, ids: tuple[int, ...]) -> None:
        """The datagram that carried these is lost: they go out again, oldest first."""
        again = [id for id in ids if id in self._under_way and self._under_way[id].carrier == sequence]
        if again:
            self._waiting = deque(sorted({*self._waiting, *again}))
