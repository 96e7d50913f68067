"""Sections 13 and 14: how a connection is made and lost, against a server without a network."""

from __future__ import annotations

import unittest

from tests.peer import HERE, THERE, Peer, run, token
from tests.server import need_cryptography
from tidelock import Denied, TimedOut, TokenExpired
from tidelock.netcode import Netcode, State


class Connections(unittest.TestCase):
    def setUp(self) -> None:
        need_cryptography()

    def netcode(self, *servers, **how):

        return Netcode(token(*servers, **how), 0.0)

    def test_a_handshake(self) -> None:

        netcode, peer = self.netcode(), Peer()
        run(netcode, [peer], 0.1)
        self.assertIs(State.CONNECTED, netcode.state)
        self.assertEqual((3, 8), (netcode.client_index, netcode.max_clients))
        netcode.leave(0.2)
        run(netcode, [peer], 0.3, 0.2)
        for packet, _ in netcode.outgoing:
            peer.answer(packet)
        self.assertEqual("left", netcode.error.reason)

    def test_ten_disconnects(self) -> None:

        netcode, peer = self.netcode(), Peer()
        run(netcode, [peer], 0.1)
        netcode.leave(0.2)
        for packet, _ in netcode.outgoing:
            peer.answer(packet)
        self.assertEqual(10, peer.disconnects)

    def test_the_next_server_after_a_denial(self) -> None:

        netcode = self.netcode(HERE, THERE)
        run(netcode, [Peer(HERE, denies=True), Peer(THERE)], 0.2)
        self.assertIs(State.CONNECTED, netcode.state)
        self.assertEqual(THERE, netcode.server)

    def test_the_next_server_after_silence(self) -> None:

        netcode = self.netcode(HERE, THERE)
        run(netcode, [Peer(THERE)], 4.9)
        self.assertEqual(HERE, netcode.server)
        run(netcode, [Peer(THERE)], 5.2, 4.9)
        self.assertIs(State.CONNECTED, netcode.state)

    def test_how_it_ends_without_a_server(self) -> None:

        netcode = self.netcode(HERE, THERE)
        run(netcode, [Peer(HERE, denies=True), Peer(THERE, denies=True)], 0.2)
        self.assertIsInstance(netcode.error, Denied)
        netcode = self.netcode(HERE, THERE)
        run(netcode, [], 10.1)
        self.assertIsInstance(netcode.error, TimedOut)
        self.assertEqual("request_timed_out", netcode.error.reason)
        netcode = self.netcode(HERE, THERE, lifetime_s=7)
        run(netcode, [], 7.1)
        self.assertIsInstance(netcode.error, TokenExpired)
        self.assertEqual(float("inf"), netcode.next_s())

    def test_a_session_times_out(self) -> None:

        netcode, peer = self.netcode(), Peer()
        run(netcode, [peer], 0.1)
        run(netcode, [peer], 5.3, 0.1)
        self.assertIsInstance(netcode.error, TimedOut)
        self.assertEqual("connection_timed_out", netcode.error.reason)

    def test_what_is_dropped_is_counted(self) -> None:

        netcode, peer = self.netcode(), Peer()
        run(netcode, [peer], 0.1)
        good = peer.payload(b"x")
        bad = good[:-1] + bytes([good[-1] ^ 1])
        self.assertIsNone(netcode.receive(bad, HERE, 0.1))
        self.assertIsNone(netcode.receive(good, THERE, 0.1))
        self.assertEqual(b"x", netcode.receive(good, HERE, 0.1))
        self.assertIsNone(netcode.receive(good, HERE, 0.1))
        self.assertIsNone(netcode.receive(b"", HERE, 0.1))
        self.assertIsNone(netcode.receive(b"\x0f", HERE, 0.1))
        self.assertIsNone(netcode.receive(b"\x95" + bytes(40), HERE, 0.1))
        self.assertIsNone(netcode.receive(b"\x16" + bytes(40), HERE, 0.1))
        self.assertEqual(
            {
                "undecryptable": 1,
                "address_unknown": 1,
                "replayed": 1,
                "type_invalid": 1,
                "sequence_length_invalid": 1,
                "size_invalid": 2,
            },
            dict(netcode.dropped),
        )
