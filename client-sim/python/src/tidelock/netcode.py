"""Netcode: the client's side of a connection, without sockets or clocks (sections 13 and 14)."""

from __future__ import annotations

import struct
from collections import Counter, deque
from enum import Enum

from . import packets
from .errors import ConnectionEnded, Denied, Disconnected, Left, TimedOut, TokenExpired
from .packets import Dropped, Opener, Sealer
from .token import Address, Token

RETRY_S = 0.1
KEEP_ALIVE_S = 0.1
DISCONNECTS = 10


class State(Enum):
    REQUESTING = "requesting"
    RESPONDING = "responding"
    CONNECTED = "connected"
    ENDED = "ended"


_EXPECTED = {
    State.REQUESTING: (packets.DENIED, packets.CHALLENGE),
    State.RESPONDING: (packets.DENIED, packets.KEEP_ALIVE),
    State.CONNECTED: (packets.KEEP_ALIVE, packets.PAYLOAD, packets.DISCONNECT),
    State.ENDED: (),
}


class Netcode:
    """One connection: packets go in by `receive`, time by `advance`, packets come out in `outgoing`."""

    def __init__(self, token: Token, now_s: float) -> None:
        self.state = State.REQUESTING
        self.error: ConnectionEnded | None = None
        self.outgoing: deque[tuple[bytes, Address]] = deque()
        self.dropped: Counter[str] = Counter()
        self.client_index = 0
        self.max_clients = 0
        self._token = token
        self._sealer = Sealer(token.client_to_server_key, token.protocol_id)
        self._opener = Opener(token.server_to_client_key, token.protocol_id)
        self._sequence = 0
        self._server = 0
        self._challenge = b""
        self._expires_at_s = now_s + (token.expire_s - token.create_s)
        self._heard_at_s = now_s
        self._sent_at_s = now_s - RETRY_S

    @property
    def server(self) -> Address:
        return self._token.servers[self._server]

    def next_s(self) -> float:
        """When `advance` has something to do next."""
        if self.state is State.ENDED:
            return float("inf")
        due_s = self._sent_at_s + RETRY_S
        return min(due_s, self._heard_at_s + self._token.timeout_s) if self._token.timeout_s >= 1 else due_s

    def receive(self, packet: bytes, sender: Address, now_s: float) -> bytes | None:
        """Takes a packet; gives the payload, if it is one."""
        try:
            kind, body = self._opener.open(packet, _EXPECTED[self.state], is_from_peer=sender == self.server)
        except Dropped as e:
            self.dropped[str(e)] += 1
            return None
        self._heard_at_s = now_s
        if kind == packets.DENIED:
            self._try_next(Denied(), now_s)
        elif kind == packets.CHALLENGE:
            self._challenge = body
            self.state = State.RESPONDING
            self._repeat(now_s)
        elif kind == packets.KEEP_ALIVE:
            if self.state is State.RESPONDING:
                self.client_index, self.max_clients = struct.unpack("<II", body)
                self.state = State.CONNECTED
                self._repeat(now_s)
        elif kind == packets.DISCONNECT:
            self._end(Disconnected())
        else:
            return body
        return None

    def advance(self, now_s: float) -> None:
        """Repeats what got no answer, keeps the connection alive, and gives up in time."""
        if self.state is State.ENDED:
            return
        connecting = self.state is not State.CONNECTED
        if connecting and now_s >= self._expires_at_s:
            self._end(TokenExpired())
            return
        if self._token.timeout_s > 0 and now_s - self._heard_at_s >= self._token.timeout_s:
            what = {State.REQUESTING: "request", State.RESPONDING: "response"}.get(self.state, "connection")
            error = TimedOut(f"{what}_timed_out", f"the server has not been heard of: {what} timed out")
            if not connecting:
                self._end(error)
                return
            self._try_next(error, now_s)
        if now_s - self._sent_at_s >= RETRY_S - 1e-6:
            self._repeat(now_s)

    def send(self, payload: bytes, now_s: float) -> None:
        """Sends a payload; only a connection that stands takes one."""
        if self.state is State.CONNECTED:
            self._send(packets.PAYLOAD, payload, now_s)

    def leave(self, now_s: float, error: ConnectionEnded | None = None) -> None:
        """Disconnects at once: ten packets, as nobody acknowledges one."""
        if self.state is State.CONNECTED:
            for _ in range(DISCONNECTS):
                self._send(packets.DISCONNECT, b"", now_s)
        self._end(error or Left())

    def abandon(self) -> None:
        """Ends without a word: the place of the player is to wait for it."""
        self._end(Left())

    def _repeat(self, now_s: float) -> None:
        if self.state is State.REQUESTING:
            self.outgoing.append((packets.request(self._token), self.server))
            self._sent_at_s = now_s
        elif self.state is State.RESPONDING:
            self._send(packets.RESPONSE, self._challenge, now_s)
        elif self.state is State.CONNECTED:
            self._send(packets.KEEP_ALIVE, bytes(8), now_s)

    def _send(self, kind: int, body: bytes, now_s: float) -> None:
        self.outgoing.append((self._sealer.seal(kind, self._sequence, body), self.server))
        self._sequence += 1
        self._sent_at_s = now_s

    def _try_next(self, error: ConnectionEnded, now_s: float) -> None:
        if self._server + 1 == len(self._token.servers):
            self._end(error)
            return
        self._server += 1
        self._opener.forget()
        self.state = State.REQUESTING
        self._heard_at_s = now_s
        self._repeat(now_s)

    def _end(self, error: ConnectionEnded) -> None:
        if self.state is not State.ENDED:
            self.state = State.ENDED
            self.error = error
