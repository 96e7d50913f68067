"""The client: datagrams and the time go in, datagrams and events come out. No sockets, no clocks, no chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import control, frozen
from .bits import BitReader, Malformed, nearest
from .body import write_body
from .channel import Channel, Messages, StreamEnded
from .clock import TickClock
from .codes import CodeBook
from .control import EventMessage, Welcome
from .entity import Entity, entities_of
from .errors import BrokenProtocol, ConnectionEnded
from .header import Header, read_header
from .held import Held, claim_of
from .inbox import Event, Inbox
from .messages import UNRELIABLE_BYTES_MAX
from .netcode import Netcode, State
from .parts import Layout
from .player import OnTick, Player
from .schema import WIRE_VERSION, Schema
from .snapshots import Snapshot, Snapshots, Watcher
from .stats import Stats
from .store import Store
from .token import Address, Token

SEND_AT_LEAST_EVERY_S = 0.05
EVENT_BYTES_MAX = 4_094
SILENCE_INTERVALS = 8
SILENCE_INTERVAL_LEAST_S = 0.1
SLACK_TICKS = 3
SLACK_INTERVAL_LEAST_S = 0.1
SLACK_BEFORE_WELCOME_S = 0.2


@dataclass(frozen=True)
class Joined:
    """The welcome: the game's own payload, and whether what was held before is still good."""

    tick: int
    tick_hz: int
    snapshot_hz: int
    payload: bytes
    resumed: bool
    state_kept: bool


class Client:
    """One connection of one player. After each call, send what is in `take_outgoing`, and call `advance` again
    by `next_s`."""

    def __init__(
        self,
        token: Token,
        schema: Schema,
        now_s: float,
        *,
        held: Held | None = None,
        on_tick: OnTick | None = None,
        watch: Watcher | None = None,
    ) -> None:
        self.schema = schema
        self.stats = Stats()
        self.joined: Joined | None = None
        self.snapshot: Snapshot | None = None  # what is shown, if it has not been taken yet
        self.player = Player(schema, on_tick)
        self._netcode = Netcode(token, now_s)
        self._channel = Channel()
        self._inbox = Inbox(schema, self.stats)
        self._snapshots: Snapshots | None = None  # since the welcome
        self._held = held
        self._watch = watch
        self._server_has_spoken = False
        self._heard_at_s = now_s
        self._send_at_s = now_s
        self._whole_tick: int | None = None
        self._desync_id: int | None = None  # of the fragment that tells of one, until it is acknowledged
        self._level = 0
        self._dilation = 0
        self._channel.outgoing.push(control.hello(schema.hash, claim_of(held) if held is not None else None))

    # Time and datagrams

    def receive(self, packet: bytes, sender: Address, now_s: float) -> None:
        """Takes what came from the network. It raises nothing but what the game's own `on_tick` does."""
        was_connected = self.is_connected
        payload = self._netcode.receive(packet, sender, now_s)
        if payload is not None:
            self._take_payload(payload, now_s)
        elif not was_connected and self.is_connected:
            self._heard_at_s = self._send_at_s = now_s
            self.advance(now_s)

    def advance(self, now_s: float) -> None:
        """Does what is due."""
        self._netcode.advance(now_s)
        if not self.is_connected:
            return
        self._channel.settle_lost(now_s, self._slack_s())
        for _ in self.player.run_ticks(now_s):
            self._send(now_s)
        if now_s >= self._send_at_s:
            self._send(now_s)

    def next_s(self) -> float:
        """When `advance` has something to do next; infinity after the end."""
        if not self.is_connected:
            return self._netcode.next_s()
        return min(self._netcode.next_s(), self._send_at_s, self.player.next_s())

    def take_outgoing(self) -> Iterator[tuple[bytes, Address]]:
        """What is to be sent now, and where to."""
        outgoing = self._netcode.outgoing
        while outgoing:
            yield outgoing.popleft()

    def leave(self, now_s: float, error: ConnectionEnded | None = None) -> None:
        """Disconnects. The server does not keep the player's place."""
        self._netcode.leave(now_s, error)

    def abandon(self) -> Held | None:
        """Gives the connection up without a word, so that the place waits; what is held is for the next one."""
        held = self._held
        if self._snapshots is not None and self.joined is not None:
            held = Held(self._snapshots.store, self.joined.payload, self._snapshots.newest_tick)
        self._netcode.abandon()
        return held

    # What the player does

    def set_input(self, **values: Any) -> None:
        """What the player does from the next tick on. What is not named is as in the default input."""
        self.player.set_input(values)

    def send_event(self, name: str, value: Any = None) -> bool:
        """Sends an event of the game; False if too many wait already."""
        event = self.schema.event_named(name)
        body = write_body(event.shape, {} if value is None and event.is_struct else value)
        message = control.event(event.id, body)
        if len(body) > EVENT_BYTES_MAX or (not event.reliable and len(message) > UNRELIABLE_BYTES_MAX):
            raise ValueError(f"a body of {len(body)} bytes is too long for an event {name!r}")
        if event.reliable:
            return self._channel.outgoing.push(message) is not None
        return self._channel.push_unreliable(message)

    # What the player sees

    @property
    def error(self) -> ConnectionEnded | None:
        """What ended the connection."""
        return self._netcode.error

    @property
    def is_connected(self) -> bool:
        return self._netcode.state is State.CONNECTED

    @property
    def tick(self) -> int:
        """Of the newest snapshot."""
        return self._snapshots.newest_tick & 0xFFFFFFFF if self._snapshots is not None else 0

    @property
    def store(self) -> Store | None:
        return self._snapshots.store if self._snapshots is not None else None

    def entities(self) -> Iterator[Entity]:
        """All that is shown, as of the newest snapshot."""
        return entities_of(self.schema, self._snapshots.store) if self._snapshots is not None else iter(())

    def take_snapshot(self) -> Snapshot | None:
        """What is shown, if it has changed since the last call."""
        snapshot, self.snapshot = self.snapshot, None
        return snapshot

    def take_events(self) -> Iterator[Event]:
        """The game's events since the last call, in order."""
        return self._inbox.take()

    def is_silent(self, now_s: float) -> bool:
        """Whether the connection is as good as lost, for one that plays."""
        if self.joined is None:
            return False
        interval_s = max(SILENCE_INTERVAL_LEAST_S, 1.0 / self.joined.snapshot_hz)
        limit_s = SILENCE_INTERVALS * interval_s * (2 if self._level else 1) * (1 + self._dilation / 100)
        if not self.stats.snapshots:
            limit_s += self._channel.sent.round_trip.srtt_s
        return now_s - self._heard_at_s > limit_s

    # Receiving

    def _take_payload(self, payload: bytes, now_s: float) -> None:
        self.stats.datagrams += 1
        self._server_has_spoken = True
        self._heard_at_s = now_s
        kind = payload[0] & 15
        try:
            if kind == frozen.FAREWELL:
                self._netcode.leave(now_s, frozen.read_farewell(payload))
                self.stats.farewells += 1
            elif kind == WIRE_VERSION:
                self._take_datagram(BitReader(payload), now_s)
            else:
                raise Malformed("a datagram of another version")
        except StreamEnded as e:
            self.stats.malformed += 1
            self._netcode.leave(now_s, BrokenProtocol(str(e)))
        except Malformed:
            self.stats.malformed += 1

    def _take_datagram(self, reader: BitReader, now_s: float) -> None:
        stats, channel = self.stats, self._channel
        # A datagram counts as far as it can be read: each part is taken before the next is looked at.
        head = channel.read_head(reader)
        if head is None:
            stats.stale += 1
            return
        if head.report is not None:
            channel.take_report(head.report, now_s)
            self._settle_desync()
        messages = channel.read_messages(reader, self._inbox.has_room)
        if messages is None:
            stats.no_room += 1
            return
        self._take_messages(messages)
        snapshots = self._snapshots
        header = read_header(reader, snapshots.newest_tick if snapshots is not None else 0)
        if header is not None:
            if snapshots is None:
                stats.before_welcome += 1
                return
            if not snapshots.take(reader, header, head.sequence):
                self._tell_desync()
                return
            self._take_header(header, now_s)
        channel.accept(head.sequence, now_s)
        stats.accepted += 1
        if self._snapshots is not None:
            self._show(self._snapshots, header)

    def _take_messages(self, messages: Messages) -> None:
        for message in messages.reliable:
            try:
                read = control.read_server_message(message)
            except Malformed:
                read = None
            if self.joined is None:
                if not (isinstance(read, Welcome) and self._is_welcomed(read)):
                    raise StreamEnded("the server's first message is no welcome")
            elif isinstance(read, EventMessage):
                self._inbox.put(read, reliable=True)
            else:
                self.stats.messages_malformed += 1
        if self.joined is None:
            return
        for message in messages.unreliable:
            if len(message) < 2 or message[0] != control.EVENT_TO_CLIENT:
                self.stats.messages_malformed += 1
            else:
                self._inbox.put(EventMessage(message[1], message[2:]), reliable=False)

    def _is_welcomed(self, welcome: Welcome) -> bool:
        """Takes the welcome, unless it speaks of what was not claimed."""
        held = self._held
        payload = welcome.payload if welcome.payload is not None else held.payload if held is not None else None
        if payload is None or (welcome.state_kept and held is None):
            return False
        tick, store = welcome.tick, Store()
        if held is not None and welcome.state_kept:
            tick, store = nearest(tick, 32, held.newest_tick), held.store
        layouts = tuple(
            Layout(components, audience, welcome.tick_hz) for audience, components in enumerate(self.schema.streams)
        )
        book = CodeBook(self.schema.codes)
        self._snapshots = Snapshots(layouts, book, store, tick, self.stats, self._watch)
        self.player.clock = TickClock(welcome.tick_hz)
        self._held = None
        self.joined = Joined(
            welcome.tick, welcome.tick_hz, welcome.snapshot_hz, payload, welcome.resumed, welcome.state_kept
        )
        return True

    def _take_header(self, header: Header, now_s: float) -> None:
        """What a snapshot tells of the server's time and of our inputs."""
        assert self.joined is not None and self.player.clock is not None
        sent = self._channel.sent
        if header.index == 0:
            self._level, self._dilation = header.level, header.dilation
            self.player.clock.dilation = header.dilation
        self.player.steer(header.tick, sent.round_trip.srtt_s, self.joined.tick_hz, sent.next_sequence, now_s)
        if header.inputs is not None:
            self.player.take_report(header.tick, header.inputs, sent.newest_acked, sent.next_sequence, now_s)

    def _show(self, snapshots: Snapshots, header: Header | None) -> None:
        """After a datagram was accepted: tells the player what is shown now."""
        whole_ticks = snapshots.check(self._channel.received)
        self._tell_desync()
        newest = snapshots.newest_tick
        has_become_whole = newest in whole_ticks
        if has_become_whole:
            self.stats.snapshots_whole += 1
            self._whole_tick = newest
        is_whole = newest == self._whole_tick and not snapshots.has_desync_pending
        if header is not None:
            self.stats.snapshots += 1
        # One that waits to be taken is brought up to date, as what is shown has changed.
        if has_become_whole or (header is not None and (header.after == 0 or self.snapshot is not None)):
            self.snapshot = Snapshot(newest & 0xFFFFFFFF, is_whole)
        self.stats.note(self._channel.sent, self.player.inputs_missed, self.player.clock, self._netcode.dropped)

    def _tell_desync(self) -> None:
        if self._snapshots is not None and self._snapshots.desync_tick is not None:
            self._desync_id = self._channel.outgoing.push(control.desync(self._snapshots.desync_tick))
            self._snapshots.desync_tick = None

    def _settle_desync(self) -> None:
        if self._snapshots is None or self._desync_id is None:
            return
        if self._channel.outgoing.is_settled(self._desync_id):
            self._desync_id = None
            self._snapshots.desync_heard(self._channel.received.newest + 1)

    # Sending

    def _slack_s(self) -> float:
        """How long both ends may sit on an ack."""
        if self.joined is None:
            return SLACK_BEFORE_WELCOME_S
        return SLACK_TICKS / self.joined.tick_hz + max(SLACK_INTERVAL_LEAST_S, 1.0 / self.joined.snapshot_hz)

    def _send(self, now_s: float) -> None:
        if not self._server_has_spoken:
            self._netcode.send(frozen.greeting(WIRE_VERSION), now_s)
        writer = self._channel.write(now_s)
        self.player.write(writer)
        self._netcode.send(writer.to_bytes(), now_s)
        self._send_at_s = now_s + SEND_AT_LEAST_EVERY_S
        self.stats.datagrams_sent += 1
