"""Coming back: the connection is cut, and the player returns to the place that waits, with what it holds."""

from __future__ import annotations

import asyncio
import tempfile
import unittest
from pathlib import Path

import tidelock
from tests.proxy import Badness, Proxy
from tests.server import Server, free_ports, need_cryptography, schema, wait_until
from tests.test_truth import Verdict, Witness, walk

PLAY_S = 3.0
CUT_S = 2.0


async def play_cut_play(server: Server, proxy_port: int, witness: Witness):

    proxy = Proxy(("127.0.0.1", server.port), Badness(), seed=11)
    await proxy.open(proxy_port)
    loop = asyncio.get_running_loop()

    async def look(world, seconds: float) -> None:
        until_s = loop.time() + seconds
        while loop.time() < until_s:
            async with asyncio.timeout(10):  # not `wait_for`: what is shown could change before that returns
                snapshot = await world.next_snapshot()
            if snapshot.whole:
                witness.look(snapshot.tick, world.client.store)

    try:
        token = await server.token(77, by_way_of=proxy_port)
        async with tidelock.connect(
            token,
            schema(),
            on_tick=walk,
            watch=witness.watch,
            fetch_token=lambda: server.token(77, by_way_of=proxy_port),
        ) as world:
            await look(world, PLAY_S)
            before = world.client
            proxy.is_dead = True
            await asyncio.sleep(CUT_S)
            proxy.is_dead = False
            came_back = await wait_until(lambda: world.came_back == 1, 10)
            await look(world, PLAY_S)
            return came_back, before, world.client
    finally:
        proxy.close()


class Return(unittest.TestCase):
    def test_a_client_comes_back_with_what_it_holds(self) -> None:
        need_cryptography()
        witness = Witness()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "truth.jsonl"
            proxy_port = free_ports(3)[2]
            with Server("--truth", str(file), "--seed", "7") as server:
                came_back, before, after = asyncio.run(play_cut_play(server, proxy_port, witness))
                kept = server.metric('tidelock_resumes_total{result="state_kept"}')
            verdict = Verdict(witness, file)
        self.assertTrue(came_back)
        self.assertTrue(after.joined.resumed)
        self.assertTrue(after.joined.state_kept)
        self.assertEqual(1, kept)
        self.assertEqual(before.joined.payload, after.joined.payload)
        self.assertEqual([], verdict.differences[:10])
        self.assertEqual(0, after.stats.desyncs)
        self.assertGreater(after.stats.snapshots_whole, PLAY_S * 20)
