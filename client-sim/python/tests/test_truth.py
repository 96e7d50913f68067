"""The judge: a client plays over a bad network, and all that it took for true is compared with what was so.

The server writes down each tick in lanes. A checksum would be right, too, for a client that takes one lane for
another; this is not.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import tempfile
import unittest
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import tidelock
from tests.proxy import Badness, Proxy
from tests.server import Server, bots, free_ports, need_cryptography, schema

PLAY_S = float(os.environ.get("TIDELOCK_TRUTH_S", "10"))
COMPARISONS_LEAST = 500 * PLAY_S
SEED = 7
BOTS = 20
OWNER = 2

Key = tuple[int, int]  # index, audience
State = tuple[int, int, tuple[int, ...]]  # generation, mask, lanes


class Witness:
    """Writes down what the client took for true, to be judged later."""

    def __init__(self) -> None:
        self.records: dict[int, list[tuple[Key, State]]] = defaultdict(list)  # by tick
        self.views: dict[int, dict[Key, State]] = {}  # by tick: all that a whole snapshot showed

    def watch(self, tick: int, records) -> None:
        for record in records:
            if record.kind != "leave":
                state = (record.generation, *record.version)
                self.records[tick & 0xFFFFFFFF].append(((record.index, record.audience), state))

    def look(self, tick: int, store) -> None:
        self.views[tick] = {
            (stream.index, audience): (stream.generation, *stream.versions[-1]) for audience, stream in store.shown()
        }


def truth_of_ticks(file: Path) -> Iterator[tuple[int, dict[Key, State]]]:
    """What was so, tick by tick. The dictionary is the same one all the time."""
    state: dict[Key, State] = {}
    with file.open() as lines:
        for line in lines:
            if not line.endswith("\n"):
                return  # the server was stopped while it wrote this
            document = json.loads(line)
            for index, audience in document["gone"]:
                state.pop((index, audience), None)
            for index, generation, audience, mask, lanes in document["set"]:
                state[index, audience] = (generation, mask, tuple(lanes))
            yield document["tick"], state


class Verdict:
    """Compares a witness with the truth."""

    def __init__(self, witness: Witness, file: Path) -> None:
        self.records = 0
        self.shown = 0
        self.wholes = 0
        self.own = 0
        self.differences: list[str] = []
        own = {(key[0], state[0]) for view in witness.views.values() for key, state in view.items() if key[1] == OWNER}
        for tick, truth in truth_of_ticks(file):
            for key, state in witness.records.get(tick, ()):
                self.records += 1
                self._compare("record", tick, key, state, truth)
            view = witness.views.get(tick)
            if view is not None:
                self.wholes += 1
                self._compare_view(tick, view, truth, own)

    def _compare_view(
        self, tick: int, view: dict[Key, State], truth: dict[Key, State], own: set[tuple[int, int]]
    ) -> None:
        for key, state in view.items():
            self.shown += 1
            self._compare("shown", tick, key, state, truth)
        for index, generation in own:
            key = (index, OWNER)
            is_there = key in truth and truth[key][0] == generation
            self.own += is_there
            if is_there and key not in view:
                self.differences.append(f"tick {tick}: entity {index}, which is the client's own, is not shown to it")

    def _compare(self, what: str, tick: int, key: Key, state: State, truth: dict[Key, State]) -> None:
        if truth.get(key) != state:
            self.differences.append(f"tick {tick}: {what} {key} is {state}, in truth {truth.get(key)}")


def walk(tick: int) -> dict[str, object]:
    """Moves about and shoots."""
    return {
        "forward": 1.0,
        "right": 0.5 * math.sin(tick / 90),
        "yaw": math.sin(tick / 200) * 3,
        "pitch": 0.3 * math.sin(tick / 50),
        "fire": tick % 40 < 10,
        "jump": tick % 300 == 0,
        "sprint": tick % 500 < 200,
    }


async def play(server: Server, proxy_port: int, seconds: float) -> tuple[Witness, object, Proxy]:

    proxy = Proxy(("127.0.0.1", server.port), Badness(), SEED)
    await proxy.open(proxy_port)
    witness = Witness()
    loop = asyncio.get_running_loop()
    try:
        token = await server.token(4242, by_way_of=proxy_port)
        async with tidelock.connect(token, schema(), on_tick=walk, watch=witness.watch) as world:
            until_s = loop.time() + seconds
            said = 0
            async for snapshot in world.snapshots():
                if snapshot.whole:
                    witness.look(snapshot.tick, world.client.store)
                if loop.time() > until_s - seconds + 0.5 * said:
                    said += 1
                    if said % 4 == 0:
                        world.send_event("say", {"text": f"line {said}"})
                for _ in world.events():
                    pass
                if loop.time() > until_s:
                    break
            return witness, world.stats, proxy
    finally:
        proxy.close()


class Truth(unittest.TestCase):
    def test_all_that_a_client_takes_for_true_is_so(self) -> None:
        need_cryptography()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "truth.jsonl"
            proxy_port = free_ports(3)[2]
            with Server("--truth", str(file), "--seed", str(SEED)) as server:
                players = bots(server, BOTS, PLAY_S + 5)
                try:
                    witness, stats, proxy = asyncio.run(play(server, proxy_port, PLAY_S))
                finally:
                    if players is not None:
                        players.terminate()
                        players.wait(10)
            verdict = Verdict(witness, file)
        print(
            f"\n{PLAY_S:.0f} s: {verdict.records} records and {verdict.shown} streams shown in {verdict.wholes} whole"
            f" snapshots compared, {len(verdict.differences)} differences; proxy passed {proxy.passed},"
            f" lost {proxy.lost}, doubled {proxy.duplicated}, reordered {proxy.reordered}\n{stats}"
        )
        self.assertEqual([], verdict.differences[:10])
        self.assertEqual(0, stats.desyncs)
        self.assertEqual(0, stats.malformed)
        self.assertGreater(verdict.records + verdict.shown, COMPARISONS_LEAST)
        self.assertGreater(verdict.wholes, 5 * PLAY_S)
        self.assertGreater(verdict.own, 5 * PLAY_S)
        self.assertGreater(stats.audits_right, PLAY_S)
        self.assertGreater(stats.events, 0)
