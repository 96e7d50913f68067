"""The fuzz corpus of the Rust client: what that one took and refused, and what it showed then, this one does as well.

Each script of the transcript is a client that hears what a server said, changed or made up: payloads below encryption,
each with what became of it. A script ends for us where the Rust client ended, or lost trust in what it held: from then
on what it takes depends on what it had sent.
"""

from __future__ import annotations

import json
import os
import unittest
from pathlib import Path
from typing import Any

from tests.peer import Wire, token
from tests.server import need_cryptography
from tidelock import Address, Client, Schema, Token, TokenInvalid
from tidelock.hashes import version_hash
from tidelock.netcode import Netcode

TRANSCRIPT = os.environ.get("TIDELOCK_TRANSCRIPT")


def heard(schema: Schema, script: list[dict[str, Any]]) -> str | None:
    """In what this client differs, if it does before the script ends."""
    client = Client(token(), schema, 0.0)
    client._netcode = wire = Wire()
    for number, said in enumerate(script):
        client._channel.sent.next_sequence = said["next_sequence"]
        before = fates(client)
        client._take_payload(bytes.fromhex(said["payload"]), 0.0)
        mine = (*(now > then for now, then in zip(fates(client), before, strict=True)), wire.error is not None)
        theirs = (said["malformed"], said["applied"], said["desync"], said["ended"])
        if mine != theirs:
            return f"payload {number} is {mine} here, and {theirs} there: {said['payload']}"
        if said["desync"] or said["ended"]:
            return None
        if shown(client) != int(said["shown"], 16):
            return f"something else is shown after payload {number}: {said['payload']}"
    return None


def fates(client: Client) -> tuple[int, int, int]:
    """Malformed or with a message that is, applied, in doubt."""
    stats = client.stats
    return stats.malformed + stats.messages_malformed + stats.events_dropped, stats.snapshots, stats.desyncs


def shown(client: Client) -> int:
    if client.store is None:
        return 0
    hashes = (
        version_hash(stream.index, stream.generation, audience, *stream.versions[-1])
        for audience, stream in client.store.shown()
    )
    return sum(hashes) % 2**64


def went(netcode: Netcode, script: list[dict[str, Any]]) -> str | None:
    """In what this end of netcode differs, if it does."""
    for number, happened in enumerate(script):
        now_s, payload, before = happened["at_us"] / 1e6, None, netcode.dropped.copy()
        if happened["from"] is None:
            netcode.advance(now_s)
        else:
            host, port = happened["from"].rsplit(":", 1)
            sender = Address(host.strip("[]"), int(port))
            payload = netcode.receive(bytes.fromhex(happened["packet"]), sender, now_s)
        dropped = next(iter(netcode.dropped - before), None)
        mine = (dropped, payload.hex() if payload is not None else None, netcode.state.value)
        theirs = (happened["dropped"], happened["payload"], happened["state"])
        if mine != theirs:
            return f"step {number} is {mine} here, and {theirs} there: {happened['from']} {happened['packet']}"
    return None


def is_token(data: bytes) -> bool:
    try:
        Token.parse(data)
    except TokenInvalid:
        return False
    return True


@unittest.skipUnless(TRANSCRIPT, "needs TIDELOCK_TRANSCRIPT, which the Rust test fuzz_corpus writes")
class Corpus(unittest.TestCase):
    """The lines of a transcript are the schema, the tokens, what happened to ends of netcode, and a script each."""

    def setUp(self) -> None:
        schema, tokens, packets, *self.scripts = Path(str(TRANSCRIPT)).read_text().splitlines()
        self.packets = json.loads(packets)
        self.schema = Schema.load(json.loads(schema))
        self.tokens = json.loads(tokens)

    def test_it_takes_for_tokens_what_the_rust_client_does(self) -> None:
        taken = [judged for judged in self.tokens if judged["is_token"]]
        self.assertTrue(0 < len(taken) < len(self.tokens))
        wrong = [judged for judged in self.tokens if is_token(bytes.fromhex(judged["bytes"])) != judged["is_token"]]
        self.assertEqual([], wrong[:3], f"{len(wrong)} of {len(self.tokens)}")

    def test_netcode_drops_packets_for_the_same_reasons_and_comes_as_far(self) -> None:
        need_cryptography()
        token, start_s = Token.parse(bytes.fromhex(self.packets["token"])), self.packets["start_us"] / 1e6
        differences = []
        for number, script in enumerate(self.packets["scripts"]):
            difference = went(Netcode(token, start_s), script)
            if difference is not None:
                differences.append(f"script {number}: {difference}")
        self.assertEqual([], differences[:5], f"{len(differences)} of {len(self.packets['scripts'])} scripts")

    def test_it_takes_and_refuses_what_the_rust_client_does(self) -> None:
        need_cryptography()
        differences = []
        for number, script in enumerate(self.scripts):
            difference = heard(self.schema, json.loads(script))
            if difference is not None:
                differences.append(f"script {number}: {difference}")
        self.assertEqual([], differences[:5], f"{len(differences)} of {len(self.scripts)} scripts")
