"""The client's tick: steered ahead of the server's, so that inputs arrive just before their use (section 6)."""

from __future__ import annotations

STEER_MAX = 0.05
STEER_PER_TICK = 0.02
MARGIN_LEAST_TICKS = 1.5
MARGIN_MOST_TICKS = 8.0
MARGIN_PER_MISS_TICKS = 0.5
MARGIN_DECAY_TICKS_PER_S = 0.1
JUMP_TICKS = 20.0
REPORT_OLD_S = 0.5


class TickClock:
    """Which ticks of the client are due. Reports of the server's speed it up and slow it down."""

    def __init__(self, tick_hz: int) -> None:
        self.tick = 0  # the newest that was due
        self.margin_ticks = MARGIN_LEAST_TICKS
        self.lead_ticks = 0.0  # of the newest report
        self.jumps = 0
        self.dilation = 0
        self.is_started = False
        self._tick_s = 1.0 / tick_hz
        self._next_s = 0.0
        self._steer = 0.0  # above 0: faster
        self._steered_at_s = 0.0

    def next_s(self) -> float:
        return self._next_s if self.is_started else float("inf")

    def start(self, tick: int, now_s: float) -> None:
        self.is_started = True
        self.tick = tick
        self._next_s = now_s
        self._steer = 0.0
        self._steered_at_s = now_s

    def take_due(self, now_s: float) -> list[int]:
        """The ticks that have become due, oldest first. After a long pause the older ones are left out."""
        due: list[int] = []
        while self.is_started and self._next_s <= now_s:
            if now_s - self._next_s > JUMP_TICKS * self._tick_s:
                skipped = int((now_s - self._next_s) / self._tick_s)
                self.tick += skipped
                self._next_s += skipped * self._tick_s
            self.tick += 1
            due.append(self.tick)
            if now_s - self._steered_at_s > REPORT_OLD_S:
                self._steer = 0.0
            self._next_s += self._tick_s * (1.0 + self.dilation / 100.0) * (1.0 - self._steer)
        return due

    def report(self, lead_ticks: float | None, has_missed: bool, now_s: float) -> bool:
        """Takes a report; True if the clock jumped, so that reports mean nothing until they speak of later inputs."""
        passed_s = max(0.0, now_s - self._steered_at_s)
        self.margin_ticks = max(MARGIN_LEAST_TICKS, self.margin_ticks - passed_s * MARGIN_DECAY_TICKS_PER_S)
        if has_missed:
            self.margin_ticks = min(MARGIN_MOST_TICKS, self.margin_ticks + MARGIN_PER_MISS_TICKS)
        if lead_ticks is None:
            return False
        self.lead_ticks = lead_ticks
        behind = self.margin_ticks - lead_ticks
        if abs(behind) > JUMP_TICKS:
            self.jump(self.tick + round(behind), now_s)
            return True
        self._steer = min(max(behind * STEER_PER_TICK, -STEER_MAX), STEER_MAX)
        self._steered_at_s = now_s
        return False

    def jump(self, tick: int, now_s: float) -> None:
        self.jumps += 1
        self.start(tick, now_s)
