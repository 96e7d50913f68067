"""Against a real server, without a bad network: joining, playing, being thrown out, and making up for a desync."""

from __future__ import annotations

import asyncio
import tempfile
import unittest
from pathlib import Path

import tidelock
from tests.server import Server, need_cryptography, schema, server_bin, wait_until
from tests.test_truth import Verdict, Witness, walk


class Live(unittest.IsolatedAsyncioTestCase):
    server: Server

    @classmethod
    def setUpClass(cls) -> None:
        need_cryptography()
        server_bin()
        cls.folder = tempfile.TemporaryDirectory()
        cls.truth = Path(cls.folder.name) / "truth.jsonl"
        cls.server = Server("--seed", "5", "--truth", str(cls.truth))
        cls.server.__enter__()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.__exit__()
        cls.folder.cleanup()

    async def connect(self, client_id: int, **how):
        return tidelock.connect(await self.server.token(client_id), schema(), **how)

    async def test_a_player_walks_shoots_and_chats(self) -> None:
        missing_before = self.missing()
        async with await self.connect(1, on_tick=walk) as world:
            first = (await world.next_snapshot()).tick
            self.assertTrue(world.send_event("say", {"text": "hello"}))
            begin = world.avatar.components["position"]
            ammo = world.avatar.components["ammo"]["ammo"]
            heard = []
            async for snapshot in world.snapshots():
                heard += world.events()
                if snapshot.tick - first > 150:
                    break
            end = world.avatar.components["position"]
            self.assertIn(("chat", {"sender": 1, "text": "hello"}), heard)
            self.assertGreater(abs(end["x"] - begin["x"]) + abs(end["y"] - begin["y"]), 1)
            self.assertLess(world.avatar.components["ammo"]["ammo"], ammo)
            self.assertLess(world.stats.inputs_missed, 15)
            self.assertLess(self.missing() - missing_before, 30)

    def missing(self) -> float:
        lines = self.server.get("/metrics").splitlines()
        return sum(
            float(n.rsplit(" ", 1)[1]) for n in lines if n.startswith("tidelock_inputs_total") and "missing" in n
        )

    async def test_what_is_wrong_with_an_event_or_an_input_is_named(self) -> None:
        async with await self.connect(2) as world:
            with self.assertRaisesRegex(tidelock.SchemaInvalid, "no event 'shout'; it has say, chat, hit"):
                world.send_event("shout")
            with self.assertRaisesRegex(KeyError, "no fly"):
                world.send_input(fly=True)
            with self.assertRaises(KeyError):
                world.send_event("say", {"words": "hello"})
            with self.assertRaises(ValueError):
                world.send_event("say", {"text": "x" * 5000})

    async def test_the_schema_is_that_of_the_command(self) -> None:
        try:
            fetched = await tidelock.fetch_schema(self.server.admin)
        except tidelock.FetchFailed as e:
            self.skipTest(f"this server does not answer GET /schema: {e}")
        self.assertEqual(tidelock.Schema.load(schema()), fetched)

    async def test_another_version_of_the_game_is_rejected(self) -> None:
        other = {**schema(), "hash": "0x1"}
        with self.assertRaises(tidelock.Rejected) as raised:
            async with tidelock.connect(await self.server.token(3), other):
                pass
        self.assertEqual("schema_mismatch", raised.exception.reason)

    async def test_who_is_kicked_is_told(self) -> None:
        async with await self.connect(4) as world:
            await world.next_snapshot()
            await asyncio.to_thread(self.server.post, "/clients/4/kick")
            with self.assertRaises(tidelock.Closed) as raised:
                async for _ in world.snapshots():
                    pass
            self.assertEqual("kicked", raised.exception.reason)

    async def test_the_newest_session_of_a_player_wins(self) -> None:
        async with await self.connect(5) as old, await self.connect(5) as new:
            with self.assertRaises(tidelock.Closed) as raised:
                async for _ in old.snapshots():
                    pass
            self.assertEqual("duplicate_login", raised.exception.reason)
            await new.next_snapshot()

    async def test_a_client_that_crashed_comes_back_to_its_place(self) -> None:
        async with await self.connect(10) as crashed:
            await crashed.next_snapshot()
            crashed.client.abandon()
        async with await self.connect(10) as world:
            self.assertEqual((True, False), (world.joined.resumed, world.joined.state_kept))
            self.assertTrue((await self.whole(world)).whole)
            self.assertIsNotNone(world.avatar)

    async def whole(self, world):
        async for snapshot in world.snapshots():
            if snapshot.whole:
                return snapshot

    async def test_a_failure_of_the_games_own_code_comes_out(self) -> None:
        def fail(tick: int):
            raise ZeroDivisionError(tick)

        with self.assertRaises(ZeroDivisionError):
            async with await self.connect(6, on_tick=fail) as world:
                async for _ in world.snapshots():
                    pass

    async def test_who_leaves_is_gone(self) -> None:
        async with await self.connect(7) as world:
            await world.next_snapshot()
            self.assertIn('"client_id":7', (await asyncio.to_thread(self.server.get, "/clients")).replace(" ", ""))
        gone = await wait_until(lambda: '"client_id":7,' not in self.server.get("/clients").replace(" ", ""), 3)
        self.assertTrue(gone)


class Desync(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        asyncio.get_running_loop().set_debug(False)  # it complains of slow callbacks

    async def test_what_is_held_goes_wrong_and_is_made_good(self) -> None:
        """Breaks what the client holds: first by a checksum, then by an audit alone it must find out."""
        need_cryptography()
        witness = Witness()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "truth.jsonl"
            with Server("--seed", "5", "--truth", str(file)) as server:
                world_of = tidelock.connect(await server.token(8), schema(), on_tick=walk, watch=witness.watch)
                async with world_of as world:
                    await self.look(world, witness, 60)
                    desyncs_before = world.stats.desyncs
                    for _, stream in world.client.store.shown():
                        mask, lanes = stream.versions[-1]
                        stream.versions[-1] = (mask, (lanes[0] ^ 1, *lanes[1:]))
                    await self.look(world, witness, 120)
                    self.assertEqual(desyncs_before + 1, world.stats.desyncs)
                    standing = min(
                        (s for audience, s in world.client.store.shown() if audience == 0), key=lambda s: s.ticks[-1]
                    )
                    mask, lanes = standing.versions[-1]
                    standing.versions[-1] = (mask, (lanes[0] ^ 1, *lanes[1:]))
                    witness.views.clear()
                    async for _ in world.snapshots():
                        if world.stats.audits_wrong + world.stats.checksum_wrong >= 2:
                            break
                    await self.look(world, witness, 120)
                    self.assertEqual(2, world.stats.desyncs)
                    stats = world.stats
                metric = server.metric("tidelock_desyncs_total")
            verdict = Verdict(witness, file)
        self.assertEqual(2, metric)
        self.assertEqual([], verdict.differences[:10])
        self.assertGreater(verdict.wholes, 60)
        self.assertGreater(stats.audits_right, 10)

    async def look(self, world, witness: Witness, ticks: int) -> None:
        begin = world.tick
        async for snapshot in world.snapshots():
            if snapshot.whole:
                witness.look(snapshot.tick, world.client.store)
            if snapshot.tick - begin > ticks:
                return


class Drain(unittest.IsolatedAsyncioTestCase):
    async def test_a_server_that_drains_takes_nobody(self) -> None:
        need_cryptography()
        with Server("--seed", "5", "--drain-timeout", "10s") as server:
            token = await server.token(9)
            async with tidelock.connect(await server.token(8), schema()) as world:
                await world.next_snapshot()
                await asyncio.to_thread(server.post, "/drain")
                with self.assertRaises(tidelock.Rejected) as raised:
                    async with tidelock.connect(token, schema()):
                        pass
                self.assertEqual("draining", raised.exception.reason)
