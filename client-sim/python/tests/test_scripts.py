"""Scripts of what a client hears, and what becomes of each datagram (sections 2 to 4 and 8)."""

from __future__ import annotations

import json
import unittest
from typing import Any

from tests import vectors
from tests.peer import Wire, token
from tidelock import Client, Schema, frozen
from tidelock.acks import Report, read_report
from tidelock.bits import BitReader
from tidelock.body import read_body
from tidelock.control import AUDIENCES, read_client_message
from tidelock.messages import Incoming, read_fragments, read_unreliable

BEYOND_WHAT_CAN_BE_LISTED = "the_window_of_sequences"


class Listener:
    """A client that says one datagram with its hello, and one after each that it hears."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._events = {event["name"]: event for event in schema["events"]}
        self._client = Client(token(), Schema.load({**schema, "codes": vectors.table_codes()}), 0.0)
        self._client._netcode = self._wire = Wire()
        self._messages = Incoming()
        self._speak()

    def hear(self, payload: bytes) -> dict[str, Any]:
        client, stats = self._client, self._client.stats
        accepted, audits, malformed = stats.accepted, stats.audits_right, self._malformed()
        client._take_payload(payload, 0.0)
        desync_tick = None
        if self._wire.error is None:
            messages = self._speak()
            desync_tick = next((content[0] for kind, content in messages if kind == "desync"), None)
        return {
            "accepted": stats.accepted > accepted,
            "malformed": self._malformed() > malformed,
            "desync_tick": desync_tick,
            "audit_right": stats.audits_right > audits,
            "ended": self._wire.error is not None,
            "events": [(event.name, event.value) for event in client.take_events()],
            "shown": self._shown(),
        }

    def expected(self, step: dict[str, Any]) -> dict[str, Any]:
        """What a step says, as `hear` tells it."""
        events = [(name, read_body(self._events[name]["shape"], bytes.fromhex(body))) for name, body in step["events"]]
        return {**{name: step[name] for name in step if name not in ("about", "hex")}, "events": events}

    def reports(self, payload: bytes) -> bool:
        """Whether what it said last acknowledges this, or what has the same 16 bits."""
        report = self._read_report(self._reader())
        return report is not None and self._low_bits(payload) in {sequence & 0xFFFF for sequence in report.accepted()}

    def _low_bits(self, payload: bytes) -> int:
        return int.from_bytes(payload[:3], "little") >> 4 & 0xFFFF

    def _read_report(self, reader: BitReader) -> Report | None:
        return read_report(reader, self._client._channel.received.newest + 1)

    def _malformed(self) -> int:
        stats = self._client.stats
        return stats.malformed + stats.messages_malformed + stats.events_dropped

    def _shown(self) -> list[list[Any]]:
        store = self._client.store
        shown = store.shown() if store is not None else iter(())
        by_place = sorted((audience, stream.index, stream) for audience, stream in shown)
        return [
            [AUDIENCES[audience], index, stream.generation, stream.versions[-1][0], list(stream.versions[-1][1])]
            for audience, index, stream in by_place
        ]

    def _speak(self) -> list[tuple[str, Any]]:
        self._client._send(0.0)
        reader = self._reader()
        self._read_report(reader)
        read_unreliable(reader)
        fragments = read_fragments(reader, lambda: self._messages.expected)
        return [read_client_message(message) for message in self._messages.take(fragments)]

    def _reader(self) -> BitReader:
        """What it said last, from the acks on."""
        payload = self._wire.sent[-1]
        assert payload[0] & 15 not in (frozen.GREETING, frozen.FAREWELL)
        reader = BitReader(payload)
        reader.read(20)
        return reader


class Scripts(unittest.TestCase):
    maxDiff = None

    def test_each_step_comes_out_as_it_is_told(self) -> None:
        scripts = vectors.vectors_of("client_scripts")
        self.assertGreater(len(scripts), 60)
        for script in scripts:
            with self.subTest(script.name, proves=script.lines["proves"]):
                self._play(script)

    def _play(self, script: vectors.Vector) -> None:
        listener = Listener(script.given["schema"])
        if script.given["joined"]:
            self.assertTrue(listener.hear(bytes.fromhex(script.given["welcome"]))["accepted"])
        steps = [json.loads(line) for name, line in script.lines.items() if name.startswith("step_")]
        self.assertTrue(steps)
        for number, step in enumerate(steps, 1):
            payload, about = bytes.fromhex(step["hex"]), f"step {number}: {step['about']}"
            self.assertEqual(listener.expected(step), listener.hear(payload), about)
            if step["accepted"] and script.name != BEYOND_WHAT_CAN_BE_LISTED:
                self.assertTrue(listener.reports(payload), about)


if __name__ == "__main__":
    unittest.main()
