"""Snapshots: how they are taken, verified and stored, and what is known of them then (sections 3, 7 and 8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .acks import Received
from .bits import BitReader, Malformed
from .codes import CodeBook
from .header import Header
from .parts import Layout
from .records import NotHeld, Record, read_records
from .stats import Stats
from .store import Store

PENDING_MAX = 256

Watcher = Callable[[int, list[Record]], None]


@dataclass(frozen=True)
class Snapshot:
    """The state of a tick was shown: all of it if `whole`, else what has come of it."""

    tick: int
    whole: bool


@dataclass(frozen=True)
class _Range:
    """What must have been accepted for something to hold."""

    tick: int
    sequence: int
    first: int
    last: int
    bucket: int = -1
    hash: int = 0


class Snapshots:
    """The state of the game as this client has it."""

    def __init__(
        self, layouts: tuple[Layout, ...], book: CodeBook, store: Store, tick: int, stats: Stats, watch: Watcher | None
    ) -> None:
        self.store = store
        self.newest_tick = tick  # of the newest applied snapshot; before the first, the welcome's
        self._watch = watch
        self.desync_tick: int | None = None  # to be told to the server
        self._has_any = False
        self._layouts = layouts
        self._book = book
        self._stats = stats
        self._worthless_until: int | None = None
        self._desync_pending = False
        self._whole_from = 0
        self._wholes: list[_Range] = []
        self._audit: _Range | None = None

    def take(self, reader: BitReader, header: Header, sequence: int) -> bool:
        """Reads and stores the records of a snapshot datagram; False if it must not be accepted."""
        stats = self._stats
        tick = header.tick
        if self._worthless_until is not None and tick <= self._worthless_until:
            stats.before_desync += 1
            return False
        if header.checksum is not None:
            records = self._read(reader, header)
            if records is None:
                return False
            newest = max(tick, self.newest_tick)
            self.store.store(tick, records, newest)
            stats.records += len(records)
            if self._watch is not None:
                self._watch(tick, records)
        if tick > self.newest_tick or not self._has_any:
            self._has_any = True
            self.newest_tick = max(tick, self.newest_tick)
        first = max(0, sequence - header.in_flight)
        if header.complete and sequence >= self._whole_from:
            self._wholes.append(_Range(tick, sequence, first, sequence + header.after))
            del self._wholes[:-PENDING_MAX]
        audit = header.audit
        if audit is not None and (self._audit is None or sequence > self._audit.sequence):
            self._audit = _Range(tick, sequence, first, sequence, bucket=audit.bucket, hash=audit.hash)
        return True

    def _read(self, reader: BitReader, header: Header) -> list[Record] | None:
        stats, tick = self._stats, header.tick
        try:
            records, checksum = read_records(reader, self._layouts, self._book, self.store, tick)
        except NotHeld:
            if tick < self.newest_tick:
                stats.late += 1
            elif self._desync_pending:
                stats.during_desync += 1
            else:
                stats.baseline_not_held += 1
                self._desync(tick)
            return None
        except (Malformed, IndexError):
            stats.malformed += 1
            return None
        if checksum == header.checksum:
            return records
        if self._desync_pending:
            stats.during_desync += 1
        else:
            stats.checksum_wrong += 1
            self._desync(tick)
        return None

    def check(self, received: Received) -> list[int]:
        """After a datagram was accepted: compares an audit, and gives the ticks that have become whole."""
        if self._desync_pending:
            self._wholes.clear()
            self._audit = None
            return []
        audit = self._audit
        if audit is not None:
            if received.newest > audit.sequence or self.newest_tick > audit.tick:
                self._audit = None
            elif received.has_all(audit.first, audit.last):
                self._audit = None
                if self.store.audit(audit.bucket) != audit.hash:
                    self._stats.audits_wrong += 1
                    self._desync(audit.tick)
                    return []
                self._stats.audits_right += 1
        wholes = [whole for whole in self._wholes if received.has_all(whole.first, whole.last)]
        if wholes:
            newest = max(whole.sequence for whole in wholes)
            self._wholes = [whole for whole in self._wholes if whole.sequence > newest]
        return [whole.tick for whole in wholes]

    def _desync(self, tick: int) -> None:
        """What is held is not what the server said: forget all, and say so."""
        self._stats.desyncs += 1
        self.store.forget_all()
        self.desync_tick = self._worthless_until = tick
        self._desync_pending = True

    def desync_heard(self, next_sequence: int) -> None:
        """The server has acknowledged the desync, in a datagram just before this sequence."""
        self._desync_pending = False
        self._whole_from = next_sequence

    @property
    def has_desync_pending(self) -> bool:
        return self._desync_pending
