"""Connect tokens: the part that a client can read (section 11)."""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from .errors import TokenInvalid

VERSION = b"NETCODE 1.02\0"
TOKEN_BYTES = 2048
SERVERS_MAX = 32


@dataclass(frozen=True)
class Address:
    """Where a server is."""

    host: str
    port: int

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.host

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if self.is_ipv6 else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Token:
    """A connect token. It is as good as its player: keep it off logs."""

    protocol_id: int
    create_s: int
    expire_s: int
    nonce: bytes = field(repr=False)
    sealed: bytes = field(repr=False)
    timeout_s: int
    servers: tuple[Address, ...]
    client_to_server_key: bytes = field(repr=False)
    server_to_client_key: bytes = field(repr=False)

    @classmethod
    def parse(cls, token: Token | str | bytes) -> Token:
        """From base64 text, or from the 2,048 bytes."""
        if isinstance(token, Token):
            return token
        if isinstance(token, str) or len(token) != TOKEN_BYTES:
            try:
                token = base64.b64decode(token, validate=False)
            except (binascii.Error, ValueError) as e:
                raise TokenInvalid(f"the connect token is no base64: {e}") from None
        if len(token) != TOKEN_BYTES:
            raise TokenInvalid(f"a connect token has {TOKEN_BYTES} bytes, this has {len(token)}")
        if token[:13] != VERSION:
            raise TokenInvalid("the connect token is of another version of netcode")
        protocol_id, create_s, expire_s = struct.unpack_from("<QQQ", token, 13)
        if expire_s < create_s:
            raise TokenInvalid("the connect token expires before it was made")
        nonce, sealed = token[37:61], token[61:1085]
        (timeout_s,) = struct.unpack_from("<i", token, 1085)
        servers, at = read_servers(token, 1089)
        return cls(
            protocol_id=protocol_id,
            create_s=create_s,
            expire_s=expire_s,
            nonce=nonce,
            sealed=sealed,
            timeout_s=timeout_s,
            servers=servers,
            client_to_server_key=token[at : at + 32],
            server_to_client_key=token[at + 32 : at + 64],
        )


def read_servers(data: bytes, at: int) -> tuple[tuple[Address, ...], int]:
    """Those of a server list that begins there, and where it ends."""
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    if not 1 <= count <= SERVERS_MAX:
        raise TokenInvalid(f"a connect token names 1 to {SERVERS_MAX} servers, this names {count}")
    servers = []
    for _ in range(count):
        if data[at] == 1:
            host = str(IPv4Address(data[at + 1 : at + 5]))
            at += 5
        elif data[at] == 2:
            segments = struct.unpack_from("<8H", data, at + 1)
            host = str(IPv6Address(struct.pack(">8H", *segments)))
            at += 17
        else:
            raise TokenInvalid(f"an address of type {data[at]}, which is neither IPv4 nor IPv6")
        (port,) = struct.unpack_from("<H", data, at)
        at += 2
        servers.append(Address(host, port))
    return tuple(servers), at
