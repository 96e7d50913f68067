"""The client on asyncio: a socket, a clock, and what to await."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from .client import Client, Joined
from .entity import Entity
from .errors import Disconnected, FetchFailed, Left, TimedOut
from .held import Held
from .player import OnTick
from .schema import Schema
from .snapshots import Snapshot, Watcher
from .stats import Stats
from .token import Address, Token

FetchToken = Callable[[], Awaitable[Token | str | bytes]]
SchemaSource = Schema | Mapping[str, Any] | str | Path
_FETCH_TIMEOUT_S = 5.0
_RETRY_FETCH_S = 1.0
_SOCKET_BYTES = 1 << 20


def connect(
    token: Token | str | bytes,
    schema: SchemaSource,
    *,
    on_tick: OnTick | None = None,
    fetch_token: FetchToken | None = None,
    watch: Watcher | None = None,
) -> World:
    """A connection, to be used as `async with connect(...) as world`: it has joined then.

    `token`: base64 text, or the bytes. `schema`: what the server's `schema --json` prints, parsed or not, or its path.
    `on_tick` is called for each tick of the client, and gives the input of it, by names, or None for the last one.
    `fetch_token` is asked for another token when the connection is lost; without it, that is the end.
    `watch` sees the records of each snapshot datagram that was stored.
    """
    return World(Token.parse(token), Schema.load(schema), on_tick, fetch_token, watch)


class World:
    """A connection that stands, and what the player sees through it."""

    def __init__(
        self,
        token: Token,
        schema: Schema,
        on_tick: OnTick | None,
        fetch_token: FetchToken | None,
        watch: Watcher | None,
    ) -> None:
        self.schema = schema
        self.came_back = 0
        self._token = token
        self._on_tick = on_tick
        self._fetch_token = fetch_token
        self._watch = watch
        self._client: Client | None = None
        self._sockets: dict[int, asyncio.DatagramTransport] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._news = asyncio.Event()
        self._failure: BaseException | None = None
        self._returning: asyncio.Task[None] | None = None

    async def __aenter__(self) -> World:
        loop = self._loop = asyncio.get_running_loop()
        await self._open_all(self._token)
        self._client = self._new_client(self._token, None)
        self._step(loop.time())
        try:
            while self.client.joined is None:
                await self._wait()
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    # What the player sees

    @property
    def client(self) -> Client:
        assert self._client is not None, "the world is used inside `async with`"
        return self._client

    @property
    def joined(self) -> Joined:
        """The welcome, with the game's payload."""
        assert self.client.joined is not None
        return self.client.joined

    @property
    def stats(self) -> Stats:
        return self.client.stats

    @property
    def tick(self) -> int:
        """Of the newest snapshot."""
        return self.client.tick

    def entities(self) -> Iterator[Entity]:
        """All that the player sees, as of the newest snapshot."""
        return self.client.entities()

    @property
    def avatar(self) -> Entity | None:
        """The first entity that the player owns."""
        return next((entity for entity in self.entities() if entity.is_own), None)

    def events(self) -> Iterator[tuple[str, Any]]:
        """The game's events since the last call: name and value."""
        for event in self.client.take_events():
            yield event.name, event.value

    async def next_snapshot(self) -> Snapshot:
        """The newest state of the game, as soon as there is one that this has not given yet. Who is slow misses states,
        not the newest. Raises ConnectionEnded when there will be none."""
        while (snapshot := self.client.take_snapshot()) is None:
            await self._wait()
        return snapshot

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """All states of the game, until this client leaves; raises ConnectionEnded if the server ends it."""
        try:
            while True:
                yield await self.next_snapshot()
        except Left:
            return

    # What the player does

    def send_input(self, **values: Any) -> None:
        """What the player does from the next tick on; what is not named is as in the default input."""
        self.client.set_input(**values)

    def send_event(self, name: str, value: Any = None) -> bool:
        """Sends an event of the game; False if too many wait already."""
        return self.client.send_event(name, value)

    async def leave(self) -> None:
        """Disconnects, and waits until that is told."""
        if self._client is not None and self._client.error is None:
            self._client.leave(self._loop.time())
            self._flush()
            await asyncio.sleep(0)
        self._close()

    async def come_back(self, token: Token | str | bytes) -> None:
        """Gives this connection up and makes another one with what is held, as after a loss."""
        parsed = Token.parse(token)
        await self._open_all(parsed)
        client = self._client = self._new_client(parsed, self.client.abandon())
        self._step(self._loop.time())
        while client.joined is None and self._client is client:
            await self._wait()
        self.came_back += 1

    # The loop

    def _new_client(self, token: Token, held: Held | None) -> Client:
        return Client(token, self.schema, self._loop.time(), held=held, on_tick=self._on_tick, watch=self._watch)

    async def _open_all(self, token: Token) -> None:
        """A socket for each family of the servers' addresses."""
        for family in {_family(address) for address in token.servers} - set(self._sockets):
            transport, _ = await self._loop.create_datagram_endpoint(lambda: _Socket(self), family=family)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BYTES)
            self._sockets[family] = transport

    def _received(self, data: bytes, sender: tuple[Any, ...]) -> None:
        now_s = self._loop.time()
        try:
            self.client.receive(data, Address(sender[0], sender[1]), now_s)
        except Exception as e:  # of the game's own `on_tick`
            self._fail(e)
        self._after(now_s)

    def _step(self, now_s: float) -> None:
        try:
            self.client.advance(now_s)
        except Exception as e:  # of the game's own `on_tick`
            self._fail(e)
        self._after(now_s)

    def _after(self, now_s: float) -> None:
        """Sends what waits, sets the timer, and wakes who awaits."""
        client = self.client
        self._flush()
        if self._timer is not None:
            self._timer.cancel()
        next_s = client.next_s()
        if next_s != float("inf"):
            self._timer = self._loop.call_at(max(next_s, now_s), lambda: self._step(self._loop.time()))
        lost = client.is_silent(now_s) if client.error is None else isinstance(client.error, TimedOut)
        if lost and self._fetch_token is not None and self._returning is None and client.joined is not None:
            self._returning = self._loop.create_task(self._return())
        if client.snapshot is not None or client.error is not None or client.joined is not None:
            self._news.set()

    async def _return(self) -> None:
        """Comes back with a fresh token, and tries again until the server has spoken."""
        assert self._fetch_token is not None
        try:
            while True:
                try:
                    await self.come_back(await self._fetch_token())
                    return
                except (FetchFailed, OSError, TimedOut, Disconnected):
                    await asyncio.sleep(_RETRY_FETCH_S)
        except Exception as e:
            self._fail(e)
        finally:
            self._returning = None
            self._news.set()

    def _flush(self) -> None:
        for data, address in self.client.take_outgoing():
            transport = self._sockets.get(_family(address))
            if transport is not None and not transport.is_closing():
                transport.sendto(data, (address.host, address.port))

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = error
            self.client.leave(self._loop.time())
        self._news.set()

    async def _wait(self) -> None:
        """For anything new; raises what ended the connection."""
        if self._failure is not None:
            raise self._failure
        error = self.client.error
        returning = self._returning is not None and asyncio.current_task() is not self._returning
        if error is not None and not returning:
            raise error
        self._news.clear()
        await self._news.wait()

    def _close(self) -> None:
        if self._returning is not None:
            self._returning.cancel()
        if self._timer is not None:
            self._timer.cancel()
        for transport in self._sockets.values():
            transport.close()
        self._sockets.clear()


def _family(address: Address) -> int:
    return socket.AF_INET6 if address.is_ipv6 else socket.AF_INET


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, world: World) -> None:
        self._world = world

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._world._received(data, addr)

    def error_received(self, exc: Exception) -> None:
        """As if the datagram had been lost."""


async def fetch_token(admin_url: str, client_id: int) -> str:
    """A connect token of a server's admin endpoint. Players of a real game get theirs from its backend."""
    answer = await asyncio.to_thread(_ask, f"{admin_url.rstrip('/')}/token", {"client_id": client_id})
    return str(answer["token"])


async def fetch_schema(admin_url: str) -> Schema:
    """The schema, of a server's admin endpoint."""
    return Schema.load(await asyncio.to_thread(_ask, f"{admin_url.rstrip('/')}/schema"))


def _ask(url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Asks for a JSON object: with POST if there is a body."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=_FETCH_TIMEOUT_S) as answer:
            document: dict[str, Any] = json.loads(answer.read())
            return document
    except (OSError, ValueError) as e:
        if isinstance(e, urllib.error.HTTPError):
            e.close()
        raise FetchFailed(f"{url}: {e}") from e
