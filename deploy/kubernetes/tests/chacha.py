"""ChaCha20-Poly1305 (RFC 8439) and XChaCha20-Poly1305 in plain Python, for tests only: neither fast nor safe against who
measures its time."""

import hmac
import struct

MASK = 0xFFFFFFFF
TAG_BYTES = 16


def rounds(state):
    state = list(state)

    def quarter(a, b, c, d):
        for left, right, shift in ((a, b, 16), (c, d, 12), (a, b, 8), (c, d, 7)):
            target = d if left == a else b
            state[left] = (state[left] + state[right]) & MASK
            mixed = state[target] ^ state[left]
            state[target] = (mixed << shift | mixed >> (32 - shift)) & MASK

    for _ in range(10):
        for step in range(4):
            quarter(step, 4 + step, 8 + step, 12 + step)
        for step in range(4):
            quarter(step, 4 + (step + 1) % 4, 8 + (step + 2) % 4, 12 + (step + 3) % 4)
    return state


def initial(key, last):
    return [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *struct.unpack("<8I", key), *struct.unpack("<4I", last)]


def block(key, counter, nonce):
    before = initial(key, struct.pack("<I", counter) + nonce)
    return struct.pack("<16I", *((a + b) & MASK for a, b in zip(before, rounds(before))))


def hchacha(key, nonce):
    mixed = rounds(initial(key, nonce))
    return struct.pack("<8I", *mixed[:4], *mixed[12:])


def stream(key, nonce, data):
    blocks = (block(key, 1 + at // 64, nonce) for at in range(0, len(data), 64))
    return bytes(a ^ b for a, b in zip(data, b"".join(blocks)))


def tag(key, nonce, data, associated):
    secret = block(key, 0, nonce)[:32]
    r = int.from_bytes(secret[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    pad = lambda text: text + bytes(-len(text) % 16)
    text = pad(associated) + pad(data) + struct.pack("<QQ", len(associated), len(data))
    total = 0
    for at in range(0, len(text), 16):
        total = (total + int.from_bytes(text[at : at + 16] + b"\1", "little")) * r % ((1 << 130) - 5)
    return (total + int.from_bytes(secret[16:], "little") & (1 << 128) - 1).to_bytes(16, "little")


def seal(key, nonce, data, associated):
    sealed = stream(key, nonce, data)
    return sealed + tag(key, nonce, sealed, associated)


def open_sealed(key, nonce, sealed, associated):
    data, given = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
    if not hmac.compare_digest(tag(key, nonce, data, associated), given):
        raise ValueError("the tag does not fit")
    return stream(key, nonce, data)


def extended(key, nonce):
    """Key and nonce of XChaCha20 as those of ChaCha20."""
    return hchacha(key, nonce[:16]), bytes(4) + nonce[16:]
