"""Records: the frame of what a snapshot datagram tells of streams (section 7, Records)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .bits import BitReader, Malformed
from .codes import CodeBook
from .delta import Version, read_delta, read_full
from .hashes import fold_16, version_hash
from .parts import Layout

GHOSTS = 1 << 20
INDICES = 1 << 20
BASELINE_TICKS_MAX = 511
FULL, DELTA, LEAVE = "full", "delta", "leave"
_HEAD_BASE, _HEAD_AGE, _HEAD_FULL, _HEAD_LEAVE = range(4)


class NotHeld(Exception):
    """A delta names a baseline that the client does not hold."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record, decoded. Of a delta, `index` and `generation` are those of the stream that it builds on."""

    kind: str
    audience: int
    ghost: int
    index: int = -1
    generation: int = -1
    baseline: int = 0
    version: Version = (0, ())
    despawned: bool = False


class Baselines(Protocol):
    """Where deltas look for what they build on; raises NotHeld."""

    def baseline(self, audience: int, ghost: int, tick: int, named: int) -> tuple[int, int, Version]:
        """Index and generation of the stream of a ghost, and its newest version of `named` or before."""

    def older(self, audience: int, index: int, named: int) -> Version:
        """The newest version of a stream of `named` or before."""


@dataclass(frozen=True)
class ListHead:
    runs: int
    order: int
    others: int


@dataclass(frozen=True)
class Common:
    """What the records of a datagram have in common. Ages before the snapshot's tick; 0 for none."""

    base: int
    second: int
    lists: tuple[ListHead, ...]


@dataclass(frozen=True)
class Head:
    """The head of a record in no run; `age` is 0 for the base."""

    kind: str
    age: int = 0
    index: int = -1
    generation: int = -1
    despawned: bool = False


def read_common(reader: BitReader, audiences: int = 3) -> Common:
    base = reader.golomb(3)
    second = base + reader.read(5) + 1 if base and reader.bit() else 0
    if max(base, second) > BASELINE_TICKS_MAX:
        raise Malformed("a baseline of an impossible age")
    lists = []
    for _ in range(audiences):
        runs = reader.golomb(2)
        if runs and not base:
            raise Malformed("runs without a base")
        order = reader.read(2) if runs else 0
        lists.append(ListHead(runs, order, reader.golomb(2)))
    return Common(base, second, tuple(lists))


def read_runs(reader: BitReader, head: ListHead) -> list[tuple[int, int]]:
    """First ghost and length of each run."""
    runs = []
    at = -1
    for _ in range(head.runs):
        at += 1 + reader.golomb(head.order)
        length = reader.golomb(0) + 1
        if at + length > GHOSTS:
            raise Malformed("a run beyond the last ghost")
        runs.append((at, length))
        at += length
    return runs


def read_head(reader: BitReader, has_base: bool, index_expected: int) -> Head:
    """A head, where a full record is expected to have this index."""
    kind = reader.read(2)
    if kind == _HEAD_BASE:
        if not has_base:
            raise Malformed("a delta against a base that there is not")
        return Head(DELTA)
    if kind == _HEAD_AGE:
        age = reader.golomb(3)
        if not 0 < age <= BASELINE_TICKS_MAX:
            raise Malformed("a delta of an impossible age")
        return Head(DELTA, age=age)
    if kind == _HEAD_LEAVE:
        return Head(LEAVE, despawned=bool(reader.bit()))
    index = index_expected + reader.signed_golomb(1)
    generation = reader.golomb(0)
    if not 0 <= index < INDICES or generation >> 16:
        raise Malformed("an entity that cannot be")
    return Head(FULL, index=index, generation=generation)


def read_records(
    reader: BitReader, layouts: tuple[Layout, ...], book: CodeBook, baselines: Baselines, tick: int
) -> tuple[list[Record], int]:
    """All records of a datagram, and their checksum. Nothing is stored."""
    common = read_common(reader, len(layouts))
    records: list[Record] = []
    total = 0
    for layout, head in zip(layouts, common.lists, strict=True):
        total += _read_list(reader, layout, head, common, book, baselines, tick, records)
    return records, fold_16(total)


def _read_list(
    reader: BitReader,
    layout: Layout,
    head: ListHead,
    common: Common,
    book: CodeBook,
    baselines: Baselines,
    tick: int,
    records: list[Record],
) -> int:
    audience = layout.audience
    base_tick, second_tick = tick - common.base, tick - common.second
    total = 0
    in_runs: set[int] = set()
    for first, length in read_runs(reader, head):
        for ghost in range(first, first + length):
            index, generation, old = baselines.baseline(audience, ghost, tick, base_tick)
            older = baselines.older(audience, index, second_tick) if common.second else None
            version = read_delta(reader, layout, book, old, common.base, older, common.second - common.base)
            total += version_hash(index, generation, audience, *version)
            records.append(Record(DELTA, audience, ghost, index, generation, base_tick, version))
            in_runs.add(ghost)
    ghost = -1
    lead = 0  # by how much the index of the full record before exceeded its ghost
    for _ in range(head.others):
        ghost += 1 + reader.golomb(2)
        if ghost >= GHOSTS or ghost in in_runs:
            raise Malformed("a ghost that cannot be")
        own = read_head(reader, common.base > 0, ghost + lead)
        if own.kind == LEAVE:
            records.append(Record(LEAVE, audience, ghost, despawned=own.despawned))
            continue
        if own.kind == FULL:
            lead = own.index - ghost
            version = read_full(reader, layout)
            total += version_hash(own.index, own.generation, audience, *version)
            records.append(Record(FULL, audience, ghost, own.index, own.generation, version=version))
            continue
        age = own.age or common.base
        index, generation, old = baselines.baseline(audience, ghost, tick, tick - age)
        version = read_delta(reader, layout, book, old, age, None, 0)
        total += version_hash(index, generation, audience, *version)
        records.append(Record(DELTA, audience, ghost, index, generation, tick - age, version))
    return total
