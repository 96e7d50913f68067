"""Connect tokens, and as much of a client as it takes to be let in: shared/PROTOCOL.md, sections 11 to 16."""

import base64
import socket
import struct
from collections import namedtuple

import chacha

VERSION = b"NETCODE 1.02\0"
TOKEN_BYTES = 2048
PRIVATE_BYTES = 1008

CHALLENGE, RESPONSE, KEEP_ALIVE, PAYLOAD, DISCONNECT = 2, 3, 4, 5, 6

Token = namedtuple("Token", "protocol_id create expire nonce sealed timeout servers to_server to_client rest")
Private = namedtuple("Private", "client_id timeout servers to_server to_client user_data rest")


def server_list(data, at):
    """Addresses as `IP:port` text, and where they end."""
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    servers = []
    for _ in range(count):
        if data[at] == 1:
            ip, (port,) = ".".join(map(str, data[at + 1 : at + 5])), struct.unpack_from("<H", data, at + 5)
            at += 7
        elif data[at] == 2:
            segments = struct.unpack_from("<8H", data, at + 1)
            ip, (port,) = f"[{socket.inet_ntop(socket.AF_INET6, struct.pack('>8H', *segments))}]", struct.unpack_from("<H", data, at + 17)
            at += 19
        else:
            raise ValueError(f"address of type {data[at]}")
        servers.append(f"{ip}:{port}")
    return servers, at


def read_token(text):
    data = base64.b64decode(text, validate=True)
    if len(data) != TOKEN_BYTES or data[:13] != VERSION:
        raise ValueError("no connect token of netcode 1.02")
    protocol_id, create, expire = struct.unpack_from("<QQQ", data, 13)
    (timeout,) = struct.unpack_from("<i", data, 1085)
    servers, at = server_list(data, 1089)
    keys = data[at : at + 32], data[at + 32 : at + 64]
    return Token(protocol_id, create, expire, data[37:61], data[61:1085], timeout, servers, *keys, data[at + 64 :])


def private_part(token, key):
    associated = VERSION + struct.pack("<QQ", token.protocol_id, token.expire)
    data = chacha.open_sealed(*chacha.extended(key, token.nonce), token.sealed, associated)
    client_id, timeout = struct.unpack_from("<Qi", data, 0)
    servers, at = server_list(data, 12)
    return Private(
        client_id, timeout, servers, data[at : at + 32], data[at + 32 : at + 64], data[at + 64 : at + 320], data[at + 320 :]
    )


class Client:
    """A client on one socket, without resending: for loopback."""

    def __init__(self, token, address, timeout_s):
        self.token = token
        self.sequence = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(timeout_s)
        self.socket.connect(address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.send(DISCONNECT, b"")
        self.socket.close()

    def connect(self):
        """Its slot, and how many the server has. socket.timeout if the server does not answer."""
        token = self.token
        self.socket.send(b"\0" + VERSION + struct.pack("<QQ", token.protocol_id, token.expire) + token.nonce + token.sealed)
        self.send(RESPONSE, self.receive(CHALLENGE))
        answer = struct.unpack("<II", self.receive(KEEP_ALIVE))
        self.send(KEEP_ALIVE, bytes(8))
        return answer

    def associated(self, prefix):
        return VERSION + struct.pack("<QB", self.token.protocol_id, prefix)

    def send(self, kind, body):
        number = self.sequence.to_bytes(max(1, (self.sequence.bit_length() + 7) // 8), "little")
        prefix = len(number) << 4 | kind
        nonce = bytes(4) + struct.pack("<Q", self.sequence)
        self.socket.send(bytes([prefix]) + number + chacha.seal(self.token.to_server, nonce, body, self.associated(prefix)))
        self.sequence += 1

    def receive(self, kind):
        """The body of the next packet of this kind."""
        while True:
            packet = self.socket.recv(2048)
            prefix, length = packet[0], packet[0] >> 4
            if prefix & 15 == kind:
                nonce = bytes(4) + packet[1 : 1 + length].ljust(8, b"\0")
                return chacha.open_sealed(self.token.to_client, nonce, packet[1 + length :], self.associated(prefix))
