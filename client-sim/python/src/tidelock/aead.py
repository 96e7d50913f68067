"""ChaCha20-Poly1305, of the package `cryptography`: imported when it is first needed, as all else works without."""

from __future__ import annotations

import struct


class Aead:
    """AEAD with one key; the nonce is made of a 64-bit sequence (section 11)."""

    def __init__(self, key: bytes) -> None:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

        self._cipher = ChaCha20Poly1305(key)
        self._invalid = InvalidTag

    def seal(self, sequence: int, plain: bytes, data: bytes) -> bytes:
        return self._cipher.encrypt(struct.pack("<4xQ", sequence), plain, data)

    def open(self, sequence: int, sealed: bytes, data: bytes) -> bytes | None:
        """What was sealed; None if it was not sealed so."""
        try:
            return self._cipher.decrypt(struct.pack("<4xQ", sequence), sealed, data)
        except self._invalid:
            return None
