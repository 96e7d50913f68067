"""Two channels over a bad network on virtual time: all reliable messages arrive, in order, and acks tell the truth."""

from __future__ import annotations

import random
import unittest

from tidelock.bits import BitReader
from tidelock.channel import Channel

LATENCY_S = 0.03
TICK_S = 1 / 60


class End:
    """One end: sends a datagram each tick, and takes what comes."""

    def __init__(self, chance: random.Random) -> None:
        self.channel = Channel()
        self.sent: list[bytes] = []
        self.got: list[bytes] = []
        self.got_unreliable: list[bytes] = []
        self.accepted: set[int] = set()
        self._chance = chance

    def push(self) -> None:
        size = self._chance.choice([0, 1, 30, 799, 800, 801, 3000])
        message = self._chance.randbytes(size)
        if self.channel.outgoing.push(message) is not None:
            self.sent.append(message)

    def take(self, datagram: bytes, now_s: float) -> None:
        reader = BitReader(datagram)
        head = self.channel.read_head(reader)
        if head is None:
            return
        if head.report is not None:
            self.channel.take_report(head.report, now_s)
        messages = self.channel.read_messages(reader)
        assert messages is not None
        self.got += messages.reliable
        self.got_unreliable += messages.unreliable
        self.channel.accept(head.sequence, now_s)
        self.accepted.add(head.sequence)


class Channels(unittest.TestCase):
    def talk(self, seed: int, loss: float, ticks: int) -> tuple[End, End]:
        chance = random.Random(seed)
        ends = (End(chance), End(chance))
        on_the_way: list[tuple[float, int, bytes]] = []
        for tick in range(ticks):
            now_s = tick * TICK_S
            on_the_way.sort()
            while on_the_way and on_the_way[0][0] <= now_s:
                _, to, datagram = on_the_way.pop(0)
                ends[to].take(datagram, now_s)
            for number, end in enumerate(ends):
                end.channel.settle_lost(now_s, 0.15)
                if tick < ticks // 2 and chance.random() < 0.3:
                    end.push()
                    end.channel.push_unreliable(b"now")
                writer = end.channel.write(now_s)
                writer.write(0, 1)
                self.assertLessEqual(writer.bits, 9600)
                for _ in range(1 + (chance.random() < 0.03)):
                    if chance.random() > loss:
                        delay_s = LATENCY_S + chance.random() * (0.1 if chance.random() < 0.05 else 0.005)
                        on_the_way.append((now_s + delay_s, 1 - number, writer.to_bytes()))
        return ends

    def test_all_arrives_in_order(self) -> None:
        for seed, loss in enumerate((0.0, 0.05, 0.2, 0.5)):
            with self.subTest(loss=loss):
                one, other = self.talk(seed, loss, 2400)
                self.assertGreater(len(one.sent), 100)
                self.assertEqual(one.sent, other.got)
                self.assertEqual(other.sent, one.got)
                self.assertGreater(len(other.got_unreliable), 100)

    def test_round_trips_and_losses_are_measured(self) -> None:
        one, _ = self.talk(9, 0.1, 1200)
        round_trip = one.channel.sent.round_trip
        self.assertAlmostEqual(2 * LATENCY_S + TICK_S, round_trip.srtt_s, delta=0.02)
        self.assertAlmostEqual(120, one.channel.sent.lost, delta=60)

    def test_an_ack_is_of_what_was_accepted(self) -> None:
        one, other = self.talk(5, 0.2, 1200)
        report = other.channel.received.report(20.0)
        self.assertTrue(set(report.accepted()) <= other.accepted)
        self.assertGreater(one.channel.sent.acked, 600)
