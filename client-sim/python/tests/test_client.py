"""The client without a network: the demo of section 10, messages that are lost, and noise of all kinds."""

from __future__ import annotations

import random
import unittest

from tests.peer import HERE, Peer, run, token
from tests.server import need_cryptography
from tests.vectors import demo_schema
from tidelock import BrokenProtocol, Client, Reference, Rejected, Schema
from tidelock.acks import write_report
from tidelock.bits import BitReader, BitWriter
from tidelock.channel import Channel
from tidelock.entity import PUBLIC
from tidelock.hashes import version_hash
from tidelock.messages import Fragment, write_fragment, write_unreliable
from tidelock.records import FULL, Record

SNAPSHOT = bytes.fromhex("710080e803ef1782bfc76d24c9de88a41f00")
CLAIM = bytes.fromhex("003796cb45911ec3c8235bda2e32b21e10d007000 09ad0bb4013b86300".replace(" ", ""))
WELCOME = bytes.fromhex("003c3ce80300000000000000000000046d6170")  # 60 Hz, tick 1000, the payload `map`
FIRST_DATAGRAM = bytes.fromhex("01004000800a00dc582e17457a0c230300")


def message_datagram(sequence: int, report, *messages: tuple[int, bytes], is_last=True, unreliable=()) -> bytes:
    """A server's datagram with whole reliable messages and no snapshot."""
    writer = BitWriter()
    writer.write(1, 4)
    writer.write(sequence & 0xFFFF, 16)
    write_report(writer, report)
    write_unreliable(writer, list(unreliable))
    for id, data in messages:
        write_fragment(writer, Fragment(id, is_last, data))
    writer.write(0, 2)
    return writer.to_bytes()


class Demo(unittest.TestCase):
    def setUp(self) -> None:
        need_cryptography()

        self.here, self.run_peer = HERE, run
        self.peer = Peer()
        self.client = Client(token(), Schema.load(demo_schema()), 0.0)
        self.now_s = run(self.client, [self.peer], 0.05)

    def receive(self, payload: bytes) -> None:
        self.client.receive(self.peer.payload(payload), self.here, self.now_s)

    def test_the_first_datagrams_are_those_of_the_document(self) -> None:
        self.assertEqual(bytes.fromhex("0e544944454c4f434b0100"), self.peer.payloads[0])
        self.assertEqual(FIRST_DATAGRAM, self.peer.payloads[1])

    def test_a_hello_that_is_lost_goes_out_again(self) -> None:
        self.run_peer(self.client, [self.peer], 2.0, self.now_s)
        hellos = [payload for payload in self.peer.payloads if FIRST_DATAGRAM[4:] in payload]
        self.assertGreater(len(hellos), 1)
        self.assertLess(len(hellos), 6)

    def test_the_snapshot_of_the_document(self) -> None:
        """Section 10: two entities of ours are at hand, and one moves."""

        self.receive(message_datagram(5, None, (0, WELCOME)))
        self.assertEqual(b"map", self.client.joined.payload)
        spot = Record(FULL, PUBLIC, ghost=0, index=5, generation=2, version=(1, (160, 64)))
        self.assertEqual(0x79ADCC043E0C0FA3, version_hash(5, 2, PUBLIC, *spot.version))
        self.client.store.store(994, [spot], 994)
        self.receive(SNAPSHOT)
        self.assertEqual(2, self.client.stats.accepted)
        (entity,) = self.client.entities()
        self.assertEqual(Reference(5, 2), entity.reference)
        self.assertTrue(entity.is_own)
        self.assertEqual(0.375, entity.components["spot"]["x"])
        self.assertEqual({"coins": 7}, entity.components["purse"])
        self.assertEqual(1000, self.client.tick)

    def test_a_server_whose_first_message_is_no_welcome_is_left(self) -> None:
        for message in (b"\x01\x00", b"\x00\x00", WELCOME[:15] + b"\x01"):
            with self.subTest(message.hex()):
                self.setUp()
                self.receive(message_datagram(5, None, (0, message)))
                self.assertFalse(self.client.is_connected)
                self.assertIsInstance(self.client.error, BrokenProtocol)

    def test_the_claim_of_the_document(self) -> None:
        self.test_the_snapshot_of_the_document()
        held = self.client.abandon()
        again, peer = Client(token(), Schema.load(demo_schema()), 9.0, held=held), Peer()
        self.run_peer(again, [peer], 9.05, 9.0)
        message = BitWriter()
        message.write_bytes(CLAIM)
        bits = f"{message.value:b}"
        sent = BitWriter()
        sent.write_bytes(peer.payloads[1])
        self.assertIn(bits, f"{sent.value:b}")

    def test_noise_never_raises_and_is_always_counted(self) -> None:
        chance = random.Random(3)
        self.receive(message_datagram(0, None, (0, WELCOME)))
        good = SNAPSHOT
        for number in range(3000):
            noise = bytearray(good if number % 2 else chance.randbytes(chance.randint(2, 300)))
            noise[0] = noise[0] & 0xF0 | 1
            noise[1] = number & 0xFF
            for _ in range(chance.randint(0, 4)):
                noise[chance.randrange(len(noise))] ^= 1 << chance.randrange(8)
            self.receive(bytes(noise))
            self.now_s += 0.001
            if self.client.error is not None:
                self.assertEqual("protocol_error", self.client.error.reason)
                self.setUp()
                self.receive(message_datagram(0, None, (0, WELCOME)))
        stats = self.client.stats
        fates = (
            stats.accepted + stats.malformed + stats.stale + stats.late + stats.before_welcome + stats.no_room,
            stats.checksum_wrong + stats.baseline_not_held + stats.before_desync + stats.during_desync,
            stats.farewells,
        )
        self.assertEqual(stats.datagrams, sum(fates))

    def test_events_of_both_kinds(self) -> None:
        """An unreliable event comes with its datagram; one that comes the other way is dropped, and a body that
        does not read, too."""
        self.receive(message_datagram(0, None, (0, WELCOME)))
        self.receive(message_datagram(1, None, (1, b"\x01\x00"), unreliable=[b"\x01\x01\x07", b"\x01\x00"]))
        self.receive(message_datagram(2, None, (2, b"\x01\x01\x07"), unreliable=[b"\x01\x01", b"", b"\x07\x07"]))
        found = [(event.name, event.value) for event in self.client.take_events()]
        self.assertEqual([("horn", {}), ("blip", 7)], found)
        stats = self.client.stats
        dropped = (stats.events_dropped, stats.events_malformed, stats.messages_malformed)
        self.assertEqual((2, (2, 1, 2)), (stats.events, dropped))
        self.client.send_event("blip", 9)
        self.client.send_event("horn")
        self.now_s = self.run_peer(self.client, [self.peer], self.now_s + 0.1, self.now_s)
        sent = [BitReader(payload) for payload in self.peer.payloads[1:]]
        channel = Channel()
        channel.sent.next_sequence = 3
        datagrams = [reader for reader in sent if reader.data[0] & 15 == 1]
        found = [channel.read_head(reader) and channel.read_messages(reader) for reader in datagrams]
        self.assertIn([b"\x02\x01\x09"], [messages.unreliable for messages in found])
        self.assertIn(b"\x02\x00", [message for messages in found for message in messages.reliable])

    def test_who_does_not_look_gets_no_more(self) -> None:
        """A reliable event that was acknowledged is never dropped: without room, its datagram is not accepted."""
        self.receive(message_datagram(0, None, (0, WELCOME)))
        for number in range(1, 3060):
            self.receive(message_datagram(number, None, (number, b"\x01\x00")))
        stats = self.client.stats
        self.assertEqual((3000, 59), (stats.events, stats.no_room))
        self.assertEqual(3000, len(list(self.client.take_events())))
        self.receive(message_datagram(3060, None, (3001, b"\x01\x00")))
        self.assertEqual(1, len(list(self.client.take_events())))

    def test_a_long_welcome(self) -> None:
        """In fragments, the last first."""
        payload = random.Random(1).randbytes(40_000)
        message = WELCOME[:16] + payload
        pieces = [message[at : at + 800] for at in range(0, len(message), 800)]
        for sequence, id in enumerate(reversed(range(len(pieces)))):
            self.receive(message_datagram(sequence, None, (id, pieces[id]), is_last=id == len(pieces) - 1))
        self.assertEqual(payload, self.client.joined.payload)

    def test_a_farewell_ends_it_with_its_reason(self) -> None:

        self.receive(b"\x2f\x01")
        self.assertIsNone(self.client.error)
        self.receive(b"\x0f\x05")
        self.assertIsInstance(self.client.error, Rejected)
        self.assertEqual("full", self.client.error.reason)
        self.run_peer(self.client, [self.peer], 0.1, self.now_s)
        self.assertEqual(10, self.peer.disconnects)

    def test_fragments_that_do_not_read_end_it(self) -> None:
        self.receive(message_datagram(0, None, (64, b"too far ahead")))
        self.assertEqual("protocol_error", self.client.error.reason)

    def test_a_snapshot_before_the_welcome_is_not_accepted(self) -> None:
        self.receive(SNAPSHOT)
        self.assertEqual(1, self.client.stats.before_welcome)
        self.assertEqual(0, self.client.stats.accepted)


if __name__ == "__main__":
    unittest.main()
