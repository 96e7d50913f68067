"""What a client keeps: versions of streams, and which ghosts stand for them (section 8).

Datagrams come late and twice, so everything here goes by ticks, never by the order of arrival.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from .delta import Version
from .hashes import fold_16, fold_32, version_hash
from .records import FULL, LEAVE, NotHeld, Record

KEPT_BEFORE_BASELINE_TICKS = 64
KEPT_TICKS = 511
LEFT_KEPT_TICKS = 1024
BUCKETS = 64
_PRUNE_FROM = 32  # versions are forgotten so many at once


@dataclass(slots=True)
class Stream:
    """What one audience sees of one entity."""

    index: int
    generation: int
    ticks: list[int] = field(default_factory=list)  # of the snapshots that brought `versions`, ascending
    versions: list[Version] = field(default_factory=list)
    left: int | None = None
    keep_from: int = -(1 << 62)  # the oldest tick that a baseline may still name

    def at(self, tick: int) -> Version | None:
        """The newest version of this tick or before."""
        place = bisect_right(self.ticks, tick)
        return self.versions[place - 1] if place else None

    def put(self, tick: int, version: Version) -> None:
        place = bisect_left(self.ticks, tick)
        if place < len(self.ticks) and self.ticks[place] == tick:
            return
        self.ticks.insert(place, tick)
        self.versions.insert(place, version)

    def prune(self, tick: int) -> None:
        """Forgets what is older than the state of this tick."""
        place = bisect_right(self.ticks, tick) - 1
        if place >= _PRUNE_FROM:
            del self.ticks[:place]
            del self.versions[:place]


@dataclass(slots=True)
class Ghost:
    index: int | None = None
    since: int = -(1 << 62)
    left: int = -(1 << 62)


class Store:
    """All streams of the three audiences."""

    def __init__(self) -> None:
        self.streams: tuple[dict[int, Stream], ...] = ({}, {}, {})
        self._ghosts: tuple[dict[int, Ghost], ...] = ({}, {}, {})
        self._ghost_of: tuple[dict[int, int], ...] = ({}, {}, {})  # by index
        self._left: set[tuple[int, int]] = set()  # audience and index of what has left
        self._swept_at = -(1 << 62)

    # What deltas build on

    def baseline(self, audience: int, ghost: int, tick: int, named: int) -> tuple[int, int, Version]:
        entry = self._ghosts[audience].get(ghost)
        if entry is None or entry.index is None or tick <= entry.since:
            raise NotHeld
        stream = self.streams[audience].get(entry.index)
        if stream is None:
            raise NotHeld
        place = bisect_right(stream.ticks, named)
        if not place:
            raise NotHeld
        return stream.index, stream.generation, stream.versions[place - 1]

    def older(self, audience: int, index: int, named: int) -> Version:
        version = self.streams[audience][index].at(named)
        if version is None:
            raise NotHeld
        return version

    # Storing

    def store(self, tick: int, records: list[Record], newest_tick: int) -> None:
        """All records of a datagram whose checksum was right."""
        for record in records:
            if record.kind == FULL:
                self._store_full(tick, record)
            elif record.kind == LEAVE:
                self._store_leave(tick, record)
            else:
                stream = self.streams[record.audience].get(record.index)
                if stream is not None:
                    stream.put(tick, record.version)
                    stream.keep_from = max(stream.keep_from, record.baseline - KEPT_BEFORE_BASELINE_TICKS)
                    if len(stream.ticks) > 2 * _PRUNE_FROM:
                        stream.prune(max(stream.keep_from, newest_tick - KEPT_TICKS))
        if newest_tick - self._swept_at >= KEPT_TICKS:
            self._sweep(newest_tick)

    def _store_full(self, tick: int, record: Record) -> None:
        audience, index = record.audience, record.index
        ghost = self._ghosts[audience].setdefault(record.ghost, Ghost())
        if tick <= ghost.left:
            return
        if ghost.index != index:
            if tick <= ghost.since:
                return
            self._give(audience, record.ghost, ghost, index, tick)
        else:
            ghost.since = max(ghost.since, tick)
        self._store_version(tick, record)

    def _give(self, audience: int, number: int, ghost: Ghost, index: int, tick: int) -> None:
        """Gives a ghost an entity, which has one ghost at a time."""
        ghosts, ghost_of = self._ghosts[audience], self._ghost_of[audience]
        other_number = ghost_of.get(index)
        if other_number is not None:
            other = ghosts[other_number]
            if other.since > tick:
                return
            other.index = None
        if ghost.index is not None:
            del ghost_of[ghost.index]
        ghost.index, ghost.since = index, tick
        ghost_of[index] = number

    def _store_version(self, tick: int, record: Record) -> None:
        streams = self.streams[record.audience]
        stream = streams.get(record.index)
        if stream is not None and stream.generation == record.generation and stream.ticks:
            stream.put(tick, record.version)
            if stream.left is not None and tick > stream.left:
                self._revive(record.audience, stream)
            return
        if stream is not None:
            held_until = stream.left if stream.left is not None else stream.ticks[-1]
            if tick <= held_until:
                return
            self._revive(record.audience, stream)
        streams[record.index] = Stream(record.index, record.generation, [tick], [record.version])

    def _revive(self, audience: int, stream: Stream) -> None:
        stream.left = None
        self._left.discard((audience, stream.index))

    def _store_leave(self, tick: int, record: Record) -> None:
        ghost = self._ghosts[record.audience].setdefault(record.ghost, Ghost())
        ghost.left = max(ghost.left, tick)
        if ghost.index is None or tick <= ghost.since:
            return
        index, ghost.index = ghost.index, None
        del self._ghost_of[record.audience][index]
        stream = self.streams[record.audience].get(index)
        if stream is not None and stream.ticks[-1] <= tick:  # else it has come again
            stream.left = tick if stream.left is None else max(stream.left, tick)
            self._left.add((record.audience, index))

    # Forgetting

    def _sweep(self, newest_tick: int) -> None:
        self._swept_at = newest_tick
        for audience, index in list(self._left):
            left = self.streams[audience][index].left
            if left is not None and newest_tick - left > LEFT_KEPT_TICKS:
                del self.streams[audience][index]
                self._left.discard((audience, index))
        for streams in self.streams:
            for stream in streams.values():
                stream.prune(max(stream.keep_from, newest_tick - KEPT_TICKS))

    def forget_all(self) -> None:
        for tables in (self.streams, self._ghosts, self._ghost_of):
            for table in tables:
                table.clear()
        self._left.clear()

    def keep_only(self, kept: set[tuple[int, int]]) -> None:
        """With a hello that claims: of these streams the newest version and the ghost, and nothing else."""
        for audience, streams in enumerate(self.streams):
            ghosts, ghost_of = self._ghosts[audience], self._ghost_of[audience]
            for index in [index for index in streams if (audience, index) not in kept]:
                del streams[index]
                ghost_of.pop(index, None)
            for number in set(ghosts) - set(ghost_of.values()):
                del ghosts[number]
            for stream in streams.values():
                del stream.ticks[:-1], stream.versions[:-1]
        self._left.clear()

    # What is shown

    def shown(self) -> Iterator[tuple[int, Stream]]:
        """Audience and stream of all that has not left."""
        for audience, streams in enumerate(self.streams):
            for stream in streams.values():
                if stream.left is None:
                    yield audience, stream

    def audit(self, bucket: int) -> int:
        """The hash of what is shown, of the entities of a bucket."""
        total = 0
        for audience, streams in enumerate(self.streams):
            for index, stream in streams.items():
                if index % BUCKETS == bucket and stream.left is None:
                    total += version_hash(index, stream.generation, audience, *stream.versions[-1])
        return fold_32(total)


def proof(audience: int, stream: Stream) -> int:
    """The newest version of a stream, as a claim proves it."""
    return fold_16(version_hash(stream.index, stream.generation, audience, *stream.versions[-1]))
