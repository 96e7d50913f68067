"""Minting: how a backend makes connect tokens (section 16). Its secrets are an argument: nothing here is random."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

from .aead import Aead
from .token import SERVERS_MAX, TOKEN_BYTES, VERSION, Address

SECRET_BYTES = 88  # two keys and a nonce, fresh from `secrets.token_bytes` for each token
PRIVATE_BYTES = 1008
USER_DATA_BYTES = 256


def mint(
    private_key: bytes,
    *,
    protocol_id: int,
    client_id: int,
    servers: Sequence[Address],
    create_s: int,
    lifetime_s: int,
    secret: bytes,
    timeout_s: int = 10,
    user_data: bytes = bytes(USER_DATA_BYTES),
) -> bytes:
    """A connect token, 2,048 bytes. It is to travel encrypted, and to be written to no log."""
    if len(private_key) != 32 or len(secret) != SECRET_BYTES or len(user_data) != USER_DATA_BYTES:
        raise ValueError("a private key has 32 bytes, the secrets of a token 88, user data 256")
    if not 1 <= len(servers) <= SERVERS_MAX:
        raise ValueError(f"a token names 1 to {SERVERS_MAX} servers")
    expire_s = create_s + lifetime_s
    nonce = secret[64:]
    server_list = struct.pack("<I", len(servers)) + b"".join(_address(server) for server in servers)
    private = private_part(client_id, timeout_s, server_list + secret[:64], user_data)
    data = VERSION + struct.pack("<QQ", protocol_id, expire_s)
    token = VERSION + struct.pack("<QQQ", protocol_id, create_s, expire_s) + nonce
    token += seal_private(private_key, nonce, private, data)
    token += struct.pack("<i", timeout_s) + server_list + secret[:64]
    return token.ljust(TOKEN_BYTES, b"\0")


def private_part(client_id: int, timeout_s: int, servers_and_keys: bytes, user_data: bytes) -> bytes:
    part = struct.pack("<Qi", client_id, timeout_s) + servers_and_keys + user_data
    return part.ljust(PRIVATE_BYTES, b"\0")


def seal_private(private_key: bytes, nonce: bytes, private: bytes, data: bytes) -> bytes:
    """XChaCha20-Poly1305: a key made of the nonce's first 16 bytes seals with its last 8."""
    (sequence,) = struct.unpack("<Q", nonce[16:])
    return Aead(hchacha20(private_key, nonce[:16])).seal(sequence, private, data)


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))
    for _ in range(10):
        for column in range(4):
            _quarter(state, column, column + 4, column + 8, column + 12)
        for column in range(4):
            _quarter(state, column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
    return struct.pack("<8I", *state[:4], *state[12:])


def _quarter(state: list[int], a: int, b: int, c: int, d: int) -> None:
    for plus, into, other, turn in ((b, a, d, 16), (d, c, b, 12), (b, a, d, 8), (d, c, b, 7)):
        state[into] = (state[into] + state[plus]) & 0xFFFFFFFF
        mixed = state[other] ^ state[into]
        state[other] = (mixed << turn | mixed >> (32 - turn)) & 0xFFFFFFFF


def _address(address: Address) -> bytes:
    if address.is_ipv6:
        segments = struct.unpack(">8H", IPv6Address(address.host).packed)
        return struct.pack("<B8HH", 2, *segments, address.port)
    return b"\x01" + IPv4Address(address.host).packed + struct.pack("<H", address.port)
