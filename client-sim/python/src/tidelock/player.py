"""The player: what it does, tick by tick, and when these ticks are (section 6)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .bits import BitWriter
from .channel import DATAGRAM_BITS
from .clock import TickClock
from .fields import component_lanes
from .header import InputReport
from .inputs import Lanes, Unconfirmed, write_inputs
from .schema import Schema

START_AHEAD_TICKS = 2  # and a round trip
FAR_OFF_TICKS = 100  # the server keeps inputs of 128

OnTick = Callable[[int], Mapping[str, Any] | None]


class Player:
    def __init__(self, schema: Schema, on_tick: OnTick | None) -> None:
        self.clock: TickClock | None = None  # since the welcome
        self.inputs_missed = 0
        self._input = schema.input
        self._lanes: Lanes = schema.input.default
        self._on_tick = on_tick
        self._unconfirmed = Unconfirmed()
        self._reported_tick = 0
        self._reports_from = 0  # reports count once a datagram from this sequence on was acknowledged

    def set_input(self, values: Mapping[str, Any]) -> None:
        self._lanes = component_lanes(self._input.component, values, self._input.default)

    def next_s(self) -> float:
        return self.clock.next_s() if self.clock is not None else float("inf")

    def run_ticks(self, now_s: float) -> Iterator[int]:
        """The ticks that are due, each with its input ready to be written."""
        if self.clock is None:
            return
        for tick in self.clock.take_due(now_s):
            values = self._on_tick(tick & 0xFFFFFFFF) if self._on_tick is not None else None
            if values is not None:
                self.set_input(values)
            self._unconfirmed.add(tick, self._lanes)
            yield tick

    def steer(self, tick: int, ahead_s: float, tick_hz: int, next_sequence: int, now_s: float) -> None:
        """With the first snapshot, of this tick, the client plays. A clock so far off that no report would tell
        begins anew."""
        if self.clock is None:
            return
        expected = tick + math.ceil(ahead_s * tick_hz) + START_AHEAD_TICKS
        if not self.clock.is_started or abs(self.clock.tick - expected) > FAR_OFF_TICKS:
            self.clock.start(expected, now_s)
            self._reports_from = next_sequence

    def take_report(self, tick: int, report: InputReport, newest_acked: int, next_sequence: int, now_s: float) -> None:
        """What a snapshot of this tick says of the inputs."""
        self._unconfirmed.confirm(tick + report.ahead)
        # Each tick is told of in eight reports, as some may be lost; it counts once.
        news = min(8, max(0, tick - self._reported_tick))
        missed = (report.missed & ((1 << news) - 1)).bit_count()
        self._reported_tick = max(self._reported_tick, tick)
        self.inputs_missed += missed
        if self.clock is None or newest_acked < self._reports_from:
            return
        lead_ticks = report.lead / 16 if report.lead is not None else None
        if self.clock.report(lead_ticks, missed > 0, now_s):
            self._reports_from = next_sequence

    def write(self, writer: BitWriter) -> None:
        """All inputs that are not confirmed, as far as they fit."""
        write_inputs(
            writer,
            self._input.component.lanes,
            self._input.default,
            self._unconfirmed.newest_tick,
            self._unconfirmed.newest_first(),
            DATAGRAM_BITS,
        )
