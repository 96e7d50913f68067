"""A bad network between clients and a server: loss, reordering and duplicates in both directions, from a seed."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Badness:
    """What happens to each datagram, each way."""

    loss: float = 0.05
    duplicate: float = 0.02
    reorder: float = 0.05
    latency_s: float = 0.02
    reorder_s: float = 0.04  # by how much those are delayed that others overtake


class Proxy:
    """Stands where the clients believe the server to be; each client has a socket of its own to the server."""

    def __init__(self, server: tuple[str, int], badness: Badness, seed: int) -> None:
        self.passed = 0
        self.lost = 0
        self.duplicated = 0
        self.reordered = 0
        self.is_dead = False  # nothing passes
        self._server = server
        self._badness = badness
        self._chance = random.Random(seed)
        self._front: asyncio.DatagramTransport | None = None
        self._to_server: dict[Any, asyncio.DatagramTransport] = {}

    async def open(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        front, _ = await loop.create_datagram_endpoint(
            lambda: _End(lambda data, client: loop.create_task(self._from_client(data, client))),
            local_addr=("127.0.0.1", port),
        )
        self._front = front

    def close(self) -> None:
        for transport in [self._front, *self._to_server.values()]:
            if transport is not None:
                transport.close()

    async def _from_client(self, data: bytes, client: Any) -> None:
        if client not in self._to_server:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _End(lambda answer, _: self._pass(self._front, answer, client)),
                remote_addr=self._server,
            )
            self._to_server.setdefault(client, transport)
        self._pass(self._to_server[client], data, None)

    def _pass(self, way: asyncio.DatagramTransport | None, data: bytes, to: Any) -> None:
        bad, chance = self._badness, self._chance
        if self.is_dead or chance.random() < bad.loss:
            self.lost += 1
            return
        self._later(way, data, to)
        if chance.random() < bad.duplicate:
            self.duplicated += 1
            self._later(way, data, to)

    def _later(self, way: asyncio.DatagramTransport | None, data: bytes, to: Any) -> None:
        delay_s = self._badness.latency_s
        if self._chance.random() < self._badness.reorder:
            self.reordered += 1
            delay_s += self._chance.random() * self._badness.reorder_s
        self.passed += 1
        if way is not None:
            asyncio.get_running_loop().call_later(delay_s, _send, way, data, to)


def _send(way: asyncio.DatagramTransport, data: bytes, to: Any) -> None:
    if not way.is_closing():
        way.sendto(data, to)


class _End(asyncio.DatagramProtocol):
    def __init__(self, take: Any) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._take(data, addr)

    def error_received(self, exc: OSError) -> None:
        """As if the datagram had been lost."""
