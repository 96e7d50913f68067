"""What a client keeps of a connection that is lost, and how it claims that it does (section 5, Coming back)."""

from __future__ import annotations

from dataclasses import dataclass

from . import control
from .control import Claim, Claimed
from .hashes import fnv_1a
from .store import Store, proof

HELLO_BYTES_MAX = 4_096


@dataclass
class Held:
    store: Store
    payload: bytes
    newest_tick: int


def claim_of(held: Held) -> Claim:
    """Claims what is shown, and forgets all else. Of the highest public indices fewer, if the hello grows too long."""
    claimed = sorted(
        (
            Claimed(audience, stream.index, stream.ticks[-1], proof(audience, stream))
            for audience, stream in held.store.shown()
        ),
        key=lambda stream: (-stream.audience, stream.index),
    )
    claim = Claim(fnv_1a(held.payload), tuple(claimed))
    while len(control.hello(0, claim)) > HELLO_BYTES_MAX:
        claimed = claimed[: len(claimed) * 15 // 16]
        claim = Claim(claim.payload_hash, tuple(claimed))
    held.store.keep_only({(stream.audience, stream.index) for stream in claimed})
    return claim
