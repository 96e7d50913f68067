"""Part II, byte for byte: one connection of ours, and what the C reference makes of the same inputs."""

from __future__ import annotations

import base64
import struct
import unittest
from ipaddress import ip_address
from typing import Any

from tests.doorkeeper import read_request
from tests.server import need_cryptography
from tests.vectors import bytes_of, lines_of, vectors_of
from tidelock import packets
from tidelock.aead import Aead
from tidelock.errors import TokenInvalid
from tidelock.mint import mint, private_part, seal_private
from tidelock.netcode import Netcode
from tidelock.packets import Dropped, Opener, Sealer
from tidelock.token import VERSION, Address, Token


class Lines:
    """The lines of a file, and which of them were looked at."""

    def __init__(self, file: str) -> None:
        self._lines = lines_of(file)
        self._left = set(self._lines)

    def __getitem__(self, name: str) -> bytes:
        self._left.discard(name)
        return self._lines[name]

    def number(self, name: str) -> int:
        return int.from_bytes(self[name], "little")

    def left(self) -> set[str]:
        return self._left


class Connection(unittest.TestCase):
    def test_one_connection(self) -> None:
        need_cryptography()
        lines = Lines("netcode_connection")
        servers = (Address("10.0.0.1", 7777), Address("2001:db8::1:2", 7777))
        data = lines["connect_token"]
        token = Token.parse(data)
        self.assertEqual(token, Token.parse(base64.b64encode(data).decode()))
        self.assertEqual(servers, token.servers)
        for name in ("protocol_id", "timeout_s"):
            self.assertEqual(lines.number(name), getattr(token, name))
        self.assertEqual(lines.number("create_unix_s"), token.create_s)
        self.assertEqual(lines.number("expire_unix_s"), token.expire_s)
        for name in ("client_to_server_key", "server_to_client_key"):
            self.assertEqual(lines[name], getattr(token, name))
        self.assertEqual(lines["token_nonce"], token.nonce)
        minted = mint(
            lines["private_key"],
            protocol_id=token.protocol_id,
            client_id=lines.number("client_id"),
            servers=servers,
            create_s=token.create_s,
            lifetime_s=token.expire_s - token.create_s,
            secret=token.client_to_server_key + token.server_to_client_key + token.nonce,
            timeout_s=token.timeout_s,
            user_data=lines["user_data"],
        )
        self.assertEqual(data, minted)

        self.assertEqual(lines["request"], packets.request(token))
        ours = Sealer(token.client_to_server_key, token.protocol_id)
        theirs = Opener(token.server_to_client_key, token.protocol_id)
        every = tuple(range(1, 7))
        kind, challenge = theirs.open(lines["challenge"], every)
        self.assertEqual(packets.CHALLENGE, kind)
        (sequence,) = struct.unpack_from("<Q", challenge)
        note = Aead(lines["challenge_key"]).open(sequence, challenge[8:], b"")
        self.assertEqual((lines["client_id"] + lines["user_data"]).ljust(284, b"\0"), note)
        self.assertEqual(lines["response"], ours.seal(packets.RESPONSE, 0, challenge))
        kind, _ = theirs.open(lines["keep_alive_of_server"], every)
        self.assertEqual(packets.KEEP_ALIVE, kind)
        self.assertEqual(lines["keep_alive_of_client"], ours.seal(packets.KEEP_ALIVE, 1, bytes(8)))
        for name in ("payload_of_server_1", "payload_of_server_255", "payload_of_server_256"):
            kind, payload = theirs.open(lines[name], every)
            self.assertEqual(packets.PAYLOAD, kind)
            again = Sealer(token.server_to_client_key, token.protocol_id)
            self.assertEqual(lines[name], again.seal(kind, int(name.rpartition("_")[2]), payload))
            with self.assertRaisesRegex(packets.Dropped, "replayed"):
                theirs.open(lines[name], every)
        server = Opener(token.client_to_server_key, token.protocol_id)
        for name, number in (("payload_of_client_2", 2), ("longest_payload_of_client_3", 3)):
            kind, payload = server.open(lines[name], every)
            self.assertEqual(lines[name], ours.seal(kind, number, payload))
        self.assertEqual(1200, len(payload))
        self.assertEqual(lines["disconnect_of_client_4"], ours.seal(packets.DISCONNECT, 4, b""))
        self.assertEqual((packets.DENIED, b""), theirs.open(lines["denied"], every))
        self.assertEqual(set(), lines.left())


class Reference(unittest.TestCase):
    def test_what_the_c_reference_makes(self) -> None:
        need_cryptography()
        lines = Lines("netcode_reference")
        servers = (Address("127.0.0.1", 40000), Address("::1", 50000))
        c2s, s2c = bytes(range(32)), bytes(255 - i for i in range(32))
        nonce, user_data = bytes(100 + i for i in range(24)), bytes(range(256))
        protocol_id, client_id = 0x1122334455667788, 0x0102030405060708
        token = Token.parse(lines["connect_token"])
        self.assertEqual(servers, token.servers)
        minted = mint(
            lines["private_key"],
            protocol_id=protocol_id,
            client_id=client_id,
            servers=servers,
            create_s=1720000000,
            lifetime_s=100,
            secret=c2s + s2c + nonce,
            timeout_s=15,
            user_data=user_data,
        )
        self.assertEqual(lines["connect_token"], minted)
        list_and_keys = minted[1089 : 1089 + 4 + 7 + 19 + 64]
        private = private_part(client_id, 15, list_and_keys, user_data)
        self.assertEqual(lines["private_token"], private + bytes(16))  # with room for the tag
        data = VERSION + struct.pack("<QQ", protocol_id, 1720000100)
        self.assertEqual(lines["private_token_sealed"], seal_private(lines["private_key"], nonce, private, data))
        challenge_key = bytes(2 * i for i in range(32))
        note = (struct.pack("<Q", client_id) + user_data).ljust(284, b"\0")
        self.assertEqual(lines["challenge_token"], Aead(challenge_key).seal(1000, note, b""))
        self.assertEqual(lines["request"], packets.request(token))
        key = bytes(17 + i for i in range(32))
        challenge = struct.pack("<Q", 1000) + lines["challenge_token"]
        bodies = {
            "denied": (packets.DENIED, b""),
            "challenge": (packets.CHALLENGE, challenge),
            "response": (packets.RESPONSE, challenge),
            "keep_alive": (packets.KEEP_ALIVE, struct.pack("<II", 7, 32)),
            "payload": (packets.PAYLOAD, None),
            "disconnect": (packets.DISCONNECT, b""),
        }
        for name, (kind, body) in bodies.items():
            with self.subTest(name):
                opened = Opener(key, protocol_id).open(lines[name], tuple(range(1, 7)))
                if body is None:
                    body = bytes(i & 0xFF for i in range(len(opened[1])))
                self.assertEqual((kind, body), opened)
                self.assertEqual(lines[name], Sealer(key, protocol_id).seal(kind, 0x1122334455, body))
        self.assertEqual(set(), lines.left())


class Packets(unittest.TestCase):
    def setUp(self) -> None:
        need_cryptography()
        self.lines = lines_of("netcode_connection")
        self.vectors = {vector.name: vector for vector in vectors_of("netcode_packets")}

    def client(self, given: dict[str, Any]) -> Netcode:
        """One that has come as far as is given."""
        token = Token.parse(self.lines["connect_token"])
        client = Netcode(token, 0.0)
        for name in ("challenge", "keep_alive_of_server"):
            if client.state.value != given["state"]:
                client.receive(self.lines[name], token.servers[0], 0.0)
        for name in given["after"]:
            client.receive(self.vectors[name].data, token.servers[0], 0.0)
        self.assertEqual((given["state"], 0), (client.state.value, client.dropped.total()))
        return client

    def test_what_is_taken_and_what_is_dropped(self) -> None:
        for vector in self.vectors.values():
            with self.subTest(str(vector)):
                client, expected = self.client(vector.given), vector.expected
                host, port = vector.given["from"].split(":")
                payload = client.receive(vector.data, Address(host, int(port)), 0.0)
                if vector.is_refused:
                    self.assertIsNone(payload)
                    self.assertEqual({expected["dropped"]: 1}, dict(client.dropped))
                    self.assertEqual(vector.given["state"], client.state.value)
                    continue
                body = bytes_of(expected["body"])
                self.assertEqual(body if expected["type"] == "payload" else None, payload)
                self.assertEqual((expected["state"], 0), (client.state.value, client.dropped.total()))

    def test_what_is_written(self) -> None:
        token = Token.parse(self.lines["connect_token"])
        for vector in self.vectors.values():
            if not vector.is_refused and vector.name != "sequence_in_more_bytes_than_it_needs":
                with self.subTest(str(vector)):
                    kind = getattr(packets, vector.expected["type"].upper())
                    sealer = Sealer(token.server_to_client_key, token.protocol_id)
                    packet = sealer.seal(kind, int(vector.expected["sequence"], 16), bytes_of(vector.expected["body"]))
                    self.assertEqual(vector.data, packet)


class Requests(unittest.TestCase):
    def test_what_is_answered_and_what_is_dropped(self) -> None:
        need_cryptography()
        for vector in vectors_of("netcode_requests"):
            with self.subTest(str(vector)):
                try:
                    read = read_request(vector.data, vector.given)
                except Dropped as e:
                    read = {"dropped": str(e)}
                self.assertEqual(vector.expected, read)
                self.assertEqual(vector.is_refused, "dropped" in read)


class Tokens(unittest.TestCase):
    def test_what_a_token_says(self) -> None:
        for vector in vectors_of("netcode_tokens"):
            with self.subTest(str(vector)):
                if vector.is_refused:
                    with self.assertRaises(TokenInvalid):
                        Token.parse(vector.data)
                    continue
                token = Token.parse(vector.data)
                expected = vector.expected
                for name in ("client_to_server_key", "server_to_client_key"):
                    self.assertEqual(expected[name], getattr(token, name).hex())
                self.assertEqual(int(expected["protocol_id"], 16), token.protocol_id)
                self.assertEqual(int(expected["create_unix_s"], 16), token.create_s)
                self.assertEqual(int(expected["expire_unix_s"], 16), token.expire_s)
                self.assertEqual(expected["timeout_s"], token.timeout_s)
                servers = [(ip_address(host), port) for host, port in expected["servers"]]
                self.assertEqual(servers, [(ip_address(server.host), server.port) for server in token.servers])

    def test_what_is_no_token_is_named(self) -> None:
        good = lines_of("netcode_connection")["connect_token"]
        for wrong, why in (
            ("!", "has 2048 bytes"),
            (good[:-1], "2048 bytes"),
            (b"x" + good[1:], "another version"),
            (good[:1089] + b"\0" + good[1090:], "1 to 32 servers"),
            (good[:1093] + b"\3" + good[1094:], "neither IPv4 nor IPv6"),
            (good[:28] + b"\xff" + good[29:], "expires before"),
        ):
            with self.subTest(why), self.assertRaisesRegex(TokenInvalid, why):
                Token.parse(wrong)
