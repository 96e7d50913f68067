"""Datagrams sent: which of them arrived, which are lost, and how long a round trip takes (section 3)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .acks import DELAY_MAX, DELAY_UNIT_S, Report

REMEMBERED_MAX = 4096
REMEMBERED_S = 10.0
SAMPLE_MAX_S = 3.0


class RoundTrip:
    """The smoothed round trip and its variation, after RFC 6298."""

    def __init__(self) -> None:
        self.srtt_s = 0.25
        self.rttvar_s = 0.06
        self.samples = 0

    def sample(self, rtt_s: float) -> None:
        rtt_s = min(max(rtt_s, 0.0), SAMPLE_MAX_S)
        if self.samples == 0:
            self.srtt_s, self.rttvar_s = rtt_s, rtt_s / 2
        else:
            self.rttvar_s += (abs(self.srtt_s - rtt_s) - self.rttvar_s) / 4
            self.srtt_s += (rtt_s - self.srtt_s) / 8
        self.samples += 1

    def timeout_s(self, slack_s: float) -> float:
        return self.srtt_s + 4 * max(self.rttvar_s, 0.002) + slack_s


@dataclass
class Flight:
    """One datagram of ours."""

    sequence: int
    sent_at_s: float
    newest_reported: int
    fragments: tuple[int, ...]


class Sent:
    """Our datagrams of late, until they are acknowledged or forgotten."""

    def __init__(self) -> None:
        self.next_sequence = 0
        self.round_trip = RoundTrip()
        self.newest_acked = -1
        self.acked = 0
        self.lost = 0
        self._flights: dict[int, Flight] = {}  # by sequence, oldest first
        self._undecided: deque[Flight] = deque()  # neither acknowledged nor lost when last looked at
        self._newest_three: list[int] = []  # the newest sequences that were acknowledged, ascending

    def add(self, sent_at_s: float, newest_reported: int, fragments: tuple[int, ...]) -> int:
        flight = Flight(self.next_sequence, sent_at_s, newest_reported, fragments)
        self._flights[flight.sequence] = flight
        self._undecided.append(flight)
        self.next_sequence += 1
        return flight.sequence

    def acknowledge(self, report: Report, now_s: float) -> list[Flight]:
        """Those that the peer is now known to have accepted, oldest first."""
        newest = self._flights.get(report.newest)
        if newest is not None and report.newest > self.newest_acked and report.delay < DELAY_MAX:
            self.round_trip.sample(now_s - newest.sent_at_s - report.delay * DELAY_UNIT_S)
        self.newest_acked = max(self.newest_acked, report.newest)
        arrived = []
        for sequence in report.accepted():
            flight = self._flights.pop(sequence, None)
            if flight is not None:
                arrived.append(flight)
                self._newest_three = sorted([*self._newest_three, sequence])[-3:]
        self.acked += len(arrived)
        return arrived

    def take_lost(self, now_s: float, slack_s: float) -> list[Flight]:
        """Those that have just become lost. An ack may still come, and then counts."""
        lost = []
        overtaken = self._newest_three[0] if len(self._newest_three) == 3 else -1
        oldest_sent_at_s = now_s - self.round_trip.timeout_s(slack_s)
        while self._undecided:
            flight = self._undecided[0]
            if flight.sequence in self._flights:
                if flight.sequence >= overtaken and flight.sent_at_s > oldest_sent_at_s:
                    break
                lost.append(flight)
            self._undecided.popleft()
        self.lost += len(lost)
        self._forget(now_s)
        return lost

    def _forget(self, now_s: float) -> None:
        while self._flights:
            oldest = next(iter(self._flights.values()))
            if len(self._flights) <= REMEMBERED_MAX and now_s - oldest.sent_at_s < REMEMBERED_S:
                break
            del self._flights[oldest.sequence]
