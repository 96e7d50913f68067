"""Counters: what became of every datagram."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .clock import TickClock
from .sent import Sent


@dataclass
class Stats:
    """All counters of a client. A datagram that arrives is counted in `datagrams` and in one other of its block."""

    datagrams: int = 0
    accepted: int = 0
    malformed: int = 0
    stale: int = 0  # came again, or much too late
    late: int = 0  # names a baseline that was forgotten
    before_welcome: int = 0
    no_room: int = 0
    checksum_wrong: int = 0
    baseline_not_held: int = 0
    before_desync: int = 0  # of a tick that a desync has made worthless
    during_desync: int = 0
    farewells: int = 0

    packets_dropped: Counter[str] = field(default_factory=Counter)  # by netcode, and why

    datagrams_sent: int = 0
    datagrams_acked: int = 0
    datagrams_lost: int = 0
    records: int = 0
    snapshots: int = 0
    snapshots_whole: int = 0
    audits_right: int = 0
    audits_wrong: int = 0
    desyncs: int = 0
    messages_malformed: int = 0  # reliable and unreliable ones that read as nothing
    events: int = 0
    events_malformed: int = 0
    events_dropped: int = 0
    inputs_missed: int = 0  # ticks that ran without this client's input, as far as reported
    srtt_s: float = 0.0
    lead_ticks: float = 0.0

    def note(self, sent: Sent, inputs_missed: int, clock: TickClock | None, packets_dropped: Counter[str]) -> None:
        """Takes over what others count."""
        self.datagrams_acked, self.datagrams_lost = sent.acked, sent.lost
        self.srtt_s = sent.round_trip.srtt_s
        self.inputs_missed = inputs_missed
        self.lead_ticks = clock.lead_ticks if clock is not None else 0.0
        self.packets_dropped = packets_dropped
