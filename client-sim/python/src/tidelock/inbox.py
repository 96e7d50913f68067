"""The game's events that wait to be looked at, and what is made of those that do not read (section 4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .bits import Malformed
from .body import read_body
from .control import EventMessage
from .schema import Schema
from .stats import Stats

WAITING_MAX = 3_000
BYTES_WAITING_MAX = 1 << 20


@dataclass(frozen=True)
class Event:
    """An event of the game."""

    name: str
    value: Any


class Inbox:
    def __init__(self, schema: Schema, stats: Stats) -> None:
        self._types = {event.id: event for event in schema.events}
        self._stats = stats
        self._waiting: deque[tuple[Event, int]] = deque()
        self._bytes = 0

    @property
    def has_room(self) -> bool:
        """Whether another reliable event may be acknowledged: what was, must not be dropped."""
        return len(self._waiting) < WAITING_MAX and self._bytes < BYTES_WAITING_MAX

    def put(self, message: EventMessage, reliable: bool) -> None:
        event = self._types.get(message.id)
        if event is None or event.reliable != reliable or not (reliable or self.has_room):
            self._stats.events_dropped += 1
            return
        try:
            value = read_body(event.shape, message.body)
        except Malformed:
            self._stats.events_malformed += 1
            return
        self._stats.events += 1
        self._waiting.append((Event(event.name, value), len(message.body)))
        self._bytes += len(message.body)

    def take(self) -> Iterator[Event]:
        while self._waiting:
            event, size = self._waiting.popleft()
            self._bytes -= size
            yield event
