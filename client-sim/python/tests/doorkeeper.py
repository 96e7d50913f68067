"""Which connection requests a server answers, as section 13 has it: steps 1, 2, 5 and 6, which need no memory."""

from __future__ import annotations

import struct
from typing import Any

from tidelock.aead import Aead
from tidelock.errors import TokenInvalid
from tidelock.mint import PRIVATE_BYTES, hchacha20
from tidelock.packets import Dropped
from tidelock.token import VERSION, read_servers

REQUEST_BYTES = 1078


def read_request(request: bytes, given: dict[str, Any]) -> dict[str, Any]:
    """What is sealed in it; or raises Dropped."""
    if len(request) != REQUEST_BYTES:
        raise Dropped("size_invalid")
    version, protocol_id, expire_s, nonce, sealed = struct.unpack("<x13sQQ24s1024s", request)
    if version != VERSION:
        raise Dropped("version_mismatch")
    if protocol_id != int(given["protocol_id"], 16):
        raise Dropped("protocol_mismatch")
    now_s, floor_s = int(given["unix_s"], 16), given["floor_unix_s"]
    if expire_s <= now_s:
        raise Dropped("token_expired")
    if floor_s is not None and expire_s < int(floor_s, 16):
        raise Dropped("token_predates_start")
    if expire_s > now_s + given["token_lifetime_max_s"]:
        raise Dropped("token_lives_too_long")
    key = hchacha20(bytes.fromhex(given["private_key"]), nonce[:16])
    data = VERSION + struct.pack("<QQ", protocol_id, expire_s)
    private = Aead(key).open(int.from_bytes(nonce[16:], "little"), sealed, data)
    if private is None:
        raise Dropped("token_undecryptable")
    assert len(private) == PRIVATE_BYTES
    try:
        servers, _ = read_servers(private, 12)
    except TokenInvalid:
        raise Dropped("token_malformed") from None
    if given["address"] not in map(str, servers):
        raise Dropped("token_for_other_server")
    return {
        "client_id": f"{int.from_bytes(private[:8], 'little'):#018x}",
        "expire_unix_s": f"{expire_s:#018x}",
        "servers": [str(server) for server in servers],
    }
