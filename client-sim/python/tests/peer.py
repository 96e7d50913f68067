"""A server of netcode for tests without a network: it has no secrets of its own, and trusts everybody."""

from __future__ import annotations

import struct
from collections import Counter, deque

from tidelock import packets
from tidelock.netcode import State
from tidelock.packets import Opener, Sealer
from tidelock.token import Address, Token

C2S_KEY, S2C_KEY = b"\x01" * 32, b"\x02" * 32
HERE = Address("10.0.0.1", 7777)
THERE = Address("10.0.0.2", 7777)


def token(*servers: Address, timeout_s: int = 5, lifetime_s: int = 30) -> Token:
    return Token(
        protocol_id=7,
        create_s=1000,
        expire_s=1000 + lifetime_s,
        nonce=bytes(24),
        sealed=bytes(1024),
        timeout_s=timeout_s,
        servers=servers or (HERE,),
        client_to_server_key=C2S_KEY,
        server_to_client_key=S2C_KEY,
    )


class Wire:
    """Stands where netcode does: connected, and keeps what is sent."""

    def __init__(self) -> None:
        self.state = State.CONNECTED
        self.error: Exception | None = None
        self.dropped: Counter[str] = Counter()
        self.outgoing: deque[tuple[bytes, object]] = deque()
        self.sent: list[bytes] = []

    def send(self, payload: bytes, now_s: float) -> None:
        self.sent.append(payload)

    def leave(self, now_s: float, error: Exception | None = None) -> None:
        self.error = self.error or error


class Peer:
    """Answers a client's packets; `payloads` are what the client sent."""

    def __init__(self, address: Address = HERE, *, denies: bool = False) -> None:
        self.address = address
        self.payloads: list[bytes] = []
        self.disconnects = 0
        self._denies = denies
        self._sealer = Sealer(S2C_KEY, 7)
        self._opener = Opener(C2S_KEY, 7)
        self._sequence = 0
        self._outside = 1 << 63

    def answer(self, packet: bytes) -> list[bytes]:
        if packet[0] == packets.REQUEST:
            self._outside += 1
            kind, body = (packets.DENIED, b"") if self._denies else (packets.CHALLENGE, bytes(308))
            return [self._sealer.seal(kind, self._outside, body)]
        kind, body = self._opener.open(packet, (packets.RESPONSE, *range(packets.KEEP_ALIVE, 7)))
        if kind == packets.RESPONSE:
            return [self.seal(packets.KEEP_ALIVE, struct.pack("<II", 3, 8))]
        if kind == packets.PAYLOAD:
            self.payloads.append(body)
        elif kind == packets.DISCONNECT:
            self.disconnects += 1
        return []

    def seal(self, kind: int, body: bytes = b"") -> bytes:
        self._sequence += 1
        return self._sealer.seal(kind, self._sequence - 1, body)

    def payload(self, payload: bytes) -> bytes:
        return self.seal(packets.PAYLOAD, payload)


def run(client, peers: list[Peer], until_s: float, now_s: float = 0.0, step_s: float = 0.01) -> float:
    """Lets a client (or a Netcode) and servers talk, with nothing lost."""
    take = getattr(client, "take_outgoing", None)
    while now_s < until_s:
        client.advance(now_s)
        outgoing = list(take()) if take else [client.outgoing.popleft() for _ in range(len(client.outgoing))]
        for packet, address in outgoing:
            for peer in peers:
                if peer.address == address:
                    for answer in peer.answer(packet):
                        client.receive(answer, address, now_s)
        now_s += step_s
    return now_s
